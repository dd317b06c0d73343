package spec

// undeclared are parameters that the spec does not tell of, and that official SDKs send all the same: to POST /v1/sources, the hash of the type. They are
// written as the facts are. Known from: stripe-android and stripe-ios (what they send), docs.stripe.com/sources.
var undeclared = map[string]string{
	"POST /v1/sources": `	ach_credit_transfer object
	ach_debit object
		type string enum=company|individual
	acss_debit object
		institution_number string max=5000
		transit_number string max=5000
		account_number string max=5000
	alipay object
		statement_descriptor string max=5000
	au_becs_debit object
		bsb_number string max=5000
		account_number string max=5000
	bancontact object
		preferred_language string max=5000
		statement_descriptor string max=5000
	card object
		number string max=5000
		exp_month string max=5000
		exp_year string max=5000
		cvc string max=5000
		name string max=5000
		address_city string max=5000
		address_country string max=5000
		address_line1 string max=5000
		address_line2 string max=5000
		address_state string max=5000
		address_zip string max=5000
	eps object
		statement_descriptor string max=5000
	ideal object
		bank string max=5000
		statement_descriptor string max=5000
	klarna object
		product string max=5000
		purchase_country string max=5000
		purchase_type string max=5000
		locale string max=5000
		first_name string max=5000
		last_name string max=5000
		shipping_first_name string max=5000
		shipping_last_name string max=5000
		custom_payment_methods string max=5000
		page_title string max=5000
		logo_url string max=5000
		background_image_url string max=5000
	multibanco object
		statement_descriptor string max=5000
	p24 object
		statement_descriptor string max=5000
	sepa_debit object
		iban string max=5000
	sofort object
		country string max=5000
		preferred_language string max=5000
		statement_descriptor string max=5000
	three_d_secure object
		card string max=5000
		customer string max=5000
	wechat object
		statement_descriptor string max=5000
`,
	"POST /v1/sources/{source}": `	ach_credit_transfer object
		refund_account_holder_name string max=5000
		refund_account_holder_type string enum=company|individual
		refund_account_number string max=5000
		refund_routing_number string max=5000
	multibanco object
		refund_account_holder_name string max=5000
		refund_iban string max=5000
`,
}
