package page

import (
	"net/http"
	"strings"
	"time"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/payment"
	"florin/internal/search"
)

// receipts is where receipts are. A charge's receipt_url goes on with its account, its id, and letters that nobody can guess; the page is there
// for who has the whole of it, and is found by comparing it with the charge's own.
const receipts = "/receipts/payment/"

var noReceipt = notice{"This link does not lead to a receipt", []string{
	"The address may be incomplete. Copy the whole of it from the message that you were sent, or ask the merchant for your receipt.",
}}

// A receipt is what its page shows.
type receipt struct {
	Name        string
	Contacts    []contact
	Live        bool
	Number      string
	Title       string // what has become of the charge, in a word or two
	Paid        amount // what was asked for
	Date        date
	Card        *card
	Description string
	Statement   string // what stands on the cardholder's statement
	Refunds     []refund
	Net         *amount // what remains after refunds; nil without any
}

type contact struct{ Label, Text, Link string }

type refund struct {
	Amount amount
	Date   date
	Waits  bool
}

// A date is a moment as the merchant's clock shows it, and as machines read it.
type date struct{ Day, Time, Machine string }

func (p *pages) receipt(w http.ResponseWriter, r *http.Request) {
	acct, err := p.account(r.Context(), r.PathValue("account"))
	if err != nil {
		p.fail(w, r, err)
		return
	}
	var found *receipt
	for _, live := range []bool{false, true} {
		if acct == nil || found != nil {
			break
		}
		err := p.app.Do(r.Context(), acct.Scope(live), func(c *api.Call) error {
			found = nil
			ch, err := payment.Charges.Get(c, r.PathValue("charge"))
			if err != nil || ch == nil || !ch.Paid || !receiptOf(ch, r.URL.Path) {
				return err
			}
			found, err = show(c, acct, ch)
			return err
		})
		if err != nil {
			p.fail(w, r, err)
			return
		}
	}
	if found == nil {
		p.say(w, http.StatusNotFound, &noReceipt)
		return
	}
	p.render(w, http.StatusOK, "receipt.html", found)
}

// receiptOf says whether a path is that of the charge's receipt. Only the path counts: the server may have got another name since.
func receiptOf(ch *payment.Charge, path string) bool {
	if ch.ReceiptURL == nil {
		return false
	}
	_, rest, ok := strings.Cut(*ch.ReceiptURL, receipts)
	return ok && same(receipts+rest, path)
}

func show(c *api.Call, acct *account.Account, ch *payment.Charge) (*receipt, error) {
	zone := zoneOf(acct)
	v := &receipt{
		Name: merchantName(acct), Contacts: contacts(acct), Live: ch.Livemode, Number: text(ch.ReceiptNumber),
		Paid: amountOf(ch.Amount, ch.Currency), Date: dateOf(ch.Created, zone), Description: text(ch.Description),
		Statement: text(ch.CalculatedStatementDescriptor),
	}
	if d := ch.PaymentMethodDetails; d != nil && d.Card != nil {
		v.Card = cardOf(d.Card.Brand, d.Card.Last4)
	}
	if ch.Captured {
		v.Paid = amountOf(ch.AmountCaptured, ch.Currency)
	}
	returned := int64(0)
	err := payment.Refunds.Each(c, "charge", search.Fold(ch.ID), func(re *payment.Refund) bool {
		gone := re.Status == "failed" || re.Status == "canceled"
		if gone || text(re.Charge) != ch.ID { // the index knows no case
			return true
		}
		returned += re.Amount
		v.Refunds = append(v.Refunds, refund{
			Amount: amountOf(-re.Amount, re.Currency), Date: dateOf(re.Created, zone), Waits: re.Status != "succeeded",
		})
		return true
	})
	switch {
	case !ch.Captured && (ch.Refunded || ch.Private.Released):
		v.Title, v.Refunds = "Canceled", nil
	case !ch.Captured:
		v.Title = "Authorized"
	case returned == 0:
		v.Title = "Paid"
	default:
		left := amountOf(ch.AmountCaptured-returned, ch.Currency)
		v.Net, v.Title = &left, "Partly refunded"
		if returned >= ch.AmountCaptured {
			v.Title = "Refunded"
		}
	}
	return v, err
}

// contacts are where customers of the merchant find help.
func contacts(a *account.Account) []contact {
	b := a.BusinessProfile
	if b == nil {
		return nil
	}
	var out []contact
	if s := text(b.SupportEmail); s != "" {
		out = append(out, contact{"Email", s, "mailto:" + s})
	}
	if s := text(b.SupportPhone); s != "" {
		out = append(out, contact{"Phone", s, ""})
	}
	site := text(b.SupportURL)
	if site == "" {
		site = text(b.URL)
	}
	if site != "" {
		out = append(out, contact{"Website", site, site})
	}
	return out
}

// zoneOf is the time zone that a merchant has chosen, or UTC.
func zoneOf(a *account.Account) *time.Location {
	if zone, err := time.LoadLocation(text(a.Settings.Dashboard.Timezone)); err == nil {
		return zone
	}
	return time.UTC // this machine does not know the zone
}

func dateOf(unix int64, zone *time.Location) date {
	t := time.Unix(unix, 0).In(zone)
	return date{t.Format("January 2, 2006"), t.Format("15:04 MST"), t.Format(time.RFC3339)}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
