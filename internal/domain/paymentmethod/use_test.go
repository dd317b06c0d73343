package paymentmethod_test

import (
	"errors"
	"testing"

	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/domain/paymentmethod"
	"florin/internal/fault"
	"florin/internal/form"
)

// in runs f as the account's own work, with a domain on the server's vault.
func (w *world) in(f func(c *api.Call, d *paymentmethod.Domain) error) error {
	w.t.Helper()
	who, err := w.App.Authenticate(w.t.Context(), w.Secret, "")
	if err != nil {
		w.t.Fatal(err)
	}
	d := paymentmethod.New(customer.New(), w.Vault)
	return w.App.Do(w.t.Context(), who.Scope, func(c *api.Call) error { return f(c, d) })
}

// TestUsedOnce: what paid without a customer is spent (facts 05f); what is attached is not.
func TestUsedOnce(t *testing.T) {
	w := newWorld(t)
	cus := w.customer()
	loose, kept := w.card("4242424242424242"), w.card("4242424242424242")
	w.events()
	err := w.in(func(c *api.Call, d *paymentmethod.Domain) error {
		for _, id := range []string{loose, kept} {
			pm, err := d.Resolve(c, id, "payment_method")
			if err != nil {
				return err
			}
			if card, err := d.Card(pm); err != nil || card.Number != "4242424242424242" || card.CVC != "" {
				t.Errorf("opened %v, %v", card, err)
			}
			if id == kept {
				if err := d.AttachTo(c, pm, cus); err != nil {
					return err
				}
			}
			pass := "pass"
			if err := d.Used(c, pm, paymentmethod.Checks{CVCCheck: &pass}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.fired("payment_method.attached")
	for _, tt := range []struct{ pm, customer, want string }{
		{loose, "", "The provided PaymentMethod was previously used"},
		{loose, cus, "The provided PaymentMethod was previously used"},
		{kept, cus, ""},
		{kept, "", "The payment method you provided is attached to a customer so"},
		{kept, "cus_other", "The PaymentMethod " + kept + " does not belong to the Customer you supplied cus_other."},
	} {
		err := w.in(func(c *api.Call, d *paymentmethod.Domain) error {
			pm, err := d.Resolve(c, tt.pm, "payment_method")
			if err != nil {
				return err
			}
			return d.Usable(c, pm, tt.customer)
		})
		var f *fault.Error
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s for %s: %v", tt.pm, tt.customer, err)
		case tt.want != "" && (!errors.As(err, &f) || len(f.Message) < len(tt.want) || f.Message[:len(tt.want)] != tt.want):
			t.Errorf("%s for %s: %v, want %s", tt.pm, tt.customer, err, tt.want)
		}
	}
	w.refused(w.Post("/v1/payment_methods/"+loose+"/attach", "customer", cus), refusal{400, "", "", "", "The provided PaymentMethod was previously used"})
	if r := w.Get("/v1/payment_methods/" + loose); r.Text("card", "checks", "cvc_check") != "pass" {
		t.Errorf("%s", r.Body)
	}
}

// TestFromToken: a charge of old pays with a token once, and with a customer's source again and again.
func TestFromToken(t *testing.T) {
	w := newWorld(t)
	tok := w.ok("/v1/tokens", "card[number]", "4242424242424242", "card[exp_month]", "8", "card[exp_year]", "2027")
	source := w.ok("/v1/customers", "source", "tok_visa").Text("default_source")
	pay := func(token string) error {
		return w.in(func(c *api.Call, d *paymentmethod.Domain) error {
			pm, source, err := d.FromSource(c, &form.Value{Kind: form.String, Text: token}, "source")
			if err != nil {
				return err
			}
			if card, ok := source.(*paymentmethod.Card); !ok || pm.ID != card.ID || pm.Card.Last4 != "4242" || card.Brand != "Visa" {
				t.Errorf("%s and %+v", pm.ID, source)
			}
			if opened, err := d.Card(pm); err != nil || opened.Number != "4242424242424242" {
				t.Errorf("opened %v, %v", opened, err)
			}
			return d.Used(c, pm, paymentmethod.Checks{})
		})
	}
	for _, token := range []string{tok.Text("id"), "tok_visa", "tok_visa", source, source} {
		if err := pay(token); err != nil {
			t.Errorf("%s: %v", token, err)
		}
	}
	var f *fault.Error
	if err := pay(tok.Text("id")); !errors.As(err, &f) || f.Code != "token_already_used" {
		t.Errorf("used twice: %v", err)
	}
	if err := pay("card_x"); !errors.As(err, &f) || f.Message != "No such source: 'card_x'" {
		t.Errorf("%v", err)
	}
}

// TestFromData: what is refused is called by its full name.
func TestFromData(t *testing.T) {
	w := newWorld(t)
	data := &form.Value{Kind: form.Object, Fields: []form.Field{{Name: "type", Value: &form.Value{Kind: form.String, Text: "sepa_debit"}}}}
	err := w.in(func(c *api.Call, d *paymentmethod.Domain) error {
		_, err := d.FromData(c, data, "payment_method_data")
		return err
	})
	var f *fault.Error
	if !errors.As(err, &f) || f.Param != "payment_method_data[sepa_debit]" {
		t.Errorf("%v", err)
	}
}
