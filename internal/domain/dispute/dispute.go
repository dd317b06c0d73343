// Package dispute is what happens when a cardholder's bank takes a payment back: disputes, with their evidence, deadlines, money and ends.
//
// In test mode the card number says that a payment will be disputed, and why (internal/testcard); the dispute is made by a task a moment later.
//
// Known from: facts 07 (7f: cards and magic words), 08 (8d: states, fields), 09 (money); recordings of 2023 and 2024; and, for the current
// version, what a public repository has recorded from live test mode at 2026-08-26.dahlia (reason codes, events of each step, refusals).
package dispute

import (
	"fmt"
	"slices"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/balance"
	"florin/internal/domain/payment"
	"florin/internal/domain/radar"
	"florin/internal/fault"
	"florin/internal/jsontext"
	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/rail"
	"florin/internal/store"
)

// A Dispute is a payment that its cardholder calls into question. A chargeback takes the money from the merchant at once, and gives it back if the
// merchant wins; an inquiry asks first, and moves nothing unless it is escalated. Amounts are in minor units.
type Dispute struct {
	api.Meta
	Amount                   int64             `json:"amount"`
	BalanceTransaction       *string           `json:"balance_transaction"`  // the first of those below
	BalanceTransactions      []jsonObject      `json:"balance_transactions"` // as they were when they were made; shown anew at each reading
	Charge                   string            `json:"charge"`
	Created                  int64             `json:"created"`
	Currency                 string            `json:"currency"`
	EnhancedEligibilityTypes []string          `json:"enhanced_eligibility_types"`
	Evidence                 Evidence          `json:"evidence"`
	EvidenceDetails          EvidenceDetails   `json:"evidence_details"`
	IsChargeRefundable       bool              `json:"is_charge_refundable"`
	Livemode                 bool              `json:"livemode"`
	Metadata                 map[string]string `json:"metadata"`
	PaymentIntent            *string           `json:"payment_intent"`
	PaymentMethodDetails     *MethodDetails    `json:"payment_method_details,omitempty"` // of a card
	Reason                   string            `json:"reason"`                           // fraudulent, product_not_received, …
	Status                   string            `json:"status"`                           // see next
}

// EvidenceDetails say where the answer to a dispute stands.
type EvidenceDetails struct {
	DueBy               int64       `json:"due_by"` // Unix seconds
	EnhancedEligibility Eligibility `json:"enhanced_eligibility"`
	HasEvidence         bool        `json:"has_evidence"`
	PastDue             bool        `json:"past_due"`
	SubmissionCount     int64       `json:"submission_count"`
}

// MethodDetails say how the card scheme sees the case.
type MethodDetails struct {
	Card CardCase `json:"card"`
	Type string   `json:"type"`
}

// CardCase is a case of a card scheme.
type CardCase struct {
	Brand             string  `json:"brand"`
	CaseType          string  `json:"case_type"` // chargeback, inquiry or compliance
	Network           string  `json:"network"`
	NetworkReasonCode *string `json:"network_reason_code"`
}

// The statuses of a dispute. The first three are those of an inquiry.
const (
	warningNeedsResponse = "warning_needs_response"
	warningUnderReview   = "warning_under_review"
	warningClosed        = "warning_closed"
	needsResponse        = "needs_response"
	underReview          = "under_review"
	won                  = "won"
	lost                 = "lost"
)

// next lists what may follow each status. Known from: facts 08 (8d).
var next = map[string][]string{
	"":                   {warningNeedsResponse, needsResponse},
	warningNeedsResponse: {warningUnderReview, warningClosed, needsResponse},
	warningUnderReview:   {warningUnderReview, warningClosed, needsResponse},
	needsResponse:        {underReview, lost},
	underReview:          {underReview, won, lost},
	won:                  {},
	lost:                 {},
	warningClosed:        {},
}

// Disputes is the kind of disputes. Older accounts have dp_ ids, newer du_.
var Disputes = &api.Kind[Dispute]{
	Name: "dispute", Prefixes: []string{"dp", "du"}, Param: "dispute", Index: []string{"charge", "payment_intent"}, View: view,
}

const (
	// answerDays is how many days there are to answer, at the end of the last of which (UTC) the evidence is due. Recorded.
	answerDays = 9
	// inquiryDays is after how many days an inquiry that was not escalated is closed. Known from: docs.stripe.com/disputes/how-disputes-work.
	inquiryDays = 120
	// decides is after how many seconds a test dispute with magic words is decided. Recorded: within five seconds.
	decides = 0
)

const day = 86400

// A Domain keeps the disputes of all accounts.
type Domain struct {
	balance *balance.Domain
	radar   *radar.Domain
}

// New makes the domain, which follows the charges of payments.
func New(balances *balance.Domain, payments *payment.Domain, guard *radar.Domain) *Domain {
	d := &Domain{balance: balances, radar: guard}
	payments.FollowCharges(d.chargeChanged)
	return d
}

// Routes binds what the domain does.
func (d *Domain) Routes(r *api.Router) {
	r.Kind(Disputes)
	r.Handle("GET /v1/disputes", d.list)
	r.Plain("GET /v1/disputes/{dispute}", Disputes.Retrieve)
	r.Handle("POST /v1/disputes/{dispute}", d.update)
	r.Handle("POST /v1/disputes/{dispute}/close", d.close)
	r.Handle("GET /v1/charges/{charge}/dispute", d.retrieveOfCharge)
	r.Handle("POST /v1/charges/{charge}/dispute", d.updateOfCharge)
	r.Handle("POST /v1/charges/{charge}/dispute/close", d.closeOfCharge)
	r.Task("dispute.decide", d.decide)
	r.Task("dispute.due", d.due)
	r.Task("dispute.expire", d.expire)
}

// move is the only place that assigns a dispute's status.
func (dp *Dispute) move(to string) error {
	if !slices.Contains(next[dp.Status], to) {
		return fmt.Errorf("dispute %s cannot go from %q to %q", dp.ID, dp.Status, to)
	}
	dp.Status = to
	return nil
}

// inquiry says whether no money has been taken.
func (dp *Dispute) inquiry() bool { return strings.HasPrefix(dp.Status, "warning_") }

// over says whether nothing can be done about a dispute any more.
func (dp *Dispute) over() bool { return len(next[dp.Status]) == 0 }

// chargeChanged follows charges: one that a test card was charged for is disputed when its money has come, and an inquiry about one that was
// refunded is at its end.
func (d *Domain) chargeChanged(c *api.Call, ch *payment.Charge, step payment.Step) error {
	switch {
	case step == payment.Captured && ch.Private.Dispute != nil && ch.Dispute == nil:
		prefix := "du"
		if !c.AtLeast("2024-09-30") { // recorded: accounts of these versions have dp_, those of 2026 du_. unverified: that the version tells
			prefix = "dp"
		}
		for n := range max(ch.Private.Dispute.Count, 1) {
			id := c.NewID(prefix)
			c.Soon(func(c *api.Call) error { return d.open(c, ch, id, n) })
		}
	case step == payment.Refunded && ch.Refunded && ch.Disputed:
		return d.resolveInquiries(c, ch)
	}
	return nil
}

// open is how the cardholder of a test card disputes a charge, as soon as it has been answered (recorded: before the next request). Of several
// disputes each takes a part of the money.
func (d *Domain) open(c *api.Call, ch *payment.Charge, id string, n int64) error {
	why := ch.Private.Dispute
	amount := share(ch.AmountCaptured, max(why.Count, 1), n)
	if left := ch.AmountCaptured - ch.AmountRefunded; amount > left {
		amount = left // what was given back cannot be taken back as well
	}
	if amount <= 0 {
		return nil
	}

	dp := Disputes.New(c, id)
	dp.Amount, dp.Currency, dp.Charge, dp.PaymentIntent = amount, ch.Currency, ch.ID, ch.PaymentIntent
	dp.Created, dp.Livemode, dp.Metadata = c.Now(), c.Live(), map[string]string{}
	dp.Reason = why.Reason
	card := ch.PaymentMethodDetails.Card
	if card != nil {
		dp.PaymentMethodDetails = &MethodDetails{Card: caseOf(why, card), Type: "card"}
	}
	dp.EvidenceDetails.DueBy = (c.Now()/day+answerDays+1)*day - 1
	dp.eligible(why.Kind)
	ch.Disputed, ch.Dispute = true, &dp.ID
	if why.Inquiry {
		dp.IsChargeRefundable = true
		if err := dp.move(warningNeedsResponse); err != nil {
			return err
		}
		c.At(c.Now()+inquiryDays*day, "dispute.expire", dp.ID)
	} else if err := dp.move(needsResponse); err != nil {
		return err
	}
	c.At(dp.EvidenceDetails.DueBy+1, "dispute.due", dp.ID)
	if why.Inquiry {
		if err := c.Save(ch); err != nil {
			return err
		}
		return c.Save(dp, "charge.dispute.created")
	}
	if err := d.withdraw(c, dp, ch); err != nil {
		return err
	}
	if err := c.Save(dp, "charge.dispute.created", "charge.dispute.funds_withdrawn"); err != nil {
		return err
	}
	if card == nil { // a bank debit: its dispute is final (facts 14b)
		_, err := d.accept(c, dp)
		return err
	}
	return d.radar.Disputed(c, ch)
}

// share is the nth of some parts of an amount; the first takes what is left over.
func share(amount, parts, n int64) int64 {
	if n == 0 {
		return amount/parts + amount%parts
	}
	return amount / parts
}

// caseOf says how the card scheme calls the case. Known from: facts 08 (8d), recorded: a fraudulent charge is 83 on Visa in test mode, the code before
// 10.4. unverified: the others.
func caseOf(why *rail.Dispute, card *payment.CardDetails) CardCase {
	out := CardCase{Brand: card.Brand, CaseType: "chargeback", Network: card.Network}
	code := why.NetworkReasonCode
	switch {
	case why.Inquiry:
		out.CaseType = "inquiry"
		code = "10"
	case strings.HasSuffix(why.Kind, "_compliance"):
		out.CaseType = "compliance"
	case code != "":
	case card.Brand == "mastercard":
		code = map[string]string{"fraudulent": "4837", "product_not_received": "4853"}[why.Reason]
	default:
		code = map[string]string{"fraudulent": "83", "product_not_received": "13.1"}[why.Reason]
	}
	if code != "" {
		out.NetworkReasonCode = &code
	}
	return out
}

// withdraw takes the money of a dispute and the fee from the merchant. Known from: facts 09 (9a), and recordings: what is taken is what the charge
// brought, in the currency in which it did, without an exchange rate.
func (d *Domain) withdraw(c *api.Call, dp *Dispute, ch *payment.Charge) error {
	ch.Private.ChargedBack, dp.IsChargeRefundable = true, false
	if err := c.Save(ch); err != nil {
		return err
	}
	brought, err := balance.Transactions.Get(c, text(ch.BalanceTransaction))
	if err != nil {
		return err
	}
	currency, amount := account.Of(c).DefaultCurrency, dp.Amount
	switch {
	case brought != nil && brought.ExchangeRate != nil:
		currency, amount = brought.Currency, money.ConvertAt(dp.Amount, *brought.ExchangeRate)
	case brought != nil:
		currency = brought.Currency
	case currency != dp.Currency:
		amount, _ = money.ConvertBack(dp.Amount, dp.Currency, currency)
	}
	words, fee := "Dispute fee", money.DisputeFee(currency)
	return d.adjust(c, dp, ch, balance.Txn{
		Amount: -amount, Currency: currency, Fee: fee,
		FeeDetails: []balance.FeeDetail{{Amount: fee, Currency: currency, Description: &words, Type: "stripe_fee"}},
	}, "Chargeback withdrawal for "+ch.ID)
}

// reinstate gives the money of a dispute that was won back. The fee is kept. Recorded: in 2024 and 2026; in 2023 the fee was given back.
func (d *Domain) reinstate(c *api.Call, dp *Dispute, ch *payment.Charge) error {
	taken, err := balance.Transactions.Get(c, text(dp.BalanceTransaction))
	if err != nil || taken == nil {
		return err
	}
	dp.IsChargeRefundable = true
	ch.Private.ChargedBack, err = d.othersTake(c, dp)
	if err != nil {
		return err
	}
	if err := c.Save(ch); err != nil {
		return err
	}
	return d.adjust(c, dp, ch, balance.Txn{Amount: -taken.Amount, Currency: taken.Currency}, "Chargeback reversal for "+ch.ID)
}

// othersTake says whether another dispute of the charge has taken money and kept it so far.
func (d *Domain) othersTake(c *api.Call, dp *Dispute) (take bool, err error) {
	err = Disputes.Each(c, "charge", dp.Charge, func(other *Dispute) bool {
		take = take || other.ID != dp.ID && other.Charge == dp.Charge && !other.IsChargeRefundable
		return !take
	})
	return take, err
}

// adjust writes a balance transaction of a dispute, and shows it in it.
func (d *Domain) adjust(c *api.Call, dp *Dispute, ch *payment.Charge, t balance.Txn, description string) error {
	t.Type, t.Description, t.Source, t.Parent = "adjustment", &description, dp.ID, dp.ID
	t.AvailableOn, t.Outside = money.AvailableOn(c.Now(), account.Of(c).Country), ledger.Network
	if ch.Private.FundsNow {
		t.AvailableOn = c.Now()
	}
	txn, err := d.balance.Record(c, t)
	if err != nil {
		return err
	}
	body, err := c.Show(txn)
	if err != nil {
		return err
	}
	dp.BalanceTransactions = append(dp.BalanceTransactions, body)
	if dp.BalanceTransaction == nil {
		dp.BalanceTransaction = &txn.ID
	}
	return nil
}

// view shows the balance transactions of a dispute as they now are: money that was pending becomes available.
func view(c *api.Call, doc *store.Doc) ([]byte, error) {
	out := append(make([]byte, 0, len(doc.Body)), '{')
	var failed error
	jsontext.Members(doc.Body, func(key string, value []byte) bool {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(jsontext.AppendString(out, key), ':')
		if key != "balance_transactions" {
			out = append(out, value...)
			return true
		}
		out = append(out, '[')
		first := true
		jsontext.Items(value, func(item []byte) bool {
			if !first {
				out = append(out, ',')
			}
			first = false
			if jsontext.Text(item, "status") == "pending" {
				var txn *balance.BalanceTransaction
				if txn, failed = balance.Transactions.Get(c, jsontext.Text(item, "id")); failed == nil && txn != nil {
					item, failed = c.Show(txn)
				}
			}
			out = append(out, item...)
			return failed == nil
		})
		out = append(out, ']')
		return failed == nil
	})
	return append(out, '}'), failed
}

func (d *Domain) list(c *api.Call) (any, error) {
	if ch := c.P.Str("charge"); ch != "" {
		if _, err := payment.Charges.Find(c, ch, "charge"); err != nil {
			return nil, err
		}
	}
	if pi := c.P.Str("payment_intent"); pi != "" {
		if _, err := payment.Intents.Find(c, pi, "payment_intent"); err != nil {
			return nil, err
		}
	}
	return Disputes.List(c)
}

// ofCharge finds the last dispute of the charge that the path names.
func (d *Domain) ofCharge(c *api.Call) (*Dispute, error) {
	ch, err := payment.Charges.InPath(c, "charge")
	if err != nil {
		return nil, err
	}
	dp, err := Disputes.Get(c, text(ch.Dispute))
	if err == nil && dp == nil {
		err = fault.NoDispute(ch.ID)
	}
	return dp, err
}

func (d *Domain) retrieveOfCharge(c *api.Call) (any, error) {
	dp, err := d.ofCharge(c)
	return dp, err
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
