package memory_test

import (
	"testing"

	"florin/internal/store"
	"florin/internal/store/memory"
	"florin/internal/store/storetest"
)

func TestEngine(t *testing.T) {
	storetest.Run(t, func(testing.TB, string) store.Engine { return memory.New() })
}

func BenchmarkPayments(b *testing.B) { storetest.BenchPayments(b, memory.New()) }
