package billing

import (
	"math"
	"testing"
)

// The checked figures of facts 15b, and ties that were seen in test mode.
func TestPart(t *testing.T) {
	for _, test := range []struct{ amount, of, total, want int64 }{
		{-1000, 445540, 2678400, -166}, // -166.35
		{3252, 445540, 2678400, 541},   // 540.96
		{-2500, 2591996, 2592000, -2500},
		{25000, 31535996, 31536000, 25000},
		{-2000, 10, 30, -667},
		{1000, 10, 30, 333},
		{-1000, 1, 400, -3}, // -2.5
		{1800, 1, 400, 4},   // 4.5
		{3000, 1, 400, 7},   // 7.5
		{1000, 0, 30, 0},
		{1000, 30, 30, 1000},
		{0, 10, 30, 0},
		{1000, 10, 0, 0},
		{math.MaxInt64 / 2, 31536000, 31536000, math.MaxInt64 / 2}, // more than fits, on the way
	} {
		if got := part(test.amount, test.of, test.total); got != test.want {
			t.Errorf("part(%d, %d, %d) = %d, want %d", test.amount, test.of, test.total, got, test.want)
		}
	}
}

func TestLeft(t *testing.T) {
	for _, test := range []struct{ amount, when, from, to, want int64 }{
		{900, 100, 100, 400, 900},
		{900, 50, 100, 400, 900}, // it had not begun
		{900, 300, 100, 400, 300},
		{900, 400, 100, 400, 0},
		{900, 500, 100, 400, 0},
	} {
		if got := left(test.amount, test.when, test.from, test.to); got != test.want {
			t.Errorf("left(%d, %d, %d, %d) = %d, want %d", test.amount, test.when, test.from, test.to, got, test.want)
		}
	}
}

func TestDivide(t *testing.T) {
	for _, test := range []struct{ a, b, want int64 }{
		{5, 2, 3}, {-5, 2, -3}, {4, 2, 2}, {1, 3, 0}, {2, 3, 1}, {-2, 3, -1}, {0, 7, 0}, {5, -2, -3}, {-5, -2, 3},
	} {
		if got := divide(test.a, test.b); got != test.want {
			t.Errorf("divide(%d, %d) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

// Facts 15e and 15f.
func TestPercentOf(t *testing.T) {
	for _, test := range []struct {
		amount  int64
		percent float64
		want    int64
	}{
		{2500, 10, 250}, {1900, 50, 950}, {450, 5, 23}, {429, 7, 30}, {1999, 33.3333, 666}, {1, 50, 1}, {-1, 50, -1}, {1000, 0.0001, 0}, {1000000, 0.0001, 1},
		{10000, 8.875, 888}, {0, 19, 0}, {1234, 100, 1234},
	} {
		if got := percentOf(test.amount, test.percent); got != test.want {
			t.Errorf("%v%% of %d = %d, want %d", test.percent, test.amount, got, test.want)
		}
	}
}

func TestWithin(t *testing.T) {
	for _, test := range []struct {
		amount       int64
		percent, all float64
		want         int64
	}{
		{450, 5, 5, 21}, {100000, 10, 10, 9091}, {5000, 10, 10, 455}, {1000, 0, 0, 0}, {1150, 10, 15, 100}, {1150, 5, 15, 50}, {-450, 5, 5, -21},
	} {
		if got := within(test.amount, test.percent, test.all); got != test.want {
			t.Errorf("within(%d, %v, %v) = %d, want %d", test.amount, test.percent, test.all, got, test.want)
		}
	}
}
