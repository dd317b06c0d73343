package payment

import (
	"encoding/json"
	"fmt"
	"slices"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// A LineItem is a line of what an intent's amount is for; some cards cost less when they are told it.
type LineItem struct {
	ID                   string          `json:"id"`
	Object               string          `json:"object"`
	DiscountAmount       *int64          `json:"discount_amount"` // minor units
	PaymentMethodOptions json.RawMessage `json:"payment_method_options"`
	ProductCode          *string         `json:"product_code"`
	ProductName          string          `json:"product_name"`
	Quantity             int64           `json:"quantity"`
	Tax                  json.RawMessage `json:"tax"`
	UnitCost             int64           `json:"unit_cost"` // minor units
	UnitOfMeasure        *string         `json:"unit_of_measure"`
}

// setAmountDetails takes what a request says of what the amount is made of. Line items are kept apart, and listed by their own route.
func (d *Domain) setAmountDetails(c *api.Call, pi *Intent, given *form.Value) error {
	if len(pi.AmountDetails) == 0 {
		pi.AmountDetails = json.RawMessage(`{"tip":{}}`)
	}
	if given == nil {
		return nil
	}
	var shown amountDetailsOf
	if err := json.Unmarshal(pi.AmountDetails, &shown); err != nil {
		return err
	}
	if err := api.Bind(&shown, given); err != nil {
		return err
	}
	if items := given.Get("line_items"); items != nil {
		pi.Private.LineItems = nil
		for _, sent := range items.Items {
			item := LineItem{ID: c.NewID("uli"), Object: "payment_intent_amount_details_line_item"}
			if err := api.Bind(&item, sent); err != nil {
				return err
			}
			pi.Private.LineItems = append(pi.Private.LineItems, item)
		}
	}
	if given.True("enforce_arithmetic_validation") {
		if f := checkArithmetic(pi, &shown); f != nil {
			return f
		}
	}
	pi.AmountDetails = jsontext.Append(nil, &shown)
	return nil
}

// checkArithmetic refuses line items that do not add up to the intent's amount.
// unverified: Stripe's words are not known.
func checkArithmetic(pi *Intent, shown *amountDetailsOf) *fault.Error {
	if len(pi.Private.LineItems) == 0 {
		return nil
	}
	total := jsonInt(shown.Shipping, "amount")
	for _, it := range pi.Private.LineItems {
		total += it.UnitCost*it.Quantity + jsonInt(it.Tax, "total_tax_amount")
		if it.DiscountAmount != nil {
			total -= *it.DiscountAmount
		}
	}
	total += jsonInt(shown.Tax, "total_tax_amount")
	if shown.DiscountAmount != nil {
		total -= *shown.DiscountAmount
	}
	if total == pi.Amount {
		return nil
	}
	return fault.Coded("amount_details_amount_mismatch", "amount_details", fmt.Sprintf("The amount details add up to %d, but the amount of the PaymentIntent is %d.", total, pi.Amount))
}

func jsonInt(object []byte, path string) int64 {
	var n int64
	_, _ = fmt.Sscan(jsontext.Text(object, path), &n) // what is missing counts nothing
	return n
}

func (d *Domain) listLineItems(c *api.Call) (any, error) {
	pi, err := Intents.InPath(c, "intent")
	if err != nil {
		return nil, err
	}
	items := pi.Private.LineItems
	at := func(param string) (int, error) {
		id := c.P.Str(param)
		i := slices.IndexFunc(items, func(it LineItem) bool { return it.ID == id })
		if i < 0 {
			return 0, fault.NoSuch("payment_intent_amount_details_line_item", id, param, 400)
		}
		return i, nil
	}
	limit := 10
	if n := c.P.Num("limit"); n > 0 {
		limit = int(n)
	}
	l := &api.List{Object: "list", URL: "/v1/payment_intents/" + pi.ID + "/amount_details_line_items"}
	switch {
	case c.P.Given("starting_after"):
		i, err := at("starting_after")
		if err != nil {
			return nil, err
		}
		items = items[i+1:]
		l.HasMore = len(items) > limit
		items = items[:min(limit, len(items))]
	case c.P.Given("ending_before"):
		i, err := at("ending_before")
		if err != nil {
			return nil, err
		}
		items = items[:i]
		l.HasMore = len(items) > limit
		items = items[max(0, len(items)-limit):]
	default:
		l.HasMore = len(items) > limit
		items = items[:min(limit, len(items))]
	}
	for i := range items {
		l.Data = append(l.Data, jsontext.Append(nil, &items[i]))
	}
	return l, nil
}
