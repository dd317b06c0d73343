package billing

import (
	"florin/internal/api"
	"florin/internal/domain/testclock"
	"florin/internal/jsontext"
)

// previewCreditNote shows the credit note that the same parameters would make. Nothing is kept of it. unverified: that the refund which it would make is
// not shown.
func (d *Domain) previewCreditNote(c *api.Call) (any, error) {
	cn, err := previewOf(c)
	if err != nil {
		return nil, err
	}
	return api.JSON(jsontext.Append(nil, cn)), nil
}

// previewCreditLines lists the lines that it would have.
func (d *Domain) previewCreditLines(c *api.Call) (any, error) {
	cn, err := previewOf(c)
	if err != nil {
		return nil, err
	}
	return cn.page(c, "/v1/credit_notes/preview/lines")
}

func previewOf(c *api.Call) (*CreditNote, error) {
	inv, err := creditedInvoice(c)
	if err != nil {
		return nil, err
	}
	if err := testclock.Look(c, inv.TestClock); err != nil {
		return nil, err
	}
	return newCreditNote(c, inv)
}
