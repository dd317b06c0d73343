package main

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// The page of a checkout session.

// session makes one; more are pairs.
func (b *browser) session(more ...string) (object, error) {
	p := url.Values{
		"mode": {"payment"}, "line_items[0][price_data][currency]": {"usd"}, "line_items[0][price_data][unit_amount]": {"1500"},
		"line_items[0][price_data][product_data][name]": {"A rather long name of a mug that holds a whole litre of tea"}, "line_items[0][quantity]": {"2"},
		"payment_method_types[]": {"card"}, "success_url": {b.shop + "/thanks?id={CHECKOUT_SESSION_ID}"}, "cancel_url": {b.shop + "/cart"},
	}
	for i := 0; i < len(more); i += 2 {
		p.Add(more[i], more[i+1])
	}
	return b.api("POST", "/v1/checkout/sessions", p)
}

// checkout pays a session: with a card that is declined, which the page says, and with another one.
func checkout(b *browser) error {
	cs, err := b.session("phone_number_collection[enabled]", "true", "allow_promotion_codes", "true", "payment_method_types[]", "alipay")
	if err != nil {
		return err
	}
	if err := errors.Join(
		b.open(cs.text("url")), b.reads("heading", "Your order"), b.reads("textbox", "E-mail"), b.reads("textbox", "Card number"), b.reads("textbox", "Expires MM / YY"),
		b.reads("textbox", "Security code"), b.reads("combobox", "Country"), b.reads("button", "Pay $30.00"), b.reads("button", "Alipay"), b.pleasant("checkout"),
		b.tab("INPUT"), b.tab("1"), b.tab("INPUT"), b.write("jenny@example.com"), b.tab("INPUT"), b.write("5551234"), b.tab("INPUT"), b.write("4000000000000002"),
		b.tab("INPUT"), b.write("12 / 40"), b.tab("INPUT"), b.write("123"), b.tab("INPUT"), b.write("Jenny Rosen"),
		b.tab("SELECT"), b.write("United St"), b.tab("INPUT"), b.write("12345"), b.tab("card"), b.shot("checkout-focus"), b.sends(kb.Enter),
		b.reads("StaticText", "Your card was declined."), b.pleasant("checkout-declined"),
		b.tab("INPUT"), b.tab("1"), b.tab("jenny@example.com"), b.tab("5551234"), b.tab("INPUT"), b.write("4242424242424242"), b.tab("INPUT"), b.write("12/40"),
		b.tab("INPUT"), b.write("123"), b.tab("Jenny Rosen"), b.tab("US"), b.tab("12345"), b.press(kb.Enter, b.shop),
	); err != nil {
		return err
	}
	at, err := chromedp.Run(b, chromedp.Location())
	if err != nil {
		return err
	}
	if !strings.HasSuffix(at, "/thanks?id="+cs.text("id")) {
		return fmt.Errorf("the browser is at %s", at)
	}
	now, err := b.api("GET", "/v1/checkout/sessions/"+cs.text("id"), nil)
	if err == nil && now.text("payment_status") != "paid" {
		err = fmt.Errorf("the session is %s", now.text("payment_status"))
	}
	return errors.Join(err, b.open(cs.text("url")), b.reads("heading", "You’re all done here"))
}

// checkoutAsks looks at a page that asks for all that there is, and changes a quantity: Tab, 3, Enter.
func checkoutAsks(b *browser) error {
	cs, err := b.session(
		"billing_address_collection", "required", "shipping_address_collection[allowed_countries][]", "US", "line_items[0][adjustable_quantity][enabled]", "true",
		"custom_fields[0][key]", "size", "custom_fields[0][label][type]", "custom", "custom_fields[0][label][custom]", "Size of the mug", "custom_fields[0][type]", "dropdown",
		"custom_fields[0][dropdown][options][0][label]", "Large", "custom_fields[0][dropdown][options][0][value]", "l",
		"custom_fields[1][key]", "words", "custom_fields[1][label][type]", "custom", "custom_fields[1][label][custom]", "Words on it", "custom_fields[1][type]", "text",
	)
	if err != nil {
		return err
	}
	return errors.Join(
		b.open(cs.text("url")), b.reads("combobox", "Size of the mug"), b.reads("textbox", "Words on it"), b.reads("heading", "Shipping address"), b.pleasant("checkout-asks"),
		b.tab("2"), b.write("3"), b.sends(kb.Enter), b.reads("button", "Pay $45.00"),
	)
}

// checkoutSaves saves a card that must authenticate: the page leads to the bank's, and that leads to the shop.
func checkoutSaves(b *browser) error {
	cs, err := b.api("POST", "/v1/checkout/sessions", url.Values{
		"mode": {"setup"}, "payment_method_types[]": {"card"}, "success_url": {b.shop + "/kept"}, "billing_address_collection": {"required"},
	})
	if err != nil {
		return err
	}
	return errors.Join(
		b.open(cs.text("url")), b.reads("heading", "Save your payment details"), b.pleasant("checkout-setup"),
		b.tab("INPUT"), b.write("jenny@example.com"), b.tab("INPUT"), b.write("4000002760003184"), b.tab("INPUT"), b.write("1240"), b.tab("INPUT"), b.write("123"),
		b.tab("INPUT"), b.write("Jenny Rosen"), b.tab("INPUT"), b.write("1 Main Street"), b.tab("INPUT"), b.tab("INPUT"), b.write("Springfield"), b.tab("INPUT"),
		b.tab("SELECT"), b.write("Germ"), b.tab("INPUT"), b.tab("card"), b.press(kb.Enter, "/3d_secure_2/"), b.reads("heading", "Authenticate your card"),
		b.tab("complete"), b.press(kb.Enter, b.shop+"/kept"),
	)
}
