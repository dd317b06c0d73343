package shape

import (
	"slices"
	"strings"
)

// additions are members that Stripe's answers carry and its spec does not declare, by the resource that they are members of, with how we know.
// Recordings of 2026-03-25 and 2026-06-24 (dahlia), held to the spec, have nothing else that is not in it.
var additions = map[string]string{
	"payment_intent.source":                       "every payment intent in the recordings of 2026-06-24; always null",
	"payment_intent.shared_payment_granted_token": "payment intents inside of errors, recorded at 2026-06-24; always null",
	"payment_method.shared_payment_granted_token": "every payment method in the recordings of 2026-06-24; always null",
	"charge.amount_updates":                       "every charge of a platform's own in the recordings of 2023-10-16; an empty list",
	"charge.destination":                          "recorded at 2026-03-25; always null",
	"charge.dispute":                              "recorded at 2026-03-25; the dispute's id",
	"charge.invoice":                              "recorded at 2026-03-25; always null",
	"charge.order":                                "recorded at 2026-03-25; always null",
	"charge.source":                               "recorded at 2026-03-25; the card that a charge of the older kind was made with",
	"customer.default_currency":                   "recorded at 2026-06-24, where a customer is created with expand[]=sources",
	"account.login_links":                         "recorded at 2026-03-25",
	"dispute.balance_transaction":                 "every dispute in the recordings of 2023-10-16; the first of balance_transactions",
	"ephemeral_key.associated_objects":            "every ephemeral key in the recordings of 2023-10-16",
	"source.mandate":                              "the source in the recordings of 2026, a sepa_debit",
	"subscription.plan":                           "every subscription of one item in the recordings from 2020-08-27 to 2026-03-25; that of the item",
	"subscription.quantity":                       "as subscription.plan",
	"subscription_item.plan":                      "every subscription item in the recordings from 2020-08-27 to 2026-03-25",
	"product.attributes":                          "every product in the recordings of 2025-01-27; an empty list",
	"product.type":                                "every product in the recordings of 2025-01-27; service",
	"card.wallet":                                 "every card in the recordings of 2023-10-16",
}

// unspecified are objects that events show and the spec does not have, with how we know of them.
var unspecified = map[string]string{
	"billing.alert_triggered":                 "the spec's event billing.alert.triggered; Stripe's SDKs have the object",
	"entitlements.active_entitlement_summary": "the spec's event entitlements.active_entitlement_summary.updated; Stripe's reference shows it",
}

// inner are such members of what is not a resource of its own, by the end of their path.
var inner = map[string]string{
	"business_profile.specified_commercial_transactions_act_url": "every account in the recordings of 2026-06-24; always null",
	"relationship.account_opener":                                "recorded in 2026, of an individual who came in an account token",
	"payment_method_options.link.persistent_token":               "recorded at 2026-03-25; always null",
	"recurring.trial_period_days":                                "every recurring price in the recordings, 2020-08-27 to 2025; null but for plans",
	"boleto.fingerprint":                                         "every boleto in the recordings",
	"fpx.account_holder_type":                                    "every FPX account in the recordings",
}

// values are those that the spec's enumeration of a member leaves out, by the end of the member's path.
var values = map[string][]string{
	"bank_transfer.type": {"us_bank_transfer", "gb_bank_transfer", "mx_bank_transfer"}, // Stripe's documentation shows funding instructions of these kinds
}

// allowed says whether a value is known all the same that an enumeration leaves out.
func allowed(path, value string) bool {
	for end, more := range values {
		if strings.HasSuffix(path, "."+end) && slices.Contains(more, value) {
			return true
		}
	}
	return false
}

// added says whether a member that the spec does not have is known all the same. resource is the "object" that it stands in, if any.
func added(resource, path string) bool {
	for end := range inner {
		if strings.HasSuffix(path, "."+end) {
			return true
		}
	}
	_, ok := additions[resource+path[strings.LastIndexByte(path, '.'):]]
	return ok
}
