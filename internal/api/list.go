package api

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"net/http"
	"slices"
	"strconv"

	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
	"florin/internal/search"
	"florin/internal/store"
)

// A List is a page of objects. Known from: facts 06 (6a, 6d).
type List struct {
	Object  string // "list" or "search_result"
	Data    [][]byte
	HasMore bool
	URL     string
	Total   *int64 // total_count, where it is shown
	Next    string // next_page of a search

	laid [][]byte // Data as it is laid out in an answer, if all of it is
}

// defaultLimit is the number of objects on a page that does not say.
const defaultLimit = 10

func (l *List) append(b []byte) []byte {
	b = append(append(append(b, `{"object":"`...), l.Object...), `","data":[`...)
	for i, d := range l.Data {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, d...)
	}
	b = append(b, `],"has_more":`...)
	b = strconv.AppendBool(b, l.HasMore)
	if l.Object == "search_result" {
		b = append(b, `,"next_page":`...)
		if l.Next == "" {
			b = append(b, "null"...)
		} else {
			b = jsontext.AppendString(b, l.Next)
		}
	}
	if l.Total != nil {
		b = strconv.AppendInt(append(b, `,"total_count":`...), *l.Total, 10)
	}
	b = jsontext.AppendString(append(b, `,"url":`...), l.URL)
	return append(b, '}')
}

// JSON is the list as a member of another object.
func (l *List) JSON() JSON { return l.append(nil) }

// Retrieve answers with the object that the only variable of the path names.
func (k *Kind[T]) Retrieve(c *Call) (any, error) {
	_, id := c.vars.At(0)
	st, err := c.state(c.Scope, k.base().key(id))
	if err != nil {
		return nil, err
	}
	if st == nil || st.kind != k.base() || st.deleted && !st.kind.tombstone {
		return nil, c.noSuch(k.base(), id, k.base().param, 404)
	}
	return stored{st}, nil
}

// stored is an answer that is shown as it is stored, without being decoded.
type stored struct{ st *state }

// A Narrow is what a list is narrowed to besides its parameters.
type Narrow struct {
	Path, Value string                            // an indexed path, and the value that it must have
	Where       func(body []byte) bool            // nil: all
	Skip        []string                          // parameters that Where has dealt with
	As          func(body []byte) ([]byte, error) // what each is shown as; nil: itself
}

// List answers with a page of the kind, by the parameters of the list.
func (k *Kind[T]) List(c *Call) (any, error) { return k.ListOf(c, Narrow{}) }

// ListOf answers with a page of the kind that is narrowed. Every parameter that is not one of all lists' own must be the name of a JSON path
// of the kind, or stand in Filters or Skip.
func (k *Kind[T]) ListOf(c *Call, n Narrow) (any, error) {
	b := k.base()
	filters, err := b.listFilters(c, n)
	if err != nil {
		return nil, err
	}
	q := store.Query{Scope: c.Scope, Index: b.name}
	for _, f := range filters {
		if f.equal && slices.Contains(b.index, f.path) {
			q.Index, q.Value = b.name+"."+f.path, search.Fold(f.text)
			break
		}
	}
	q.MinCreated, q.MaxCreated = bounds(c.P.Get("created"))
	backwards, err := c.cursor(b, &q)
	if err != nil {
		return nil, err
	}
	limit := int(c.P.Num("limit"))
	if limit == 0 {
		limit = defaultLimit
	}
	l := &List{Object: "list", URL: c.url}
	var inner error
	mixed := c.Op.Method != http.MethodGet || n.As != nil
	err = c.page(q, func(d *store.Doc) bool {
		for _, f := range filters {
			if !f.match(d.Body) {
				return true
			}
		}
		if n.Where != nil && !n.Where(d.Body) {
			return true
		}
		if len(l.Data) == limit {
			l.HasMore = true
			return false
		}
		if !mixed && c.docs.get(d.Scope, d.ID) == nil {
			if text := c.layOut(b, d.Body, d.Deleted, d.Memo, listed); text != nil {
				l.laid, l.Data = append(l.laid, text), append(l.Data, d.Body)
				return true
			}
		}
		mixed = true
		var body []byte
		if st := c.adopt(d); st != nil {
			body, inner = c.show(st)
		}
		if n.As != nil && inner == nil {
			body, inner = n.As(body)
		}
		l.Data = append(l.Data, body)
		return inner == nil
	})
	if err == nil {
		err = inner
	}
	if mixed {
		l.laid = nil
	}
	if backwards {
		slices.Reverse(l.Data)
		slices.Reverse(l.laid)
	}
	return l, err
}

// page scans for a list. The first page of most lists is at hand.
func (c *Call) page(q store.Query, yield func(*store.Doc) bool) error {
	if q.Ascending || q.After != nil || q.MinCreated != 0 || q.MaxCreated != 0 {
		return c.scan(q, yield)
	}
	return c.view().Newest(q.Scope, store.Entry{Index: q.Index, Value: q.Value}, yield)
}

// cursor sets where the scan starts, and whether it goes backwards. The id is resolved before anything else of the list (facts 05).
func (c *Call) cursor(k *kind, q *store.Query) (backwards bool, err error) {
	after, before := c.P.Str("starting_after"), c.P.Str("ending_before")
	id, param := after, "starting_after"
	if id == "" {
		id, param = before, "ending_before"
	}
	if id == "" {
		return false, nil
	}
	st, err := c.state(c.Scope, k.key(id))
	if err != nil {
		return false, err
	}
	if st == nil || st.kind != k {
		return false, fault.NoSuch(k.word, id, param, 400)
	}
	if after != "" && before != "" {
		return false, fault.BothCursors()
	}
	q.After = &store.Pos{Created: st.created, Seq: st.seq}
	q.Ascending = before != ""
	return q.Ascending, nil
}

// bounds are the limits of a `created` parameter: an exact time, or a range. 0 is no limit.
func bounds(v *form.Value) (lo, hi int64) {
	if v == nil {
		return 0, 0
	}
	if v.Kind == form.Int {
		return v.Int, v.Int
	}
	if v.Given("gt") {
		lo = v.Num("gt") + 1
	}
	if v.Given("gte") {
		lo = max(lo, v.Num("gte"))
	}
	hi = math.MaxInt64
	if v.Given("lt") {
		hi = v.Num("lt") - 1
	}
	if v.Given("lte") {
		hi = min(hi, v.Num("lte"))
	}
	if hi == math.MaxInt64 {
		return lo, 0
	}
	return lo, max(hi, 1)
}

// A filter holds a document to one parameter of a list.
type filter struct {
	path   string
	text   string
	equal  bool // one value, which an index may serve
	lo, hi int64
}

func (f *filter) match(body []byte) bool {
	got := jsontext.Text(body, f.path)
	if f.equal {
		return got == f.text
	}
	n, err := strconv.ParseInt(got, 10, 64)
	return err == nil && n >= f.lo && (f.hi == 0 || n <= f.hi)
}

// listFilters are the list's parameters, less those that all lists have.
func (k *kind) listFilters(c *Call, n Narrow) ([]filter, error) {
	var out []filter
	if n.Path != "" {
		out = append(out, filter{path: n.Path, text: n.Value, equal: true})
	}
	if c.P == nil {
		return out, nil
	}
	for _, p := range c.P.Fields {
		switch p.Name {
		case "limit", "starting_after", "ending_before", "expand", "created":
			continue
		}
		if slices.Contains(n.Skip, p.Name) || p.Value.Kind == form.Unset {
			continue
		}
		path := p.Name
		if other, ok := k.filters[p.Name]; ok {
			path = other
		}
		if p.Value.Kind == form.Object {
			lo, hi := bounds(p.Value)
			out = append(out, filter{path: path, lo: lo, hi: hi})
			continue
		}
		out = append(out, filter{path: path, text: p.Value.Text, equal: true})
	}
	return out, nil
}

// Search answers with a page of what a query finds. It reads its own writes. Known from: facts 06 (6d).
func (k *Kind[T]) Search(resource string) Handler {
	return func(c *Call) (any, error) {
		b := k.base()
		query, f := search.Parse(resource, c.P.Str("query"))
		if f != nil {
			return nil, f
		}
		q := b.searchScan(c, query)
		if page := c.P.Str("page"); page != "" {
			pos, ok := parsePage(page)
			if !ok {
				return nil, fault.Invalid("page", "Invalid page token.") // unverified: Stripe's words are not known
			}
			q.After = pos
		}
		limit := int(c.P.Num("limit"))
		if limit == 0 {
			limit = defaultLimit
		}
		return c.searchPage(b, query, q, limit)
	}
}

func (c *Call) searchPage(b *kind, query *search.Query, q store.Query, limit int) (any, error) {
	l := &List{Object: "search_result", URL: c.url}
	var last store.Pos
	var total int64
	count := c.expand.child("total_count") != nil
	var inner error
	err := c.scan(q, func(d *store.Doc) bool {
		if !query.Match(d.Body) {
			return true
		}
		total++
		if len(l.Data) == limit {
			l.HasMore = true
			return count
		}
		var body []byte
		if st := c.adopt(d); st != nil {
			body, inner = c.show(st)
		}
		l.Data = append(l.Data, body)
		last = store.Pos{Created: d.Created, Seq: d.Seq}
		return inner == nil
	})
	if err == nil {
		err = inner
	}
	if l.HasMore {
		l.Next = pageToken(last)
	}
	if count && err == nil {
		if q.After != nil { // the pages before count, too
			before := q
			before.After = nil
			total = 0
			err = c.scan(before, func(d *store.Doc) bool {
				if query.Match(d.Body) {
					total++
				}
				return true
			})
		}
		l.Total = &total
	}
	return l, err
}

// searchScan chooses the index that serves the query: one of a value that it asks for, or all of the kind.
func (k *kind) searchScan(c *Call, query *search.Query) store.Query {
	q := store.Query{Scope: c.Scope, Index: k.name}
	least, greatest := query.Bounds()
	q.MinCreated = max(least, 0)
	if greatest < math.MaxInt64 {
		q.MaxCreated = max(greatest, 1)
	}
	for _, eq := range query.Equals() {
		if !slices.Contains(k.index, eq.Path) {
			continue
		}
		if eq.Path == "metadata" {
			q.Index, q.Value = k.name+".metadata", metadataValue(eq.Key, eq.Value)
			return q
		}
		q.Index, q.Value = k.name+"."+eq.Path, search.Fold(eq.Value)
		return q
	}
	return q
}

func pageToken(p store.Pos) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(p.Created))
	binary.BigEndian.PutUint64(b[8:], uint64(p.Seq))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func parsePage(s string) (*store.Pos, bool) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != 16 {
		return nil, false
	}
	return &store.Pos{Created: int64(binary.BigEndian.Uint64(b[:8])), Seq: int64(binary.BigEndian.Uint64(b[8:]))}, true
}

// PageOf is one page of what is no document of its own, but a part of one, or made when it is asked for: by the parameters that all lists have.
func PageOf[T any](c *Call, all []T, id func(T) string, word, url string, total *int64, show func(T) []byte) (*List, error) {
	after, before := c.P.Given("starting_after"), c.P.Given("ending_before")
	if after && before {
		return nil, fault.BothCursors()
	}
	find := func(param string) (int, error) {
		i := slices.IndexFunc(all, func(one T) bool { return id(one) == c.P.Str(param) })
		if i < 0 {
			return 0, fault.NoSuch(word, c.P.Str(param), param, 400)
		}
		return i, nil
	}
	limit := int(c.P.Num("limit"))
	if limit == 0 {
		limit = defaultLimit
	}
	l := &List{Object: "list", URL: url, Total: total}
	from, to := 0, len(all)
	switch {
	case after:
		i, err := find("starting_after")
		if err != nil {
			return nil, err
		}
		from = i + 1
	case before:
		i, err := find("ending_before")
		if err != nil {
			return nil, err
		}
		from, to = max(0, i-limit), i
		l.HasMore = from > 0
	}
	if to-from > limit {
		to, l.HasMore = from+limit, true
	}
	for _, one := range all[from:to] {
		l.Data = append(l.Data, show(one))
	}
	return l, nil
}
