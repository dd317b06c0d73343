package api

import "florin/internal/store"

// Entries are the places of a document in the indexes that its kind declares, for those who write documents that they did not make: a backup that is
// loaded, keys that are turned, a sweep.
func (a *App) Entries(d *store.Doc) []store.Entry {
	k := a.kinds[d.Kind]
	if k == nil {
		return nil
	}
	return k.entries(d.Body, d.Deleted)
}
