package clock

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

var start = time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)

func TestManualOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewManual(start)
		fired := make(chan int, 4)
		for _, s := range []int{3, 1, 0, 2} { // 0 waits for no time
			go func() {
				until := start.Add(time.Duration(s) * time.Second)
				if s == 0 {
					until = time.Time{}
				}
				if m.Wait(t.Context(), until, nil) == nil {
					fired <- s
				}
			}()
		}
		if err := m.BlockUntil(t.Context(), 4); err != nil {
			t.Fatal(err)
		}
		for want := 1; want <= 3; want++ {
			next, ok := m.Next()
			if !ok || !next.Equal(start.Add(time.Duration(want)*time.Second)) {
				t.Fatalf("next is %v, %v", next, ok)
			}
			m.Set(next)
			if got := <-fired; got != want {
				t.Fatalf("fired %d, want %d", got, want)
			}
		}
		if _, ok := m.Next(); ok {
			t.Error("something is still due")
		}
	})
}

// TestWait holds both clocks to the same promises.
func TestWait(t *testing.T) {
	for name, c := range map[string]func() Clock{
		"real":   func() Clock { return Real },
		"manual": func() Clock { return NewManual(start) },
	} {
		t.Run(name, func(t *testing.T) {
			c := c()
			if err := c.Wait(t.Context(), c.Now().Add(-time.Second), nil); err != nil {
				t.Errorf("past: %v", err)
			}
			wake := make(chan struct{}, 1)
			wake <- struct{}{}
			if err := c.Wait(t.Context(), time.Time{}, wake); err != nil {
				t.Errorf("woken: %v", err)
			}
			wake <- struct{}{}
			if err := c.Wait(t.Context(), c.Now().Add(time.Hour), wake); err != nil {
				t.Errorf("woken before its time: %v", err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := c.Wait(ctx, c.Now().Add(time.Hour), nil); !errors.Is(err, context.Canceled) {
				t.Errorf("canceled: %v", err)
			}
			if m, ok := c.(*Manual); ok {
				if _, waiting := m.Next(); waiting {
					t.Error("a wait that ended is still listed")
				}
			}
		})
	}
}

func TestRealWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		until := Real.Now().Add(time.Hour)
		if err := Real.Wait(t.Context(), until, nil); err != nil || Real.Now().Before(until) {
			t.Errorf("%v at %v, want %v", err, Real.Now(), until)
		}
	})
}

func TestSameMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewManual(start)
		n := make(chan int, 10)
		for range 10 {
			go func() { m.Wait(t.Context(), start.Add(time.Second), nil); n <- 1 }()
		}
		m.BlockUntil(t.Context(), 10)
		m.Advance(time.Second)
		for range 10 {
			<-n
		}
	})
}
