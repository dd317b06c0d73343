// Package search is Stripe's Search Query Language: it reads a query, holds a document against it, and says which part of it an index can serve.
//
//	status:"succeeded" AND -currency:"jpy" amount>=1000     all of these clauses
//	name~"smith" OR metadata["order"]:"6735"                one of these clauses
//	-metadata['order']:null                                 the key is there
//
// A query is at most ten clauses, joined either by AND (or by space alone) or by OR. A clause is a field, an operator and a value, and may be
// negated by a leading "-". A clause on what a document does not have does not hold, so its negation does.
//
// The store is asked for what [Query.Equals] and [Query.Bounds] say, which narrows the documents, and [Query.Match] decides on each of them. It
// works on the document's bytes, so that a scan does not decode what it passes by.
//
// Known from: facts 06d. What Stripe's page leaves open is decided here, unverified, as follows:
//
//   - a word is what stands between white space, and the words of a ":" on a String field stand next to each other, anywhere in the value;
//   - nothing stands between a field, its operator and its value;
//   - "=" is ":" for numbers, and other kinds of field do not have it;
//   - null goes with ":" alone;
//   - a bare number is also a value for Token and String fields, and is compared as it was written.
package search

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"florin/internal/jsontext"
)

// A Query is a query that was understood. It can be used by several goroutines.
type Query struct {
	clauses []clause
	or      bool // one clause is enough
}

type clause struct {
	field Field
	key   string // the key of a metadata clause
	name  string // the key as it stands in JSON, between the quotes
	not   bool
	op    string // ":", "~", ">", "<", ">=" or "<="
	null  bool
	value string   // as given
	fold  string   // the value, folded
	words []string // the words of a String field's value, folded
	num   int64    // the value of a Numeric field
}

// Match says whether a document, as compact JSON, is found by the query.
func (q *Query) Match(body []byte) bool {
	for i := range q.clauses {
		if q.clauses[i].match(body) == q.or {
			return q.or
		}
	}
	return !q.or
}

func (c *clause) match(body []byte) bool {
	v := c.find(body)
	absent := len(v) == 0 || v[0] == 'n'
	switch {
	case c.null:
		return absent != c.not
	case absent:
		return c.not
	}
	return c.holds(v) != c.not
}

// find returns the JSON value that the clause is about, or nil.
func (c *clause) find(body []byte) []byte {
	if c.field.derive != nil {
		return c.field.derive(body)
	}
	v := jsontext.Get(body, c.field.Path)
	if c.field.Name != metadata {
		return v
	}
	if !strings.Contains(c.name, ".") {
		return jsontext.Get(v, c.name)
	}
	var found []byte
	jsontext.Members(v, func(name string, value []byte) bool {
		if name == c.name {
			found = value
		}
		return found == nil
	})
	return found
}

// holds compares a value that is there.
func (c *clause) holds(v []byte) bool {
	switch c.field.Kind {
	case Numeric:
		n, err := strconv.ParseInt(string(v), 10, 64)
		return err == nil && c.compare(n)
	case String:
		have := Fold(jsontext.Scalar(v))
		if c.op == "~" {
			return strings.Contains(have, c.fold)
		}
		return phrase(strings.Fields(have), c.words)
	}
	return Fold(jsontext.Scalar(v)) == c.fold
}

func (c *clause) compare(n int64) bool {
	switch c.op {
	case ">":
		return n > c.num
	case "<":
		return n < c.num
	case ">=":
		return n >= c.num
	case "<=":
		return n <= c.num
	}
	return n == c.num
}

// phrase says whether the words stand in the text, one behind the other. No words stand only in no text.
func phrase(text, words []string) bool {
	if len(words) == 0 {
		return len(text) == 0
	}
	for i := 0; i+len(words) <= len(text); i++ {
		if slices.Equal(text[i:i+len(words)], words) {
			return true
		}
	}
	return false
}

// Fold makes two texts that differ only in their case the same. An index that serves [Query.Equals] holds folded text, or misses what
// [Query.Match] would find.
func Fold(s string) string { return strings.ToLower(s) }

// An Equal is a clause that an index could serve: the value at the path is this text, whatever its case.
type Equal struct {
	Path  string // in the document, as in [Field]
	Key   string // the key of a metadata clause, where Path is "metadata"
	Value string // as given in the query; a boolean is "true" or "false"
}

// Equals are the equalities that every document that the query finds fulfils, in the query's order; none if its clauses are joined by OR.
func (q *Query) Equals() []Equal {
	if q.or {
		return nil
	}
	var out []Equal
	for i := range q.clauses {
		c := &q.clauses[i]
		if c.not || c.null || c.op != ":" || c.field.Path == "" {
			continue
		}
		if c.field.Kind == Token || c.field.Word && len(c.words) == 1 && c.words[0] == c.fold {
			out = append(out, Equal{Path: c.field.Path, Key: c.key, Value: c.value})
		}
	}
	return out
}

// Bounds are the least and the greatest creation time that a document that the query finds can have. They are the ends of int64 where the
// query does not say, and the least is above the greatest where no time fits.
func (q *Query) Bounds() (least, greatest int64) {
	least, greatest = math.MinInt64, math.MaxInt64
	if q.or {
		return least, greatest
	}
	for i := range q.clauses {
		c := &q.clauses[i]
		if c.not || c.null || c.field.Path != "created" {
			continue
		}
		lo, hi := int64(math.MinInt64), int64(math.MaxInt64)
		switch c.op {
		case ":":
			lo, hi = c.num, c.num
		case ">=":
			lo = c.num
		case "<=":
			hi = c.num
		case ">":
			if c.num == math.MaxInt64 {
				return math.MaxInt64, math.MinInt64
			}
			lo = c.num + 1
		case "<":
			if c.num == math.MinInt64 {
				return math.MaxInt64, math.MinInt64
			}
			hi = c.num - 1
		}
		least, greatest = max(least, lo), min(greatest, hi)
	}
	return least, greatest
}
