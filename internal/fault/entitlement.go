package fault

// The refusals of features. unverified: all words.

// FeatureTaken refuses a lookup key that a feature has which is not archived.
func FeatureTaken(key string) *Error {
	return Invalid("lookup_key", "A feature with the lookup key `"+key+"` already exists.")
}

// FeatureArchived refuses to give a product a feature that is archived.
func FeatureArchived(param string) *Error {
	return Invalid(param, "The feature specified is archived. This field only accepts active features.")
}

// FeatureGiven refuses to give a product a feature twice.
func FeatureGiven(param string) *Error {
	return Invalid(param, "This feature is already attached to this product.")
}
