package audit

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/balance"
	"florin/internal/domain/customer"
	"florin/internal/domain/dispute"
	"florin/internal/domain/payment"
	"florin/internal/domain/paymentmethod"
	"florin/internal/domain/radar"
	"florin/internal/jsontext"
	"florin/internal/search"
	"florin/internal/spec"
	"florin/internal/store"
)

// declared are the indexes of kinds, so that one that is missing as a whole is missed. Others are learned from what stands in them.
func declared() map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for kind, paths := range map[string][]string{
		api.Events.Name:            api.Events.Index,
		api.Deliveries.Name:        api.Deliveries.Index,
		api.Tasks.Name:             api.Tasks.Index,
		balance.Transactions.Name:  balance.Transactions.Index,
		customer.Customers.Name:    customer.Customers.Index,
		payment.Intents.Name:       payment.Intents.Index,
		payment.Charges.Name:       payment.Charges.Index,
		payment.Refunds.Name:       payment.Refunds.Index,
		dispute.Disputes.Name:      dispute.Disputes.Index,
		radar.Warnings.Name:        radar.Warnings.Index,
		radar.Lists.Name:           radar.Lists.Index,
		radar.Items.Name:           radar.Items.Index,
		paymentmethod.Methods.Name: paymentmethod.Methods.Index,
		paymentmethod.Cards.Name:   paymentmethod.Cards.Index,
	} {
		out[kind] = map[string]bool{}
		for _, p := range paths {
			out[kind][p] = true
		}
	}
	return out
}

// A tally adds up entries, in whatever order they come.
type tally struct {
	sum   uint64
	count int
}

func (a *auditor) add(to map[string]tally, s store.Scope, e store.Entry, p store.Pos, id string) {
	t := to[e.Index]
	t.count++
	t.sum += maphash.Comparable(a.seed, place{s, e.Value, p, id})
	to[e.Index] = t
}

// A place is where a document stands in an index.
type place struct {
	scope store.Scope
	value string
	pos   store.Pos
	id    string
}

// readIndexes adds up what stands in the indexes, and learns which there are.
func (a *auditor) readIndexes() error {
	return a.snap.WalkIndex(func(s store.Scope, e store.Entry, p store.Pos, id string) bool {
		a.indexes.count++
		if e.Index == api.KeptAnswers && a.unplaced {
			return true
		}
		a.add(a.placed, s, e, p, id)
		kind, path := splitIndex(e.Index)
		if a.paths[kind] == nil {
			a.paths[kind] = map[string]bool{}
		}
		if path != "" {
			a.paths[kind][path] = true
		}
		return true
	})
}

// splitIndex takes the name of an index apart: a kind, whose name may have dots, and the path that is indexed.
func splitIndex(index string) (kind, path string) {
	for at := len(index); at > 0; at = strings.LastIndexByte(index[:at], '.') {
		if s := spec.SchemaOf(index[:at]); s != nil && s.Resource == index[:at] {
			return index[:at], strings.TrimPrefix(index[at:], ".")
		}
	}
	kind, path, _ = strings.Cut(index, ".")
	return kind, path
}

// entries are the places in which a document should stand: what api.Kind says, once more, so that a mistake there is found.
func (a *auditor) entries(d *store.Doc) []store.Entry {
	if d.Deleted {
		return nil
	}
	var out []store.Entry
	if !strings.HasPrefix(d.Kind, "_") || d.Kind == api.KeptAnswers && !a.unplaced {
		out = append(out, store.Entry{Index: d.Kind})
	}
	for path := range a.paths[d.Kind] {
		if path == "metadata" {
			jsontext.Members(jsontext.Get(d.Body, path), func(key string, v []byte) bool {
				out = append(out, store.Entry{Index: d.Kind + ".metadata", Value: key + "\x00" + search.Fold(jsontext.Scalar(v))})
				return true
			})
			continue
		}
		if v := jsontext.Text(d.Body, path); v != "" {
			out = append(out, store.Entry{Index: d.Kind + "." + path, Value: search.Fold(v)})
		}
	}
	return out
}

// compareIndexes compares what stands in each index with what should. Where they differ, each entry and each document is looked up.
func (a *auditor) compareIndexes() error {
	wrong := map[string]bool{}
	for index, t := range a.placed {
		if t != a.due[index] {
			wrong[index] = true
		}
	}
	for index, t := range a.due {
		if t != a.placed[index] {
			wrong[index] = true
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	var failed error
	err := a.snap.WalkIndex(func(s store.Scope, e store.Entry, p store.Pos, id string) bool {
		if wrong[e.Index] {
			failed = a.entry(s, e, p, id)
		}
		return failed == nil
	})
	if err := cmp.Or(failed, err); err != nil {
		return err
	}
	err = a.snap.Walk(func(d *store.Doc) bool {
		for _, e := range a.entries(d) {
			if wrong[e.Index] && failed == nil {
				failed = a.stands(d, e)
			}
		}
		return failed == nil
	})
	return cmp.Or(failed, err)
}

// entry looks for the document that an entry names.
func (a *auditor) entry(s store.Scope, e store.Entry, p store.Pos, id string) error {
	d, err := a.snap.Get(s, id)
	if err != nil {
		return err
	}
	if d == nil || d.Created != p.Created || d.Seq != p.Seq || !slices.Contains(a.entries(d), e) {
		a.indexes.found("%s = %q in %s at %d, %d names %q, which does not belong there", e.Index, e.Value, name(s), p.Created, p.Seq, id)
	}
	return nil
}

// stands looks for a document in a place.
func (a *auditor) stands(d *store.Doc, e store.Entry) error {
	there := false
	q := store.Query{Scope: d.Scope, Index: e.Index, Value: e.Value, Ascending: true, After: &store.Pos{Created: d.Created, Seq: d.Seq - 1}}
	err := a.snap.Scan(q, func(got *store.Doc) bool {
		there = got.ID == d.ID
		return !there && got.Created == d.Created && got.Seq == d.Seq
	})
	if err == nil && !there {
		a.indexes.found("%s does not stand in %s = %q", d.ID, e.Index, e.Value)
	}
	return err
}
