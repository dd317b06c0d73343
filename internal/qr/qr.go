// Package qr draws QR codes (ISO/IEC 18004): of bytes, with medium error correction, up to version 10, which holds 213 of them. Payments that are
// scanned show one.
package qr

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strconv"
)

// A Code is a square of modules.
type Code struct {
	Size int
	dark []bool
	used []bool // by patterns that are no data
}

// blocks says, for each version, how many codewords of error correction a block has, and how many of data each block has.
var blocks = [...]struct {
	ec   int
	data []int
}{
	{}, {10, []int{16}}, {16, []int{28}}, {26, []int{44}}, {18, []int{32, 32}}, {24, []int{43, 43}}, {16, []int{27, 27, 27, 27}}, {18, []int{31, 31, 31, 31}},
	{22, []int{38, 38, 39, 39}}, {22, []int{36, 36, 36, 37, 37}}, {26, []int{43, 43, 43, 43, 44}},
}

// aligned are the coordinates of the alignment patterns' centers.
var aligned = [...][]int{nil, nil, {6, 18}, {6, 22}, {6, 26}, {6, 30}, {6, 34}, {6, 22, 38}, {6, 24, 42}, {6, 26, 46}, {6, 28, 50}}

// Encode makes the code of a text.
func Encode(text string) (*Code, error) {
	for version := 1; version < len(blocks); version++ {
		room := 0
		for _, n := range blocks[version].data {
			room += n
		}
		head := 12 // bits: the mode, and how long the text is
		if version > 9 {
			head = 20
		}
		if len(text)*8+head <= room*8 {
			return draw(version, codewords(version, text, room)), nil
		}
	}
	return nil, fmt.Errorf("qr: %d bytes are too many", len(text))
}

// codewords are the data of a text with its error correction, in the order in which they are drawn.
func codewords(version int, text string, room int) []byte {
	var bits []bool
	add := func(v, n int) {
		for i := n - 1; i >= 0; i-- {
			bits = append(bits, v>>i&1 == 1)
		}
	}
	add(4, 4)
	if version > 9 {
		add(len(text), 16)
	} else {
		add(len(text), 8)
	}
	for i := range len(text) {
		add(int(text[i]), 8)
	}
	for i := 0; i < 4 && len(bits) < room*8; i++ {
		bits = append(bits, false)
	}
	for len(bits)%8 != 0 {
		bits = append(bits, false)
	}
	data := make([]byte, 0, room)
	for i := 0; i < len(bits); i += 8 {
		b := byte(0)
		for _, bit := range bits[i : i+8] {
			b <<= 1
			if bit {
				b |= 1
			}
		}
		data = append(data, b)
	}
	for pad := byte(0xec); len(data) < room; pad ^= 0xec ^ 0x11 {
		data = append(data, pad)
	}

	var parts, checks [][]byte
	longest := 0
	for _, n := range blocks[version].data {
		parts = append(parts, data[:n])
		checks = append(checks, remainder(data[:n], blocks[version].ec))
		data = data[n:]
		longest = max(longest, n)
	}
	var out []byte
	for i := range longest {
		for _, p := range parts {
			if i < len(p) {
				out = append(out, p[i])
			}
		}
	}
	for i := range blocks[version].ec {
		for _, e := range checks {
			out = append(out, e[i])
		}
	}
	return out
}

// times multiplies in the field of 256 elements.
func times(a, b byte) byte {
	var out byte
	for b > 0 {
		if b&1 == 1 {
			out ^= a
		}
		high := a&0x80 != 0
		a <<= 1
		if high {
			a ^= 0x1d
		}
		b >>= 1
	}
	return out
}

// remainder is the Reed-Solomon code of n codewords for a block of data.
func remainder(data []byte, n int) []byte {
	divisor := make([]byte, n) // without the leading 1
	divisor[n-1] = 1
	root := byte(1)
	for range n {
		for i := range n {
			divisor[i] = times(divisor[i], root)
			if i+1 < n {
				divisor[i] ^= divisor[i+1]
			}
		}
		root = times(root, 2)
	}
	out := make([]byte, n)
	for _, b := range data {
		factor := b ^ out[0]
		copy(out, out[1:])
		out[n-1] = 0
		for i := range n {
			out[i] ^= times(divisor[i], factor)
		}
	}
	return out
}

func (c *Code) set(x, y int, dark bool) {
	c.dark[y*c.Size+x], c.used[y*c.Size+x] = dark, true
}

// Dark says whether the module in a column and a row is dark.
func (c *Code) Dark(x, y int) bool { return c.dark[y*c.Size+x] }

// draw places patterns and codewords, under the mask that makes the fewest marks which readers could mistake.
func draw(version int, words []byte) *Code {
	var best *Code
	least := 0
	for mask := range 8 {
		size := version*4 + 17
		c := &Code{Size: size, dark: make([]bool, size*size), used: make([]bool, size*size)}
		c.patterns(version)
		c.format(mask)
		c.fill(words, mask)
		if p := c.penalty(); best == nil || p < least {
			best, least = c, p
		}
	}
	return best
}

func (c *Code) patterns(version int) {
	n := c.Size
	for i := range n {
		c.set(6, i, i%2 == 0)
		c.set(i, 6, i%2 == 0)
	}
	for _, at := range [][2]int{{3, 3}, {n - 4, 3}, {3, n - 4}} {
		for dy := -4; dy <= 4; dy++ {
			for dx := -4; dx <= 4; dx++ {
				x, y := at[0]+dx, at[1]+dy
				if x < 0 || y < 0 || x >= n || y >= n {
					continue
				}
				d := max(dx, -dx, dy, -dy)
				c.set(x, y, d != 2 && d != 4)
			}
		}
	}
	centers := aligned[version]
	for i, y := range centers {
		for j, x := range centers {
			last := len(centers) - 1
			if i == 0 && j == 0 || i == 0 && j == last || i == last && j == 0 {
				continue
			}
			for dy := -2; dy <= 2; dy++ {
				for dx := -2; dx <= 2; dx++ {
					c.set(x+dx, y+dy, max(dx, -dx, dy, -dy) != 1)
				}
			}
		}
	}
	if version < 7 {
		return
	}
	bits := versionBits(version)
	for i := range 18 {
		dark := bits>>i&1 == 1
		c.set(n-11+i%3, i/3, dark)
		c.set(i/3, n-11+i%3, dark)
	}
}

func versionBits(version int) int {
	rest := version
	for range 12 {
		rest = rest<<1 ^ rest>>11*0x1f25
	}
	return version<<12 | rest
}

// formatBits tell the reader the level of correction (medium is 0) and the mask.
func formatBits(mask int) int {
	rest := mask
	for range 10 {
		rest = rest<<1 ^ rest>>9*0x537
	}
	return (mask<<10 | rest) ^ 0x5412
}

func (c *Code) format(mask int) {
	n, bits := c.Size, formatBits(mask)
	at := func(i int) bool { return bits>>i&1 == 1 }
	for i := range 6 {
		c.set(8, i, at(i))
	}
	c.set(8, 7, at(6))
	c.set(8, 8, at(7))
	c.set(7, 8, at(8))
	for i := 9; i < 15; i++ {
		c.set(14-i, 8, at(i))
	}
	for i := range 8 {
		c.set(n-1-i, 8, at(i))
	}
	for i := 8; i < 15; i++ {
		c.set(8, n-15+i, at(i))
	}
	c.set(8, n-8, true)
}

// each yields the modules for data in the order in which they are read: up and down, two columns at a time, from the right.
func (c *Code) each(yield func(x, y int)) {
	for right := c.Size - 1; right >= 1; right -= 2 {
		if right == 6 {
			right = 5
		}
		for i := range c.Size {
			y := i
			if (right+1)&2 == 0 {
				y = c.Size - 1 - i
			}
			for _, x := range []int{right, right - 1} {
				if !c.used[y*c.Size+x] {
					yield(x, y)
				}
			}
		}
	}
}

func (c *Code) fill(words []byte, mask int) {
	i := 0
	c.each(func(x, y int) {
		dark := i < len(words)*8 && words[i/8]>>(7-i%8)&1 == 1
		i++
		c.dark[y*c.Size+x] = dark != masked(mask, x, y)
	})
}

func masked(mask, x, y int) bool {
	switch mask {
	case 0:
		return (x+y)%2 == 0
	case 1:
		return y%2 == 0
	case 2:
		return x%3 == 0
	case 3:
		return (x+y)%3 == 0
	case 4:
		return (x/3+y/2)%2 == 0
	case 5:
		return x*y%2+x*y%3 == 0
	case 6:
		return (x*y%2+x*y%3)%2 == 0
	}
	return ((x+y)%2+x*y%3)%2 == 0
}

// penalty counts what the standard counts: runs, squares, what looks like a corner, and too much of one color.
func (c *Code) penalty() (sum int) {
	n, dark := c.Size, 0
	line := func(at func(i int) bool) {
		run := 0
		var window int
		for i := range n {
			if i > 0 && at(i) == at(i-1) {
				run++
			} else {
				run = 1
			}
			switch {
			case run == 5:
				sum += 3
			case run > 5:
				sum++
			}
			window = window<<1&0x7ff | map[bool]int{true: 1, false: 0}[at(i)]
			if i >= 10 && (window == 0x5d0 || window == 0x05d) {
				sum += 40
			}
		}
	}
	for k := range n {
		line(func(i int) bool { return c.Dark(i, k) })
		line(func(i int) bool { return c.Dark(k, i) })
	}
	for y := range n {
		for x := range n {
			if c.Dark(x, y) {
				dark++
			}
			if x > 0 && y > 0 && c.Dark(x, y) == c.Dark(x-1, y) && c.Dark(x, y) == c.Dark(x, y-1) && c.Dark(x, y) == c.Dark(x-1, y-1) {
				sum += 3
			}
		}
	}
	off := dark*20 - n*n*10
	return sum + max(off, -off)/(n*n)*10
}

// quiet is the margin, in modules.
const quiet = 4

// SVG is the code as a drawing, black on white.
func (c *Code) SVG() []byte {
	side := strconv.Itoa(c.Size + 2*quiet)
	var b bytes.Buffer
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ` + side + ` ` + side + `" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h` + side + `v` + side + `H0z"/><path d="`)
	for y := range c.Size {
		for x := range c.Size {
			if c.Dark(x, y) {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return b.Bytes()
}

// PNG is the code as an image, eight pixels a module.
func (c *Code) PNG() []byte {
	const scale = 8
	side := (c.Size + 2*quiet) * scale
	img := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range side {
		for x := range side {
			mx, my := x/scale-quiet, y/scale-quiet
			if mx >= 0 && my >= 0 && mx < c.Size && my < c.Size && c.Dark(mx, my) {
				img.SetColorIndex(x, y, 1)
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}
