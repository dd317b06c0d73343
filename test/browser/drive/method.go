package main

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// The pages of payments and setups by other types than cards.

// pay makes and confirms an intent of a type; more are pairs.
func (b *browser) pay(typ, currency string, more ...string) (object, error) {
	p := url.Values{
		"amount": {"12345"}, "currency": {currency}, "payment_method_types[]": {typ}, "payment_method_data[type]": {typ}, "confirm": {"true"},
		"payment_method_data[billing_details][name]": {"Jenny Rosen"}, "payment_method_data[billing_details][email]": {"jenny@example.com"},
		"return_url": {b.shop + "/thanks?order=42#top"},
	}
	for i := 0; i < len(more); i += 2 {
		p.Set(more[i], more[i+1])
	}
	return b.api("POST", "/v1/payment_intents", p)
}

// setUp makes and confirms a setup intent of a type.
func (b *browser) setUp(typ string, more ...string) (object, error) {
	p := url.Values{
		"payment_method_types[]": {typ}, "payment_method_data[type]": {typ}, "confirm": {"true"}, "payment_method_data[billing_details][name]": {"Jenny Rosen"},
		"payment_method_data[billing_details][email]": {"jenny@example.com"}, "mandate_data[customer_acceptance][type]": {"offline"},
	}
	for i := 0; i < len(more); i += 2 {
		p.Set(more[i], more[i+1])
	}
	return b.api("POST", "/v1/setup_intents", p)
}

// page is where an intent's next action leads to: the member of its hash.
func page(intent object, member string) string {
	return intent.text("next_action", intent.text("next_action", "type"), member)
}

// authorize authorizes a payment by redirect: Tab, Enter; and comes back to the shop.
func authorize(b *browser) error {
	pi, err := b.pay("ideal", "eur")
	if err != nil {
		return err
	}
	if err := errors.Join(
		b.open(page(pi, "url")), b.reads("heading", "Authorize your payment"), b.reads("button", "Authorize test payment"), b.reads("button", "Fail test payment"),
		b.reads("StaticText", "iDEAL"), b.pleasant("authorize"), b.tab("true"), b.shot("authorize-focus"),
	); err != nil {
		return err
	}
	return b.arrive(pi, kb.Enter, "succeeded", "succeeded")
}

// refuse lets a payment by redirect fail: Tab, Tab, Space. Who goes back to the page then is led to the shop.
func refuse(b *browser) error {
	pi, err := b.pay("bancontact", "eur")
	if err != nil {
		return err
	}
	if err := errors.Join(b.open(page(pi, "url")), b.tab("true"), b.tab("false"), b.arrive(pi, " ", "failed", "requires_payment_method")); err != nil {
		return err
	}
	return errors.Join(b.open(page(pi, "url")), b.landed(pi, "failed"))
}

// canceled opens the page of a payment that was canceled meanwhile.
func canceled(b *browser) error {
	pi, err := b.pay("eps", "eur")
	if err != nil {
		return err
	}
	if _, err := b.api("POST", "/v1/payment_intents/"+pi.text("id")+"/cancel", nil); err != nil {
		return err
	}
	return errors.Join(b.open(page(pi, "url")), b.landed(pi, "failed"))
}

// scan opens the page with a code, goes on without a telephone by its link, and authorizes.
func scan(b *browser) error {
	pi, err := b.pay("cashapp", "usd")
	if err != nil {
		return err
	}
	if err := errors.Join(
		b.open(page(pi, "hosted_instructions_url")), b.reads("heading", "Scan to pay "+b.account), b.reads("link", "Go on without scanning"),
		b.reads("image", "QR code that leads to the page below"), b.pleasant("scan"),
		b.tab("A"), b.press(kb.Enter, "/authorize/"), b.reads("StaticText", "Cash App Pay"), b.tab("true"),
	); err != nil {
		return err
	}
	return b.arrive(pi, kb.Enter, "succeeded", "succeeded")
}

// save authorizes that a method is saved, of which nothing is paid.
func save(b *browser) error {
	cus, err := b.api("POST", "/v1/customers", nil)
	if err != nil {
		return err
	}
	si, err := b.setUp("cashapp", "customer", cus.text("id"), "return_url", b.shop+"/thanks?order=42#top")
	if err != nil {
		return err
	}
	if err := errors.Join(
		b.open(page(si, "mobile_auth_url")), b.reads("heading", "Save Cash App Pay for later payments"), b.pleasant("authorize-setup"), b.tab("true"),
		b.press(kb.Enter, b.shop),
	); err != nil {
		return err
	}
	return b.saved(si, "succeeded")
}

// saved looks at the status of a setup intent.
func (b *browser) saved(si object, status string) error {
	now, err := b.api("GET", "/v1/setup_intents/"+si.text("id"), nil)
	if err == nil && now.text("status") != status {
		err = fmt.Errorf("the setup intent is %s, want %s", now.text("status"), status)
	}
	return err
}

// voucher pays a voucher.
func voucher(b *browser) error {
	pi, err := b.pay("multibanco", "eur")
	if err != nil {
		return err
	}
	reference := page(pi, "reference")
	return errors.Join(
		b.open(page(pi, "hosted_voucher_url")), b.reads("heading", "Pay "+b.account), b.reads("StaticText", reference), b.reads("button", "Pay this voucher"),
		b.reads("button", "Let it expire"), b.pleasant("voucher"), b.tab("pay"), b.sends(kb.Enter), b.reads("heading", "Voucher paid"),
		b.pleasant("voucher-paid"), b.stands(pi, "succeeded"),
	)
}

// voucherExpires lets one expire; its page then leads back to the shop.
func voucherExpires(b *browser) error {
	pi, err := b.pay("multibanco", "eur")
	if err != nil {
		return err
	}
	at := page(pi, "hosted_voucher_url")
	return errors.Join(
		b.open(at), b.tab("pay"), b.tab("expire"), b.sends(" "), b.reads("heading", "Voucher expired"), b.stands(pi, "requires_payment_method"),
		b.open(at), b.landed(pi, "failed"),
	)
}

// konbini opens the voucher with the codes of four shops.
func konbini(b *browser) error {
	b.key = b.japan
	pi, err := b.pay("konbini", "jpy")
	if err != nil {
		return err
	}
	return errors.Join(
		b.open(page(pi, "hosted_voucher_url")), b.reads("StaticText", "Payment code at Seicomart"), b.pleasant("konbini"), b.tab("pay"), b.sends(kb.Enter),
		b.reads("heading", "Voucher paid"), b.stands(pi, "succeeded"),
	)
}

// transfer opens the instructions for a bank transfer.
func transfer(b *browser) error {
	cus, err := b.api("POST", "/v1/customers", url.Values{"name": {"Jenny Rosen"}})
	if err != nil {
		return err
	}
	pi, err := b.pay("customer_balance", "usd", "customer", cus.text("id"), "payment_method_options[customer_balance][funding_type]", "bank_transfer",
		"payment_method_options[customer_balance][bank_transfer][type]", "us_bank_transfer")
	if err != nil {
		return err
	}
	return errors.Join(
		b.open(page(pi, "hosted_instructions_url")), b.reads("heading", "Pay "+b.account+" by bank transfer"), b.reads("StaticText", page(pi, "reference")),
		b.pleasant("transfer"),
	)
}

var bank = []string{
	"payment_method_data[us_bank_account][routing_number]", "110000000", "payment_method_data[us_bank_account][account_number]", "000123456789",
	"payment_method_data[us_bank_account][account_holder_type]", "individual", "mandate_data[customer_acceptance][type]", "offline",
}

// depositCode types a wrong code, is told so, and types the right one.
func depositCode(b *browser) error {
	pi, err := b.pay("us_bank_account", "usd", bank...)
	if err != nil {
		return err
	}
	return errors.Join(
		b.open(page(pi, "hosted_verification_url")), b.reads("heading", "Verify your bank account"), b.reads("textbox", "Code"), b.reads("button", "Verify"),
		b.pleasant("deposit"),
		b.tab("INPUT"), b.write("SM00XX"), b.sends(kb.Enter), b.reads("alert", ""), b.reads("StaticText", "That is not what was deposited. Look at the statement again."),
		b.pleasant("deposit-wrong"),
		b.tab("INPUT"), b.write("sm11aa"), b.tab("BUTTON"), b.sends(kb.Enter), b.reads("heading", "Bank account verified"), b.stands(pi, "processing"),
	)
}

// depositAmounts types two amounts.
func depositAmounts(b *browser) error {
	pi, err := b.pay("acss_debit", "usd", "payment_method_data[acss_debit][institution_number]", "000", "payment_method_data[acss_debit][transit_number]", "11000",
		"payment_method_data[acss_debit][account_number]", "000123456789", "mandate_data[customer_acceptance][type]", "offline",
		"payment_method_options[acss_debit][mandate_options][payment_schedule]", "sporadic",
		"payment_method_options[acss_debit][mandate_options][transaction_type]", "personal")
	if err != nil {
		return err
	}
	return errors.Join(
		b.open(page(pi, "hosted_verification_url")), b.reads("textbox", "First amount, in cents"), b.reads("textbox", "Second amount, in cents"),
		b.pleasant("deposit-amounts"), b.tab("INPUT"), b.write("32"), b.tab("INPUT"), b.write("45"), b.sends(kb.Enter),
		b.reads("heading", "Bank account verified"), b.stands(pi, "processing"),
	)
}

// depositSetup verifies an account that is saved.
func depositSetup(b *browser) error {
	si, err := b.setUp("us_bank_account", bank...)
	if err != nil {
		return err
	}
	return errors.Join(
		b.open(page(si, "hosted_verification_url")), b.tab("INPUT"), b.write("SM11AA"), b.sends(kb.Enter), b.reads("heading", "Bank account verified"),
		b.reads("StaticText", "It is saved for later payments. You can close this window."), b.pleasant("deposit-saved"), b.saved(si, "succeeded"),
	)
}

// depositTooOften types what stands for too many guesses.
func depositTooOften(b *browser) error {
	si, err := b.setUp("us_bank_account", bank...)
	if err != nil {
		return err
	}
	return errors.Join(
		b.open(page(si, "hosted_verification_url")), b.tab("INPUT"), b.write("SM33CC"), b.sends(kb.Enter),
		b.reads("heading", "This bank account cannot be verified"), b.pleasant("deposit-over"), b.saved(si, "requires_payment_method"),
	)
}

// mandate opens the page of a mandate.
func mandate(b *browser) error {
	si, err := b.setUp("sepa_debit", "payment_method_data[sepa_debit][iban]", "DE89370400440532013000")
	if err != nil {
		return err
	}
	m, err := b.api("GET", "/v1/mandates/"+si.text("mandate"), nil)
	if err != nil {
		return err
	}
	return errors.Join(
		b.open(m.text("payment_method_details", "sepa_debit", "url")), b.reads("heading", "Mandate for "+b.account),
		b.reads("StaticText", m.text("payment_method_details", "sepa_debit", "reference")), b.reads("heading", "What it allows"), b.pleasant("mandate"),
	)
}

// write types a text.
func (b *browser) write(text string) error { return b.run(chromedp.KeyEvent(text)) }

// sends presses a key that sends a form to the page that it is on, and waits for what that answers.
func (b *browser) sends(key string) error {
	if _, err := chromedp.RunResponse(b, chromedp.KeyEvent(key)); err != nil {
		return fmt.Errorf("the form led nowhere: %w", err)
	}
	return b.run(chromedp.WaitReady("h1"))
}
