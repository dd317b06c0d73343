package postgres

import (
	"context"
	"testing"

	"florin/internal/store/postgres/pgtest"
)

// Who asks what became of a batch may lose that answer, too, and ask again. A batch that was not committed must not be taken for committed then,
// because of the row that the first question left.
func TestOutcomeAskedTwice(t *testing.T) {
	ctx := context.Background()
	e, err := Open(ctx, pgtest.Open(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	never, committed := newToken(), newToken()
	if _, err := e.run(ctx, insertBatch, nil, committed); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		for _, batch := range []struct {
			id   []byte
			want bool
		}{{never, false}, {committed, true}} {
			done, c, err := e.outcome(nil, batch.id)
			if err != nil || done != batch.want {
				t.Errorf("committed: %t, %v, want %t", done, err, batch.want)
			}
			c.net.Close()
		}
	}
}
