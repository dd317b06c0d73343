package payment

import (
	"fmt"
	"maps"
	"slices"

	"florin/internal/api"
	"florin/internal/domain/customer"
)

// Shipping is where goods go.
type Shipping struct {
	Address        *Address `json:"address,omitempty"`
	Carrier        *string  `json:"carrier"`
	Name           *string  `json:"name"`
	Phone          *string  `json:"phone"`
	TrackingNumber *string  `json:"tracking_number"`
}

// Address is a postal address.
type Address struct {
	City       *string `json:"city"`
	Country    *string `json:"country"` // two letters
	Line1      *string `json:"line1"`
	Line2      *string `json:"line2"`
	PostalCode *string `json:"postal_code"`
	State      *string `json:"state"`
}

// step checks that a status may follow another. A step that may not is our mistake: the request fails, and nothing of it is kept.
func step(kind, id string, next map[string][]string, from, to string) error {
	if !slices.Contains(next[from], to) {
		return fmt.Errorf("%s %s cannot go from %q to %q", kind, id, from, to)
	}
	return nil
}

func copyMap(m map[string]string) map[string]string {
	if len(m) == 0 {
		return map[string]string{}
	}
	return maps.Clone(m)
}

// opt is a text that may be missing: nil for "".
func opt(s string) *string {
	if s == "" {
		return nil
	}
	kept := s // only what is not empty goes to the heap
	return &kept
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// customer finds the customer that a parameter names.
func (d *Domain) customer(c *api.Call, id, param string) (*customer.Customer, error) {
	return customer.Customers.Find(c, id, param)
}
