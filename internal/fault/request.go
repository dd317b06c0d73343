package fault

import (
	"fmt"
	"net/http"
	"strings"
)

// The refusals that belong to no parameter: authentication (facts 02), routing, versions, idempotency (facts 04), limits.

func auth(status int, code, message string) *Error {
	return &Error{Status: status, Type: Request, Code: code, Message: message, Auth: true}
}

// NoKey refuses a request without an API key.
func NoKey() *Error {
	return auth(http.StatusUnauthorized, "", "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/.")
}

// InvalidKey refuses a key that nobody has.
func InvalidKey(key string) *Error {
	if strings.ContainsAny(key, " \t") {
		return auth(http.StatusUnauthorized, "", "Invalid API Key provided: nil. This key contains at least one space. Please delete the spaces and try again. If you have any questions, we can help at https://support.stripe.com/.")
	}
	return auth(http.StatusUnauthorized, "", "Invalid API Key provided: "+MaskKey(key))
}

// ExpiredKey refuses a key that was rolled or expired.
func ExpiredKey(key string) *Error {
	return auth(http.StatusUnauthorized, "api_key_expired", "Expired API Key provided: "+MaskKey(key))
}

// SecretKeyRequired refuses a publishable key where a secret one is needed.
func SecretKeyRequired() *Error {
	return auth(http.StatusUnauthorized, "secret_key_required", "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys.")
}

// LiveKeyOverHTTP refuses a live key that came in clear.
// unverified: Stripe's edge refuses plain HTTP before a body is made; the sentence is ours.
func LiveKeyOverHTTP() *Error {
	return auth(http.StatusForbidden, "", "Live API keys are accepted over HTTPS only. The key that you have just sent in clear should be rolled.")
}

// AccountInvalid refuses to act as, or show, an account that the key has no access to. masked is the key as MaskKey shows it.
func AccountInvalid(masked, account string) *Error {
	return auth(http.StatusForbidden, "account_invalid", fmt.Sprintf("The provided key '%s' does not have access to account '%s' (or that account does not exist). Application access may have been revoked.", masked, account))
}

// RestrictedConnect refuses a restricted key that acts as another account.
func RestrictedConnect() *Error {
	return auth(http.StatusForbidden, "", "You passed a restricted API key with the Stripe-Account header, but the restricted API key does not have any Connect permissions.")
}

// NoPermission refuses an operation that a restricted key may not call. permission is such as charge_read; label is what the Dashboard calls
// it, such as "Charges Read".
func NoPermission(masked, account, label, permission string) *Error {
	e := Coded("more_permissions_required", "", fmt.Sprintf("The provided key '%s' does not have the required permissions for this endpoint on account '%s'. Enabling %q ('%s') permissions on this key would allow this request to continue.", masked, account, label, permission))
	e.Status = http.StatusForbidden
	return e
}

// NotGrantable refuses an operation that no restricted key may call.
func NotGrantable(masked, account string) *Error {
	e := Coded("more_permissions_required", "", fmt.Sprintf("The provided key '%s' does not have the required permissions for this endpoint on account '%s'. This is a restricted API key, but the required permissions are not available for use by restricted keys.", masked, account))
	e.Status = http.StatusForbidden
	return e
}

// MaskKey shows the ends of a key: eight characters and four, of a long one; of a short one the last four. Known from: facts 02 (2b).
func MaskKey(key string) string {
	n := len(key)
	switch {
	case n >= 13:
		return key[:8] + strings.Repeat("*", n-12) + key[n-4:]
	case n > 4:
		return strings.Repeat("*", n-4) + key[n-4:]
	}
	return key
}

// MaskKey6 is how permission errors show a key: eight characters and six.
func MaskKey6(key string) string {
	if n := len(key); n > 14 {
		return key[:8] + strings.Repeat("*", n-14) + key[n-6:]
	}
	return MaskKey(key)
}

// BadVersion refuses an API version that there is none of.
func BadVersion(version string) *Error {
	return Invalid("", "Invalid Stripe API version: "+version)
}

// UnknownURL is the answer for a path that the API does not have.
func UnknownURL(method, path string) *Error {
	return &Error{Status: http.StatusNotFound, Type: Request, Message: fmt.Sprintf("Unrecognized request URL (%s: %s). If you are trying to list objects, remove the trailing slash. If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier in your code. Please see https://stripe.com/docs or we can help at https://support.stripe.com/.", method, path)}
}

// NotBuilt is the answer of an operation that Florin does not have yet.
func NotBuilt(method, route string) *Error {
	return &Error{Status: http.StatusNotImplemented, Type: API, Message: fmt.Sprintf("Florin does not have %s %s yet. COVERAGE.md lists what it has.", method, route)}
}

// Unexpected is what a failure of ours looks like from outside; its cause is in the log.
func Unexpected() *Error {
	return &Error{Status: http.StatusInternalServerError, Type: API, Message: "An unknown error occurred"}
}

// BodyTooLarge refuses a body over the limit.
// unverified: Stripe's words are not known.
func BodyTooLarge() *Error {
	e := Invalid("", "Request body is too large.")
	e.Status = http.StatusRequestEntityTooLarge
	return e
}

// NoSuch refuses an id that names nothing: 404 for an id in the path, 400 for one in a parameter. word is what the kind is called.
// Known from: facts 05 (5c).
func NoSuch(word, id, param string, status int) *Error {
	e := Coded("resource_missing", param, "No such "+word+": '"+escapeID(id)+"'")
	if strings.TrimSpace(id) != id || strings.Trim(id, `"'`) != id {
		e.Message += ". Make sure you use the exact id without extra whitespace or quotes"
	}
	e.Status = status
	return e
}

// longID is how long an id may be before it is shown in part.
const longID = 998

func escapeID(id string) string {
	if len(id) > longID {
		id = id[:490] + "...(truncated)..." + id[len(id)-490:]
	}
	return strings.NewReplacer(`'`, `\'`, "<", `\u003C`).Replace(id)
}

// BadIdempotencyKey refuses an empty key, and one of over 255 characters, with the same sentence. Known from: facts 04 (3).
func BadIdempotencyKey() *Error {
	return Invalid("", "Idempotency Key must be a non-empty string.")
}

// IdempotencyMismatch refuses a key that was used with another request. Known from: facts 04 (6).
func IdempotencyMismatch(key string) *Error {
	return &Error{Status: http.StatusBadRequest, Type: Idempotency, Message: "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '" + key + "' if you meant to execute a different request."}
}

// IdempotencyInUse refuses a key whose first request has not been answered yet.
// unverified: Stripe's words and the type vary between sources (facts 04, 15).
func IdempotencyInUse(key string) *Error {
	return &Error{Status: http.StatusConflict, Type: Idempotency, Code: "idempotency_key_in_use", Message: "There is currently another in-progress request using this Stripe Idempotent Key (that probably means you submitted twice, and the other request is still going through): " + key + ". Please try again later.", Retry: true}
}

// LockTimeout refuses a request that lost every race for its objects. Known from: facts 05 (5g).
func LockTimeout() *Error {
	return &Error{Status: http.StatusTooManyRequests, Type: Request, Code: "lock_timeout", Message: "This object cannot be accessed right now because another API request or Stripe process is currently accessing it. If you see this error intermittently, retry the request. If you see this error frequently and are making multiple concurrent requests to a single object, make your requests serially or at a lower rate.", Retry: true}
}

// RateLimited refuses a request that is beyond a limit of its caller's. reason is the value of Stripe-Rate-Limited-Reason. Known from: facts 05 (5g).
// unverified: whether Stripe-Should-Retry goes with it; it does with lock_timeout.
func RateLimited(reason string) *Error {
	return &Error{Status: http.StatusTooManyRequests, Type: Request, Code: "rate_limit", Message: "Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits.", Reason: reason, Retry: true}
}

// Overloaded turns a request away because the server has as many as it can work on.
// unverified: Stripe's words are not known.
func Overloaded() *Error {
	return &Error{Status: http.StatusServiceUnavailable, Type: API, Message: "The server is handling as many requests as it can at the moment. Please retry this request.", Retry: true}
}

// OutsideTimeout is the answer when a network or bank has not answered in time: what became of the attempt is found out, and a retry with the
// same idempotency key gets the result.
// unverified: Stripe's words are not known.
func OutsideTimeout() *Error {
	return &Error{Status: http.StatusGatewayTimeout, Type: API, Message: "The payment network has not answered yet. Retry the request with the same idempotency key to get its result.", Retry: true}
}

// NotExpandable refuses a path of expand[] whose first segment has nothing to expand. hint is what might have been meant, if anything.
func NotExpandable(path, hint string) *Error {
	m := "This property cannot be expanded (" + path + ")."
	if hint != "" {
		m += " You may want to try expanding '" + hint + "' instead."
	}
	return Invalid("", m)
}

// ExpandTooDeep refuses a path of expand[] with more than four levels.
func ExpandTooDeep(path string) *Error {
	e := Coded("property_expansion_max_depth", "", "You cannot expand more than 4 levels of a property. Property: "+path)
	e.NoDocURL = true
	return e
}

// NotIncludable refuses total_count on a list.
func NotIncludable(path string) *Error {
	return Invalid("", "This property cannot be included ("+path+")")
}

// BothCursors refuses a list that is asked to go both ways.
func BothCursors() *Error {
	return Invalid("", "Received both starting_after and ending_before parameters. Please pass in only one.")
}
