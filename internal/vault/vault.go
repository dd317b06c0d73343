// Package vault keeps card numbers and secrets. It is the only package that sees them in clear when they are at rest.
//
// A vault holds a ring of master keys, 32 bytes each. A record is encrypted with AES-256-GCM under a data key of its own, and the data key is wrapped
// with XChaCha20-Poly1305 under a key that is derived from the newest master key:
//
//	version 2 | master key id 4 | nonce 24 | wrapped data key 32 + 16 | inner record
//
// The inner record is 0, ciphertext and tag, with the record's context (who owns it, what it is) authenticated: a record that was moved to another
// owner does not open. The master key's id is the beginning of its hash, so a ring needs no numbering and a backup tells which key it wants.
//
// Rotation (Rotate) adds a master key to the ring, which seals from then on; older ones still open. Rewrap brings a record to the newest key: it
// wraps the data key anew, and neither needs the context nor decrypts the record. When nothing is sealed under an older master key any more, it
// leaves the ring (Retire).
//
// Fingerprints and key hashes must not change when master keys do. Their keys, the roots, come from the first master key that a data folder has seen,
// and are kept in its store, sealed like everything else (SealRoots, OpenRoots).
//
// Version 1 is older: the record's key was derived from the master key and a salt. Such a record opens, and when it is rewrapped it becomes the
// inner record of a version 2.
//
//	version 1 | master key id 4 | salt 32 | ciphertext | tag 16
//
// Where the ring comes from is said in ring.go.
package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	keySize  = 32
	idSize   = 4
	tagSize  = 16
	saltSize = 32

	derived  = 1 // the versions
	wrapped  = 2
	plainTag = 0 // begins an inner record that is not one of version 1

	derivedHead = 1 + idSize + saltSize
	wrappedHead = 1 + idSize + chacha20poly1305.NonceSizeX + keySize + tagSize
)

// ErrCorrupt is returned for a record that was changed, cut, moved to another context, or was never sealed here.
var ErrCorrupt = errors.New("vault: record does not open: changed, or not of this context")

// ErrNoKey is returned for a record whose master key is not in the ring.
var ErrNoKey = errors.New("vault: record was sealed under a master key that is not in the ring")

// A Vault seals and opens records. It is safe for use by many goroutines.
type Vault struct {
	source source
	ring   atomic.Pointer[ring]
	roots  atomic.Pointer[roots]

	mu     sync.Mutex // held by what changes the ring
	missed map[[idSize]byte]bool
}

// A ring is what a vault's master keys are at a time: oldest first, never empty, never changed.
type ring struct{ keys []master }

type master struct {
	id   [idSize]byte
	key  []byte
	wrap cipher.AEAD
}

// roots are the keys of Fingerprint and KeyHash.
type roots struct{ prints, hashes keyed }

// keyed makes hashes under a key. What is begun with the key is used again.
type keyed struct {
	key  []byte
	pool *sync.Pool
}

func newKeyed(key []byte) keyed {
	return keyed{key, &sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// sum appends the hash of a text.
func (k keyed) sum(to []byte, text []byte) []byte {
	h := k.pool.Get().(hash.Hash)
	defer k.pool.Put(h)
	h.Reset()
	h.Write(text)
	return h.Sum(to)
}

func (r *ring) newest() *master { return &r.keys[len(r.keys)-1] }

func (r *ring) find(id []byte) *master {
	for i := range r.keys {
		if bytes.Equal(r.keys[i].id[:], id) {
			return &r.keys[i]
		}
	}
	return nil
}

// Seal encrypts plain. The context says whose it is and what ("acct_X/test/card/pm_Y"); Open wants the same.
func (v *Vault) Seal(context string, plain []byte) []byte {
	var data [keySize]byte
	defer clear(data[:])
	rand.Read(data[:])
	out := make([]byte, 0, wrappedHead+1+len(plain)+tagSize)
	out = append(v.ring.Load().newest().seal(out, data[:]), plainTag)
	aead := recordCipher(data[:])
	// The nonce may be constant, since this key encrypts nothing else.
	return aead.Seal(out, make([]byte, aead.NonceSize()), plain, []byte(context))
}

// seal appends the head of a version 2 record: the data key, wrapped.
func (m *master) seal(out, data []byte) []byte {
	at := len(out)
	out = append(append(out, wrapped), m.id[:]...)
	nonce := len(out)
	out = out[:nonce+chacha20poly1305.NonceSizeX]
	rand.Read(out[nonce:])
	return m.wrap.Seal(out, out[nonce:], data, out[at:nonce])
}

// Open decrypts what Seal gave for the same context.
func (v *Vault) Open(context string, sealed []byte) ([]byte, error) {
	data, inner, err := v.unwrap(sealed)
	if err != nil {
		return nil, err
	}
	defer clear(data)
	aead := recordCipher(data)
	bound := []byte(context)
	if inner[0] == plainTag {
		inner = inner[1:]
	} else {
		bound, inner = bind(inner[:derivedHead], context), inner[derivedHead:]
	}
	plain, err := aead.Open(nil, make([]byte, aead.NonceSize()), inner, bound)
	if err != nil {
		return nil, ErrCorrupt
	}
	return plain, nil
}

// unwrap returns a record's own key, and its inner record.
func (v *Vault) unwrap(sealed []byte) (data, inner []byte, err error) {
	switch {
	case !shaped(sealed):
		return nil, nil, ErrCorrupt
	case sealed[0] == wrapped && !shapedInner(sealed[wrappedHead:]):
		return nil, nil, ErrCorrupt
	}
	m := v.master(sealed[1 : 1+idSize])
	if m == nil {
		return nil, nil, ErrNoKey
	}
	if sealed[0] == derived {
		return derive(m.key, sealed[1+idSize:derivedHead], "florin vault 1 record"), sealed, nil
	}
	nonce := sealed[1+idSize:]
	data, err = m.wrap.Open(nil, nonce[:chacha20poly1305.NonceSizeX], sealed[1+idSize+chacha20poly1305.NonceSizeX:wrappedHead], sealed[:1+idSize])
	if err != nil {
		return nil, nil, ErrCorrupt
	}
	return data, sealed[wrappedHead:], nil
}

// shaped says whether bytes look like a record.
func shaped(b []byte) bool {
	return len(b) >= derivedHead+tagSize && b[0] == derived || len(b) >= wrappedHead+1+tagSize && b[0] == wrapped
}

func shapedInner(b []byte) bool {
	return b[0] == plainTag || b[0] == derived && len(b) >= derivedHead+tagSize
}

// master finds a key of the ring. If it is not there, another process may have added it: the source is read again, once for each key.
func (v *Vault) master(id []byte) *master {
	if m := v.ring.Load().find(id); m != nil {
		return m
	}
	if v.source.kind == inMemory {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	key := [idSize]byte(id)
	if v.missed[key] || len(v.missed) > 1000 { // records come from outside, too
		return v.ring.Load().find(id)
	}
	if v.missed == nil {
		v.missed = map[[idSize]byte]bool{}
	}
	v.missed[key] = true
	if err := v.reload(); err != nil {
		return nil
	}
	return v.ring.Load().find(id)
}

// Known says whether bytes are shaped like a record, and the ring has its master key.
func (v *Vault) Known(sealed []byte) (record, known bool) {
	if !shaped(sealed) {
		return false, false
	}
	return true, v.master(sealed[1:1+idSize]) != nil
}

// Current says whether the record is sealed under the newest master key.
func (v *Vault) Current(sealed []byte) bool {
	return shaped(sealed) && sealed[0] == wrapped && bytes.Equal(v.ring.Load().newest().id[:], sealed[1:1+idSize])
}

// Rewrap returns the record under the newest master key, or the record itself if it is already. What is in it is not decrypted.
func (v *Vault) Rewrap(sealed []byte) ([]byte, error) {
	if v.Current(sealed) {
		return sealed, nil
	}
	data, inner, err := v.unwrap(sealed)
	if err != nil {
		return nil, err
	}
	defer clear(data)
	out := v.ring.Load().newest().seal(make([]byte, 0, wrappedHead+len(inner)), data)
	return append(out, inner...), nil
}

// KeyID is the id of the master key that a record is sealed under, "" if it is no record.
func KeyID(sealed []byte) string {
	if !shaped(sealed) {
		return ""
	}
	return hex.EncodeToString(sealed[1 : 1+idSize])
}

// rootsContext binds the roots.
const rootsContext = "vault roots"

// SealRoots returns the keys of fingerprints and key hashes, sealed: for a store to keep.
func (v *Vault) SealRoots() []byte {
	r := v.roots.Load()
	both := append(append(make([]byte, 0, 2*keySize), r.prints.key...), r.hashes.key...)
	defer clear(both)
	return v.Seal(rootsContext, both)
}

// OpenRoots takes the roots that SealRoots gave, instead of those that come from the ring's first key.
func (v *Vault) OpenRoots(sealed []byte) error {
	both, err := v.Open(rootsContext, sealed)
	if err != nil {
		return err
	}
	if len(both) != 2*keySize {
		return ErrCorrupt
	}
	v.roots.Store(&roots{newKeyed(both[:keySize:keySize]), newKeyed(both[keySize:])})
	return nil
}

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// Fingerprint returns the 16 letters and digits that stand for a card or account number in an account: the same for the same number, another in
// another account, and of no use to find the number without the roots (facts 07a).
func (v *Vault) Fingerprint(account, number string) string {
	prints := v.roots.Load().prints
	b := make([]byte, 0, 16)
	for round := byte(0); ; round++ {
		text := append(strconv.AppendInt(make([]byte, 0, 64), int64(len(account)), 10), ':')
		text = append(append(append(append(text, account...), ':'), number...), ':')
		for _, c := range prints.sum(nil, strconv.AppendInt(text, int64(round), 10)) {
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
	var sum [sha256.Size]byte
	return hex.EncodeToString(v.roots.Load().hashes.sum(sum[:0], []byte(secret)))
}

// recordCipher is the cipher of the one record that has this key.
func recordCipher(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
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

// bind joins what is authenticated with a record of version 1. The head has a fixed size, so nothing can be shifted between the two.
func bind(head []byte, context string) []byte {
	return append(append(make([]byte, 0, len(head)+len(context)), head...), context...)
}
