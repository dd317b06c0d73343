package postgres

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
)

// names are the texts of kinds and indexes by number. A name is given its number in a transaction of its own, before anything is written with it, so
// every reader of a row finds its name; what the number is stays known for good.
type names struct {
	known atomic.Pointer[nameTable]
	mu    sync.Mutex // held while the table is replaced
}

// A nameTable is never changed.
type nameTable struct {
	text   map[int16]string
	number map[string]int16
}

var (
	selectNames = prepared("names", "SELECT n, text FROM name")
	insertName  = prepared("new_name", `INSERT INTO name (n, text) SELECT coalesce(max(n), 0) + 1, $1::text FROM name ON CONFLICT DO NOTHING`)
)

func (n *names) load(c *conn) error {
	t := &nameTable{text: map[int16]string{}, number: map[string]int16{}}
	if _, err := c.run(selectNames, func(values [][]byte) error {
		number, text := int2Value(values[0]), string(values[1])
		t.text[number], t.number[text] = text, number
		return nil
	}); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if old := n.known.Load(); old != nil { // another may have read later than this one
		maps.Copy(t.text, old.text)
		maps.Copy(t.number, old.number)
	}
	n.known.Store(t)
	return nil
}

// number is the number of a name. A new one is given a number first.
func (e *Engine) number(ctx context.Context, name string) (int16, error) {
	for {
		if n, ok := e.names.known.Load().number[name]; ok {
			return n, nil
		}
		if _, err := e.run(ctx, insertName, nil, []byte(name)); err != nil { // of two at once, one may do nothing
			return 0, err
		}
		if err := e.loadNames(ctx); err != nil {
			return 0, err
		}
	}
}

func (e *Engine) loadNames(ctx context.Context) error { return e.beside(ctx, e.names.load) }

// text is the name of a number that stands in a row.
func (e *Engine) text(ctx context.Context, n int16) (string, error) {
	if s, ok := e.names.known.Load().text[n]; ok {
		return s, nil
	}
	if err := e.loadNames(ctx); err != nil { // another node has given it since
		return "", err
	}
	return e.names.known.Load().text[n], nil
}
