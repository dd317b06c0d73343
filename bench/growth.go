package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"florin/internal/store"
	"florin/internal/store/sqlite"
)

// A stage is what florin did on a store of so many payments.
type stage struct {
	payments             int64
	bytes                int64 // of the store
	pay, retrieve, list  *sample
	filled, filledWithin float64 // payments a second, and seconds, that it took to get there
}

// grow measures one store again and again while it grows: florin makes the first payments, the engine writes as many like them as are wanted (bench
// engine.go), and florin goes on from there. Reads are of payments of all ages.
func (b *bench) grow(sizes string) (err error) {
	m, err := b.castMould()
	if err != nil {
		return err
	}
	data := filepath.Join(b.dir, "grown")
	known := &ids{}
	have := int64(0)
	for _, text := range append([]string{"0"}, strings.Split(sizes, ",")...) {
		want, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return fmt.Errorf("-grow: %w", err)
		}
		s := &stage{}
		if want > have {
			b.say(fmt.Sprintf("growing to %s payments", number(float64(want))))
			began := time.Now()
			if err := fill(data, m, want-have, known); err != nil {
				return fmt.Errorf("grow: %w", err)
			}
			s.filledWithin = time.Since(began).Seconds()
			s.filled = float64(want-have) / s.filledWithin
			have = want
		}
		if err := b.stage(data, known, s, &have); err != nil {
			return fmt.Errorf("at %d payments: %w", have, err)
		}
		b.stages = append(b.stages, s)
	}
	return nil
}

// fill writes payments like the mould to a store that nobody serves.
func fill(data string, m *mould, n int64, known *ids) error {
	engine, err := sqlite.Open(filepath.Join(data, "florin.db"), sqlite.Options{})
	if err != nil {
		return err
	}
	db, err := store.Open(engine)
	if err != nil {
		return errors.Join(err, engine.Close())
	}
	var begun atomic.Int64
	var mu sync.Mutex
	var some [][]byte
	errs := make([]error, 256)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for errs[i] == nil {
				at := begun.Add(1)
				if at > n {
					return
				}
				u := m.cast(db)
				if at%(1+n/2000) == 0 {
					for j := range u.Puts {
						if u.Puts[j].Kind == "payment_intent" {
							mu.Lock()
							some = append(some, []byte(u.Puts[j].ID))
							mu.Unlock()
						}
					}
				}
				errs[i] = db.Commit(context.Background(), u)
			}
		})
	}
	wg.Wait()
	known.add(some)
	return errors.Join(append(errs, db.Close())...)
}

func (b *bench) stage(data string, known *ids, s *stage, have *int64) error {
	f, err := b.serve(data)
	if err != nil {
		return err
	}
	t, err := f.over()
	if err != nil {
		return err
	}
	s.payments = *have
	for range b.rounds {
		for _, do := range []struct {
			work workload
			to   **sample
		}{{pay, &s.pay}, {retrieve, &s.retrieve}, {list10, &s.list}} {
			if len(known.all()) > 0 {
				t.ids = &ids{list: known.all()} // of all ages, and not those that were just made
			}
			x, out, err := t.measure(load{work: do.work, conns: 64, warm: warm, run: b.slice}, settling)
			if err != nil {
				return err
			}
			*have += int64(len(out.made))
			if *do.to == nil || x.perSecond > (*do.to).perSecond { // the best of the rounds: what else the machine does only takes away
				*do.to = x
			}
			if len(known.all()) == 0 && len(out.made) > 0 {
				first := make([][]byte, 0, len(out.made))
				for _, m := range out.made {
					first = append(first, m.id)
				}
				known.add(first)
			}
		}
	}
	if err := f.stop(); err != nil {
		return err
	}
	info, err := os.Stat(filepath.Join(data, "florin.db"))
	if err != nil {
		return err
	}
	s.bytes = info.Size()
	return nil
}

// line says what a stage came to, beside the first.
func (s *stage) line(first *stage) string {
	of := func(x, y *sample) string { return fmt.Sprintf("%.0f %%", 100*x.perSecond/y.perSecond) }
	text := fmt.Sprintf("Growth, %s payments (%.1f GB): pay %s/s (%s of the rate at the first), p99 %s; retrieve %s/s (%s), p50 %s; list 10 %s/s (%s).",
		number(float64(s.payments)), float64(s.bytes)/1e9, number(s.pay.perSecond), of(s.pay, first.pay), millis(s.pay.p99),
		number(s.retrieve.perSecond), of(s.retrieve, first.retrieve), millis(s.retrieve.p50), number(s.list.perSecond), of(s.list, first.list))
	if s.filled > 0 {
		text += fmt.Sprintf(" The engine alone wrote what is between at %s payments/s.", number(s.filled))
	}
	return text
}
