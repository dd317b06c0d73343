// Package fault holds the errors that a user of the API can see, in Stripe's words.
//
// There are two kinds of error in Florin. An *Error is an answer: it has a status, a type and a message that clients match on to the byte, and
// one constructor, here. Any other error is ours: it is logged with its cause and answered as a 500 that tells nothing.
//
// An *Error undoes everything that its request did, unless Keep is set: a declined card is a result, and its failed charge, the intent's last
// error and the events stay.
//
// Known from: facts 02 (authentication), 03 (the error object), 04 (what is stored), 05 (validation).
package fault

import (
	"net/http"
	"strings"
)

// The values of "type" in an error. There are no others on the wire.
const (
	API         = "api_error"
	Card        = "card_error"
	Idempotency = "idempotency_error"
	Request     = "invalid_request_error"
)

// An Error is an answer that refuses a request. Empty fields are left out of the answer.
type Error struct {
	Status int    // HTTP status
	Type   string // API, Card, Idempotency or Request

	Code               string
	DeclineCode        string
	AdviceCode         string
	NetworkAdviceCode  string
	NetworkDeclineCode string
	Message            string
	Param              string
	Charge             string // id of the charge that failed

	// The objects that the error shows, each as its JSON.
	PaymentIntent     []byte
	PaymentMethod     []byte
	SetupIntent       []byte
	Source            []byte
	PaymentMethodType string

	EmptyParam bool // show "param": "" (facts 03: declines while attaching a card)
	NoDocURL   bool // the code has no page (facts 03)

	// Auth marks a refusal by the authentication layer: it is rendered in another key order, and carries no Request-Id (facts 03).
	Auth bool
	// Keep makes the changes of the request stay, though it is answered with this error.
	Keep bool
	// Executed says that the operation had begun when it was refused: the answer is stored under the idempotency key, and
	// carries Stripe-Should-Retry: false (facts 04a).
	Executed bool
	// Retry makes the answer carry Stripe-Should-Retry: true.
	Retry bool
	// Reason is the value of Stripe-Rate-Limited-Reason, if any.
	Reason string
}

func (e *Error) Error() string {
	if e.Code != "" {
		return e.Type + " (" + e.Code + "): " + e.Message
	}
	return e.Type + ": " + e.Message
}

// DocURL is the page that explains the error's code, or "" if there is none.
func (e *Error) DocURL() string {
	if e.Code == "" || e.NoDocURL {
		return ""
	}
	return "https://stripe.com/docs/error-codes/" + strings.ReplaceAll(e.Code, "_", "-")
}

// Invalid refuses a parameter without a code. param may be empty.
func Invalid(param, message string) *Error {
	return &Error{Status: http.StatusBadRequest, Type: Request, Param: param, Message: message}
}

// Coded refuses with a code. param may be empty.
func Coded(code, param, message string) *Error {
	return &Error{Status: http.StatusBadRequest, Type: Request, Code: code, Param: param, Message: message}
}

// AfterStart marks the error as raised in the middle of the operation, so that it is stored under the idempotency key, and returns it.
func (e *Error) AfterStart() *Error {
	e.Executed = true
	return e
}
