package store

import (
	"slices"
	"sync"
	"sync/atomic"
)

// What requests read is mostly what was written or read a moment ago: the intent that was just made, the first page of a list, an account's
// settings. The DB keeps such documents, and the newest places of such indexes, at hand. The committer brings them up to date before it answers,
// so whoever was answered reads his own writes, and so does everybody after him.

const (
	shards    = 64
	recentMax = 20 << 20 // bytes of all documents that are kept at hand, without what is made of them
	headMax   = 128      // places that a head holds; a page of a list has up to 100
	headsMax  = 4096     // heads
)

// recent are the documents that are kept at hand.
type recent struct {
	gen    atomic.Int64 // grows with each batch that was committed
	shards [shards]shard
}

// A shard keeps some of the documents, the longest kept leaving first.
type shard struct {
	mu    sync.RWMutex
	docs  map[name]*kept
	queue []name // in the order in which they came; those that were seen since come once more
	bytes int
	left  int64 // the youngest generation that has left: what was read before it may be out of date
}

// A name is what a document is found by.
type name struct {
	scope Scope
	id    string
}

// A kept is a document at hand; doc is nil if there is none of that id.
type kept struct {
	doc  *Doc
	was  []Doc // the versions that the same unit made before, which its events show
	gen  int64 // the generation that brought it, or at which it was read
	size int
	seen atomic.Bool // since it last stood at the head of the queue
}

// overhead is about what a document costs beside its bytes.
const overhead = 256

func shardOf(s Scope, id string) uint32 {
	h := uint32(2166136261) ^ uint32(s)
	for i := max(0, len(id)-16); i < len(id); i++ { // ids differ at their ends
		h = (h ^ uint32(id[i])) * 16777619
	}
	return h % shards
}

// get finds a document at hand that is no younger than a generation; nil and true says that there is known to be none.
func (r *recent) get(s Scope, id string, upTo int64) (*Doc, bool) {
	sh := &r.shards[shardOf(s, id)]
	sh.mu.RLock()
	k := sh.docs[name{s, id}]
	sh.mu.RUnlock()
	if k == nil || k.gen > upTo {
		return nil, false
	}
	if !k.seen.Load() {
		k.seen.Store(true)
	}
	return k.doc, true
}

// version finds a version of a document at hand.
func (r *recent) version(s Scope, id string, ver int64) *Doc {
	sh := &r.shards[shardOf(s, id)]
	sh.mu.RLock()
	k := sh.docs[name{s, id}]
	sh.mu.RUnlock()
	switch {
	case k == nil || k.doc == nil:
		return nil
	case k.doc.Ver == ver:
		return k.doc
	}
	for i := range k.was {
		if k.was[i].Ver == ver {
			return &k.was[i]
		}
	}
	return nil
}

// read keeps what was read from a snapshot that was opened at a generation, unless something newer has been here since.
func (r *recent) read(s Scope, id string, d *Doc, gen int64) {
	sh := &r.shards[shardOf(s, id)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.docs[name{s, id}] == nil && sh.left <= gen {
		sh.put(name{s, id}, &kept{doc: d, gen: gen})
	}
}

// put keeps a document, and lets others leave if there are too many. The caller holds the lock.
func (sh *shard) put(ref name, k *kept) {
	if sh.docs == nil {
		sh.docs = map[name]*kept{}
	}
	k.size = overhead
	if k.doc != nil {
		k.doc.Memo = new(Memo)
		k.size += len(k.doc.Body) + len(k.doc.Priv)
		for i := range k.was {
			k.size += overhead + len(k.was[i].Body)
		}
	}
	if old := sh.docs[ref]; old != nil {
		sh.bytes -= old.size // its place in the queue is taken over
	} else {
		sh.queue = append(sh.queue, ref)
	}
	sh.docs[ref] = k
	sh.bytes += k.size
	for sh.bytes > recentMax/shards && len(sh.queue) > 0 {
		oldest := sh.queue[0]
		sh.queue = sh.queue[1:]
		old := sh.docs[oldest]
		switch {
		case old == nil:
		case old.seen.Load() && oldest != ref:
			old.seen.Store(false)
			sh.queue = append(sh.queue, oldest)
		default:
			delete(sh.docs, oldest)
			sh.bytes -= old.size
			sh.left = max(sh.left, old.gen)
		}
	}
}

// committed brings what is at hand up to date with units that were committed.
func (r *recent) committed(units []*Unit) {
	gen := r.gen.Add(1)
	set := func(s Scope, id string, k *kept) {
		k.gen = gen
		sh := &r.shards[shardOf(s, id)]
		sh.mu.Lock()
		sh.put(name{s, id}, k)
		sh.mu.Unlock()
	}
	for _, u := range units {
		for i := range u.Puts {
			p := &u.Puts[i]
			if p.Base == IfAbsent { // which document is there is not known here
				r.drop(p.Scope, p.ID, gen)
				continue
			}
			written := &struct { // in one piece
				kept
				Doc
			}{Doc: p.Doc}
			written.kept.doc = &written.Doc
			for j := range u.Versions {
				if v := &u.Versions[j]; v.Scope == p.Scope && v.ID == p.ID {
					written.was = append(written.was, *v)
				}
			}
			set(p.Scope, p.ID, &written.kept)
		}
		for i := range u.Deletes {
			set(u.Deletes[i].Scope, u.Deletes[i].ID, &kept{})
		}
		for i := range u.Rewrites { // whether they were done is not known here
			r.drop(u.Rewrites[i].Scope, u.Rewrites[i].ID, gen)
		}
		for i := range u.Rewrites { // its version says nothing of its private part
			r.drop(u.Rewrites[i].Scope, u.Rewrites[i].ID, gen)
		}
	}
}

// drop drops what is at hand of a document. Who read it before the generation must not bring it back.
func (r *recent) drop(s Scope, id string, gen int64) {
	sh := &r.shards[shardOf(s, id)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	ref := name{s, id}
	if k := sh.docs[ref]; k != nil {
		sh.bytes -= k.size
		delete(sh.docs, ref)
	}
	sh.left = max(sh.left, gen)
}

// A headKey names the places of one index and value.
type headKey struct {
	scope        Scope
	index, value string
}

// heads are the newest places of indexes that were lately scanned from their newest end.
type heads struct {
	mu  sync.RWMutex
	all map[headKey]*head
}

// A head has the newest places of one index and value, the newest last. Its slice is never changed behind a reader's back: places are appended,
// or it is made anew.
type head struct {
	places  []placed
	whole   bool // there are no others
	filling bool // somebody reads them from the store
	spoiled bool // something was committed meanwhile
	beyond  int  // how often something was committed that is older than the places here
}

// A placed is a place in an index and the document that stands there.
type placed struct {
	pos Pos
	id  string
}

// get returns a copy of a head as it now is, if it is there.
func (h *heads) get(k headKey) (head, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	hd := h.all[k]
	if hd == nil || hd.filling {
		return head{}, false
	}
	return *hd, true
}

// extend adds older places, newest first, to a head that was got, unless what they join on to has changed since.
func (h *heads) extend(k headKey, was head, older []placed, whole bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	hd := h.all[k]
	if hd == nil || hd.filling || hd.whole || hd.beyond != was.beyond || len(hd.places) == 0 || len(was.places) == 0 || hd.places[0] != was.places[0] {
		return
	}
	all := make([]placed, 0, len(older)+len(hd.places)+16)
	for _, p := range slices.Backward(older) {
		all = append(all, p)
	}
	hd.places, hd.whole = append(all, hd.places...), whole
	hd.trim()
}

// trim lets the oldest places go if there are too many.
func (hd *head) trim() {
	if n := len(hd.places) - headMax; n > 0 {
		hd.places, hd.whole = hd.places[n:], false
		hd.beyond++
	}
}

// fill says that the places of a key are about to be read; nil if they are there, or somebody else reads them.
func (h *heads) fill(k headKey) *head {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all[k] != nil {
		return nil
	}
	if h.all == nil || len(h.all) >= headsMax {
		h.all = map[headKey]*head{}
	}
	hd := &head{filling: true}
	h.all[k] = hd
	return hd
}

// filled keeps what was read, newest first, unless something was committed meanwhile.
func (h *heads) filled(k headKey, hd *head, newest []placed, whole, failed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all[k] != hd {
		return
	}
	if hd.spoiled || failed {
		delete(h.all, k)
		return
	}
	slices.Reverse(newest)
	hd.places, hd.whole, hd.filling = newest, whole, false
}

// committed brings the heads up to date with units that were committed.
func (h *heads) committed(units []*Unit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.all) == 0 {
		return
	}
	for _, u := range units {
		for i := range u.Puts {
			p := &u.Puts[i]
			at := placed{Pos{p.Created, p.Seq}, p.ID}
			if p.Base == IfAbsent {
				for _, e := range p.Index {
					delete(h.all, headKey{p.Scope, e.Index, e.Value})
				}
				continue
			}
			for _, e := range p.Was {
				h.remove(headKey{p.Scope, e.Index, e.Value}, p.ID, p.Index, e, at)
			}
			for _, e := range p.Index {
				h.add(headKey{p.Scope, e.Index, e.Value}, at)
			}
		}
		for i := range u.Deletes {
			d := &u.Deletes[i]
			for _, e := range d.Was {
				h.remove(headKey{d.Scope, e.Index, e.Value}, d.ID, nil, e, placed{})
			}
		}
	}
}

// remove takes a document out of a head, unless it stays where it was.
func (h *heads) remove(k headKey, id string, now []Entry, was Entry, at placed) {
	hd := h.all[k]
	if hd == nil {
		return
	}
	if hd.filling {
		hd.spoiled = true
		return
	}
	i := slices.IndexFunc(hd.places, func(p placed) bool { return p.id == id })
	if i < 0 {
		hd.beyond++
		return
	}
	if hd.places[i] == at && slices.Contains(now, was) {
		return
	}
	kept := make([]placed, 0, len(hd.places)+16)
	hd.places = append(append(kept, hd.places[:i]...), hd.places[i+1:]...)
}

// add puts a document into a head.
func (h *heads) add(k headKey, at placed) {
	hd := h.all[k]
	if hd == nil {
		return
	}
	if hd.filling {
		hd.spoiled = true
		return
	}
	n := len(hd.places)
	switch {
	case n > 0 && !hd.places[n-1].pos.Less(at.pos):
		i, _ := slices.BinarySearchFunc(hd.places, at, func(a, b placed) int {
			switch {
			case a.pos.Less(b.pos):
				return -1
			case b.pos.Less(a.pos):
				return 1
			}
			return 0
		})
		if hd.places[i] == at {
			return
		}
		if i == 0 && !hd.whole {
			hd.beyond++
			return
		}
		hd.places = slices.Insert(slices.Clone(hd.places), i, at)
	case n == 0 && !hd.whole:
		delete(h.all, k) // nothing is left to compare it with
		return
	default:
		hd.places = append(hd.places, at)
	}
	hd.trim()
}
