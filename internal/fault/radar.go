package fault

import "fmt"

// The refusals of Radar's lists, reviews and evaluations. unverified: the words of all of them are Florin's own; that the refusal of a value that
// is there already says "already exists" is known from the code of a large user.

// InvalidAlias refuses the alias of a value list that a rule could not name.
func InvalidAlias(alias string) *Error {
	return Invalid("alias", fmt.Sprintf("Invalid alias: %s. An alias may only contain lowercase letters, numbers, and underscores.", alias))
}

// AliasTaken refuses an alias that another value list has.
func AliasTaken(alias string) *Error {
	return Invalid("alias", fmt.Sprintf("A value list with the alias `%s` already exists.", alias))
}

// DefaultListFixed refuses to rename or delete a list that every account has.
func DefaultListFixed(list string) *Error {
	return Invalid("value_list", fmt.Sprintf("The value list %s is a default list, which cannot be edited or deleted. You can add and remove its items.", list))
}

// ListInRule refuses to rename or delete a list that a rule asks.
func ListInRule(list string) *Error {
	return Invalid("value_list", fmt.Sprintf("The value list %s is referenced by a rule. Remove it from all rules first.", list))
}

// NotListable refuses a value that is not of the list's type.
func NotListable(value, itemType string) *Error {
	return Invalid("value", fmt.Sprintf("Invalid value: %s is not a valid %s.", value, itemType))
}

// AlreadyListed refuses a value that the list has.
func AlreadyListed(value, list string) *Error {
	return Invalid("value", fmt.Sprintf("The value %s already exists in the value list %s.", value, list))
}

// ReviewClosed refuses to approve a review that is not open.
func ReviewClosed(review string) *Error {
	return Invalid("", fmt.Sprintf("Review %s has already been closed.", review)).AfterStart()
}

// EvaluationNeedsCard refuses to evaluate a payment that is not made with a card.
func EvaluationNeedsCard(param string) *Error {
	return Invalid(param, "Payment evaluations support payment methods of type `card` only.")
}
