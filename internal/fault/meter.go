package fault

import "fmt"

// The refusals of meters and their events. Known from: facts 15k; where a message is not, its doc says unverified.

// NoMeterFor refuses an event that no active meter counts.
func NoMeterFor(event string) *Error {
	return Coded("resource_missing", "event_name", "No active meter found for event_name "+event)
}

// MeterTaken refuses a second active meter of an event name. unverified: the words.
func MeterTaken(event string) *Error {
	return Invalid("event_name", "There is already an active meter with the event name "+event+".")
}

// MeterIs refuses to make a meter what it is. unverified: the words.
func MeterIs(status string) *Error { return Invalid("", "This meter is already "+status+".") }

// MeterInactive refuses a price of a meter that is not active. unverified: the words.
func MeterInactive(param string) *Error {
	return Coded("archived_meter", param, "The meter specified is inactive. This field only accepts active meters.")
}

// MeterOfLicensed refuses a meter for a price that does not ask for usage. unverified: the words.
func MeterOfLicensed(param string) *Error {
	return Invalid(param, "You can only specify a meter when `recurring[usage_type]` is `metered`.")
}

// MeterEventLacks refuses an event that does not say something. unverified: the words.
func MeterEventLacks(key string) *Error {
	return Invalid("payload["+key+"]", "The payload is missing the key `"+key+"`.")
}

// MeterEventValue refuses a value that is no whole number. unverified: the words.
func MeterEventValue(key string) *Error {
	return Coded("meter_event_invalid_value", "payload["+key+"]", "The value of a meter event must be a whole number.")
}

// MeterEventTime refuses a time that lies too far away.
func MeterEventTime() *Error {
	return Invalid("timestamp", "The timestamp must be within the past 35 calendar days or up to 5 minutes in the future.")
}

// MeterEventTwice refuses an identifier that was used. unverified: the words.
func MeterEventTwice(identifier string) *Error {
	return Invalid("identifier", "An event already exists with identifier "+identifier+".")
}

// NoMeterEvent refuses to cancel an event that there is not. unverified: the words.
func NoMeterEvent(identifier string) *Error {
	return Coded("resource_missing", "cancel[identifier]", "No meter event found with identifier "+identifier+".")
}

// MeterEventFixed refuses to cancel an event that is canceled, or older than a day. unverified: the words.
func MeterEventFixed(identifier string) *Error {
	return Invalid("cancel[identifier]", "The meter event with identifier "+identifier+" can no longer be canceled.")
}

// SummaryTime refuses a time that is no whole minute, hour or day. unverified: the words.
func SummaryTime(param string, unit int64) *Error {
	return Invalid(param, fmt.Sprintf("The timestamp must be aligned to %d seconds.", unit))
}

// AlertIs refuses to make an alert what it is. unverified: the words.
func AlertIs(status string) *Error { return Invalid("", "This alert is already "+status+".") }

// AlertOnClock refuses an alert for a customer on a test clock (facts 15k). unverified: the words.
func AlertOnClock(param string) *Error {
	return Invalid(param, "Alerts are not supported for customers with test clocks.")
}

// TooManyAlerts refuses another alert of a meter and a customer. unverified: the words.
func TooManyAlerts(most int) *Error {
	return Invalid("usage_threshold", fmt.Sprintf("You can have at most %d alerts for a meter and a customer.", most))
}
