package fault

import (
	"fmt"
	"net/http"
)

// The refusals of disputes. The first two were recorded at 2026-08-26 by a public repository, without code and parameter.

// DisputeClosed refuses to change or close a dispute that is over.
func DisputeClosed() *Error { return Invalid("", "This dispute is already closed").AfterStart() }

// NoDispute refuses a path to the dispute of a charge that has none.
func NoDispute(charge string) *Error {
	return &Error{Status: http.StatusNotFound, Type: Request, Message: "No dispute for charge: " + charge}
}

// EvidencePastDue refuses evidence that comes too late.
// unverified: the words.
func EvidencePastDue() *Error {
	return Invalid("evidence", "The evidence for this dispute is past its due date and can no longer be updated.")
}

// EvidenceTooLong refuses evidence of too many characters.
// unverified: the words.
func EvidenceTooLong(most int) *Error {
	return Invalid("evidence", fmt.Sprintf("The combined character count of all evidence fields is limited to %d.", most))
}

// NotEligible refuses evidence for a procedure that the dispute cannot have.
// unverified: the words.
func NotEligible(procedure string) *Error {
	return Invalid("evidence[enhanced_evidence]["+procedure+"]", fmt.Sprintf("This dispute is not eligible for %s.", procedure))
}
