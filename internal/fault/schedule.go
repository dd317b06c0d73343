package fault

import "fmt"

// The refusals of subscription schedules. Known from: what programs say that they have got from Stripe; where a message is not, its doc says unverified.

// ScheduleOver refuses what can only be done with a schedule that has not ended. done is what was to be done, as in "to be canceled".
func ScheduleOver(do, done, status string) *Error {
	return Invalid("", fmt.Sprintf("You cannot %s a subscription schedule that is currently in the `%s` status. It must be in `not_started, active` status to be %s.", do, status, done))
}

// FromSubscriptionAlone refuses to say anything of a schedule that is made from a subscription, which says it all.
func FromSubscriptionAlone(param string) *Error {
	return Invalid(param, "You cannot set `"+param+"` if `from_subscription` is set.")
}

// AlreadyScheduled refuses a second schedule for a subscription. unverified: the words.
func AlreadyScheduled(schedule string) *Error {
	return Invalid("from_subscription", "You cannot migrate a subscription that is already attached to a schedule: `"+schedule+"`.")
}

// NotSchedulable refuses to schedule a subscription that has ended, or has not begun. unverified: the words.
func NotSchedulable(status string) *Error {
	return Invalid("from_subscription", "You cannot migrate a subscription that is in the `"+status+"` status.")
}

// PhasesUnanchored refuses phases of which none says when it begins.
func PhasesUnanchored() *Error {
	return Invalid("phases", "The subscription schedule update is missing at least one phase with a `start_date` to anchor end dates to.")
}

// PhaseStartFixed refuses to move, or to leave out, the phase that has begun.
func PhaseStartFixed() *Error {
	return Invalid("phases[0][start_date]", "You can not modify the start date of the current phase.")
}

// PhaseBackwards refuses a phase that ends before it begins, or before now. unverified: the words.
func PhaseBackwards(param string) *Error {
	return Invalid(param, "The end of a phase must be in the future, and after its start.")
}

// PhaseGap refuses a phase that does not begin where the one before it ends. unverified: the words.
func PhaseGap(param string) *Error {
	return Invalid(param, "The `start_date` of a phase must be the `end_date` of the phase before it.")
}

// PhaseTrialOutside refuses a trial that does not end within its phase. unverified: the words.
func PhaseTrialOutside(param string) *Error {
	return Invalid(param, "The `trial_end` of a phase must lie within the phase.")
}

// TooManyPhases refuses more phases than a schedule can have. unverified: the words.
func TooManyPhases(most int) *Error {
	return Invalid("phases", fmt.Sprintf("A subscription schedule can have %d current and future phases at the most.", most))
}

// ManagedBySchedule refuses to end a subscription at a time, which its schedule says.
func ManagedBySchedule(schedule string) *Error {
	return Invalid("", "The subscription is managed by the subscription schedule `"+schedule+"`, and updating any cancelation behavior directly is not allowed. Please update the schedule instead.")
}
