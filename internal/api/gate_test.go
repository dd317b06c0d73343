package api

import (
	"bytes"
	"errors"
	"net/http/httptest"
	"testing"

	"florin/internal/fault"
)

// Large bodies share so much memory, and when it is used up the next is turned away; small ones are read all the same.
func TestLargeBodies(t *testing.T) {
	g := NewGate(0)
	read := func(size int, announced bool) (*request, error) {
		r := httptest.NewRequest("POST", "/v1/customers", bytes.NewReader(make([]byte, size)))
		if !announced {
			r.ContentLength = -1
		}
		q := &request{app: &App{Gate: g}, r: r, w: httptest.NewRecorder()}
		text, err := q.readBody(maxBody)
		if err == nil && len(text) != size {
			t.Errorf("%d bytes of %d were read", len(text), size)
		}
		return q, err
	}
	first, err := read(smallBody+1000, true)
	if err != nil || g.bodies.Load() != 1000 {
		t.Errorf("%v, %d bytes counted, want 1000", err, g.bodies.Load())
	}
	if _, err := read(smallBody, true); err != nil || g.bodies.Load() != 1000 {
		t.Errorf("a small one: %v, %d bytes counted", err, g.bodies.Load())
	}
	g.bodies.Add(mostBodies - 1500)
	var f *fault.Error
	full, err := read(smallBody+1000, false)
	if !errors.As(err, &f) || f.Status != 503 || !f.Retry {
		t.Errorf("with no memory left: %v", err)
	}
	full.leave()
	if _, err := read(smallBody, false); err != nil {
		t.Errorf("a small one, with no memory left: %v", err)
	}
	first.leave()
	again, err := read(smallBody+1000, false)
	if err != nil {
		t.Errorf("with memory again: %v", err)
	}
	again.leave()
	if n := g.bodies.Load(); n != mostBodies-1500 {
		t.Errorf("%d bytes counted in the end, want %d", n, mostBodies-1500)
	}
}

func BenchmarkGate(b *testing.B) {
	g := NewGate(0)
	b.ReportAllocs()
	for b.Loop() {
		if g.Enter() {
			g.Leave()
		}
	}
}
