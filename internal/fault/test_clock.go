package fault

import (
	"fmt"
	"net/http"
)

// ClockAdvancing refuses a change of what is on a test clock that is being advanced. Known from: facts 15 (15l), which have the status and the words.
// unverified: the type; that it has no code; that a change of the clock itself is refused with the same words.
func ClockAdvancing(clock string) *Error {
	return &Error{Status: http.StatusTooManyRequests, Type: Request, Message: "Test clock advancement underway - cannot perform modifications: " + clock}
}

// ClockBackwards refuses to advance a test clock to a time that is not after its own. unverified: the words.
func ClockBackwards() *Error {
	return Invalid("frozen_time", "The test clock can only be advanced to a time that is after its current frozen time.")
}

// ClockTooFar refuses to advance a test clock by more than is allowed at once. unverified: the words, which are the spec's.
func ClockTooFar(subscriptions bool) *Error {
	if subscriptions {
		return Invalid("frozen_time", "The test clock cannot be advanced by more than two intervals of its shortest subscription.")
	}
	return Invalid("frozen_time", "The test clock cannot be advanced by more than two years when it has no subscriptions.")
}

// ClockFailed refuses to advance a test clock that has failed before. unverified: the words.
func ClockFailed(clock string) *Error {
	return Invalid("", "Test clock failed to advance, and cannot be advanced again: "+clock)
}

// ClockFull refuses one more customer on a test clock. unverified: the words.
func ClockFull(most int, param string) *Error {
	return Invalid(param, fmt.Sprintf("A test clock can have at most %d customers.", most))
}

// ClockInLive refuses a test clock in live mode. unverified: the words.
func ClockInLive() *Error {
	return Invalid("", "Test clocks can only be used in test mode.")
}
