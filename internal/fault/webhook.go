package fault

import "fmt"

// The refusals of webhook endpoints, and of the addresses that they name.

func badURL(message string) *Error { return Coded("url_invalid", "url", message) }

// URLWithoutScheme refuses a URL that does not say how to reach it (quoted in many public repositories).
func URLWithoutScheme() *Error {
	return badURL("Invalid URL: An explicit scheme (such as https) must be provided.")
}

// NotURL refuses what is no URL at all (quoted in many public repositories).
func NotURL() *Error { return badURL("Not a valid URL") }

// LiveURLNotHTTPS refuses plain HTTP in live mode (quoted in stripe/stripe-connect-custom-rocketdeliveries#10, which shows no code).
func LiveURLNotHTTPS(url string) *Error {
	return badURL("Invalid URL: " + url + `. URLs in livemode must begin with "https://"`)
}

// URLNotPublic refuses an address inside of a private network, or of this machine.
// unverified: the words are remembered, not seen in a recording.
func URLNotPublic() *Error {
	return badURL("Invalid URL: URL must be publicly accessible. Consider using a tool like the Stripe CLI to test webhooks locally: https://github.com/stripe/stripe-cli.")
}

// TooManyEndpoints refuses one more webhook endpoint than an account may have (quoted for test mode in several public repositories).
// unverified: "live" in live mode.
func TooManyEndpoints(most int, live bool) *Error {
	mode := "test"
	if live {
		mode = "live"
	}
	return Invalid("", fmt.Sprintf("You have reached the maximum of %d %s webhook endpoints.", most, mode))
}

// EveryEventAlone refuses other types beside "*".
// unverified: the words.
func EveryEventAlone() *Error {
	return Invalid("enabled_events", "Invalid enabled_events: `*` enables all events, and cannot be combined with other event types.")
}
