package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Blobs keep what was uploaded, by name. A name is written once, and again only when its content is sealed under another key.
type Blobs interface {
	Put(name string, content []byte) error
	// Each calls yield for every name, until it fails.
	Each(yield func(name string) error) error
	// Get returns the content; nil if there is none by this name.
	Get(name string) ([]byte, error)
}

// Memory keeps blobs as long as the process lives.
func Memory() Blobs { return &memory{} }

type memory struct{ m sync.Map }

func (b *memory) Put(name string, content []byte) error {
	b.m.Store(name, content)
	return nil
}

func (b *memory) Get(name string) ([]byte, error) {
	v, ok := b.m.Load(name)
	if !ok {
		return nil, nil
	}
	return v.([]byte), nil
}

func (b *memory) Each(yield func(string) error) (err error) {
	b.m.Range(func(name, _ any) bool {
		err = yield(name.(string))
		return err == nil
	})
	return err
}

// Folder keeps blobs as files of a folder, which is made when it is first needed.
func Folder(path string) Blobs { return folder(path) }

type folder string

// Put writes the file beside its place and then moves it there, so that there is either all of it or nothing; it is on the disk when Put returns.
func (f folder) Put(name string, content []byte) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("keep %s: %w", name, err)
		}
	}()
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(string(f), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already, if all went well
	if _, err = tmp.Write(content); err == nil {
		err = tmp.Sync()
	}
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), filepath.Join(string(f), name)); err != nil {
		return err
	}
	d, err := os.Open(string(f))
	if err != nil {
		return err
	}
	_ = d.Sync() // not every system can; the file itself is on the disk
	return d.Close()
}

func (f folder) Get(name string) ([]byte, error) {
	content, err := os.ReadFile(filepath.Join(string(f), name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return content, err
}

func (f folder) Each(yield func(string) error) error {
	d, err := os.Open(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer d.Close()
	for {
		names, err := d.Readdirnames(1000)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, name := range names {
			if !strings.HasPrefix(name, ".new-") { // being written, or left by a process that died
				if err := yield(name); err != nil {
					return err
				}
			}
		}
	}
}
