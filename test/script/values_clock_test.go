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
	}
	return "nothing"
}
