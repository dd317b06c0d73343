package sqlite_test

import (
	"path/filepath"
	"testing"

	"florin/internal/store"
	"florin/internal/store/sqlite"
	"florin/internal/store/storetest"
)

func open(t testing.TB, dir string) store.Engine {
	t.Helper()
	e, err := sqlite.Open(filepath.Join(dir, "florin.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEngine(t *testing.T) { storetest.Run(t, open) }
