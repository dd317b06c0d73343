package api

// Fresh makes an empty object of each kind, for tests.
func (a *App) Fresh() map[string]Resource {
	out := map[string]Resource{}
	for name, k := range a.kinds {
		out[name] = k.fresh()
	}
	return out
}
