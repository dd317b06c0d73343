package sim_test

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// A step is something that may happen in a world, and how often it does beside the others.
type step struct {
	name   string
	weight int
	do     func(w *world)
}

// steps are declared by what they are about, in the files beside this one. A long world fails if one of them never succeeded.
var steps = slices.Concat(customerSteps, paySteps, afterSteps, moneySteps, connectSteps, otherSteps, lookSteps)

func totalWeight() (n int) {
	for _, s := range steps {
		n += s.weight
	}
	return n
}

// one does a step, and holds what came of it to the rules.
func (w *world) one() {
	n := w.rand.IntN(totalWeight())
	for _, s := range steps {
		if n -= s.weight; n < 0 {
			w.name = s.name
			s.do(w)
			break
		}
	}
	w.hold()
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// card draws a test payment method: mostly good ones.
func (w *world) card() string {
	if w.chance(55) {
		return w.pick("pm_card_visa", "pm_card_mastercard", "pm_card_amex", "pm_card_bypassPending", "pm_card_bypassPending", "pm_card_gb", "pm_card_de", "pm_card_jp")
	}
	return w.pick(
		"pm_card_chargeDeclined", "pm_card_visa_chargeDeclinedInsufficientFunds", "pm_card_visa_chargeDeclinedLostCard", "pm_card_chargeDeclinedExpiredCard",
		"pm_card_chargeDeclinedIncorrectCvc", "pm_card_chargeCustomerFail", "pm_card_radarBlock", "pm_card_riskLevelElevated", "pm_card_riskLevelHighest",
		"pm_card_createDispute", "pm_card_createDisputeProductNotReceived", "pm_card_createDisputeInquiry", "pm_card_createIssuerFraudRecord",
		"pm_card_createMultipleDisputes", "pm_card_createRapidDisputeResolutionDispute", "pm_card_pendingRefund", "pm_card_pendingRefund", "pm_card_refundFail", "pm_card_refundFail",
		"pm_card_bypassPendingInternational", "pm_card_authenticationRequiredOnSetup", "pm_card_authenticationRequired",
		"pm_card_threeDSecureRequired", "pm_card_threeDSecureOptional", "pm_card_threeDSecureRequiredChargeDeclined",
		"pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", "pm_card_indiaRecurringMandateSetupAndRenewalsSuccess", "pm_card_unknown",
	)
}

func (w *world) currency() string {
	if w.chance(75) {
		return "usd"
	}
	return w.pick("eur", "gbp", "jpy", "kwd", "cad")
}

// from draws whose account a request is for: mostly the platform's own, sometimes one of its connected accounts, or a shop abroad.
func (w *world) from() string {
	switch n := w.rand.IntN(100); {
	case n < 80:
		return ""
	case n < 92:
		return w.connected()
	default:
		return w.pick(w.countries...)
	}
}

// connected draws a connected account, or "".
func (w *world) connected() string {
	if t, ok := w.some("account"); ok && t.account == "" && strings.HasPrefix(t.id, "acct_") {
		return t.id
	}
	return ""
}

// isConnected says whether requests for an account are a platform's for one of its own.
func isConnected(account string) bool { return strings.HasPrefix(account, "acct_") }

func (w *world) word() string { return w.pick("red", "green", "blue", "a b", "ü", "x'y") }

func (w *world) timePasses() {
	switch n := w.rand.IntN(50); {
	case n < 25:
		w.advance(time.Duration(1+w.rand.IntN(300)) * time.Second)
	case n < 43:
		w.advance(time.Duration(1+w.rand.IntN(600)) * time.Minute)
	case n < 49:
		w.advance(time.Duration(1+w.rand.IntN(8)) * 24 * time.Hour)
	default:
		w.advance(time.Duration(10+w.rand.IntN(40)) * 24 * time.Hour)
	}
	w.tally(w.tallies, w.name).ok++
}
