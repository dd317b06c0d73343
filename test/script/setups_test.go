package script_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"florin/internal/paymethod"
)

// TestSetups sets up a method of every type that can be, for a customer who agrees and for one who does not.
func TestSetups(t *testing.T) {
	for _, name := range paymethod.Names() {
		way := paymethod.Types[name]
		if way.Flow == paymethod.Card || !way.Saves("off_session") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, way)
			s.setUp()
			if way.Flow == paymethod.Redirect || way.Flow == paymethod.Voucher && name != "boleto" {
				s.notSetUp()
			}
			s.audited()
		})
	}
}

// keep confirms a new setup intent with a new payment method of the type.
func (s *shop) keep() (intent string) {
	s.t.Helper()
	typ := s.way.Name
	p := []string{
		"customer", s.cus, "confirm", "true", "payment_method_types[]", typ, "payment_method_data[type]", typ, "return_url", "https://shop.example/done",
		"payment_method_data[billing_details][name]", "Jenny Rosen", "payment_method_data[billing_details][email]", "jenny@example.com",
		"payment_method_data[billing_details][address][line1]", "1 Main Street", "mandate_data[customer_acceptance][type]", "offline",
	}
	for i, hash := 0, hashes[typ]; i < len(hash); i += 2 {
		p = append(p, "payment_method_data["+typ+"]["+hash[i]+"]", hash[i+1])
	}
	r := s.ask("POST", "/v1/setup_intents", p...)
	if r.Status != 200 {
		s.t.Fatalf("confirm: %d %s", r.Status, r.Body)
	}
	return r.Text("id")
}

func (s *shop) setUp() {
	s.t.Helper()
	path := "/v1/setup_intents/" + s.keep()
	si := s.ask("GET", path)
	if si.Text("status") == "requires_action" {
		if a := si.Text("next_action", "type"); a != s.way.Action && a != "verify_with_microdeposits" {
			s.t.Errorf("the action is %q", a)
		}
		switch {
		case s.way.Flow == paymethod.Debit:
			s.ask("POST", path+"/verify_microdeposits", "amounts[]", "32", "amounts[]", "45")
		case s.way.Flow == paymethod.Push:
			s.later(40 * time.Second)
		default:
			to := s.answer(si, true)
			s.want("redirect_status", to.Query().Get("redirect_status"), "succeeded")
			s.want("setup_intent", to.Query().Get("setup_intent"), si.Text("id"))
		}
	}
	si = s.ask("GET", path, "expand[]", "latest_attempt")
	s.want("status", si.Text("status"), "succeeded")
	s.want("the attempt", si.Text("latest_attempt", "status"), "succeeded")
	attempts := s.ask("GET", "/v1/setup_attempts", "setup_intent", si.Text("id"))
	if n := len(attempts.At("data").([]any)); n != 1 {
		s.t.Errorf("there are %d attempts", n)
	}
	pm := s.ask("GET", "/v1/payment_methods/"+si.Text("payment_method"))
	generates := slices.Contains([]string{"bancontact", "ideal", "sofort"}, s.way.Name)
	if generates {
		debit := si.Text("latest_attempt", "payment_method_details", s.way.Name, "generated_sepa_debit")
		pm = s.ask("GET", "/v1/payment_methods/"+debit)
		s.want("type", pm.Text("type"), "sepa_debit")
	}
	s.want("customer", pm.Text("customer"), s.cus)
	if m := si.Text("mandate"); m != "" {
		s.want("the mandate", s.ask("GET", "/v1/mandates/"+m).Text("status"), "active")
	}
	if events := s.events(); !strings.Contains(events, "payment_method.attached") || !strings.Contains(events, "setup_intent.succeeded") {
		s.t.Errorf("the events are %s", events)
	}
}

func (s *shop) notSetUp() {
	s.t.Helper()
	path := "/v1/setup_intents/" + s.keep()
	to := s.answer(s.ask("GET", path), false)
	s.want("redirect_status", to.Query().Get("redirect_status"), "failed")
	si := s.ask("GET", path)
	s.want("status", si.Text("status"), "requires_payment_method")
	s.want("the error", si.Text("last_setup_error", "code"), "setup_intent_authentication_failure")
}
