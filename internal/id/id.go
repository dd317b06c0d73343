// Package id makes Stripe's ids, keys and secrets.
//
// Most ids have a body of 24 characters:
//
//	<kind digit><5 characters of time><10 of the account><8 random>      pm_ 1 U09KG KuuB1fWySn ssiGeUOU
//
// so that they grow with time (a store that is ordered by id appends), and everything an account has shares its middle part, which is the end of the
// account's own id. A payment intent and what comes of it share 17 characters, the last of them a shard digit, and have 7 random ones:
//
//	pi_ 3 U09Lq KSHejMPKBy 1 5KF55nt      ch_ 3 U09Lq KSHejMPKBy 1 Mc4bCwQ      txn_ 3 U09Lq KSHejMPKBy 1 4g0ZGnF
//
// Older kinds (customers, products, subscription items) have 14 characters: time and 9 random ones.
//
// The first three of the random characters are a count, which begins anywhere: so ids grow within a second, too, and what is made in one is neighbours in
// an index. (With thousands of payments a second, random ones would touch another page of every index each.) What must not be guessed is not an id but a
// secret, whose characters are all random.
//
// Known from: facts 12; the time's origin from recorded ids (see epoch). All random characters come from crypto/rand, without modulo bias.
package id

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"sync/atomic"
)

// alphabet holds the 62 characters in the order in which ids sort.
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// epoch is the unix second at which the five characters of time are 00000. Recorded: pm_, person_, pi_, price_, seti_, in_ ids of ten accounts
// (2023 to 2026) all give created − time = 1342389380; charges and what follows a payment give one to seven seconds more, since the payment intent
// that they take their time from is that much older.
const epoch = 1342389380

// span is how many seconds five characters count: until 2041-07-27. Then the time begins again at 00000.
const span = 62 * 62 * 62 * 62 * 62

// The kind digits that begin a 24-character body.
const (
	Ordinary = '1' // most objects
	Bare     = '2' // a charge made without a payment intent
	Payment  = '3' // a payment intent and everything that it creates
)

const (
	timeLen   = 5
	partLen   = 10
	bodyLen   = 24
	longest   = 48                        // room for any id with its prefix, so that only the string itself is allocated
	sharedLen = 1 + timeLen + partLen + 1 // what a payment's objects share
)

// Account returns a new account's id, acct_ and 16 characters, made at the unix second t.
func Account(t int64) string {
	var a [longest]byte
	b := append(a[:0], "acct_1"...)
	b = appendTime(b, t)
	b = appendRandom(b, partLen)
	return string(b)
}

// AccountPart returns the 10 characters that all objects of an account share. An account id of another shape (imported, or older than 2019) is hashed
// to 10 characters.
func AccountPart(account string) string {
	body := account[strings.IndexByte(account, '_')+1:]
	if len(body) == 1+timeLen+partLen && alnum(body) {
		return body[1+timeLen:]
	}
	sum := sha256.Sum256([]byte(account))
	b := make([]byte, partLen)
	for i := range b {
		b[i] = alphabet[int(sum[i])%len(alphabet)] // not a secret: bias does no harm
	}
	return string(b)
}

// New returns prefix_ and a body of 24 characters, for an object made at the unix second t in the account whose part is accountPart.
func New(prefix string, digit byte, t int64, accountPart string) string {
	var a [longest]byte
	b := appendHead(a[:0], prefix, digit, t, accountPart)
	return string(appendRandom(appendTurn(b), 8-turnLen))
}

// Intent returns a new payment intent's id: digit 3 and, before the random characters, a shard digit from 0 to 2.
func Intent(t int64, accountPart string) string {
	var a [longest]byte
	b := appendHead(a[:0], "pi", Payment, t, accountPart)
	b = append(b, '0'+shard())
	return string(appendRandom(appendTurn(b), 7-turnLen))
}

// Sibling returns the id of an object that a payment made: prefix_, the first 17 characters of the parent's body, and 7 random ones.
func Sibling(prefix, parent string) string {
	body := parent[strings.IndexByte(parent, '_')+1:]
	if len(body) < sharedLen {
		panic("id: " + parent + " is too short to have siblings")
	}
	var a [longest]byte
	b := append(a[:0], prefix...)
	b = append(b, '_')
	b = append(b, body[:sharedLen]...)
	return string(appendRandom(appendTurn(b), 7-turnLen))
}

// Event returns a new event's id. An event about a payment has the payment's body (evt_3…), any other is an ordinary object of the account.
func Event(t int64, accountPart, object string) string {
	if body := object[strings.IndexByte(object, '_')+1:]; len(body) == bodyLen && body[0] == Payment {
		return Sibling("evt", object)
	}
	return New("evt", Ordinary, t, accountPart)
}

// Short returns prefix_ and 14 characters: the time and 9 random ones. For cus, prod, si, and the few others that stayed short.
//
// unverified: recorded cus_ and si_ ids grow with time as well, but from an origin that differs by account; ours have the origin of all other ids.
func Short(prefix string, t int64) string {
	var a [longest]byte
	b := append(a[:0], prefix...)
	b = append(b, '_')
	b = appendTime(b, t)
	return string(appendRandom(appendTurn(b), 9-turnLen))
}

// Request returns a request's id: req_ and 14 random characters.
func Request() string { return with("req_", 14) }

// CheckoutSession returns cs_test_ or cs_live_ and 58 characters that begin with a1.
func CheckoutSession(live bool) string {
	if live {
		return with("cs_live_a1", 56)
	}
	return with("cs_test_a1", 56)
}

// Secret returns n random letters and digits.
func Secret(n int) string { return with("", n) }

// IntentSecret returns a client secret for a payment intent: its id, _secret_ and 25 characters.
func IntentSecret(intent string) string { return with(intent+"_secret_", 25) }

// SetupSecret returns a client secret for a setup intent: its id, _secret_ and 31 characters.
func SetupSecret(intent string) string { return with(intent+"_secret_", 31) }

// WebhookSecret returns an endpoint's signing secret: whsec_ and 32 characters.
func WebhookSecret() string { return with("whsec_", 32) }

// ListenSecret returns the signing secret of a `stripe listen` session: whsec_ and 64 hexadecimal digits.
func ListenSecret() string {
	var b [32]byte
	rand.Read(b[:])
	return "whsec_" + hex.EncodeToString(b[:])
}

// keyLen is how long an API key is, prefix included (facts 02).
const keyLen = 107

// Key returns an API key of 107 characters. The prefix is sk_test, pk_live, rk_test and so on; the body begins with 5 and the account's own body,
// which begins with 1: sk_test_51FiqEsKuuB1fWySn…
func Key(prefix, account string) string {
	head := prefix + "_5"
	if body := account[strings.IndexByte(account, '_')+1:]; len(body) == 1+timeLen+partLen && alnum(body) {
		head += body
	} else {
		head += "1" + AccountPart(account)
	}
	return with(head, keyLen-len(head))
}

// UUID returns a random UUID (version 4), as Stripe makes for requests that bring no idempotency key.
func UUID() string {
	var u [16]byte
	rand.Read(u[:])
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	var b [36]byte
	hex.Encode(b[0:8], u[0:4])
	hex.Encode(b[9:13], u[4:6])
	hex.Encode(b[14:18], u[6:8])
	hex.Encode(b[19:23], u[8:10])
	hex.Encode(b[24:36], u[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// appendHead begins a 24-character id.
func appendHead(b []byte, prefix string, digit byte, t int64, accountPart string) []byte {
	if len(accountPart) != partLen {
		panic("id: " + accountPart + " is not an account part")
	}
	b = append(b, prefix...)
	b = append(b, '_', digit)
	b = appendTime(b, t)
	return append(b, accountPart...)
}

// appendTime appends the five characters of the unix second t.
func appendTime(b []byte, t int64) []byte {
	n := (t - epoch) % span
	if n < 0 {
		n += span // a test clock may stand before 2012
	}
	var c [timeLen]byte
	for i := timeLen - 1; i >= 0; i-- {
		c[i] = alphabet[n%62]
		n /= 62
	}
	return append(b, c[:]...)
}

const (
	turnLen = 3
	turns   = 62 * 62 * 62
)

// turn counts ids.
var turn = func() *atomic.Uint32 {
	var seed [4]byte
	rand.Read(seed[:])
	n := new(atomic.Uint32)
	n.Store(binary.LittleEndian.Uint32(seed[:]) % turns)
	return n
}()

// appendTurn appends three characters that count the ids of this process.
func appendTurn(b []byte) []byte {
	n := turn.Add(1) % turns
	return append(b, alphabet[n/(62*62)], alphabet[n/62%62], alphabet[n%62])
}

// appendRandom appends n characters, each of the 62 as likely as any other: of six random bits, the two values beyond 61 are thrown away.
func appendRandom(b []byte, n int) []byte {
	var buf [40]byte
	for n > 0 {
		part := buf[:min(n+2, len(buf))] // two in 64 are thrown away, so two spare nearly always do
		rand.Read(part)
		for _, c := range part {
			if c &= 63; c < 62 && n > 0 {
				b = append(b, alphabet[c])
				n--
			}
		}
	}
	return b
}

func shard() byte {
	var b [1]byte
	for {
		rand.Read(b[:])
		if c := b[0] & 3; c < 3 {
			return c
		}
	}
}

func with(head string, n int) string {
	b := make([]byte, 0, len(head)+n)
	return string(appendRandom(append(b, head...), n))
}

func alnum(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !('0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z') {
			return false
		}
	}
	return true
}
