package account

import (
	"slices"
	"strings"
	"sync"

	"florin/internal/fault"
	"florin/internal/spec"
)

// A grant is what a restricted key needs for the operations of a family: name_read for GET, name_write for the others.
type grant struct{ name, label string }

// grantOf says what the operations under a path need, variables written as *. The longest beginning counts. Paths that are not here cannot be given
// to a restricted key; those with an empty name need nothing.
//
// Known from: quoted refusals (facts 02; charge, checkout_session, coupon, customer, plan with their labels; accounts_kyc, product, subscription,
// webhook by name). unverified: the other names and labels, which follow the same pattern and the Dashboard's list.
var grantOf = map[string]grant{
	"account":                             {"accounts_kyc_basic", "Basic Account Information"},
	"account_links":                       {"account_link", "Account Links"},
	"account_sessions":                    {"account_session", "Account Sessions"},
	"accounts":                            {"accounts_kyc_basic", "Basic Account Information"},
	"accounts/*/login_links":              {"login_link", "Login Links"},
	"application_fees":                    {"application_fee", "Application Fees"},
	"apps":                                {"secret", "Secret Store"},
	"balance":                             {"balance", "Balance"},
	"balance_settings":                    {"balance_settings", "Balance Settings"},
	"balance_transactions":                {"balance_transaction_source", "Balance Transaction Sources"},
	"balance/history":                     {"balance_transaction_source", "Balance Transaction Sources"},
	"billing":                             {"billing_meter", "Meters"},
	"billing/alerts":                      {"billing_alert", "Billing Alerts"},
	"billing/credit_balance_summary":      {"credit_grant", "Credit Grants"},
	"billing/credit_balance_transactions": {"credit_grant", "Credit Grants"},
	"billing/credit_grants":               {"credit_grant", "Credit Grants"},
	"billing_portal":                      {"customer_portal", "Customer Portal"},
	"charges":                             {"charge", "Charges and Refunds"},
	"charges/*/dispute":                   {"dispute", "Disputes"},
	"checkout":                            {"checkout_session", "Checkout Sessions"},
	"climate":                             {"climate_order", "Climate Orders"},
	"confirmation_tokens":                 {"confirmation_token", "Confirmation Tokens"},
	"country_specs":                       {},
	"coupons":                             {"coupon", "Coupons"},
	"credit_notes":                        {"credit_note", "Credit Notes"},
	"customer_sessions":                   {"customer_session", "Customer Sessions"},
	"customers":                           {"customer", "Customers"},
	"customers/*/payment_methods":         {"payment_method", "Payment Methods"},
	"customers/*/subscriptions":           {"subscription", "Subscriptions"},
	"disputes":                            {"dispute", "Disputes"},
	"entitlements":                        {"entitlement", "Entitlements"},
	"ephemeral_keys":                      {"ephemeral_key", "Ephemeral Keys"},
	"events":                              {"event", "Events"},
	"exchange_rates":                      {},
	"file_links":                          {"file", "Files"},
	"files":                               {"file", "Files"},
	"financial_connections":               {"financial_connections_account", "Financial Connections Accounts"},
	"identity":                            {"identity_product", "Identity Verification Sessions and Reports"},
	"invoice_payments":                    {"invoice", "Invoices"},
	"invoice_rendering_templates":         {"invoice", "Invoices"},
	"invoiceitems":                        {"invoice", "Invoices"},
	"invoices":                            {"invoice", "Invoices"},
	"issuing/authorizations":              {"issuing_authorization", "Issuing Authorizations"},
	"issuing/cardholders":                 {"issuing_cardholder", "Issuing Cardholders"},
	"issuing/cards":                       {"issuing_card", "Issuing Cards"},
	"issuing/disputes":                    {"issuing_dispute", "Issuing Disputes"},
	"issuing/personalization_designs":     {"issuing_personalization_design", "Issuing Personalization Designs"},
	"issuing/physical_bundles":            {"issuing_personalization_design", "Issuing Personalization Designs"},
	"issuing/settlements":                 {"issuing_transaction", "Issuing Transactions"},
	"issuing/tokens":                      {"issuing_token", "Issuing Tokens"},
	"issuing/transactions":                {"issuing_transaction", "Issuing Transactions"},
	"mandates":                            {"mandate", "Mandates"},
	"payment_attempt_records":             {"payment_record", "Payment Records"},
	"payment_intents":                     {"payment_intent", "PaymentIntents"},
	"payment_links":                       {"payment_links", "Payment Links"},
	"payment_method_configurations":       {"payment_method_configuration", "Payment Method Configurations"},
	"payment_method_domains":              {"payment_method_domain", "Payment Method Domains"},
	"payment_methods":                     {"payment_method", "Payment Methods"},
	"payment_records":                     {"payment_record", "Payment Records"},
	"payouts":                             {"payout", "Payouts"},
	"plans":                               {"plan", "Prices"},
	"prices":                              {"plan", "Prices"},
	"products":                            {"product", "Products"},
	"promotion_codes":                     {"promotion_code", "Promotion Codes"},
	"quotes":                              {"quote", "Quotes"},
	"radar":                               {"radar", "Radar"},
	"refunds":                             {"charge", "Charges and Refunds"},
	"reporting":                           {"report_runs_and_report_types", "Report Runs and Report Types"},
	"reviews":                             {"review", "Reviews"},
	"setup_attempts":                      {"setup_intent", "SetupIntents"},
	"setup_intents":                       {"setup_intent", "SetupIntents"},
	"shipping_rates":                      {"shipping_rate", "Shipping Rates"},
	"sources":                             {"source", "Sources"},
	"subscription_items":                  {"subscription", "Subscriptions"},
	"subscription_schedules":              {"subscription", "Subscriptions"},
	"subscriptions":                       {"subscription", "Subscriptions"},
	"tax/calculations":                    {"tax_calculations_and_transactions", "Tax Calculations and Transactions"},
	"tax/registrations":                   {"tax_settings", "Tax Settings"},
	"tax/settings":                        {"tax_settings", "Tax Settings"},
	"tax/transactions":                    {"tax_calculations_and_transactions", "Tax Calculations and Transactions"},
	"tax_codes":                           {},
	"tax_ids":                             {"tax_id", "Tax IDs"},
	"tax_rates":                           {"tax_rate", "Tax Rates"},
	"terminal/configurations":             {"terminal_configuration", "Terminal Configurations"},
	"terminal/connection_tokens":          {"terminal_connection_token", "Terminal Connection Tokens"},
	"terminal/locations":                  {"terminal_location", "Terminal Locations"},
	"terminal/readers":                    {"terminal_reader", "Terminal Readers"},
	"test_clocks":                         {"billing_clock", "Test Clocks"},
	"tokens":                              {"token", "Tokens"},
	"topups":                              {"topup", "Top-ups"},
	"transfers":                           {"transfer", "Transfers"},
	"treasury":                            {"treasury_financial_account", "Financial Accounts"},
	"webhook_endpoints":                   {"webhook", "Webhook Endpoints"},
}

// Resources are the names that a permission can be for, sorted.
func Resources() []string {
	var out []string
	for _, g := range grantOf {
		if g.name != "" {
			out = append(out, g.name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// grants remembers what each operation needs, once a restricted key has asked.
type grants struct{ byOp sync.Map } // *spec.Operation → *grant, nil if it cannot be given

func (g *grants) of(op *spec.Operation) *grant {
	if v, ok := g.byOp.Load(op); ok {
		return v.(*grant)
	}
	need := grantFor(op.Path)
	g.byOp.Store(op, need)
	return need
}

// grantFor finds the longest beginning of a path that grantOf knows. What a test helper does to a resource needs that resource.
func grantFor(path string) *grant {
	parts := strings.Split(strings.Trim(path, "/"), "/")[1:] // less the v1
	if len(parts) > 1 && parts[0] == "test_helpers" {
		parts = parts[1:]
	}
	for i, p := range parts {
		if strings.HasPrefix(p, "{") {
			parts[i] = "*"
		}
	}
	for n := len(parts); n > 0; n-- {
		if g, ok := grantOf[strings.Join(parts[:n], "/")]; ok {
			return &g
		}
	}
	return nil
}

// permit refuses an operation that the permissions do not hold: GET wants read, everything else write, and write includes read (facts 02, 2c).
func (g *grants) permit(op *spec.Operation, have map[string]string, masked, account string) *fault.Error {
	need := g.of(op)
	switch {
	case need == nil:
		return fault.NotGrantable(masked, account)
	case need.name == "":
		return nil
	}
	level, label := "write", "Write"
	if op.Method == "GET" {
		level, label = "read", "Read"
	}
	if h := have[need.name]; h == level || h == "write" {
		return nil
	}
	return fault.NoPermission(masked, account, need.label+" "+label, need.name+"_"+level)
}
