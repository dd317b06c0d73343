package search

import "florin/internal/jsontext"

// A Kind is the type of a field, and says which operators it has.
type Kind uint8

const (
	// Token fields are equal or not (":"), whatever their case.
	Token Kind = iota
	// String fields hold words: ":" finds them in their order, "~" finds a part.
	String
	// Numeric fields are integers, and are compared.
	Numeric
)

// A Field is what a resource can be searched by.
type Field struct {
	Name string // as users write it
	Path string // where it stands in the document; "" if it is derived from several members
	Kind Kind

	// Word says that the value of a String field never holds white space, so that ":" is equality, and an index can serve it.
	Word bool

	derive func(body []byte) []byte // the field's JSON value, where Path is ""
}

// Fields are the fields of a resource, named as in its URL, in the order of their names; nil if it cannot be searched.
//
// Paths are those of the documents as they are stored, in the newest API version.
func Fields(resource string) []Field { return fields[resource] }

// From facts 06d, Fields.
var fields = map[string][]Field{
	"charges": {
		number("amount"),
		token("billing_details.address.postal_code"),
		number("created"),
		token("currency"),
		token("customer"),
		token("disputed"),
		token("metadata"),
		token("payment_method_details.card.brand"),
		token("payment_method_details.card.exp_month"),
		token("payment_method_details.card.exp_year"),
		token("payment_method_details.card.fingerprint"),
		token("payment_method_details.card.last4"),
		token("payment_method_details.card_present.brand"),
		token("payment_method_details.card_present.exp_month"),
		token("payment_method_details.card_present.exp_year"),
		token("payment_method_details.card_present.fingerprint"),
		token("payment_method_details.card_present.last4"),
		token("payment_method_details.interac_present.brand"),
		token("payment_method_details.interac_present.exp_month"),
		token("payment_method_details.interac_present.exp_year"),
		token("payment_method_details.interac_present.fingerprint"),
		token("payment_method_details.interac_present.last4"),
		{Name: "refunded", Kind: Token, derive: refunded},
		token("status"),
	},
	"customers": {
		number("created"),
		word("email"),
		token("metadata"),
		text("name"),
		text("phone"),
	},
	"invoices": {
		number("created"),
		token("currency"),
		token("customer"),
		{Name: "last_finalization_error_code", Path: "last_finalization_error.code", Kind: Token},
		{Name: "last_finalization_error_type", Path: "last_finalization_error.type", Kind: Token},
		token("metadata"),
		text("number"),
		word("receipt_number"),
		word("status"),
		{Name: "subscription", Path: "parent.subscription_details.subscription", Kind: String, Word: true},
		number("total"),
	},
	"payment_intents": {
		number("amount"),
		number("created"),
		token("currency"),
		token("customer"),
		token("metadata"),
		token("status"),
	},
	"prices": {
		token("active"),
		token("currency"),
		text("lookup_key"),
		token("metadata"),
		word("product"),
		token("type"),
	},
	"products": {
		token("active"),
		text("description"),
		token("metadata"),
		text("name"),
		token("shippable"),
		text("url"),
	},
	"subscriptions": {
		number("canceled_at"),
		number("created"),
		token("metadata"),
		token("status"),
	},
}

func token(name string) Field  { return Field{Name: name, Path: name, Kind: Token} }
func text(name string) Field   { return Field{Name: name, Path: name, Kind: String} }
func word(name string) Field   { return Field{Name: name, Path: name, Kind: String, Word: true} }
func number(name string) Field { return Field{Name: name, Path: name, Kind: Numeric} }

// refunded is "true" for a charge that is refunded in full, "false" for one that is refunded in part, null for one that is not refunded.
func refunded(body []byte) []byte {
	if string(jsontext.Get(body, "refunded")) == "true" {
		return []byte("true")
	}
	switch string(jsontext.Get(body, "amount_refunded")) {
	case "", "0", "null":
		return nil
	}
	return []byte("false")
}
