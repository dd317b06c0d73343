package api

import (
	"time"

	"florin/internal/form"
	"florin/internal/spec"
	"florin/internal/testcard"
)

// A Record is what the request log keeps of one request: enough to find out what happened, and nothing that must not be kept.
type Record struct {
	ID             string        `json:"id"`
	At             time.Time     `json:"at"`
	Took           time.Duration `json:"took_ns"`
	Account        string        `json:"account,omitempty"`
	Platform       string        `json:"platform,omitempty"` // the account whose key it was, where it acted as another
	Live           bool          `json:"livemode"`
	Key            string        `json:"key,omitempty"` // masked
	Method         string        `json:"method"`
	Path           string        `json:"path"`
	IP             string        `json:"ip,omitempty"`
	Version        string        `json:"version,omitempty"`
	IdempotencyKey string        `json:"idempotency_key,omitempty"`
	Params         string        `json:"params,omitempty"` // as JSON, redacted
	Status         int           `json:"status"`
	ErrorType      string        `json:"error_type,omitempty"`
	ErrorCode      string        `json:"error_code,omitempty"`
	ErrorMessage   string        `json:"error_message,omitempty"`
	ErrorParam     string        `json:"error_param,omitempty"`
	DeclineCode    string        `json:"decline_code,omitempty"`
	Charge         string        `json:"charge,omitempty"` // that failed

	Op *spec.Operation `json:"-"` // nil if the path is none of the API's
}

func (q *request) log(rep *reply) {
	if q.app.Requests == nil {
		return
	}
	rec := &Record{
		ID: q.id, At: q.start, Took: q.app.Clock.Now().Sub(q.start), Method: q.r.Method, Path: q.path,
		Version: q.version, IdempotencyKey: q.idemKey, Status: rep.status, Op: q.op,
	}
	rec.IP = q.clientIP()
	if q.who != nil {
		rec.Account, rec.Live, rec.Key = q.who.AccountID, q.who.Scope.Live(), q.who.Masked
		if p := q.who.Platform; p != nil {
			rec.Platform = p.AccountID
		}
	}
	if f := rep.fault; f != nil {
		rec.ErrorType, rec.ErrorCode, rec.ErrorMessage, rec.ErrorParam = f.Type, f.Code, f.Message, f.Param
		rec.DeclineCode, rec.Charge = f.DeclineCode, f.Charge
	}
	if q.raw != nil && len(q.raw.Fields) > 0 {
		rec.Params = string(appendValue(make([]byte, 0, 256), q.raw, redact))
	}
	q.app.Requests(rec)
}

// secret are the names of parameters whose value is never kept, at whatever depth they stand.
var secret = map[string]bool{
	"number": true, "cvc": true, "account_number": true, "client_secret": true, "key": true, "id_number": true, "ssn_last_4": true,
	"personal_id_number": true, "sort_code": true, "iban": true, "secret": true, "payload": true, "dynamic_last4": true, "exp_month": true,
	"exp_year": true, "cryptogram": true, "pin": true, "password": true,
}

// redact is what stands in the log in the place of a value that must not be kept; "" for others. What looks like a card number goes too, wherever it
// stands.
func redact(name string, v *form.Value) string {
	switch {
	case secret[name]:
		return redacted
	case v.Kind == form.File:
		return `"(file)"`
	case v.Kind == form.String && mayBeCard(v.Text) && testcard.In([]byte(v.Text)):
		return redacted
	}
	return ""
}

const redacted = `"(redacted)"`

// mayBeCard says whether a text has as many digits as a card number, which is looked at closer.
func mayBeCard(s string) bool {
	n := 0
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			n++
		}
	}
	return n >= testcard.Shortest
}
