package postgres

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"hash/fnv"
	"slices"
	"strings"

	"florin/internal/store"
)

// longest is how many bytes of an id or value stand in an index; PostgreSQL takes a row of some 2,700 there.
const longest = 512

// short is what stands in indexes for a text, and the text itself where that is another.
func short(text string) (key, full []byte) {
	if len(text) <= longest {
		return []byte(text), nil
	}
	sum := sha256.Sum256([]byte(text))
	return append([]byte(text[:longest-len(sum)]), sum[:]...), []byte(text)
}

type docKey struct {
	scope store.Scope
	id    string
}

func (k docKey) compare(o docKey) int {
	if c := cmp.Compare(k.scope, o.scope); c != 0 {
		return c
	}
	if len(k.id) <= longest && len(o.id) <= longest {
		return strings.Compare(k.id, o.id)
	}
	return bytes.Compare(shortKey(k.id), shortKey(o.id))
}

func shortKey(id string) []byte {
	key, _ := short(id)
	return key
}

// A head is what must be known of a document's current version. The zero value says that there is none.
type head struct{ ver, created, seq int64 }

// A change is what a batch makes of one document.
type change struct {
	docKey
	read     bool         // its current version was looked up; otherwise it is taken that there is none, and the key says if there is
	changes  bool         // a unit may change it; otherwise it is only guarded
	packed   bool         // earlier versions stand in the database's row of it
	was, now head         // in the database, and after the units so far
	keep     bool         // the database's current version is kept beside the new one
	gone     bool         // everything that the database has is removed
	ghost    bool         // there must be none until the end of the transaction, though none is made
	current  *store.Doc   // the new current version; nil: it stays as it is, or is gone
	versions []*store.Doc // of the units, kept beside it, oldest first
	crowded  bool         // rows of it hold several versions, which must each have their own
	unpacked []*store.Doc // those of them that get one
	places   []place      // index entries that come and go, in the order of the units; the last word on one holds
}

// A place is an index entry of a document.
type place struct {
	store.Entry
	created, seq int64
	there        bool // whether it is there in the end
}

// A tallyKey is what the moves of a batch are added up by.
type tallyKey struct {
	scope             store.Scope
	account, currency string
	available         int64
}

// turn is the number by which batches take turns at the document.
func (k docKey) turn() int32 {
	h := fnv.New32a()
	h.Write(int8Param(int64(k.scope)))
	h.Write([]byte(k.id))
	return int32(h.Sum32() % turns)
}

// A plan is what a batch writes.
type plan struct {
	careful bool // everything is looked up
	changes map[docKey]*change
	drops   []store.Ref
	rewrite map[store.Ref]*store.Rewrite
	moves   []*store.Move
	tallies map[tallyKey]int64
	seq     int64 // the highest of any document
}

func newPlan(units []*store.Unit, careful bool) *plan {
	return &plan{
		careful: careful, changes: make(map[docKey]*change, 8*len(units)), tallies: map[tallyKey]int64{},
		rewrite: map[store.Ref]*store.Rewrite{},
	}
}

// wanted are the documents whose current versions must be known, in the order in which they are locked.
func (p *plan) wanted(units []*store.Unit) []*change {
	var out []*change
	want := func(scope store.Scope, id string, changes bool) *change {
		c := p.find(scope, id)
		if !c.read {
			c.read = true
			out = append(out, c)
		}
		c.changes = c.changes || changes
		return c
	}
	for _, u := range units {
		for _, g := range u.Guards {
			if c := want(g.Scope, g.ID, false); g.Ver == 0 {
				c.ghost = true
			}
		}
		for i := range u.Puts {
			if put := &u.Puts[i]; put.Base != 0 || p.careful {
				want(put.Scope, put.ID, put.Base != store.IfAbsent) // if it is there it stays as it is
			}
		}
		for _, d := range u.Deletes {
			want(d.Scope, d.ID, true)
		}
		for _, r := range u.Drops {
			want(r.Scope, r.ID, true)
		}
		for i := range u.Rewrites {
			want(u.Rewrites[i].Scope, u.Rewrites[i].ID, true)
		}
	}
	slices.SortFunc(out, func(a, b *change) int { return a.compare(b.docKey) })
	return out
}

func (p *plan) find(scope store.Scope, id string) *change {
	key := docKey{scope, id}
	c := p.changes[key]
	if c == nil {
		c = &change{docKey: key}
		p.changes[key] = c
	}
	return c
}

// add takes a unit in, if it passes.
func (p *plan) add(u *store.Unit) bool {
	for _, g := range u.Guards {
		if p.find(g.Scope, g.ID).now.ver != g.Ver {
			return false
		}
	}
	for i := range u.Puts {
		if put := &u.Puts[i]; put.Base != store.IfAbsent && p.find(put.Scope, put.ID).now.ver != put.Base {
			return false
		}
	}
	for _, d := range u.Deletes {
		if p.find(d.Scope, d.ID).now.ver != d.Base {
			return false
		}
	}
	for i := range u.Puts {
		p.put(u, &u.Puts[i])
	}
	for i := range u.Deletes {
		p.remove(&u.Deletes[i])
	}
	for _, r := range u.Drops {
		p.drop(r)
	}
	for i := range u.Rewrites {
		p.overwrite(&u.Rewrites[i])
	}
	for i := range u.Moves {
		p.move(&u.Moves[i])
	}
	return true
}

func (p *plan) put(u *store.Unit, put *store.Put) {
	c := p.find(put.Scope, put.ID)
	old := c.now
	if put.Base == store.IfAbsent && old.ver != 0 {
		return
	}
	if put.Keep && old.ver != 0 {
		if c.current != nil {
			c.versions = append(c.versions, c.current)
		} else {
			c.keep = true
		}
	}
	for i := range u.Versions {
		if v := &u.Versions[i]; v.Scope == put.Scope && v.ID == put.ID {
			c.versions = append(c.versions, v)
			p.seq = max(p.seq, v.Seq)
		}
	}
	c.current, c.now = &put.Doc, head{put.Ver, put.Created, put.Seq}
	p.seq = max(p.seq, put.Seq)
	stays := old.ver != 0 && old.created == put.Created && old.seq == put.Seq
	if old.ver != 0 {
		for _, e := range put.Was {
			if !stays || !slices.Contains(put.Index, e) {
				c.place(e, old, false)
			}
		}
	}
	for _, e := range put.Index {
		if !stays || !slices.Contains(put.Was, e) {
			c.place(e, c.now, true)
		}
	}
}

func (c *change) place(e store.Entry, at head, there bool) {
	c.places = append(c.places, place{e, at.created, at.seq, there})
}

// settled are the entries with the last word on each.
func (c *change) settled() []place {
	out := c.places[:0]
	for i, p := range c.places {
		later := slices.ContainsFunc(c.places[i+1:], func(o place) bool {
			return o.Entry == p.Entry && o.created == p.created && o.seq == p.seq
		})
		if !later {
			out = append(out, p)
		}
	}
	return out
}

func (p *plan) remove(d *store.Delete) {
	c := p.find(d.Scope, d.ID)
	for _, e := range d.Was {
		c.place(e, c.now, false)
	}
	c.gone = c.gone || c.was.ver != 0
	c.keep, c.current, c.versions, c.now = false, nil, nil, head{}
}

// drop forgets a version that is not current: one of this batch, or one of the database.
func (p *plan) drop(r store.Ref) {
	if r.Ver <= 0 {
		return
	}
	if c := p.changes[docKey{r.Scope, r.ID}]; c != nil && c.now.ver != 0 {
		if r.Ver >= c.now.ver {
			return
		}
		c.versions = slices.DeleteFunc(c.versions, func(d *store.Doc) bool { return d.Ver == r.Ver })
		if c.keep && r.Ver == c.was.ver {
			c.keep = false
		}
	}
	p.drops = append(p.drops, r)
}

// overwrite writes a private part over: that of a version of this batch, or of the database.
func (p *plan) overwrite(r *store.Rewrite) {
	c := p.find(r.Scope, r.ID)
	fresh := func(d *store.Doc) *store.Doc {
		if !bytes.Equal(d.Priv, r.Was) {
			return d
		}
		next := *d // the unit's own stays as it is
		next.Priv = r.Priv
		return &next
	}
	if c.current != nil && c.current.Ver == r.Ver {
		c.current = fresh(c.current)
		return
	}
	for i, v := range c.versions {
		if v.Ver == r.Ver {
			c.versions[i] = fresh(v)
			return
		}
	}
	if c.gone {
		return
	}
	if before := p.rewrite[r.Ref]; before == nil {
		p.rewrite[r.Ref] = r
	} else if bytes.Equal(before.Priv, r.Was) {
		p.rewrite[r.Ref] = &store.Rewrite{Ref: r.Ref, Was: before.Was, Priv: r.Priv}
	}
}

// crowded are the documents of which single versions are removed or written over in the database, while others may stand in the same row.
func (p *plan) crowded() []*change {
	touched := map[docKey]bool{}
	for _, r := range p.drops {
		touched[docKey{r.Scope, r.ID}] = true
	}
	for r := range p.rewrite {
		touched[docKey{r.Scope, r.ID}] = true
	}
	var out []*change
	for key, c := range p.changes {
		if c.was.ver != 0 && !c.gone && (touched[key] || c.packed && c.current != nil && !c.keep) {
			out = append(out, c)
		}
	}
	return out
}

func (p *plan) move(m *store.Move) {
	p.moves = append(p.moves, m)
	p.tallies[tallyKey{m.Scope, m.From, m.Currency, m.AvailableOn}] -= m.Amount
	p.tallies[tallyKey{m.Scope, m.To, m.Currency, m.AvailableOn}] += m.Amount
}

// empty says whether there is nothing to write.
func (p *plan) empty() bool {
	for _, c := range p.changes {
		if c.current != nil || c.gone {
			return false
		}
	}
	return len(p.drops) == 0 && len(p.rewrite) == 0 && len(p.moves) == 0
}

func compareTallies(a, b tallyKey) int {
	return cmp.Or(
		cmp.Compare(a.scope, b.scope), cmp.Compare(a.account, b.account), cmp.Compare(a.currency, b.currency),
		cmp.Compare(a.available, b.available))
}
