package fault

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
