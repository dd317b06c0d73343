// Package backup keeps copies of a data folder in a folder of their own, each as much as has changed since the last.
//
//	DEST/backups/NAME   a manifest: what was copied, of which chunks it is made, and a checksum of each
//	DEST/packs/NAME     the chunks that were new at that backup, back to back
//
// A file is cut into chunks, and a chunk is known by the hash of its content: what an earlier backup has already is not written again. Files are
// written once and never changed, so the folder can be copied anywhere by any tool at any time. A manifest is written last; a backup that was
// interrupted is none.
//
// There are two kinds of backups. That of a SQLite file has the file, page by page, as it was at one moment (EnginePages). That of any store has
// its documents, with the versions that are kept, and its moves as JSON lines (EngineRecords, records.go), and can be loaded into any other.
package backup

import (
	"bufio"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// What a backup is a copy of.
const (
	EnginePages   = "pages"
	EngineRecords = "records"
)

// Names of files in a backup.
const (
	Database = "florin.db"
	Records  = "records/" // begins the names of those with JSON lines, which are read in their order
	Blobs    = "files/"   // begins the names of uploaded files
	Keys     = "keys/"    // begins the names of what is only there if it was asked for: master keys, certificates
)

const (
	format     = 1
	pageChunk  = 128 << 10 // of the database: few pages beside one that has changed are written again
	otherChunk = 1 << 20   // of other files, and the most of a part of the records

	manifestDir = "backups"
	packDir     = "packs"
)

// A Header says what a backup is.
type Header struct {
	Format     int      `json:"florin_backup"`
	Name       string   `json:"name,omitempty"`
	Taken      int64    `json:"taken"`                 // Unix seconds
	Engine     string   `json:"engine"`                // EnginePages or EngineRecords
	Version    string   `json:"version,omitempty"`     // of Florin
	MasterKeys []string `json:"master_keys,omitempty"` // ids; one of them at least is needed to open what is sealed
}

// A File is one file of a backup.
type File struct {
	Name   string `json:"file"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	Chunks int    `json:"chunks"`

	chunks []chunk
}

// A chunk is where a piece of a file stands.
type chunk struct {
	Hash   string `json:"h"` // SHA-256 of the content, in base64
	Pack   string `json:"p"`
	Offset int64  `json:"o"`
	Length int64  `json:"l"` // in the pack; less than Size: deflated
	Size   int64  `json:"s"`
}

// A Backup is one that is complete.
type Backup struct {
	Header
	Files []File

	dir string
}

// Size is that of all its files together.
func (b *Backup) Size() (n int64) {
	for i := range b.Files {
		n += b.Files[i].Size
	}
	return n
}

// A Summary says what writing a backup came to.
type Summary struct {
	Name  string `json:"name"`
	Files int    `json:"files"`
	Size  int64  `json:"size"`  // of what was copied
	Wrote int64  `json:"wrote"` // bytes of the pack and the manifest
	Kept  int    `json:"kept"`  // chunks that were there already
	New   int    `json:"new"`   // chunks that were not
}

// A Next gives the next file of a backup, or io.EOF. Its content is read before it is called again.
type Next func() (name string, content io.Reader, err error)

// Write writes a backup into a folder, which is made if it is not there. full writes everything, so that earlier backups are not needed for it.
func Write(dir string, h Header, full bool, next Next) (_ *Summary, err error) {
	for _, sub := range []string{manifestDir, packDir} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	w := &writer{dir: dir, known: map[string]chunk{}, buf: make([]byte, otherChunk)}
	if !full {
		all, err := List(dir)
		if err != nil {
			return nil, err
		}
		for _, b := range all {
			b.chunks(func(c chunk) { w.known[c.Hash] = c })
		}
	}
	if err := w.begin(&h); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil { // what is half is nothing
			w.pack.Close()
			os.Remove(w.pack.Name())
		}
	}()
	for {
		name, content, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := w.file(name, content); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return w.end(&h)
}

// A writer writes one backup.
type writer struct {
	dir     string
	known   map[string]chunk
	pack    *os.File
	out     *bufio.Writer
	at      int64
	files   []File
	buf     []byte
	deflate *flate.Writer
	small   bytes.Buffer
	summary Summary
}

// begin finds a name that is free, and opens the pack.
func (w *writer) begin(h *Header) (err error) {
	h.Format = format
	base := time.Unix(h.Taken, 0).UTC().Format("20060102T150405Z")
	for n := 1; ; n++ {
		if h.Name = base; n > 1 {
			h.Name = fmt.Sprintf("%s-%d", base, n)
		}
		w.pack, err = os.OpenFile(filepath.Join(w.dir, packDir, h.Name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err == nil {
		w.out = bufio.NewWriterSize(w.pack, 1<<20)
		w.summary.Name = h.Name
	}
	return err
}

func (w *writer) file(name string, content io.Reader) error {
	if !fs.ValidPath(name) {
		return errors.New("this is not the name of a file")
	}
	size := otherChunk
	if name == Database {
		size = pageChunk
	}
	f, sum := File{Name: name}, sha256.New()
	for {
		n, err := io.ReadFull(content, w.buf[:size])
		if n > 0 {
			sum.Write(w.buf[:n])
			c, err := w.chunk(w.buf[:n])
			if err != nil {
				return err
			}
			f.chunks = append(f.chunks, c)
			f.Size += int64(n)
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		}
		if err != nil {
			return err
		}
	}
	f.SHA256, f.Chunks = hex.EncodeToString(sum.Sum(nil)), len(f.chunks)
	w.files = append(w.files, f)
	w.summary.Files++
	w.summary.Size += f.Size
	return nil
}

// chunk writes a chunk unless it is there.
func (w *writer) chunk(b []byte) (chunk, error) {
	sum := sha256.Sum256(b)
	hash := base64.RawStdEncoding.EncodeToString(sum[:])
	if c, ok := w.known[hash]; ok {
		w.summary.Kept++
		return c, nil
	}
	w.small.Reset()
	if w.deflate == nil {
		w.deflate, _ = flate.NewWriter(&w.small, flate.BestSpeed) // the level is one that there is
	} else {
		w.deflate.Reset(&w.small)
	}
	w.deflate.Write(b) // into memory
	w.deflate.Close()
	c := chunk{Hash: hash, Pack: w.summary.Name, Offset: w.at, Size: int64(len(b))}
	if w.small.Len() < len(b) {
		b = w.small.Bytes()
	}
	c.Length = int64(len(b))
	w.at += c.Length
	w.known[hash] = c
	w.summary.New++
	_, err := w.out.Write(b)
	return c, err
}

// end brings the pack to the disk, and then the manifest.
func (w *writer) end(h *Header) (*Summary, error) {
	if err := errors.Join(w.out.Flush(), w.pack.Sync(), w.pack.Close()); err != nil {
		return nil, err
	}
	if w.at == 0 { // nothing was new
		if err := os.Remove(w.pack.Name()); err != nil {
			return nil, err
		}
	}
	if err := syncDir(filepath.Join(w.dir, packDir)); err != nil {
		return nil, err
	}
	path := filepath.Join(w.dir, manifestDir, h.Name)
	size, err := writeManifest(path, h, w.files)
	if err != nil {
		return nil, err
	}
	w.summary.Wrote = w.at + size
	return &w.summary, nil
}

// writeManifest writes JSON lines: the header, each file with its chunks behind it, and a checksum of all that.
func writeManifest(path string, h *Header, files []File) (size int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name()) // gone already, if all went well
	out, sum := bufio.NewWriter(f), sha256.New()
	lines := json.NewEncoder(io.MultiWriter(out, sum))
	err = lines.Encode(h)
	for i := range files {
		err = errors.Join(err, lines.Encode(&files[i]))
		for _, c := range files[i].chunks {
			err = errors.Join(err, lines.Encode(c))
		}
	}
	err = errors.Join(err, json.NewEncoder(out).Encode(closing{hex.EncodeToString(sum.Sum(nil))}), out.Flush(), f.Sync())
	if info, e := f.Stat(); e == nil {
		size = info.Size()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return 0, err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return 0, err
	}
	return size, syncDir(filepath.Dir(path))
}

// closing is the last line of a manifest.
type closing struct {
	Sum string `json:"manifest_sha256"` // of all lines before
}

// List is the backups of a folder, oldest first.
func List(dir string) ([]*Backup, error) {
	entries, err := os.ReadDir(filepath.Join(dir, manifestDir))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("there are no backups in %s", dir)
		}
		return nil, err
	}
	var all []*Backup
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		b, err := read(dir, e.Name())
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	slices.SortStableFunc(all, func(a, b *Backup) int {
		if a.Taken != b.Taken {
			return int(a.Taken - b.Taken)
		}
		return len(a.Name) - len(b.Name)
	})
	return all, nil
}

// Open opens a backup by its name; "" is the last one.
func Open(dir, name string) (*Backup, error) {
	if name != "" && filepath.Base(name) == name {
		return read(dir, name)
	}
	all, err := List(dir)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("there are no backups in %s", dir)
	}
	if err != nil {
		return nil, err
	}
	return all[len(all)-1], nil
}

func read(dir, name string) (*Backup, error) {
	b, err := readManifest(filepath.Join(dir, manifestDir, name))
	if err != nil {
		return nil, fmt.Errorf("the backup %s: %w", name, err)
	}
	if b.Name != name {
		return nil, fmt.Errorf("the backup %s says that it is %s", name, b.Name)
	}
	b.dir = dir
	return b, nil
}

var errManifest = errors.New("its manifest is cut or changed")

func readManifest(path string) (*Backup, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, sum := &Backup{}, sha256.New()
	in := bufio.NewReader(f)
	left := 0 // chunks of the last file that are to come
	for n := 0; ; n++ {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return nil, errManifest
		}
		switch {
		case bytes.HasPrefix(line, []byte(`{"manifest_sha256"`)):
			var last closing
			_, more := in.ReadByte()
			if json.Unmarshal(line, &last) != nil || last.Sum != hex.EncodeToString(sum.Sum(nil)) || left != 0 || n == 0 || more != io.EOF {
				return nil, errManifest
			}
			return b, nil
		case n == 0:
			if err := json.Unmarshal(line, &b.Header); err != nil {
				return nil, errManifest
			}
			if b.Format != format {
				return nil, fmt.Errorf("it has format %d, and this Florin knows %d", b.Format, format)
			}
		case left > 0:
			var c chunk
			if err := json.Unmarshal(line, &c); err != nil || filepath.Base(c.Pack) != c.Pack {
				return nil, errManifest
			}
			last := &b.Files[len(b.Files)-1]
			last.chunks = append(last.chunks, c)
			left--
		default:
			var file File
			if err := json.Unmarshal(line, &file); err != nil || !fs.ValidPath(file.Name) {
				return nil, errManifest
			}
			b.Files = append(b.Files, file)
			left = file.Chunks
		}
		sum.Write(line)
	}
}

func (b *Backup) chunks(yield func(chunk)) {
	for i := range b.Files {
		for _, c := range b.Files[i].chunks {
			yield(c)
		}
	}
}

// Extract writes a file's content, and fails if it is not what was copied.
func (b *Backup) Extract(f *File, w io.Writer) error {
	err := b.extract(f, w)
	if err != nil {
		return fmt.Errorf("the backup %s: %s: %w", b.Name, f.Name, err)
	}
	return nil
}

func (b *Backup) extract(f *File, w io.Writer) error {
	sum, size := sha256.New(), int64(0)
	packs := map[string]*os.File{}
	defer func() {
		for _, p := range packs {
			p.Close()
		}
	}()
	var packed, plain []byte
	inflate := flate.NewReader(nil)
	for i, c := range f.chunks {
		p := packs[c.Pack]
		if p == nil {
			var err error
			if p, err = os.Open(filepath.Join(b.dir, packDir, c.Pack)); err != nil {
				return err
			}
			packs[c.Pack] = p
		}
		if c.Size > otherChunk || c.Length > c.Size || c.Length < 0 {
			return errManifest
		}
		packed = slices.Grow(packed[:0], int(c.Length))[:c.Length]
		if _, err := p.ReadAt(packed, c.Offset); err != nil {
			return fmt.Errorf("chunk %d of %d: %w", i+1, len(f.chunks), err)
		}
		content := packed
		if c.Length < c.Size {
			plain = slices.Grow(plain[:0], int(c.Size))[:c.Size]
			if err := inflate.(flate.Resetter).Reset(bytes.NewReader(packed), nil); err != nil {
				return err
			}
			if _, err := io.ReadFull(inflate, plain); err != nil {
				return fmt.Errorf("chunk %d of %d is damaged: %w", i+1, len(f.chunks), err)
			}
			content = plain
		}
		if h := sha256.Sum256(content); base64.RawStdEncoding.EncodeToString(h[:]) != c.Hash {
			return fmt.Errorf("chunk %d of %d is damaged", i+1, len(f.chunks))
		}
		sum.Write(content)
		size += c.Size
		if _, err := w.Write(content); err != nil {
			return err
		}
	}
	if size != f.Size || hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return errors.New("it does not have the checksum that was noted")
	}
	return nil
}

// Verify reads all of a backup and compares the checksums.
func (b *Backup) Verify() error {
	for i := range b.Files {
		if err := b.Extract(&b.Files[i], io.Discard); err != nil {
			return err
		}
	}
	return nil
}

// strayAge is how long a pack that no backup names is left, since it may be of one that is being written.
const strayAge = 24 * time.Hour

// Keep removes all backups but the newest, and the packs that only those needed.
func Keep(dir string, newest int, now time.Time) (removed int, err error) {
	all, err := List(dir)
	if err != nil || newest < 1 {
		return 0, err
	}
	needed := map[string]bool{}
	for i, b := range all {
		if i < len(all)-newest {
			if err := os.Remove(filepath.Join(dir, manifestDir, b.Name)); err != nil {
				return removed, err
			}
			removed++
			continue
		}
		b.chunks(func(c chunk) { needed[c.Pack] = true })
	}
	old := map[string]bool{}
	for _, b := range all[:removed] {
		b.chunks(func(c chunk) { old[c.Pack] = true })
	}
	packs, err := os.ReadDir(filepath.Join(dir, packDir))
	for _, p := range packs {
		info, e := p.Info()
		if e != nil || needed[p.Name()] || !old[p.Name()] && now.Sub(info.ModTime()) < strayAge {
			continue
		}
		err = errors.Join(err, os.Remove(filepath.Join(dir, packDir, p.Name())))
	}
	return removed, err
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	_ = d.Sync() // not every system can; the files themselves are on the disk
	return d.Close()
}
