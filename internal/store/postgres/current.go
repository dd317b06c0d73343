package postgres

import (
	"context"
	"fmt"
	"sync"

	"florin/internal/store"
)

// Many requests want one document each at the same time, and often the same one. They are read together, in one statement: while some are being read,
// the next gather. Nothing is remembered, so each is read after it was asked for.

// gathers is how many such statements run at once.
const gathers = 2

// A gathering has the documents that will be read next.
type gathering struct {
	mu      sync.Mutex
	next    map[docKey]*wanted
	running int
}

// A wanted is a document that some wait for.
type wanted struct {
	done chan struct{} // closed when it is there
	doc  *store.Doc
	kind int16
	err  error
}

var getCurrent = prepared("current", "SELECT "+docColumns+`, k.n FROM unnest($1::bigint[], $2::bytea[]) WITH ORDINALITY k (scope, id, n)
	JOIN doc d ON d.scope = k.scope AND d.id = k.id AND d.slot = 0`)

// Current returns the current version of a document, outside of any snapshot; nil if there is none.
func (e *Engine) Current(ctx context.Context, scope store.Scope, id string) (*store.Doc, error) {
	if e.closed.Load() {
		return nil, store.ErrClosed
	}
	g := &e.gathering
	key := docKey{scope, id}
	g.mu.Lock()
	w := g.next[key]
	if w == nil {
		w = &wanted{done: make(chan struct{})}
		if g.next == nil {
			g.next = map[docKey]*wanted{}
		}
		g.next[key] = w
	}
	start := g.running < gathers
	if start {
		g.running++
	}
	g.mu.Unlock()
	if start {
		go e.gather()
	}
	select {
	case <-w.done:
		return w.doc, w.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// gather reads what is wanted, until nothing is.
func (e *Engine) gather() {
	g := &e.gathering
	for {
		g.mu.Lock()
		batch := g.next
		g.next = nil
		if len(batch) == 0 {
			g.running--
			g.mu.Unlock()
			return
		}
		g.mu.Unlock()
		err := e.readTogether(batch)
		for _, w := range batch {
			if err != nil {
				w.doc, w.err = nil, fmt.Errorf("postgres: read: %w", err)
			}
			close(w.done)
		}
	}
}

func (e *Engine) readTogether(batch map[docKey]*wanted) error {
	ctx := context.Background()
	cs := columns(oidInt8, oidBytea)
	order := make([]*wanted, 0, len(batch))
	for key, w := range batch {
		cs[0].int8(int64(key.scope))
		cs[1].key(key.id)
		order = append(order, w)
	}
	ps := params(cs)
	for again := false; ; again = true {
		c, err := e.reads.take(ctx)
		if err != nil {
			return err
		}
		at := 0
		if c.open {
			c.send(commit)
			c.open = false
			at++
		}
		c.send(getCurrent, ps...)
		err = c.sync(answerTime, func(n int, values [][]byte) error {
			if i := int8Value(values[len(values)-1]); n == at && i >= 1 && i <= int64(len(order)) {
				order[i-1].doc, order[i-1].kind = e.readDoc(values), int2Value(values[3])
			}
			return nil
		}, nil)
		lost := c.lost()
		e.reads.put(c)
		if err != nil && lost && !again {
			continue
		}
		if err != nil {
			return err
		}
		break
	}
	for _, w := range order {
		if w.doc != nil && w.doc.Kind == "" {
			if w.doc.Kind, w.err = e.text(ctx, w.kind); w.err != nil {
				w.doc = nil
			}
		}
	}
	return nil
}
