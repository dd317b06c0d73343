package api

import "florin/internal/store"

// Fresh makes an empty object of each kind, for tests.
func (a *App) Fresh() map[string]Resource {
	out := map[string]Resource{}
	for name, k := range a.kinds {
		out[name] = k.fresh()
	}
	return out
}

// Places are the places of an object in the indexes of its kind, as they are read from its text and from the object itself.
func (a *App) Places(kind string, text []byte, obj any) (fromText, fromObject []store.Entry) {
	k := a.kinds[kind]
	return k.entries(text, false), k.places(nil, text, false, obj.(Resource))
}
