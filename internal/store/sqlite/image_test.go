package sqlite

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"florin/internal/store"
)

// TestImage writes an image while units are applied: it is what was committed when it was opened, and opens as a database.
func TestImage(t *testing.T) {
	e, _ := openTemp(t, Options{NoSync: true})
	for i := range 500 {
		apply(t, e, put(fmt.Sprintf("early-%d", i), 0, 2000))
	}
	img, err := e.Image(ctx)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	_, err = img.WriteTo(writerFunc(func(p []byte) (int, error) {
		if n++; n%20 == 0 { // new documents, and changes of those that are there
			apply(t, e, put(fmt.Sprintf("late-%d", n), 0, 2000), put(fmt.Sprintf("early-%d", n), 1, 3000))
		}
		return f.Write(p)
	}))
	img.Close()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil || n < 100 {
		t.Fatalf("%d pages, %v", n, err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != img.Size {
		t.Errorf("%v, %v, want %d bytes", info.Size(), err, img.Size)
	}
	if err := Verify(path); err != nil {
		t.Fatal(err)
	}
	was, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer was.Close()
	s, err := was.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	docs := 0
	if err := s.Walk(func(d *store.Doc) bool { docs++; return d.Ver == 1 }); err != nil || docs != 500 {
		t.Errorf("%d documents, %v, want the 500 of the moment", docs, err)
	}
}

// TestImageSame says that what has not changed is the same bytes, which is what makes the next backup small.
func TestImageSame(t *testing.T) {
	e, _ := openTemp(t, Options{NoSync: true})
	for i := range 500 {
		apply(t, e, put(fmt.Sprintf("early-%d", i), 0, 2000))
	}
	image := func() []byte {
		img, err := e.Image(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer img.Close()
		var b bytes.Buffer
		if _, err := img.WriteTo(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	before := image()
	apply(t, e, put("zz", 0, 100))
	after := image()
	changed := 0
	for at := 0; at < len(before); at += 8192 {
		if !bytes.Equal(before[at:at+8192], after[at:at+8192]) {
			changed++
		}
	}
	if changed == 0 || changed > 12 {
		t.Errorf("one document changed %d of %d pages", changed, len(before)/8192)
	}
}

func TestVerify(t *testing.T) {
	e, path := openTemp(t, Options{})
	for i := range 300 {
		apply(t, e, put(fmt.Sprintf("d-%d", i), 0, 2000))
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Verify(path); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(bytes.Repeat([]byte{0x5a}, 8192), 8192*4); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := Verify(path); err == nil {
		t.Error("a page of noise passes")
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
