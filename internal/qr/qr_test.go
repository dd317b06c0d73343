package qr

import (
	"bytes"
	"image/png"
	"strings"
	"testing"
)

// TestKnown: values that the standard and its tutorials print.
func TestKnown(t *testing.T) {
	data := []byte{32, 91, 11, 120, 209, 114, 220, 77, 67, 64, 236, 17, 236, 17, 236, 17}
	if got, want := remainder(data, 10), []byte{196, 35, 39, 119, 235, 215, 231, 226, 93, 23}; !bytes.Equal(got, want) {
		t.Errorf("the code of HELLO WORLD is %v, want %v", got, want)
	}
	if got := formatBits(0); got != 0b101010000010010 {
		t.Errorf("format of mask 0: %015b", got)
	}
	if got := formatBits(5); got != 0b100000011001110 {
		t.Errorf("format of mask 5: %015b", got)
	}
	if got := versionBits(7); got != 0b000111110010010100 {
		t.Errorf("version 7: %018b", got)
	}
}

// TestReadBack reads each code as a reader does: format, mask, codewords in their order, text.
func TestReadBack(t *testing.T) {
	for _, n := range []int{0, 1, 14, 15, 40, 62, 63, 84, 85, 106, 107, 122, 150, 180, 181, 213} {
		text := strings.Repeat("https://pay.example/authorize/", 8)[:n]
		c, err := Encode(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := read(c); got != text {
			t.Errorf("%d bytes: read %q", n, got)
		}
	}
	if _, err := Encode(strings.Repeat("x", 214)); err == nil {
		t.Error("214 bytes were drawn")
	}
}

func read(c *Code) string {
	version := (c.Size - 17) / 4
	format := 0
	for i := range 6 {
		if c.Dark(8, i) {
			format |= 1 << i
		}
	}
	for i, at := range [][2]int{{8, 7}, {8, 8}, {7, 8}} {
		if c.Dark(at[0], at[1]) {
			format |= 1 << (6 + i)
		}
	}
	for i := 9; i < 15; i++ {
		if c.Dark(14-i, 8) {
			format |= 1 << i
		}
	}
	mask := (format ^ 0x5412) >> 10 & 7
	if formatBits(mask) != format {
		return "(no format)"
	}
	var words []byte
	n := 0
	c.each(func(x, y int) {
		if n%8 == 0 {
			words = append(words, 0)
		}
		if c.Dark(x, y) != masked(mask, x, y) {
			words[n/8] |= 1 << (7 - n%8)
		}
		n++
	})
	b := blocks[version]
	parts := make([][]byte, len(b.data))
	at := 0
	for i := range 60 {
		for k, size := range b.data {
			if i < size {
				parts[k] = append(parts[k], words[at])
				at++
			}
		}
	}
	var data []byte
	for k := range parts {
		check := make([]byte, b.ec)
		for i := range check {
			check[i] = words[at+i*len(parts)+k]
		}
		if !bytes.Equal(check, remainder(parts[k], b.ec)) {
			return "(an error)"
		}
		data = append(data, parts[k]...)
	}
	bit := func(i int) int { return int(data[i/8]>>(7-i%8)) & 1 }
	number := func(from, n int) (v int) {
		for i := range n {
			v = v<<1 | bit(from+i)
		}
		return v
	}
	from, size := 12, number(4, 8)
	if version > 9 {
		from, size = 20, number(4, 16)
	}
	var out []byte
	for i := range size {
		out = append(out, byte(number(from+i*8, 8)))
	}
	return string(out)
}

func TestImages(t *testing.T) {
	c, err := Encode("https://pay.example/")
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(c.PNG()))
	if err != nil || img.Bounds().Dx() != (c.Size+8)*8 {
		t.Errorf("png: %v, %v", err, img.Bounds())
	}
	if svg := string(c.SVG()); !strings.HasPrefix(svg, "<svg ") || strings.Count(svg, "h1v1") < 100 {
		t.Errorf("svg: %.200s", svg)
	}
}
