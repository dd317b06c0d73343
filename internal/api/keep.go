package api

import (
	"context"
	"fmt"

	"florin/internal/store"
)

// Entries are the places of a document in the indexes that its kind declares, for those who write documents that they did not make: a backup that is
// loaded, keys that are turned, a sweep.
func (a *App) Entries(d *store.Doc) []store.Entry {
	k := a.kinds[d.Kind]
	if k == nil {
		return nil
	}
	return k.entries(d.Body, d.Deleted)
}

// Page shows documents of a kind, oldest first, as an answer shows them: up to most of those that stand behind a place. It returns the place of the
// last, nil at the end.
func (a *App) Page(ctx context.Context, kind string, q store.Query, most int) (shown [][]byte, last *store.Pos, err error) {
	if k := a.kinds[kind]; k == nil || k.internal {
		return nil, nil, fmt.Errorf("api: there is no kind %s to show", kind)
	}
	q.Index, q.Value, q.Ascending = kind, "", true
	err = a.Do(ctx, q.Scope, func(c *Call) error {
		shown, last = nil, nil
		var docs []*store.Doc
		if err := c.scan(q, func(d *store.Doc) bool { docs = append(docs, d); return len(docs) < most }); err != nil {
			return err
		}
		for _, d := range docs {
			body, err := c.show(c.adopt(d))
			if err != nil {
				return err
			}
			shown = append(shown, body)
			if len(docs) == most {
				last = &store.Pos{Created: d.Created, Seq: d.Seq}
			}
		}
		return nil
	})
	return shown, last, err
}
