package api

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"florin/internal/fault"
	"florin/internal/jsontext"
	"florin/internal/search"
	"florin/internal/store"
)

// Meta heads every resource's struct: its id, the name of its kind, and what the call knows about its place in the store.
type Meta struct {
	ID     string `json:"id"`
	Object string `json:"object"`
	st     *state
}

func (m *Meta) meta() *Meta { return m }

// A Resource is a struct that embeds Meta.
type Resource interface{ meta() *Meta }

// state is what one call knows of one document. A document has one state a call, so nobody holds a stale copy.
type state struct {
	kind         *kind
	obj          Resource // nil while only the bytes were needed
	scope        store.Scope
	id           string
	base         int64 // the committed version; 0: made in this call
	ver          int64 // the version of body
	created, seq int64
	deleted      bool
	orig         []byte // the committed body
	body         []byte // as last encoded
	priv         []byte
	dirty        bool        // obj has changed since body was encoded
	shown        bool        // an event or an answer refers to ver
	history      []store.Doc // earlier versions made in this call that something refers to
	memo         *store.Memo // of the committed version, if it is at hand
	listed       bool        // stands in the call's list of changes
	guarded      bool
}

// A Kind declares a kind of resource: what it is called, where it stands in indexes, and what lists and searches may ask of it. It is a
// value of the package that owns the resource, and knows how to load and make its objects.
type Kind[T any] struct {
	Name     string   // the "object" field
	Prefixes []string // what its ids begin with, without the underscore
	Word     string   // in "No such …"; Name if empty
	Param    string   // the param of "No such …" when the id is in the path; "id" if empty
	// Chosen says that the merchant may choose the ids. One that has none of the Prefixes is kept under a name of the kind's own (ChosenKey), so that a
	// product, a plan and a coupon may all be called gold.
	Chosen bool
	// Index lists the JSON paths whose value is indexed, for lists and searches. "metadata" indexes each key.
	Index []string
	// Filters maps a list parameter to the JSON path that it compares, where they differ.
	Filters map[string]string
	// View changes how a stored body is shown, for what is computed rather than stored.
	View func(c *Call, d *store.Doc) ([]byte, error)
	// Public are the members that a publishable key may see; nil: none.
	Public []string
	// Tombstone says that a deleted object still answers for its id, as {id, object, deleted}.
	Tombstone bool
	// Internal kinds are never answers, keep no earlier versions, and stand in no list.
	Internal bool
	// Dated internal kinds stand in an index by time all the same, so that what is old is found and swept.
	Dated bool
	once  sync.Once
	k     *kind
}

// kind is what the plumbing needs of a Kind, without its type.
type kind struct {
	name, word, param string
	prefixes          []string
	index             []string
	indexNames        []string         // of the same
	fields            []jsontext.Field // that read the same from the struct; nil where they are read from the text
	filters           map[string]string
	view              func(c *Call, d *store.Doc) ([]byte, error)
	public            map[string]bool
	internal          bool
	chosen            bool
	tombstone         bool
	dated             bool
	private           []int // index of the struct's field "Private", if any
	metadata          []int // and of "Metadata"
	fresh             func() Resource
}

// base returns the untyped half, made once when the kind is registered.
func (k *Kind[T]) base() *kind {
	if k.k == nil {
		panic("api: kind " + k.Name + " is used but was not registered")
	}
	return k.k
}

// register makes the untyped half; a second app in the same process shares it.
func (k *Kind[T]) register() *kind {
	k.once.Do(k.build)
	return k.k
}

func (k *Kind[T]) build() {
	if _, ok := any(new(T)).(Resource); !ok {
		panic("api: " + k.Name + " does not embed api.Meta")
	}
	b := &kind{
		name: k.Name, word: k.Word, param: k.Param, prefixes: k.Prefixes, index: k.Index, filters: k.Filters,
		view: k.View, internal: k.Internal, chosen: k.Chosen, tombstone: k.Tombstone, dated: k.Dated,
		fresh: func() Resource { return any(new(T)).(Resource) },
	}
	for _, path := range k.Index {
		b.indexNames = append(b.indexNames, k.Name+"."+path)
		b.fields = append(b.fields, jsontext.FieldOf(reflect.TypeFor[T](), path))
	}
	if b.word == "" {
		b.word = k.Name
	}
	if b.param == "" {
		b.param = "id"
	}
	if k.Public != nil {
		b.public = map[string]bool{}
		for _, name := range k.Public {
			b.public[name] = true
		}
	}
	if f, ok := reflect.TypeFor[T]().FieldByName("Private"); ok {
		b.private = f.Index
	}
	if f, ok := reflect.TypeFor[T]().FieldByName("Metadata"); ok {
		b.metadata = f.Index
	}
	k.k = b
}

// Missing is the refusal of an id that names nothing.
func (k *Kind[T]) Missing(id, param string, status int) *fault.Error {
	b := k.base()
	return fault.NoSuch(b.word, id, param, status)
}

// New makes an object in the call's scope. Its id is given; Save keeps it.
func (k *Kind[T]) New(c *Call, id string) *T { return k.NewAt(c, c.Scope, id, c.Now()) }

// NewAt makes an object in a scope, at a place in time.
func (k *Kind[T]) NewAt(c *Call, scope store.Scope, id string, created int64) *T {
	b, made := k.base(), new(struct {
		obj T
		st  state
	})
	obj := any(&made.obj).(Resource)
	m := obj.meta()
	m.ID, m.Object, m.st = id, k.Name, &made.st
	made.st = state{kind: b, obj: obj, scope: scope, id: b.key(id), created: created, seq: c.app.Store.Seq()}
	if old := c.docs.get(scope, made.st.id); old != nil && old.deleted { // its id is given again
		made.st.base, made.st.ver = old.base, old.ver
	}
	c.docs.put(m.st)
	return &made.obj
}

// Get loads an object, or nil if the scope has none with this id and kind. Deleted ones count as absent.
func (k *Kind[T]) Get(c *Call, id string) (*T, error) { return k.GetAt(c, c.Scope, id) }

// GetAt is Get in another scope.
func (k *Kind[T]) GetAt(c *Call, scope store.Scope, id string) (*T, error) {
	st, err := c.state(scope, k.base().key(id))
	if err != nil || st == nil || st.deleted || st.kind != k.base() {
		return nil, err
	}
	obj, err := st.object()
	if err != nil {
		return nil, err
	}
	return any(obj).(*T), nil
}

// Late is Get for what other objects still refer to after it has been deleted: then it is what it was last.
func (k *Kind[T]) Late(c *Call, id string) (*T, error) {
	st, err := c.state(c.Scope, k.base().key(id))
	if err != nil || st == nil || st.kind != k.base() {
		return nil, err
	}
	obj, err := st.object()
	if err != nil {
		return nil, err
	}
	return any(obj).(*T), nil
}

// First loads an object as it was made, whatever has become of it since: its first version, which is kept as long as an answer refers to it
// (Answer.Of). nil if it is not kept. What is loaded so cannot be changed.
func (k *Kind[T]) First(c *Call, id string) (*T, error) {
	if st := c.docs.get(c.Scope, k.base().key(id)); st != nil && st.base == 0 {
		return k.Get(c, id)
	}
	d, err := c.view().Version(c.Scope, k.base().key(id), 1)
	if err != nil || d == nil {
		return nil, err
	}
	st := &state{kind: k.base(), scope: d.Scope, id: d.ID, ver: d.Ver, created: d.Created, seq: d.Seq, body: d.Body, priv: d.Priv}
	obj, err := st.object()
	if err != nil {
		return nil, err
	}
	return any(obj).(*T), nil
}

// InPath loads the object that a variable of the path names, or refuses with 404.
func (k *Kind[T]) InPath(c *Call, variable string) (*T, error) {
	id := c.Path(variable)
	obj, err := k.Get(c, id)
	if err == nil && obj == nil {
		return nil, c.noSuch(k.base(), id, k.base().param, 404)
	}
	return obj, err
}

// Find loads the object that a parameter names, or refuses with 400. The object is guarded: the call fails as a conflict, and is run again,
// if it changes before the call commits.
func (k *Kind[T]) Find(c *Call, id, param string) (*T, error) {
	obj, err := k.Get(c, id)
	if err != nil {
		return nil, err
	}
	if obj == nil {
		return nil, c.noSuch(k.base(), id, param, 400)
	}
	any(obj).(Resource).meta().st.guarded = true
	return obj, nil
}

// Each loads the objects that an index path has under a value, newest first, until yield returns false. What this call itself has made is
// not among them.
func (k *Kind[T]) Each(c *Call, path, value string, yield func(*T) bool) error {
	return k.EachFrom(c, path, value, 0, 0, yield)
}

// EachFrom is Each for objects that were made from a time on, up to another, in Unix seconds; 0 is no limit.
func (k *Kind[T]) EachFrom(c *Call, path, value string, from, to int64, yield func(*T) bool) error {
	b := k.base()
	q := store.Query{Scope: c.Scope, Index: b.name, MinCreated: from, MaxCreated: to}
	if path != "" {
		q.Index, q.Value = b.name+"."+path, search.Fold(value)
	}
	var failed error
	err := c.scan(q, func(d *store.Doc) bool {
		obj, err := k.GetAt(c, d.Scope, strings.TrimPrefix(d.ID, ChosenKey(b.name, "")))
		if err != nil {
			failed = err
			return false
		}
		return obj == nil || yield(obj)
	})
	if err == nil {
		err = failed
	}
	return err
}

// doc is the document's current version.
func (st *state) doc() store.Doc {
	return store.Doc{
		Scope: st.scope, ID: st.id, Ver: st.ver, Kind: st.kind.name, Created: st.created, Seq: st.seq,
		Deleted: st.deleted, Body: st.body, Priv: st.priv,
	}
}

// object decodes the document, once a call.
func (st *state) object() (Resource, error) {
	if st.obj != nil {
		return st.obj, nil
	}
	obj := st.kind.fresh()
	if err := jsontext.Decode(st.body, obj); err != nil {
		return nil, fmt.Errorf("decode %s: %w", st.id, err)
	}
	if st.kind.private != nil && len(st.priv) > 0 {
		p := reflect.ValueOf(obj).Elem().FieldByIndex(st.kind.private).Addr().Interface()
		if err := jsontext.Decode(st.priv, p); err != nil {
			return nil, fmt.Errorf("decode the private part of %s: %w", st.id, err)
		}
	}
	obj.meta().st = st
	st.obj = obj
	return obj, nil
}

// seal encodes what has changed, as a new version if the last one was shown to somebody.
func (st *state) seal() {
	if !st.dirty {
		return
	}
	switch {
	case st.ver == st.base: // first change in this call
		st.ver++
	case st.shown:
		st.history = append(st.history, st.doc())
		st.ver++
	}
	st.shown = false
	st.body = encode(st.obj)
	if st.kind.private != nil {
		p := reflect.ValueOf(st.obj).Elem().FieldByIndex(st.kind.private)
		st.priv = nil
		if !p.IsZero() {
			st.priv = encode(p.Addr().Interface())
		}
	}
	st.dirty = false
}

// scratch are buffers to encode in, so that what is kept of a document has just its size.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

func encode(v any) []byte {
	buf := scratch.Get().(*[]byte)
	*buf = jsontext.Append((*buf)[:0], v)
	defer putScratch(buf)
	return bytes.Clone(*buf)
}

func putScratch(buf *[]byte) {
	if cap(*buf) <= 1<<19 {
		scratch.Put(buf)
	}
}

// key is the id under which the store has a document with an id. A chosen one says of which kind it is.
func (k *kind) key(id string) string {
	if prefix, _, ok := strings.Cut(id, "_"); !k.chosen || id == "" || ok && slices.Contains(k.prefixes, prefix) {
		return id
	}
	return ChosenKey(k.name, id)
}

// ChosenKey is the id under which the store has a document whose id the merchant has chosen.
func ChosenKey(kind, id string) string { return "_" + kind + ":" + id }

// entries are the places of a body in the kind's indexes.
func (k *kind) entries(body []byte, deleted bool) []store.Entry {
	return k.places(nil, body, deleted, nil)
}

// places appends the places of a body in the kind's indexes. obj, if it is not nil, is what the body shows, from which they are read sooner.
func (k *kind) places(out []store.Entry, body []byte, deleted bool, obj Resource) []store.Entry {
	if len(body) == 0 || deleted {
		return out
	}
	var from reflect.Value
	if obj != nil {
		from = reflect.ValueOf(obj)
	}
	out = slices.Grow(out, len(k.index)+1)
	if !k.internal || k.dated {
		out = append(out, store.Entry{Index: k.name})
	}
	for i, path := range k.index {
		if path == "metadata" {
			if obj != nil && k.metadata != nil && from.Elem().FieldByIndex(k.metadata).Len() == 0 {
				continue
			}
			jsontext.Members(jsontext.Get(body, path), func(key string, v []byte) bool {
				out = append(out, store.Entry{Index: k.indexNames[i], Value: metadataValue(key, jsontext.Scalar(v))})
				return true
			})
			continue
		}
		var v string
		if read := k.fields[i]; obj != nil && read != nil {
			v = read(from.UnsafePointer())
		} else {
			v = jsontext.Text(body, path)
		}
		if v != "" {
			out = append(out, store.Entry{Index: k.indexNames[i], Value: search.Fold(v)})
		}
	}
	return out
}

// metadataValue is how a metadata pair stands in its index: search compares tokens without case.
func metadataValue(key, value string) string { return key + "\x00" + search.Fold(value) }
