package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// A footprint is what florin takes, apart from its speed.
type footprint struct {
	freshStart, start time.Duration // from the start of the process to the first answer 200; the median
	starts            int
	idle, peak        int64   // resident memory, in bytes: after 3 s without a request, and the most under load
	binary            int64   // bytes
	stored            float64 // bytes of the store to a payment, after a clean stop
}

// startTimes starts florin on a fresh folder and on the one of the load, in turns.
func (b *bench) startTimes(used string, n int) error {
	var fresh, again []time.Duration
	for i := range n {
		for _, m := range []struct {
			data  string
			times *[]time.Duration
		}{
			{filepath.Join(b.dir, fmt.Sprintf("fresh%d", i)), &fresh}, {used, &again},
		} {
			took, err := b.timeToAnswer(m.data)
			if err != nil {
				return err
			}
			*m.times = append(*m.times, took)
		}
		if err := os.RemoveAll(filepath.Join(b.dir, fmt.Sprintf("fresh%d", i))); err != nil {
			return err
		}
	}
	b.foot.freshStart, b.foot.start, b.foot.starts = middle(fresh), middle(again), n
	return nil
}

func (b *bench) timeToAnswer(data string) (time.Duration, error) {
	began := time.Now()
	f, err := b.serve(data)
	if err != nil {
		return 0, err
	}
	t, err := f.over()
	if err != nil {
		return 0, err
	}
	if _, _, err := t.one(t.get("/v1/balance", ""), nil); err != nil {
		return 0, err
	}
	took := time.Since(began)
	return took, f.stop()
}

// sizes looks at what the load has left on disk, once the server has stopped.
func (b *bench) sizes(data string) error {
	store, err := os.Stat(filepath.Join(data, "florin.db"))
	if err != nil {
		return err
	}
	b.foot.stored = float64(store.Size()) / float64(b.paid)
	return nil
}
