package main

import (
	"math/bits"
	"time"
)

// A hist counts durations in buckets that are less than 1 % wide: 128 to each power of two. (As HdrHistogram does.)
type hist struct {
	count [256 + 56*128]uint32
	n     int64
}

func (h *hist) add(d time.Duration) {
	h.count[bucket(uint64(max(d, 0)))]++
	h.n++
}

func (h *hist) merge(o *hist) {
	for i, c := range o.count {
		h.count[i] += c
	}
	h.n += o.n
}

// at is the duration that a share p of those counted do not exceed.
func (h *hist) at(p float64) time.Duration {
	if h.n == 0 {
		return 0
	}
	left := int64(p*float64(h.n) + 0.5)
	left = min(max(left, 1), h.n)
	for i, c := range h.count {
		if left -= int64(c); left <= 0 {
			return time.Duration(ceiling(i))
		}
	}
	panic("bench: hist: n is not the sum of the buckets")
}

func bucket(ns uint64) int {
	if ns < 256 {
		return int(ns)
	}
	shift := bits.Len64(ns) - 8
	return 256 + (shift-1)*128 + int(ns>>shift) - 128
}

// ceiling is the largest number of the bucket.
func ceiling(i int) uint64 {
	if i < 256 {
		return uint64(i)
	}
	shift := (i-256)/128 + 1
	return uint64((i-256)%128+128+1)<<shift - 1
}
