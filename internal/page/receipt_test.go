package page_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/payment"
	"florin/internal/id"
	"florin/internal/store"
)

// pay charges a test card, and returns the charge and the path of its receipt, which it gives it as payments do.
func (w *world) pay(more ...string) (charge, path string) {
	w.Helper()
	pi := w.ask("POST", "/v1/payment_intents", append([]string{
		"amount", "3000", "currency", "usd", "payment_method", "pm_card_mastercard", "confirm", "true", "payment_method_types[]", "card",
	}, more...)...)
	charge = pi.text("latest_charge")
	path = "/receipts/payment/" + w.account + "/" + charge + "/" + id.Secret(24)
	err := w.app.Do(w.Context(), store.NewScope(1, false), func(c *api.Call) error {
		ch, err := payment.Charges.Get(c, charge)
		if err != nil {
			return err
		}
		there := w.app.Base + path
		ch.ReceiptURL = &there
		return c.Save(ch)
	})
	if err != nil {
		w.Fatal(err)
	}
	return charge, path
}

// words are what a page says, without its markup.
func words(page string) string {
	page = regexp.MustCompile(`(?s)<style>.*</style>|<[^>]*>`).ReplaceAllString(page, " ")
	return strings.Join(strings.Fields(page), " ")
}

func TestReceipt(t *testing.T) {
	w := newWorld(t)
	charge, path := w.pay("description", "Two <i>chairs</i>", "statement_descriptor_suffix", "CHAIRS")
	says := func(want ...string) {
		t.Helper()
		got := w.open("GET", path, nil)
		if got.Code != http.StatusOK {
			t.Fatalf("GET %s: %d", path, got.Code)
		}
		page := words(got.Body.String())
		for _, text := range want {
			if !strings.Contains(page, text) {
				t.Errorf("the receipt does not say %q: %s", text, page)
			}
		}
	}
	says("Receipt from Ärger &amp; &lt;b&gt;Söhne", "$30.00 USD Paid", "September 1, 2026, 12:00 UTC", "Mastercard •••• 4444 ending in 4444",
		"For Two &lt;i&gt;chairs&lt;/i&gt;", "CHAIRS", "Test mode")

	w.clock.Advance(25 * time.Hour)
	w.ask("POST", "/v1/refunds", "charge", charge, "amount", "1000")
	says("$30.00 USD Partly refunded", "September 2, 2026 -$10.00 USD", "Paid after refunds $20.00 USD")
	w.ask("POST", "/v1/refunds", "charge", charge)
	says("$30.00 USD Refunded", "-$10.00 USD", "-$20.00 USD", "Paid after refunds $0.00 USD")
}

func TestReceiptOfHold(t *testing.T) {
	w := newWorld(t)
	charge, path := w.pay("capture_method", "manual")
	if page := words(w.open("GET", path, nil).Body.String()); !strings.Contains(page, "$30.00 USD Authorized") {
		t.Errorf("the receipt of a hold says %s", page)
	}
	pi := w.ask("GET", "/v1/charges/"+charge).text("payment_intent")
	w.ask("POST", "/v1/payment_intents/"+pi+"/capture", "amount_to_capture", "1200")
	if page := words(w.open("GET", path, nil).Body.String()); !strings.Contains(page, "$12.00 USD Paid") {
		t.Errorf("the receipt of a part that was captured says %s", page)
	}
	charge, path = w.pay("capture_method", "manual")
	pi = w.ask("GET", "/v1/charges/"+charge).text("payment_intent")
	w.ask("POST", "/v1/payment_intents/"+pi+"/cancel")
	if page := words(w.open("GET", path, nil).Body.String()); !strings.Contains(page, "Canceled") || strings.Contains(page, "-$") {
		t.Errorf("the receipt of what was let go says %s", page)
	}
}

func TestReceiptContacts(t *testing.T) {
	w := newWorld(t)
	err := w.app.Do(t.Context(), store.System, func(c *api.Call) error {
		a, err := account.Load(c, w.account)
		if err != nil {
			return err
		}
		mail, site, zone := "help@shop.example", "javascript:alert(1)", "Europe/Berlin"
		a.BusinessProfile.SupportEmail, a.BusinessProfile.SupportURL, a.Settings.Dashboard.Timezone = &mail, &site, &zone
		return c.Save(a)
	})
	if err != nil {
		t.Fatal(err)
	}
	_, path := w.pay()
	page := w.open("GET", path, nil).Body.String()
	if !strings.Contains(page, `<a href="mailto:help@shop.example">help@shop.example</a>`) {
		t.Errorf("no way to write to the merchant:\n%s", page)
	}
	if strings.Contains(page, `href="javascript`) {
		t.Error("a link runs a script")
	}
	if zone, err := time.LoadLocation("Europe/Berlin"); err == nil && zone != nil && !strings.Contains(page, "14:00 CEST") {
		t.Error("the date is not in the merchant's time zone")
	}
}

func TestReceiptRefused(t *testing.T) {
	w := newWorld(t)
	charge, path := w.pay()
	secret := path[strings.LastIndexByte(path, '/')+1:]
	base := "/receipts/payment/"
	for _, bad := range []string{
		base, base + charge, base + w.account + "/" + charge, base + w.account + "/" + charge + "/",
		base + w.account + "/" + charge + "/" + id.Secret(24), base + w.account + "/" + charge + "/" + secret[1:],
		base + "acct_1nobody/" + charge + "/" + secret, base + w.account + "/ch_1/" + secret, path + "/", path + "x", "/receipts/",
	} {
		if got := w.open("GET", bad, nil); got.Code != http.StatusNotFound {
			t.Errorf("GET %s: %d", bad, got.Code)
		}
	}
	if got := w.open("POST", path, nil); got.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST of a receipt: %d", got.Code)
	}
	if got := w.open("HEAD", path, nil); got.Code != http.StatusOK {
		t.Errorf("HEAD of a receipt: %d", got.Code)
	}
}
