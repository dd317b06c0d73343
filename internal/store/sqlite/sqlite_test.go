package sqlite_test

import (
	"os"
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

// Hints of names go from place to place all the time.
func TestEngineShortRuns(t *testing.T) {
	defer sqlite.SetRunEntries(5)()
	storetest.Run(t, open)
	storetest.RunDurable(t, open)
}

func TestDurable(t *testing.T) { storetest.RunDurable(t, open) }

func BenchmarkPayments(b *testing.B) {
	dir := b.TempDir()
	storetest.BenchPayments(b, open(b, dir))
	if info, err := os.Stat(filepath.Join(dir, "florin.db")); err == nil {
		b.ReportMetric(float64(info.Size())/float64(b.N), "bytes/payment")
	}
}
