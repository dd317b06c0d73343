package postgres_test

import (
	"context"
	"path/filepath"
	"testing"

	"florin/internal/store"
	"florin/internal/store/postgres"
	"florin/internal/store/postgres/pgtest"
	"florin/internal/store/storetest"
)

// opener opens the engine on a schema that is named as the folder.
func opener(s *pgtest.Server) storetest.Opener {
	return func(t testing.TB, dir string) store.Engine {
		t.Helper()
		e, err := postgres.Open(context.Background(), s.Named("t"+filepath.Base(filepath.Dir(dir))+filepath.Base(dir)))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
}

func TestEngine(t *testing.T) { storetest.Run(t, opener(pgtest.Open(t))) }

func TestDurable(t *testing.T) {
	s := pgtest.Open(t)
	t.Setenv(pgtest.Env, s.Base()) // for the process that is killed
	storetest.RunDurable(t, opener(s))
}

func BenchmarkPayments(b *testing.B) {
	storetest.BenchPayments(b, opener(pgtest.Open(b))(b, b.TempDir()))
}
