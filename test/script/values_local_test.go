package script_test

import (
	"strings"
	"time"

	"florin/internal/paymethod"
	"florin/internal/server/servertest"
)

// at is a shop that can take payments by a type.
func (s *shop) at(typ string) *shop { return newShop(s.t, paymethod.Types[typ]) }

// givenRedirect gives a type whose customer authorizes on a page: authorized, failed, and left alone for as long as it waits.
func givenRedirect(s *shop, given []string) string {
	tell := func(yes bool) string {
		s := s.at(given[0])
		pi := s.pay("jenny@example.com", "", hashes[given[0]])
		action := pi.Text("next_action", "type")
		to := s.answer(pi, yes).Query().Get("redirect_status")
		if yes {
			s.later(time.Minute)
			return action + "; authorized: redirect_status " + to + ", " + s.ended(pi)
		}
		return "failed: redirect_status " + to + ", " + s.ended(pi)
	}
	return joined(tell(true), tell(false))
}

// givenVoucher gives the e-mail address of who pays: the type, then the address.
func givenVoucher(s *shop, given []string) string {
	s = s.at(given[0])
	hash := hashes[given[0]]
	if len(given) > 2 { // a tax id
		hash = []string{"tax_id", given[2]}
	}
	return s.timed(s.pay(given[1], "", hash))
}

// timed tells when an intent that waits comes to its end, and to which.
func (s *shop) timed(pi *servertest.Reply) string {
	s.t.Helper()
	if pi.Status != 200 {
		return "refused " + refused(pi)
	}
	if pi.Text("status") != "requires_action" && pi.Text("status") != "processing" {
		return "at once " + s.ended(pi)
	}
	waits := func() bool {
		status := s.get(pi).Text("status")
		return status == "requires_action" || status == "processing"
	}
	for _, step := range []struct {
		name string
		wait time.Duration
	}{
		{"within seconds", 10 * time.Second}, {"within half a minute", 25 * time.Second}, {"within a minute", 30 * time.Second}, {"after three minutes", 3 * time.Minute},
		{"within days", 10 * 24 * time.Hour}, {"within weeks", 25 * 24 * time.Hour}, {"within months", 80 * 24 * time.Hour},
	} {
		if s.later(step.wait); !waits() {
			return s.ended(pi) + " " + step.name
		}
	}
	return "waits for ever"
}

// givenKonbini gives a confirmation number.
func givenKonbini(s *shop, given []string) string {
	s = s.at("konbini")
	return s.timed(s.pay("jenny@example.com", "", nil, "payment_method_options[konbini][confirmation_number]", given[0]))
}

// givenBlik gives a code, and the e-mail address of who pays.
func givenBlik(s *shop, given []string) string {
	s = s.at("blik")
	code, email := "123456", given[0]
	if !strings.Contains(email, "@") {
		code, email = given[0], "jenny@example.com"
	}
	return s.timed(s.pay(email, "", nil, "payment_method_options[blik][code]", code))
}

// givenMBWay gives a telephone number.
func givenMBWay(s *shop, given []string) string {
	s = s.at("mb_way")
	return s.timed(s.pay("jenny@example.com", given[0], nil))
}
