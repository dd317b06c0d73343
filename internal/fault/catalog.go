package fault

// AlreadyExists refuses an id of the merchant's choice that is taken. kind is as in "Coupon already exists."
func AlreadyExists(kind, param string) *Error {
	return Coded("resource_already_exists", param, kind+" already exists.")
}
