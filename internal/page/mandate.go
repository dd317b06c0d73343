package page

import (
	"net/http"
	"time"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/paymentmethod"
	"florin/internal/domain/setup"
	"florin/internal/jsontext"
	"florin/internal/paymethod"
	"florin/internal/store"
)

// The page of a mandate: what the holder of a bank account has allowed, for him to keep. It is what payment_method_details.<type>.url of a mandate leads
// to, in live mode too, for as long as the mandate is kept.
//
//	/{type}/mandate/{token}

var noMandate = notice{"This link does not lead to a mandate", []string{
	"The address may be incomplete. Copy the whole of it, or ask the shop for it again.",
}}

// A mandate is what its page shows.
type mandate struct {
	Live     bool
	Name     string // of the merchant
	Method   string
	Once     *amount // of a mandate for one payment
	Facts    []fact
	Accepted *date
	Ended    bool
	Words    []string
}

// consents are what the account holder agrees to, by type. The words are Florin's; those of each scheme are longer.
var consents = map[string][]string{
	"sepa_debit": {
		"The holder of the account allows the merchant to tell his bank to debit the account, and his bank to do so.",
		"He may ask his bank for the money back within eight weeks of a debit, under the terms of his agreement with it.",
	},
	"bacs_debit": {
		"The holder of the account asks his bank to pay Direct Debits that the merchant collects from it.",
		"The Direct Debit Guarantee protects these payments: if there is an error in one, the bank gives the money back at once.",
	},
	"au_becs_debit": {
		"The holder of the account allows the merchant to debit it through the Bulk Electronic Clearing System.",
		"He may dispute a debit with his bank, or with the merchant.",
	},
}

func (p *pages) mandates(handle func(method, path string, h http.HandlerFunc)) {
	for _, name := range paymethod.Names() {
		if setup.HasPage(name) {
			handle("GET", "/"+name+"/mandate/{token}", p.mandate)
		}
	}
}

func (p *pages) mandate(w http.ResponseWriter, r *http.Request) {
	var scope store.Scope
	var id string
	var ok bool
	err := p.app.Do(r.Context(), store.System, func(c *api.Call) (err error) {
		scope, id, ok, err = setup.Asked(c, r.PathValue("token"))
		return err
	})
	var page *mandate
	if err == nil && ok {
		err = p.app.Do(r.Context(), scope, func(c *api.Call) (err error) {
			page, err = mandateOf(c, id)
			return err
		})
	}
	switch {
	case err != nil:
		p.fail(w, r, err)
	case page == nil:
		p.say(w, http.StatusNotFound, &noMandate)
	default:
		p.render(w, http.StatusOK, "mandate.html", page)
	}
}

// mandateOf reads what a page shows of a mandate; nil if there is none.
func mandateOf(c *api.Call, id string) (*mandate, error) {
	m, err := setup.Mandates.Get(c, id)
	if err != nil || m == nil {
		return nil, err
	}
	acct, pm := account.Of(c), (*paymentmethod.PaymentMethod)(nil)
	if pm, err = paymentmethod.Get(c, m.PaymentMethod); err != nil || pm == nil || acct == nil {
		return nil, err
	}
	page := &mandate{
		Live: c.Live(), Name: merchantName(acct), Method: paymethod.Types[pm.Type].Title(), Ended: m.Status == "inactive", Words: consents[pm.Type],
	}
	if m.SingleUse != nil {
		sum := amountOf(m.SingleUse.Amount, m.SingleUse.Currency)
		page.Once = &sum
	}
	show := func(label, text string) {
		if text != "" {
			page.Facts = append(page.Facts, fact{label, text})
		}
	}
	show("Reference", jsontext.Text(m.PaymentMethodDetails, pm.Type+".reference"))
	if n := pm.BillingDetails.Name; n != nil {
		show("Account holder", *n)
	}
	hash := pm.Others.Of(pm.Type)
	show("Sort code", jsontext.Text(hash, "sort_code"))
	show("BSB number", jsontext.Text(hash, "bsb_number"))
	show("Account", "ending in "+jsontext.Text(hash, "last4"))
	if at := m.CustomerAcceptance.AcceptedAt; at != nil {
		d := dateOf(*at, time.UTC)
		page.Accepted = &d
	}
	return page, nil
}
