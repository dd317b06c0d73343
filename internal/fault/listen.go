package fault

import (
	"fmt"
	"net/http"
)

// The refusals of the Stripe CLI's sessions. Nobody but the CLI calls for them, and it shows what it gets, so the words are ours.

// UnknownFeature refuses a session for something that is not told to the CLI.
// unverified: the words.
func UnknownFeature(feature string) *Error {
	return Invalid("websocket_features", fmt.Sprintf("Invalid websocket_features: %q is not one of webhooks, v2_events, request_logs.", feature))
}

// NoFeature refuses a session for nothing.
// unverified: the words.
func NoFeature() *Error {
	return Invalid("websocket_features", "Missing required param: websocket_features.")
}

// BadLogFilters refuses filters of request logs that cannot be read.
// unverified: the words.
func BadLogFilters() *Error {
	return Invalid("filters", "Invalid filters: they must be a JSON object whose values are arrays of strings.")
}

// TooManySessions refuses one more session of the CLI than an account may have. Known from: facts 10d (the status).
// unverified: the words.
func TooManySessions(most int) *Error {
	e := Coded("rate_limit", "", fmt.Sprintf("Too many `stripe listen` and `stripe logs tail` sessions: there may be %d at a time.", most))
	e.Status = http.StatusTooManyRequests
	return e
}

// UnknownWebSocket is what a websocket is refused with whose id says nothing. The CLI looks for these very words, and begins another session.
// Known from: facts 10d.
func UnknownWebSocket() *Error { return Invalid("", "Unknown WebSocket ID.") }

// NotListening refuses a websocket while the server starts or stops.
func NotListening() *Error {
	return &Error{Status: http.StatusServiceUnavailable, Type: API, Message: "The server is starting or stopping. Try again."}
}
