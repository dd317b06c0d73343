package payment

import (
	"encoding/json"
	"fmt"
	"slices"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/balance"
	"florin/internal/fault"
	"florin/internal/jsontext"
	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/search"
)

// An ApplicationFee is what a platform earns of a connected account's charge. It is the platform's, and may be given back. Amounts are in minor units.
type ApplicationFee struct {
	api.Meta
	Account                string          `json:"account"` // who has paid it
	Amount                 int64           `json:"amount"`
	AmountRefunded         int64           `json:"amount_refunded"`
	Application            string          `json:"application"`
	BalanceTransaction     *string         `json:"balance_transaction"`
	Charge                 string          `json:"charge"`
	Created                int64           `json:"created"` // Unix seconds
	Currency               string          `json:"currency"`
	FeeSource              *FeeSource      `json:"fee_source"`
	Livemode               bool            `json:"livemode"`
	OriginatingTransaction *string         `json:"originating_transaction"` // the platform's charge, of a destination charge
	Refunded               bool            `json:"refunded"`
	Refunds                json.RawMessage `json:"refunds"`
	Private                FeePrivate      `json:"-"`
}

// FeePrivate is what no answer shows.
type FeePrivate struct {
	Available int64    `json:"available,omitempty"` // when its money is, in Unix seconds
	Rate      *float64 `json:"rate,omitempty"`      // of the charge, where that was converted
}

// FeeSource is what a fee was taken of.
type FeeSource struct {
	Charge string `json:"charge,omitempty"`
	Type   string `json:"type"`
}

// A FeeRefund gives an application fee back, or some of it, to the account that has paid it.
type FeeRefund struct {
	api.Meta
	Amount             int64             `json:"amount"`
	BalanceTransaction *string           `json:"balance_transaction"`
	Created            int64             `json:"created"` // Unix seconds
	Currency           string            `json:"currency"`
	Fee                string            `json:"fee"`
	Metadata           map[string]string `json:"metadata"`
}

// ApplicationFees is the kind of application fees.
var ApplicationFees = &api.Kind[ApplicationFee]{
	Name: "application_fee", Prefixes: []string{"fee"}, Word: "application fee", Index: []string{"charge"},
}

// FeeRefunds is the kind of refunds of application fees.
var FeeRefunds = &api.Kind[FeeRefund]{Name: "fee_refund", Prefixes: []string{"fr"}, Word: "application fee refund", Index: []string{"fee"}}

func (d *Domain) feeRoutes(r *api.Router) {
	r.Kind(ApplicationFees)
	r.Kind(FeeRefunds)
	r.Handle("GET /v1/application_fees", d.listFees)
	r.Plain("GET /v1/application_fees/{id}", ApplicationFees.Retrieve)
	r.Handle("POST /v1/application_fees/{id}/refunds", d.createFeeRefund)
	r.Handle("POST /v1/application_fees/{id}/refund", d.refundFee)
	r.Plain("GET /v1/application_fees/{id}/refunds", d.listFeeRefunds)
	r.Plain("GET /v1/application_fees/{fee}/refunds/{id}", d.retrieveFeeRefund)
	r.Handle("POST /v1/application_fees/{fee}/refunds/{id}", d.updateFeeRefund)
}

// earned is a fee that a platform gets.
type earned struct {
	amount      int64
	currency    string
	rate        *float64 // of the charge
	charge      *Charge  // the connected account's
	originating *Charge  // the platform's
	available   int64
}

// earnFee gives the platform its fee of a charge. The call acts as the connected account. Known from: recordings.
func (d *Domain) earnFee(c *api.Call, e earned) error {
	payer := account.Of(c)
	name, own := c.NewID("fee"), c.Scope // its id is of the account that pays it
	var fee *ApplicationFee
	err := account.AsPlatform(c, func() error {
		platform := merchant(c)
		fee = ApplicationFees.New(c, name)
		fee.Account, fee.Amount, fee.Currency, fee.Created, fee.Livemode = payer.ID, e.amount, e.currency, c.Now(), c.Live()
		fee.Application, fee.Charge = platform.Application(), e.charge.ID
		fee.FeeSource = &FeeSource{Charge: e.charge.ID, Type: "charge"}
		if e.originating != nil {
			fee.OriginatingTransaction = &e.originating.ID
		}
		fee.Private.Available, fee.Private.Rate = e.available, e.rate
		fee.Refunds = feeRefundList(fee.ID, nil, 0)
		words := fmt.Sprintf("Application fee from application %s for %s (%s)", nameOf(platform), nameOf(payer), payer.ID)
		amount, rate := d.settlement(platform.DefaultCurrency, e.currency, e.amount, money.Convert)
		if rate == nil {
			rate = e.rate
		}
		txn, err := d.balance.Record(c, balance.Txn{
			Type: "application_fee", Amount: amount, Currency: platform.DefaultCurrency, ExchangeRate: rate, Description: &words, Source: fee.ID,
			AvailableOn: e.available, Outside: ledger.Accounts,
		})
		if err != nil {
			return err
		}
		fee.BalanceTransaction = &txn.ID
		if err := c.Mirror(c.Scope, e.charge); err != nil {
			return err
		}
		tellLater(c, "application_fee.created", fee)
		return c.Save(fee)
	})
	if err != nil {
		return err
	}
	e.charge.ApplicationFee = &fee.ID
	return c.Mirror(own, fee)
}

func (d *Domain) listFees(c *api.Call) (any, error) {
	if ch := c.P.Str("charge"); ch != "" {
		return ApplicationFees.ListOf(c, api.Narrow{Path: "charge", Value: ch, Skip: []string{"charge"}})
	}
	return ApplicationFees.List(c)
}

func foldID(s string) string { return search.Fold(s) }

// createFeeRefund gives a fee back, or some of it.
func (d *Domain) createFeeRefund(c *api.Call) (any, error) {
	fr, _, err := d.feeRefund(c)
	return fr, err
}

// refundFee is the older route, which answers with the fee.
func (d *Domain) refundFee(c *api.Call) (any, error) {
	_, fee, err := d.feeRefund(c)
	return fee, err
}

func (d *Domain) feeRefund(c *api.Call) (*FeeRefund, *ApplicationFee, error) {
	fee, err := ApplicationFees.InPath(c, "id")
	if err != nil {
		return nil, nil, err
	}
	left := fee.Amount - fee.AmountRefunded
	amount := left
	if c.P.Given("amount") {
		if amount = c.P.Num("amount"); amount < 1 {
			return nil, nil, fault.BelowMinimum("amount", 1)
		}
	}
	switch {
	case left == 0:
		return nil, nil, fault.FeeAlreadyRefunded(fee.ID)
	case amount > left:
		return nil, nil, fault.FeeRefundTooLarge(money.Format(amount, fee.Currency), money.Format(left, fee.Currency))
	}
	var m struct {
		Metadata map[string]string `json:"metadata"`
	}
	m.Metadata = map[string]string{}
	if err := c.ParamsOnly(&m, "metadata"); err != nil {
		return nil, nil, err
	}
	fr, err := d.giveFeeBack(c, fee, amount, m.Metadata)
	return fr, fee, err
}

// returnFee gives back the share of a fee that a reversal or refund has of its charge: part of whole. The call acts as the platform.
func (d *Domain) returnFee(c *api.Call, dest *account.Account, tr *Transfer, part, whole int64) error {
	py, err := Charges.GetAt(c, dest.Scope(c.Live()), tr.DestinationPayment)
	if err != nil || py == nil || py.ApplicationFee == nil {
		return err
	}
	return d.returnFeeOf(c, *py.ApplicationFee, part, whole)
}

// returnFeeOf gives a share of a fee back. The call acts as the platform. Known from: facts 16e (recorded: it is rounded).
func (d *Domain) returnFeeOf(c *api.Call, name string, part, whole int64) error {
	fee, err := ApplicationFees.Get(c, name)
	if err != nil || fee == nil {
		return err
	}
	amount := min(portion(fee.Amount, part, whole), fee.Amount-fee.AmountRefunded)
	if amount <= 0 {
		return nil
	}
	_, err = d.giveFeeBack(c, fee, amount, map[string]string{})
	return err
}

// portion is the part of an amount that one amount is of another, rounded.
func portion(amount, part, whole int64) int64 {
	if whole == 0 {
		return 0
	}
	return (amount*part*2 + whole) / (whole * 2)
}

// giveFeeBack gives an amount of a fee, in the fee's currency, back to who has paid it. The refund itself is in the currency of the charge
// (recorded: 30 usd of a charge that settled in cad are refunded as 41 cad).
// unverified: what the connected account's transaction looks like; it is told apart as an adjustment.
func (d *Domain) giveFeeBack(c *api.Call, fee *ApplicationFee, amount int64, metadata map[string]string) (*FeeRefund, error) {
	payer, err := account.Load(c, fee.Account)
	if err != nil {
		return nil, err
	}
	fr := FeeRefunds.New(c, c.NewID("fr"))
	fr.Amount, fr.Currency, fr.Created, fr.Fee, fr.Metadata = amount, fee.Currency, c.Now(), fee.ID, metadata
	if payer != nil {
		if err := account.As(c, payer, func() error { return d.feeComesBack(c, payer, fee, fr, amount) }); err != nil {
			return nil, err
		}
	}
	words := "REFUND FOR APPLICATION FEE"
	own := merchant(c).DefaultCurrency
	settled, rate := d.settlement(own, fee.Currency, amount, money.Convert)
	if rate == nil {
		rate = fee.Private.Rate
	}
	txn, err := d.balance.Record(c, balance.Txn{
		Type: "application_fee_refund", Amount: -settled, Currency: own, ExchangeRate: rate, Description: &words, Source: fee.ID,
		AvailableOn: fee.Private.Available, Outside: ledger.Accounts,
	})
	if err != nil {
		return nil, err
	}
	fr.BalanceTransaction = &txn.ID
	if err := c.Save(fr); err != nil {
		return nil, err
	}
	fee.AmountRefunded += amount
	fee.Refunded = fee.AmountRefunded == fee.Amount
	body, err := c.Show(fr)
	if err != nil {
		return nil, err
	}
	fee.Refunds = prepend(fee.Refunds, fee.ID, body)
	return fr, c.Save(fee, "application_fee.refunded")
}

// feeComesBack puts a refunded fee on the balance of who has paid it. The call acts as that account.
func (d *Domain) feeComesBack(c *api.Call, payer *account.Account, fee *ApplicationFee, fr *FeeRefund, amount int64) error {
	ch, err := Charges.Get(c, fee.Charge)
	if err != nil {
		return err
	}
	if ch.Currency != fee.Currency { // a payment that was converted on its way
		fr.Currency, fr.Amount = ch.Currency, portion(text0(ch.ApplicationFeeAmount), amount, fee.Amount)
	}
	paid, err := balance.Transactions.Get(c, text(ch.BalanceTransaction))
	if err != nil || paid == nil {
		return err
	}
	var whole int64
	for _, f := range paid.FeeDetails {
		if f.Type == "application_fee" {
			whole += f.Amount
		}
	}
	back := portion(whole, amount, fee.Amount)
	if back == 0 {
		return nil
	}
	words := "Application fee refund"
	_, err = d.balance.Record(c, balance.Txn{
		Type: "adjustment", Amount: back, Currency: paid.Currency, Description: &words, Source: ch.ID,
		AvailableOn: fee.Private.Available, Outside: ledger.Accounts,
	})
	return err
}

func feeRefundList(fee string, data [][]byte, total int64) json.RawMessage {
	l := &api.List{Object: "list", URL: "/v1/application_fees/" + fee + "/refunds", Data: data, Total: &total, HasMore: int64(len(data)) < total}
	return json.RawMessage(l.JSON())
}

// prepend puts a refund before the others of a fee's list.
func prepend(list json.RawMessage, fee string, body []byte) json.RawMessage {
	data, total := [][]byte{slices.Clone(body)}, int64(1)
	jsontext.Items(jsontext.Get(list, "data"), func(item []byte) bool {
		total++
		if len(data) < 10 {
			data = append(data, slices.Clone(item))
		}
		return true
	})
	return feeRefundList(fee, data, total)
}

// replaceIn puts another version of an object into a list.
func replaceIn(list json.RawMessage, id string, body []byte) (json.RawMessage, error) {
	var l map[string]json.RawMessage
	if err := json.Unmarshal(list, &l); err != nil {
		return nil, err
	}
	out := []byte{'['}
	jsontext.Items(l["data"], func(item []byte) bool {
		if len(out) > 1 {
			out = append(out, ',')
		}
		if jsontext.Text(item, "id") == id {
			item = body
		}
		out = append(out, item...)
		return true
	})
	next := []byte(`{"object":"list","data":`)
	next = append(append(next, out...), ']')
	for _, name := range []string{"has_more", "total_count", "url"} {
		next = append(append(next, `,"`+name+`":`...), l[name]...)
	}
	return append(next, '}'), nil
}

func (d *Domain) listFeeRefunds(c *api.Call) (any, error) {
	fee, err := ApplicationFees.InPath(c, "id")
	if err != nil {
		return nil, err
	}
	return FeeRefunds.ListOf(c, api.Narrow{Path: "fee", Value: fee.ID})
}

func (d *Domain) feeRefundInPath(c *api.Call) (*ApplicationFee, *FeeRefund, error) {
	name := c.Path("fee")
	fee, err := ApplicationFees.Get(c, name)
	if err != nil {
		return nil, nil, err
	}
	if fee == nil {
		return nil, nil, ApplicationFees.Missing(name, "fee", 404)
	}
	fr, err := FeeRefunds.InPath(c, "id")
	if err == nil && fr.Fee != fee.ID {
		err = FeeRefunds.Missing(fr.ID, "id", 404)
	}
	return fee, fr, err
}

func (d *Domain) retrieveFeeRefund(c *api.Call) (any, error) {
	_, fr, err := d.feeRefundInPath(c)
	return fr, err
}

func (d *Domain) updateFeeRefund(c *api.Call) (any, error) {
	fee, fr, err := d.feeRefundInPath(c)
	if err != nil {
		return nil, err
	}
	if err := c.ParamsOnly(fr, "metadata"); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(fr.Metadata); err != nil {
		return nil, err
	}
	if err := c.Save(fr, "application_fee.refund.updated"); err != nil {
		return nil, err
	}
	body, err := c.Show(fr)
	if err != nil {
		return nil, err
	}
	if fee.Refunds, err = replaceIn(fee.Refunds, fr.ID, body); err != nil {
		return nil, err
	}
	return fr, c.Save(fee)
}
