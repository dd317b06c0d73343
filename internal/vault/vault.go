// Package vault keeps card numbers and secrets. It is the only package that sees them in clear when they are at rest.
//
// A vault holds a ring of master keys, 32 bytes each. A record is sealed with AES-256-GCM under a key of its own, derived from the newest master key
// and a random salt (HKDF-SHA256), so that no two records share a key and no nonce can repeat:
//
//	version 1 | master key id 4 | salt 32 | ciphertext | tag 16
//
// The head and the record's context (who owns it, what it is) are authenticated: a record that was moved to another owner does not open. The master
// key's id is the beginning of its hash, so a ring needs no numbering and a backup tells which key it wants.
//
// Rotation: a new key is added at the end of the ring and seals from then on, older ones still open. Reseal brings a record to the newest key. The
// first key of the ring stays: fingerprints and key hashes come from it, and must not change.
//
// A ring is text, a key a line in base64, from a file, an environment variable or a command's output (OpenFrom).
package vault

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const (
	keySize    = 32
	version    = 1
	idSize     = 4
	saltSize   = 32
	headSize   = 1 + idSize + saltSize
	tagSize    = 16
	maxCommand = 30 * time.Second
)

// ErrCorrupt is returned for a record that was changed, cut, moved to another context, or was never sealed here.
var ErrCorrupt = errors.New("vault: record does not open: changed, or not of this context")

// ErrNoKey is returned for a record whose master key is not in the ring.
var ErrNoKey = errors.New("vault: record was sealed under a master key that is not in the ring")

// A Vault seals and opens records. It is safe for use by many goroutines.
type Vault struct {
	keys           []master // oldest first; never empty, never changed after Open
	prints, hashes []byte   // keys of Fingerprint and KeyHash
}

type master struct {
	id  [idSize]byte
	key []byte
}

// Open reads the ring of master keys in the file, or makes the file with one new key if there is none. The file must be readable by its owner only.
func Open(path string) (*Vault, error) {
	text, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeFile(path); err == nil || errors.Is(err, fs.ErrExist) { // another process may have been faster
			text, err = readFile(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	return parse(text)
}

// OpenFrom opens the ring that source names: file:PATH as Open does, env:NAME for the value of an environment variable, cmd:PROGRAM ARGUMENTS for
// what a program writes to its standard output (a key manager's client, say; no shell is used). A value may separate keys by spaces or lines.
func OpenFrom(source string) (*Vault, error) {
	kind, rest, _ := strings.Cut(source, ":")
	switch kind {
	case "file":
		return Open(rest)
	case "env":
		text, ok := os.LookupEnv(rest)
		if !ok {
			return nil, fmt.Errorf("vault: environment variable %s is not set", rest)
		}
		return parse([]byte(text))
	case "cmd":
		args := strings.Fields(rest)
		if len(args) == 0 {
			return nil, errors.New("vault: cmd: names no program")
		}
		ctx, cancel := context.WithTimeout(context.Background(), maxCommand)
		defer cancel()
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Stderr = os.Stderr
		text, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("vault: %s: %w", args[0], err)
		}
		return parse(text)
	}
	return nil, fmt.Errorf("vault: source %q begins with none of file:, env: and cmd: (a path, a name, a command)", kind)
}

// Memory returns a vault with a new key that is kept nowhere: what it sealed is lost with the process.
func Memory() *Vault {
	v, err := newVault([][]byte{newKey()})
	if err != nil {
		panic(err)
	}
	return v
}

// Rotate adds a new master key to the file's ring. A vault opened from then on seals with it. The keys of other sources are rotated where they are kept.
func Rotate(path string) error {
	text, err := readFile(path)
	if err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	if _, err := parse(text); err != nil {
		return err
	}
	text = append(bytes.TrimRight(text, "\n"), '\n')
	return replaceFile(path, append(text, line(newKey())...))
}

// Seal encrypts plain. The context says whose it is and what ("acct_X/test/card/pm_Y"); Open wants the same.
func (v *Vault) Seal(context string, plain []byte) []byte {
	newest := v.keys[len(v.keys)-1]
	out := make([]byte, headSize, headSize+len(plain)+tagSize)
	out[0] = version
	copy(out[1:], newest.id[:])
	rand.Read(out[1+idSize : headSize])
	aead := recordKey(newest.key, out[1+idSize:headSize])
	// The nonce may be constant, since this key encrypts nothing else.
	return aead.Seal(out, make([]byte, aead.NonceSize()), plain, bind(out[:headSize], context))
}

// Open decrypts what Seal gave for the same context.
func (v *Vault) Open(context string, sealed []byte) ([]byte, error) {
	if len(sealed) < headSize+tagSize || sealed[0] != version {
		return nil, ErrCorrupt
	}
	for _, m := range v.keys {
		if bytes.Equal(m.id[:], sealed[1:1+idSize]) {
			aead := recordKey(m.key, sealed[1+idSize:headSize])
			plain, err := aead.Open(nil, make([]byte, aead.NonceSize()), sealed[headSize:], bind(sealed[:headSize], context))
			if err != nil {
				return nil, ErrCorrupt
			}
			return plain, nil
		}
	}
	return nil, ErrNoKey
}

// Current says whether the record is sealed under the newest master key.
func (v *Vault) Current(sealed []byte) bool {
	newest := v.keys[len(v.keys)-1]
	return len(sealed) >= headSize && sealed[0] == version && bytes.Equal(newest.id[:], sealed[1:1+idSize])
}

// Reseal returns the record sealed under the newest master key, or the record itself if it is already.
func (v *Vault) Reseal(context string, sealed []byte) ([]byte, error) {
	if v.Current(sealed) {
		return sealed, nil
	}
	plain, err := v.Open(context, sealed)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	return v.Seal(context, plain), nil
}

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// Fingerprint returns the 16 letters and digits that stand for a card or account number in an account: the same for the same number, another in
// another account, and of no use to find the number without the master key (facts 07a).
func (v *Vault) Fingerprint(account, number string) string {
	b := make([]byte, 0, 16)
	for round := byte(0); ; round++ {
		h := hmac.New(sha256.New, v.prints)
		fmt.Fprintf(h, "%d:%s:%s:%d", len(account), account, number, round)
		for _, c := range h.Sum(nil) {
			if c &= 63; c < 62 {
				if b = append(b, alphabet[c]); len(b) == cap(b) {
					return string(b)
				}
			}
		}
	}
}

// KeyHash returns the keyed hash under which an API key or another secret is stored and found: 64 hexadecimal digits.
func (v *Vault) KeyHash(secret string) string {
	h := hmac.New(sha256.New, v.hashes)
	h.Write([]byte(secret))
	return hex.EncodeToString(h.Sum(nil))
}

// parse reads a ring.
func parse(text []byte) (*Vault, error) {
	var keys [][]byte
	for _, field := range strings.Fields(string(text)) {
		key, err := base64.StdEncoding.DecodeString(field)
		if err != nil || len(key) != keySize {
			return nil, fmt.Errorf("vault: master key %d is not %d bytes in base64", len(keys)+1, keySize) // the text itself is a secret
		}
		keys = append(keys, key)
	}
	return newVault(keys)
}

func newVault(keys [][]byte) (*Vault, error) {
	if len(keys) == 0 {
		return nil, errors.New("vault: no master key")
	}
	v := &Vault{
		prints: derive(keys[0], nil, "florin vault 1 fingerprint"),
		hashes: derive(keys[0], nil, "florin vault 1 key hash"),
	}
	for _, key := range keys {
		m := master{key: key}
		copy(m.id[:], derive(key, nil, "florin vault 1 key id"))
		for _, have := range v.keys {
			if have.id == m.id {
				return nil, errors.New("vault: the same master key stands twice in the ring")
			}
		}
		v.keys = append(v.keys, m)
	}
	return v, nil
}

// recordKey returns the cipher of the one record that has this salt.
func recordKey(key, salt []byte) cipher.AEAD {
	block, err := aes.NewCipher(derive(key, salt, "florin vault 1 record"))
	if err != nil {
		panic(err) // the key has the right size
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}

func derive(key, salt []byte, purpose string) []byte {
	out, err := hkdf.Key(sha256.New, key, salt, purpose, keySize)
	if err != nil {
		panic(err) // only for absurd sizes
	}
	return out
}

// bind joins what is authenticated with a record. The head has a fixed size, so nothing can be shifted between the two.
func bind(head []byte, context string) []byte {
	return append(append(make([]byte, 0, len(head)+len(context)), head...), context...)
}

func newKey() []byte {
	key := make([]byte, keySize)
	rand.Read(key)
	return key
}

func line(key []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(nil, key), '\n')
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

// makeFile makes a ring of one new key. It fails with fs.ErrExist rather than replace a file.
func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	temp, err := writeTemp(path, line(newKey()))
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	if err := os.Link(temp, path); err != nil {
		return err
	}
	return syncDir(path)
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
