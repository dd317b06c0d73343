package script_test

import "fmt"

// givenClock goes up to a limit of test clocks, and beyond.
func givenClock(s *shop, given []string) string {
	switch given[0] {
	case "three_customers_per_clock":
		clock := s.must("POST", "/v1/test_helpers/test_clocks", "frozen_time", "1577836800").Text("id")
		for n := 0; ; n++ {
			if r := s.ask("POST", "/v1/customers", "test_clock", clock); r.Status != 200 {
				return fmt.Sprintf("%d customers, then refused %s", n, refused(r))
			}
		}
	case "advance_at_most_two_intervals":
		const start, day = 1577836800, 86400
		clock := s.must("POST", "/v1/test_helpers/test_clocks", "frozen_time", fmt.Sprint(start)).Text("id")
		cus := s.must("POST", "/v1/customers", "test_clock", clock, "payment_method", "pm_card_visa", "invoice_settings[default_payment_method]", "pm_card_visa").Text("id")
		prod := s.must("POST", "/v1/products", "name", "Daily").Text("id")
		price := s.must("POST", "/v1/prices", "product", prod, "currency", "usd", "unit_amount", "100", "recurring[interval]", "day").Text("id")
		s.must("POST", "/v1/subscriptions", "customer", cus, "items[0][price]", price)
		advance := "/v1/test_helpers/test_clocks/" + clock + "/advance"
		beyond := s.ask("POST", advance, "frozen_time", fmt.Sprint(start+2*day+1))
		s.must("POST", advance, "frozen_time", fmt.Sprint(start+2*day))
		return fmt.Sprintf("2 intervals, and a second more refused %s", refused(beyond))
	}
	return "nothing"
}
