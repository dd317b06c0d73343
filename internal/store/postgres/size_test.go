package postgres

import (
	"testing"

	"florin/internal/store"
	"florin/internal/store/postgres/pgtest"
)

func TestSize(t *testing.T) {
	e, err := Open(t.Context(), pgtest.Open(t).Named("size"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(e)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if n, err := db.Size(t.Context()); err != nil || n < 1<<20 {
		t.Errorf("%d bytes, %v", n, err)
	}
}
