package vault

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
)

// A Card is what must never be seen: it prints, logs and marshals as its last four digits, however it is asked to.
//
// One way is left open by Go: fmt reads the unexported fields of a struct without asking their methods. Keep a Card in a variable or an exported field.
type Card struct {
	Number string // digits only
	CVC    string // never sealed: no card scheme allows it to be stored
}

// Last4 returns the last four digits, which may be shown.
func (c Card) Last4() string {
	if len(c.Number) < 8 {
		return "" // four of so few would be half of it
	}
	return c.Number[len(c.Number)-4:]
}

// String returns the last four digits behind dots.
func (c Card) String() string { return "card ····" + c.Last4() }

// GoString is String.
func (c Card) GoString() string { return c.String() }

// Format writes String for every verb, so that %d or %x do not look inside.
func (c Card) Format(f fmt.State, _ rune) { io.WriteString(f, c.String()) }

// MarshalJSON gives String. A card is stored by SealCard.
func (c Card) MarshalJSON() ([]byte, error) { return []byte(`"` + c.String() + `"`), nil }

// MarshalText gives String.
func (c Card) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// LogValue gives String.
func (c Card) LogValue() slog.Value { return slog.StringValue(c.String()) }

// SealCard seals a card's number for the context. Its CVC is not kept.
func (v *Vault) SealCard(context string, c Card) []byte {
	plain := []byte(c.Number + "\n")
	defer clear(plain)
	return v.Seal(context, plain)
}

// OpenCard opens what SealCard gave: a number.
func (v *Vault) OpenCard(context string, sealed []byte) (Card, error) {
	plain, err := v.Open(context, sealed)
	if err != nil {
		return Card{}, err
	}
	defer clear(plain)
	number, _, ok := bytes.Cut(plain, []byte("\n"))
	if !ok {
		return Card{}, ErrCorrupt
	}
	return Card{Number: string(number)}, nil
}
