package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

// A source says where a ring is kept. A ring is text, a key a word in base64, oldest first:
//
//	file:PATH   a file that only its owner can read; made if it is not there
//	env:NAME    an environment variable
//	cmd:PROGRAM what a program prints
//	kms:PROGRAM a file like that of file:, whose keys only the program can read: `PROGRAM wrap` is given a key on its standard input and prints
//	            what is to be kept of it, one word; `PROGRAM unwrap` is given that word, and prints the key
//
// A program is started without a shell, with the arguments that follow its name.
type source struct {
	kind, arg string
	file      string // of the ring, where it is in one
}

const (
	inMemory = ""
	inFile   = "file"
	inEnv    = "env"
	byCmd    = "cmd"
	byKMS    = "kms"

	byProgram  = "kms:" // begins a word that a program has wrapped
	maxCommand = 30 * time.Second
)

// ErrForeign is returned by Rotate and Retire where the ring is not Florin's to change.
var ErrForeign = errors.New("vault: the ring is kept elsewhere")

// Open opens the ring that a source names. "" is the file itself, which also is where kms: keeps what it wrapped.
func Open(from, file string) (*Vault, error) {
	kind, arg, found := strings.Cut(from, ":")
	s := source{kind: kind, arg: arg, file: file}
	switch {
	case from == "":
		s.kind = inFile
	case !found:
		s.kind = "?"
	case kind == inFile:
		s.file = arg
	}
	switch s.kind {
	case inFile, byKMS:
		if s.file == "" {
			return nil, fmt.Errorf("vault: %s: no file is named", s.kind)
		}
	case inEnv, byCmd:
	default:
		return nil, fmt.Errorf("vault: source %q begins with none of file:, env:, cmd: and kms: (a path, a name, a program)", from)
	}
	if (s.kind == byCmd || s.kind == byKMS) && len(strings.Fields(s.arg)) == 0 {
		return nil, fmt.Errorf("vault: %s: names no program", s.kind)
	}
	v := &Vault{source: s}
	keys, err := s.read()
	if errors.Is(err, fs.ErrNotExist) && s.file != "" {
		if err = s.make(); err == nil || errors.Is(err, fs.ErrExist) { // another process may have been faster
			keys, err = s.read()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	return v, v.begin(keys)
}

// Memory returns a vault with a new key that is kept nowhere: what it sealed is lost with the process.
func Memory() *Vault {
	v := &Vault{}
	if err := v.begin([][]byte{newKey()}); err != nil {
		panic(err)
	}
	return v
}

// Keys are the ids of the master keys, oldest first.
func (v *Vault) Keys() []string {
	var ids []string
	for _, m := range v.ring.Load().keys {
		ids = append(ids, hex.EncodeToString(m.id[:]))
	}
	return ids
}

// Wrapped says whether the ring's file has no key in clear.
func (v *Vault) Wrapped() bool {
	if v.source.kind != byKMS {
		return false
	}
	text, err := readFile(v.source.file)
	words := strings.Fields(string(text))
	return err == nil && !slices.ContainsFunc(words, func(w string) bool { return !strings.HasPrefix(w, byProgram) })
}

// Rotate makes a new master key, keeps it in the ring, and seals with it from then on. Where the ring is kept elsewhere it reads it again,
// and answers ErrForeign if its newest key is the same as before.
func (v *Vault) Rotate() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	was := v.ring.Load().newest().id
	key := newKey()
	switch v.source.kind {
	case inMemory:
		r, err := newRing(append(v.plainKeys(), key))
		if err == nil {
			v.ring.Store(r)
		}
		return err
	case inFile, byKMS:
		word, err := v.source.word(key)
		if err != nil {
			return err
		}
		text, err := readFile(v.source.file)
		if err != nil {
			return fmt.Errorf("vault: %w", err)
		}
		text = append(append(bytes.TrimRight(text, "\n"), '\n'), word...)
		if err := replaceFile(v.source.file, append(text, '\n')); err != nil {
			return err
		}
	}
	err := v.reload()
	if err == nil && v.ring.Load().newest().id == was {
		return ErrForeign
	}
	return err
}

// Retire takes all master keys but the newest out of the ring. They are added to another file, since backups may need them, and its path is returned.
// Nothing that is sealed under one of them opens afterwards: the caller has seen that nothing is.
func (v *Vault) Retire() (retired string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.source.kind == inMemory {
		return "", v.begin([][]byte{v.ring.Load().newest().key})
	}
	if v.source.file == "" || v.source.kind == inEnv || v.source.kind == byCmd {
		return "", ErrForeign
	}
	if err := v.reload(); err != nil {
		return "", err
	}
	text, err := readFile(v.source.file)
	if err != nil {
		return "", fmt.Errorf("vault: %w", err)
	}
	words := strings.Fields(string(text))
	old, last := words[:len(words)-1], words[len(words)-1]
	retired = v.source.file + ".retired"
	if len(old) == 0 {
		return retired, nil
	}
	before, err := readFile(retired)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("vault: %w", err)
	}
	for _, w := range old {
		if !slices.Contains(strings.Fields(string(before)), w) {
			before = append(append(before, w...), '\n')
		}
	}
	if err := errors.Join(replaceFile(retired, before), replaceFile(v.source.file, []byte(last+"\n"))); err != nil {
		return "", err
	}
	return retired, v.reload()
}

// reload reads the ring again; v.mu is held.
func (v *Vault) reload() error {
	keys, err := v.source.read()
	if err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	r, err := newRing(keys)
	if err != nil {
		return err
	}
	v.ring.Store(r)
	return nil
}

// begin takes the first ring, and the roots that come from its first key.
func (v *Vault) begin(keys [][]byte) error {
	r, err := newRing(keys)
	if err != nil {
		return err
	}
	v.ring.Store(r)
	if v.roots.Load() == nil {
		v.roots.Store(&roots{newKeyed(derive(keys[0], nil, "florin vault 1 fingerprint")), newKeyed(derive(keys[0], nil, "florin vault 1 key hash"))})
	}
	return nil
}

func newRing(keys [][]byte) (*ring, error) {
	if len(keys) == 0 {
		return nil, errors.New("vault: no master key")
	}
	r := &ring{}
	for _, key := range keys {
		m := master{key: key}
		copy(m.id[:], derive(key, nil, "florin vault 1 key id"))
		if r.find(m.id[:]) != nil {
			return nil, errors.New("vault: the same master key stands twice in the ring")
		}
		var err error
		if m.wrap, err = chacha20poly1305.NewX(derive(key, nil, "florin vault 2 wrap")); err != nil {
			return nil, err
		}
		r.keys = append(r.keys, m)
	}
	return r, nil
}

func (v *Vault) plainKeys() (keys [][]byte) {
	for _, m := range v.ring.Load().keys {
		keys = append(keys, m.key)
	}
	return keys
}

// read returns the ring's keys.
func (s *source) read() ([][]byte, error) {
	var text []byte
	var err error
	switch s.kind {
	case inEnv:
		value, ok := os.LookupEnv(s.arg)
		if !ok {
			return nil, fmt.Errorf("environment variable %s is not set", s.arg)
		}
		text = []byte(value)
	case byCmd:
		text, err = s.run("", nil)
	default:
		text, err = readFile(s.file)
	}
	if err != nil {
		return nil, err
	}
	var keys [][]byte
	for _, word := range strings.Fields(string(text)) {
		if rest, is := strings.CutPrefix(word, byProgram); is {
			if s.kind != byKMS {
				return nil, fmt.Errorf("master key %d was wrapped by a program, which must be named (kms:PROGRAM)", len(keys)+1)
			}
			plain, err := s.run("unwrap", []byte(rest+"\n"))
			if err != nil {
				return nil, err
			}
			word = strings.TrimSpace(string(plain))
		}
		key, err := base64.StdEncoding.DecodeString(word)
		if err != nil || len(key) != keySize {
			return nil, fmt.Errorf("master key %d is not %d bytes in base64", len(keys)+1, keySize) // the text itself is a secret
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// word is how a key stands in the ring's file.
func (s *source) word(key []byte) (string, error) {
	plain := base64.StdEncoding.EncodeToString(key)
	if s.kind != byKMS {
		return plain, nil
	}
	out, err := s.run("wrap", []byte(plain+"\n"))
	if err != nil {
		return "", fmt.Errorf("vault: %w", err)
	}
	words := strings.Fields(string(out))
	if len(words) != 1 || strings.Contains(words[0], plain) {
		return "", fmt.Errorf("vault: %s wrap printed %d words; it is to print the wrapped key as one", strings.Fields(s.arg)[0], len(words))
	}
	// A key that does not come back would make everything that it seals unreadable.
	back, err := s.run("unwrap", []byte(words[0]+"\n"))
	if err != nil {
		return "", fmt.Errorf("vault: %w", err)
	}
	if strings.TrimSpace(string(back)) != plain {
		return "", fmt.Errorf("vault: %s unwrap does not print what was wrapped", strings.Fields(s.arg)[0])
	}
	return byProgram + words[0], nil
}

// run runs the source's program.
func (s *source) run(verb string, input []byte) ([]byte, error) {
	args := strings.Fields(s.arg)
	if verb != "" {
		args = append(args, verb)
	}
	ctx, cancel := context.WithTimeout(context.Background(), maxCommand)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", args[0], err)
	}
	return out, nil
}

func newKey() []byte {
	key := make([]byte, keySize)
	rand.Read(key)
	return key
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s holds master keys and others can read it (mode %v): chmod 600", path, info.Mode().Perm())
	}
	return os.ReadFile(path)
}

// make makes a ring of one new key. It fails with fs.ErrExist rather than replace a file.
func (s *source) make() error {
	word, err := s.word(newKey())
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.file), 0o700); err != nil {
		return err
	}
	temp, err := writeTemp(s.file, []byte(word+"\n"))
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	if err := os.Link(temp, s.file); err != nil {
		return err
	}
	return syncDir(s.file)
}

func replaceFile(path string, text []byte) error {
	temp, err := writeTemp(path, text)
	if err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	if err := os.Rename(temp, path); err != nil {
		os.Remove(temp)
		return fmt.Errorf("vault: %w", err)
	}
	return syncDir(path)
}

// writeTemp writes a file beside path that only the owner can read, down to the disk: a key that sealed something must outlive a power cut.
func writeTemp(path string, text []byte) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".vault-*") // mode 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
