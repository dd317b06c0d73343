package storetest

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"florin/internal/store"
)

// A model is a store as plainly as it can be written: the meaning of the interface.
type model struct {
	versions map[store.Ref]store.Doc
	current  map[store.Ref]int64         // by scope and id
	entries  map[store.Ref][]store.Entry // by scope and id: where the current version stands
	moves    []store.Move
}

func newModel() *model {
	return &model{map[store.Ref]store.Doc{}, map[store.Ref]int64{}, map[store.Ref][]store.Entry{}, nil}
}

func (m *model) clone() *model {
	return &model{maps.Clone(m.versions), maps.Clone(m.current), maps.Clone(m.entries), slices.Clone(m.moves)}
}

func key(scope store.Scope, id string) store.Ref { return store.Ref{Scope: scope, ID: id} }

func (m *model) apply(u *store.Unit) (passed bool) {
	for _, g := range u.Guards {
		if m.current[key(g.Scope, g.ID)] != g.Ver {
			return false
		}
	}
	for _, p := range u.Puts {
		if p.Base != store.IfAbsent && m.current[key(p.Scope, p.ID)] != p.Base {
			return false
		}
	}
	for _, d := range u.Deletes {
		if m.current[key(d.Scope, d.ID)] != d.Base {
			return false
		}
	}
	skipped := map[store.Ref]bool{}
	for _, p := range u.Puts {
		k := key(p.Scope, p.ID)
		if p.Base == store.IfAbsent && m.current[k] != 0 {
			skipped[k] = true
			continue
		}
		if !p.Keep {
			delete(m.versions, store.Ref{Scope: p.Scope, ID: p.ID, Ver: m.current[k]})
		}
		m.versions[store.Ref{Scope: p.Scope, ID: p.ID, Ver: p.Ver}] = p.Doc
		m.current[k] = p.Ver
		m.entries[k] = p.Index
	}
	for _, d := range u.Versions {
		if !skipped[key(d.Scope, d.ID)] {
			m.versions[store.Ref{Scope: d.Scope, ID: d.ID, Ver: d.Ver}] = d
		}
	}
	for _, d := range u.Deletes {
		k := key(d.Scope, d.ID)
		maps.DeleteFunc(m.versions, func(r store.Ref, _ store.Doc) bool { return key(r.Scope, r.ID) == k })
		delete(m.current, k)
		delete(m.entries, k)
	}
	for _, r := range u.Drops {
		if m.current[key(r.Scope, r.ID)] != r.Ver {
			delete(m.versions, r)
		}
	}
	for _, r := range u.Rewrites {
		if d, ok := m.versions[r.Ref]; ok && bytes.Equal(d.Priv, r.Was) {
			d.Priv = r.Priv
			m.versions[r.Ref] = d
		}
	}
	m.moves = append(m.moves, u.Moves...)
	return true
}

func (m *model) get(scope store.Scope, id string) (store.Doc, bool) {
	d, ok := m.versions[store.Ref{Scope: scope, ID: id, Ver: m.current[key(scope, id)]}]
	return d, ok
}

// scan returns the ids that a query finds.
func (m *model) scan(q store.Query) []string {
	var found []store.Doc
	for k, entries := range m.entries {
		d, _ := m.get(k.Scope, k.ID)
		p := position(&d)
		switch {
		case k.Scope != q.Scope || !slices.Contains(entries, entry(q.Index, q.Value)),
			q.MinCreated != 0 && d.Created < q.MinCreated,
			q.MaxCreated != 0 && d.Created > q.MaxCreated,
			q.After != nil && q.Ascending && !q.After.Less(p),
			q.After != nil && !q.Ascending && !p.Less(*q.After):
			continue
		}
		found = append(found, d)
	}
	slices.SortFunc(found, func(a, b store.Doc) int { return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.Seq, b.Seq)) })
	if !q.Ascending {
		slices.Reverse(found)
	}
	ids := []string{}
	for _, d := range found {
		ids = append(ids, d.ID)
	}
	return ids
}

// addUp adds up a scope's moves.
func addUp(moves []store.Move, scope store.Scope, at int64) []store.Sum {
	sums := map[[2]string]store.Sum{}
	add := func(m store.Move, account string, amount int64) {
		k := [2]string{account, m.Currency}
		sum := sums[k]
		sum.Account, sum.Currency = account, m.Currency
		if m.AvailableOn <= at {
			sum.Available += amount
		} else {
			sum.Pending += amount
		}
		sums[k] = sum
	}
	for _, m := range moves {
		if m.Scope == scope {
			add(m, m.From, -m.Amount)
			add(m, m.To, m.Amount)
		}
	}
	return slices.SortedFunc(maps.Values(sums), func(a, b store.Sum) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Currency, b.Currency))
	})
}
