package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/store"
)

// An idempotent is the answer that was given under an idempotency key. It is written in the unit of work of its request, so that there is
// either both or neither. The JSON of an object that was answered is not copied: the record refers to its version.
//
// Known from: facts 04.
type idempotent struct {
	Meta
	Fingerprint string `json:"fingerprint"` // of operation and parameters
	Request     string `json:"request"`     // id of the first request
	Status      int64  `json:"status"`      // HTTP status of the answer; 0 while something that left has not come back
	// The answer: a version of an object, …
	Ref string `json:"ref,omitempty"`
	Ver int64  `json:"ver,omitempty"`
	// … a text, …
	Body json.RawMessage `json:"body,omitempty"`
	// … or, while Status is 0 and where the answer shows a secret, what makes it (of the version above), and at which API version.
	Answer  string `json:"answer,omitempty"`
	Arg     string `json:"arg,omitempty"`
	Version string `json:"version,omitempty"`
	Sent    bool   `json:"sent,omitempty"` // Stripe-Should-Retry: false
}

var idempotents = &Kind[idempotent]{Name: KeptAnswers, Internal: true, Dated: true}

// KeptAnswers is the kind of the records under idempotency keys; they stand in an index of this name, by the time of their request.
const KeptAnswers = "_idempotency"

// idempotentID is the id of the record under the call's key.
func (c *Call) idempotentID() string {
	if c.keyDoc == "" {
		c.keyDoc = store.Chance + c.IdempotencyKey
	}
	return c.keyDoc
}

// KeepAnswersFor is how long an answer is kept under its key, in seconds. Known from: facts 04 (5).
const KeepAnswersFor = 24 * 3600

// maxKey is the longest idempotency key. Known from: facts 04 (2).
const maxKey = 255

// fingerprint tells apart requests that differ in operation or parameters, whatever the order in which a client wrote them.
func fingerprint(route string, path string, p *form.Value) string {
	b := make([]byte, 0, 512)
	b = append(append(append(b, route...), 0), path...)
	sum := sha256.Sum256(appendPrint(b, p))
	return base64.RawURLEncoding.EncodeToString(sum[:18])
}

// appendPrint appends what tells one value from another, whatever the order of its members.
func appendPrint(b []byte, v *form.Value) []byte {
	if v == nil {
		return b
	}
	b = append(b, 1, byte(v.Kind))
	b = append(b, v.Text...)
	if len(v.Fields) > 0 {
		var few [24]int
		order := few[:0]
		for i := range v.Fields {
			order = append(order, i)
		}
		slices.SortFunc(order, func(i, j int) int { return strings.Compare(v.Fields[i].Name, v.Fields[j].Name) })
		for _, i := range order {
			b = append(append(b, 2), v.Fields[i].Name...)
			b = appendPrint(b, v.Fields[i].Value)
		}
	}
	for _, it := range v.Items {
		b = appendPrint(append(b, 3), it)
	}
	return append(b, 4)
}

// seen finds the answer that an earlier request with the same key has got. It returns nil if there is none.
func (c *Call) seen(print string) (*reply, error) {
	rec, err := idempotents.Get(c, c.idempotentID())
	if err != nil || rec == nil {
		return nil, err
	}
	if rec.st.created+KeepAnswersFor < c.real {
		return nil, nil // as if it had been removed; remember replaces it
	}
	if rec.Fingerprint != print {
		return nil, fault.IdempotencyMismatch(c.IdempotencyKey)
	}
	r := &reply{status: int(rec.Status), original: rec.Request, replayed: true, sent: rec.Sent, stored: true}
	if rec.Version != "" {
		c.Version = rec.Version
	}
	switch {
	case rec.Status == 0:
		// The process that sent it died, or it is still out. What becomes of it is found out by a task; until then it is in progress.
		res, err := c.app.answers[rec.Answer](c, rec.Arg)
		if err == ErrStillOut {
			return nil, fault.IdempotencyInUse(c.IdempotencyKey)
		}
		if err := c.answer(r, res, err); err != nil {
			return nil, err
		}
		rec.Answer, rec.Arg, rec.Version = "", "", ""
		return r, c.remember(rec, r)
	case rec.Answer != "":
		res, err := c.app.answers[rec.Answer](c, rec.Arg)
		return r, errors.Join(err, c.answer(r, res, err))
	case rec.Ref != "":
		r.body, err = c.version(c.Scope, rec.Ref, rec.Ver)
		return r, err
	}
	r.body = rec.Body
	return r, nil
}

// remember writes down the answer of this call under its key.
func (c *Call) remember(rec *idempotent, r *reply) error {
	rec.Status, rec.Sent = int64(r.status), r.sent
	rec.Body = nil
	if rec.Answer == "" {
		rec.Ref, rec.Ver = r.ref, r.ver
		if r.ref == "" {
			rec.Body = json.RawMessage(r.body)
		}
	}
	return c.Save(rec)
}

// record makes, or takes over, the record under the call's key.
func (c *Call) record(print string) (*idempotent, error) {
	rec, err := idempotents.Get(c, c.idempotentID())
	if err != nil {
		return nil, err
	}
	if rec == nil {
		rec = idempotents.New(c, c.idempotentID())
	}
	rec.st.created = c.real
	rec.Fingerprint, rec.Request = print, c.RequestID
	return rec, nil
}
