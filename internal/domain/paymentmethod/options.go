package paymentmethod

import (
	"encoding/json"

	"florin/internal/api"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// whole are the members that an option of an intent shows as soon as one of them is given, by the type of payment method and the option. Recorded.
var whole = map[string]map[string]map[string]string{
	"card":            {"mandate_options": {"description": "null", "end_date": "null", "interval_count": "null", "supported_types": "null"}},
	"acss_debit":      {"mandate_options": {"interval_description": "null", "payment_schedule": "null", "transaction_type": "null"}},
	"us_bank_account": {"financial_connections": {"prefetch": "[]"}},
}

// Option is an option that an intent was sent for a type of payment method, as its answers show it.
func Option(typ string, f form.Field) json.RawMessage {
	members := whole[typ][f.Name]
	if members == nil || f.Value.Kind != form.Object {
		return api.AppendValue(nil, f.Value)
	}
	all := map[string]json.RawMessage{}
	for name, v := range members {
		all[name] = json.RawMessage(v)
	}
	for _, m := range f.Value.Fields {
		all[m.Name] = api.AppendValue(nil, m.Value)
	}
	return jsontext.Append(nil, &all)
}
