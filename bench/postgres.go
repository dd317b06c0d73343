package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"florin/internal/store/postgres/pgtest"
)

// The other engine. The bench starts a PostgreSQL of its own, in a temporary folder, with nothing of what makes it durable turned off; all its
// processes share the cores, too, and are not counted in the server's CPU time.

// errNone is why a row is left out: what it measures is not on this machine.
var errNone = errors.New("not on this machine")

// database starts the PostgreSQL, once.
func (b *bench) database() (*pgtest.Server, error) {
	if b.pg == nil && b.pgErr == nil {
		b.pg, b.pgErr = pgtest.Start("fsync=on", "full_page_writes=on", "synchronous_commit=on", "shared_buffers=512MB", "max_wal_size=4GB", "wal_compression=lz4")
	}
	if errors.Is(b.pgErr, pgtest.ErrNone) {
		return nil, fmt.Errorf("PostgreSQL is %w", errNone)
	}
	return b.pg, b.pgErr
}

// onPostgres loads as many nodes on one database, a fresh schema each time, each with its part of the connections.
func onPostgres(w workload, conns, nodes int) func(*bench) (*sample, error) {
	return func(b *bench) (*sample, error) {
		pg, err := b.database()
		if err != nil {
			return nil, err
		}
		b.folders++
		url := pg.Named(fmt.Sprintf("bench_%d", b.folders))
		var all []*florin
		defer func() {
			for _, f := range all {
				f.kill()
			}
		}()
		for n := range nodes {
			f, err := b.serve(filepath.Join(b.dir, fmt.Sprintf("node%d-%d", b.folders, n)), "--store", url, "--vault", "file:"+filepath.Join(b.dir, fmt.Sprintf("vault%d.key", b.folders)))
			if err != nil {
				return nil, err
			}
			all = append(all, f)
		}
		samples := make([]*sample, nodes)
		outcomes := make([]*outcome, nodes)
		errs := make([]error, nodes)
		var wg sync.WaitGroup
		for n, f := range all {
			wg.Go(func() {
				t, err := f.over()
				if err == nil && w != nil {
					if out, e := t.put(load{work: pay, conns: 4, run: warm}); e != nil { // something to read, and a warm server
						err = e
					} else if out.errors > 0 {
						err = out.firstErr
					}
				}
				if err != nil {
					errs[n] = err
					return
				}
				samples[n], outcomes[n], errs[n] = t.measure(load{work: w, conns: conns / nodes, warm: warm, run: b.slice}, settling)
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return nil, err
		}
		return together(samples, outcomes), nil
	}
}

// together is what several servers did side by side.
func together(samples []*sample, outcomes []*outcome) *sample {
	total, h := *samples[0], &hist{}
	total.perSecond, total.errors, total.cpu, total.own = 0, 0, 0, 0
	for i, s := range samples {
		total.perSecond += s.perSecond
		total.errors += s.errors
		total.cpu += s.cpu / time.Duration(len(samples)) // each is for a thousand of its own, and they do about the same
		total.own = max(total.own, s.own)
		total.busyAfter = total.busyAfter || s.busyAfter
		h.merge(&outcomes[i].latency)
	}
	total.p50, total.p99, total.p999 = h.at(0.5), h.at(0.99), h.at(0.999)
	return &total
}
