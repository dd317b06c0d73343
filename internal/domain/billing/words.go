package billing

import (
	"fmt"
	"slices"
	"strconv"

	"florin/internal/api"
	"florin/internal/domain/catalog"
	"florin/internal/form"
	"florin/internal/money"
)

// step holds a change of status to its table.
func step(kind, id string, next map[string][]string, from, to string) error {
	if from != to && !slices.Contains(next[from], to) {
		return fmt.Errorf("%s %s cannot go from %q to %q", kind, id, from, to)
	}
	return nil
}

// describe is what a line says of a period of a subscription: "1 user × Test Subscription (at $25.00 / month)". Known from: recordings; unverified: how
// tiers, and intervals of several, are said.
func describe(quantity int64, name string, label *string, p *catalog.Price, currency string) string {
	return counted(quantity, name, label) + " (at " + unitPrice(p, currency) + " / " + every(p.Recurring) + ")"
}

// describeTrial is what it says of a period that is free.
func describeTrial(quantity int64, name string, label *string) string {
	return "Free trial for " + counted(quantity, name, label)
}

func counted(quantity int64, name string, label *string) string {
	n := strconv.FormatInt(quantity, 10)
	if label != nil && *label != "" {
		n += " " + *label
	}
	return n + " × " + name
}

// several is how a proration says how many it is for.
func several(quantity int64, name string) string {
	if quantity > 1 {
		return strconv.FormatInt(quantity, 10) + " × " + name
	}
	return name
}

func unitPrice(p *catalog.Price, currency string) string {
	whole, exact, _ := p.UnitFor(currency)
	switch {
	case whole != nil:
		return money.Format(*whole, currency)
	case exact != nil:
		return *exact + " " + currency // unverified: how a fraction of a minor unit is written
	}
	return "Tiered"
}

func every(r *catalog.Recurring) string {
	if r.IntervalCount <= 1 {
		return r.Interval
	}
	return "every " + strconv.FormatInt(r.IntervalCount, 10) + " " + r.Interval + "s"
}

// metadata merges a parameter into an object's metadata.
func metadata(into *map[string]string, p *form.Value) error {
	to := struct {
		Metadata map[string]string `json:"metadata"`
	}{*into}
	if p == nil {
		return nil
	}
	if err := api.Bind(&to, &form.Value{Kind: form.Object, Fields: []form.Field{{Name: "metadata", Value: p}}}); err != nil {
		return err
	}
	*into = to.Metadata
	return api.MetadataLimit(*into)
}

// given is the first of some parameters that was given, or "".
func given(p *form.Value, names ...string) string {
	for _, name := range names {
		if p.Given(name) {
			return name
		}
	}
	return ""
}

func copyMap(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}
