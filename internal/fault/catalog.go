package fault

import "fmt"

// AlreadyExists refuses an id of the merchant's choice that is taken. kind is as in "Coupon already exists."
func AlreadyExists(kind, param string) *Error {
	return Coded("resource_already_exists", param, kind+" already exists.")
}

// PromotionCodeTaken refuses a second active promotion code that reads the same. unverified: the words.
func PromotionCodeTaken(code string) *Error {
	return Invalid("code", "An active promotion code with `code: "+code+"` already exists.")
}

// PromotionCodeOver refuses to make a promotion code active again that nobody could redeem. unverified: the words.
func PromotionCodeOver() *Error {
	return Invalid("active", "This promotion code cannot be activated: it has expired, was redeemed as often as it may be, or its coupon is no longer valid.")
}

// PromotionCodeInactive refuses to redeem a promotion code that is no longer good. unverified: the words.
func PromotionCodeInactive(param string) *Error {
	return Invalid(param, "This promotion code is no longer active and cannot be redeemed.")
}

// PromotionCodeOfOther refuses a promotion code that another customer may redeem. unverified: the words.
func PromotionCodeOfOther(param string) *Error {
	return Invalid(param, "This promotion code cannot be redeemed by this customer.")
}

// PromotionCodeFirstTime refuses a promotion code for first orders to who has paid before. Known from: facts 15 (15o).
func PromotionCodeFirstTime(param string) *Error {
	return Invalid(param, "This promotion code cannot be redeemed because the associated customer has prior transactions.")
}

// OneOfTwo refuses two parameters of which one may be given. unverified: the words.
func OneOfTwo(a, b string) *Error {
	return Invalid(b, "You may only specify one of these parameters: "+a+", "+b+".")
}

// The refusals of prices, which plans are, too.

// PriceWithoutProduct refuses a price of nothing (facts 05a).
func PriceWithoutProduct() *Error {
	return Invalid("", "You must specify either `product` or `product_data` when creating a price.")
}

// PriceWithoutAmount refuses a price that says nothing of what it costs (facts 05a). unverified: the words for plans.
func PriceWithoutAmount(plan bool) *Error {
	if plan {
		return Invalid("", "Plans require an `amount` or `amount_decimal` parameter to be set.")
	}
	return Invalid("", "Prices require an `unit_amount` or `unit_amount_decimal` parameter to be set.")
}

// PriceTooLarge refuses a unit amount that nobody could be charged. unverified: the words, which are those of payments.
func PriceTooLarge(param, most string) *Error {
	return Coded("amount_too_large", param, "Amount must be no more than "+most)
}

// IntervalTooLong refuses a period of over three years (facts 05a). word is as in monthly.
func IntervalTooLong(param, word string, most int64) *Error {
	return Invalid(param, fmt.Sprintf("The interval_count for %s prices can't be greater than %d", word, most))
}

// MeteredWithoutMeter refuses usage that nothing counts (facts 05a).
func MeteredWithoutMeter() *Error {
	return Invalid("", "Starting with Stripe version `2025-03-31.basil`, metered prices must be backed by meters.")
}

// LookupKeyTaken refuses a lookup key that another price has (facts 05a).
func LookupKeyTaken(price string) *Error {
	return Invalid("lookup_key", "A price (`"+price+"`) already uses that lookup key.")
}

// OnlyTiered refuses tiers of a price that has none. unverified: the words.
func OnlyTiered(param string) *Error {
	return Invalid(param, "`"+param+"` may only be specified when `billing_scheme=tiered`.")
}

// NotTiered refuses what a price with tiers does not have. unverified: the words.
func NotTiered(param string) *Error {
	return Invalid(param, "`"+param+"` may not be specified when `billing_scheme=tiered`.")
}

// TiersEnd refuses tiers of which the last is not the last. unverified: the words.
func TiersEnd(param string) *Error { return Invalid(param, "The last tier's `up_to` must be `inf`.") }

// TiersOrder refuses tiers that do not go up. unverified: the words.
func TiersOrder(param string) *Error {
	return Invalid(param, "Each tier's `up_to` must be an integer above that of the tier before it; only the last one's may be `inf`.")
}

// TierWithoutAmount refuses a tier that says nothing of what it costs. unverified: the words.
func TierWithoutAmount(param string) *Error {
	return Invalid(param, "Each tier must have a `unit_amount`, a `unit_amount_decimal`, a `flat_amount` or a `flat_amount_decimal`.")
}

// CustomRecurring refuses that customers choose what they pay for ever. unverified: the words.
func CustomRecurring(param string) *Error {
	return Invalid(param, "`custom_unit_amount` is not supported for recurring prices.")
}

// CustomDisabled refuses a custom amount that is none. unverified: the words.
func CustomDisabled(param string) *Error {
	return Invalid(param, "`custom_unit_amount[enabled]` must be `true`.")
}

// CustomOrder refuses amounts between which nothing lies. unverified: the words.
func CustomOrder(param, than, other string) *Error {
	return Invalid(param, "This value must be "+than+" than or equal to `custom_unit_amount["+other+"]`.")
}

// OwnCurrencyOption refuses to say twice what a price is in its own currency. unverified: that it is refused.
func OwnCurrencyOption(param string) *Error {
	return Invalid(param, "`currency_options` may not have the price's own `currency`.")
}

// TaxBehaviorFixed refuses to change whether a price has its tax in it. unverified: the words.
func TaxBehaviorFixed(now string) *Error {
	return Invalid("tax_behavior", "The `tax_behavior` of this price is `"+now+"` and cannot be changed.")
}

// PriceIsDefault refuses to archive a price that stands for its product (quoted in several public repositories).
func PriceIsDefault() *Error {
	return Invalid("", "This price cannot be archived because it is the default price of its product.")
}

// PriceOfOther refuses as a product's default a price of another. unverified: the words.
func PriceOfOther(price, product string) *Error {
	return Invalid("default_price", "The price `"+price+"` does not belong to the product `"+product+"`.")
}

// PriceInactive refuses a price that is no longer offered (facts 15o).
func PriceInactive(param string) *Error {
	return Invalid(param, "The price specified is inactive. This field only accepts active prices.")
}

// PriceType refuses a price that is paid once where one is paid for ever, or the other way round (facts 15o).
func PriceType(param, got string) *Error {
	want := "recurring"
	if got == want {
		want = "one_time"
	}
	return Invalid(param, "The price specified is set to `type="+got+"` but this field only accepts prices with `type="+want+"`.")
}

// ProductHasPrices refuses to delete what has been priced (quoted in many public repositories).
func ProductHasPrices() *Error {
	return Invalid("", "This product cannot be deleted because it has one or more user-created prices.")
}

// TaxPercentage refuses a tax of less than nothing, or more than all. unverified: the words.
func TaxPercentage(got string) *Error {
	return Invalid("percentage", "Invalid decimal: "+bigDecimal(got)+"; must be between 0 and 100.")
}

// TaxPercentagePlaces refuses a tax that is too fine. unverified: the words.
func TaxPercentagePlaces(got string) *Error {
	return Invalid("percentage", "Invalid decimal: "+bigDecimal(got)+"; must contain at most 4 decimal places.")
}

// TaxCountry refuses a country that is not written in two capitals. unverified: the words.
func TaxCountry(country string) *Error {
	return Invalid("country", "Country '"+country+"' is unknown. Try using a 2-character alphanumeric country code instead, such as 'US', 'EG', or 'GB'.")
}

// EstimateBackwards refuses a delivery that takes longer at the least than at the most. unverified: the words.
func EstimateBackwards() *Error {
	return Invalid("delivery_estimate[maximum]", "The maximum of a delivery estimate must not be less than its minimum.")
}
