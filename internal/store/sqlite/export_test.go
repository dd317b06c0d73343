package sqlite

// SetRunEntries sets how many entries make a run of names, and returns how to set it back.
func SetRunEntries(n int) (back func()) {
	old := runEntries
	runEntries = n
	return func() { runEntries = old }
}
