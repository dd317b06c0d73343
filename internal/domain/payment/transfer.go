package payment

import (
	"encoding/json"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/balance"
	"florin/internal/fault"
	"florin/internal/id"
	"florin/internal/jsontext"
	"florin/internal/ledger"
	"florin/internal/money"
)

// A Transfer moves money from a platform to a connected account, where it is a payment (py_…). A platform makes one by hand, from what it has or from
// what one charge has brought; a destination charge makes one by itself. It has no status: it has happened, and may be reversed.
// Amounts are in minor units.
type Transfer struct {
	api.Meta
	Amount             int64             `json:"amount"`
	AmountReversed     int64             `json:"amount_reversed"`
	BalanceTransaction *string           `json:"balance_transaction"`
	Created            int64             `json:"created"` // Unix seconds
	Currency           string            `json:"currency"`
	Description        *string           `json:"description"`
	Destination        *string           `json:"destination"`
	DestinationPayment string            `json:"destination_payment"`
	Livemode           bool              `json:"livemode"`
	Metadata           map[string]string `json:"metadata"`
	Reversals          json.RawMessage   `json:"reversals"`
	Reversed           bool              `json:"reversed"`
	SourceTransaction  *string           `json:"source_transaction"`
	SourceType         string            `json:"source_type"` // card, bank_account or fpx
	TransferGroup      *string           `json:"transfer_group"`
	Private            TransferPrivate   `json:"-"`
}

// TransferPrivate is what no answer shows.
type TransferPrivate struct {
	Available int64 `json:"available,omitempty"` // when its money is, in Unix seconds
}

// Transfers is the kind of transfers.
var Transfers = &api.Kind[Transfer]{
	Name: "transfer", Prefixes: []string{"tr"}, Index: []string{"destination", "transfer_group", "source_transaction"},
}

func (d *Domain) transferRoutes(r *api.Router) {
	r.Kind(Transfers)
	r.Kind(Reversals)
	r.Handle("POST /v1/transfers", d.createTransfer)
	r.Plain("GET /v1/transfers", Transfers.List)
	r.Plain("GET /v1/transfers/{transfer}", Transfers.Retrieve)
	r.Plain("POST /v1/transfers/{transfer}", d.updateTransfer)
	r.Handle("POST /v1/transfers/{id}/reversals", d.createReversal)
	r.Plain("GET /v1/transfers/{id}/reversals", d.listReversals)
	r.Plain("GET /v1/transfers/{transfer}/reversals/{id}", d.retrieveReversal)
	r.Plain("POST /v1/transfers/{transfer}/reversals/{id}", d.updateReversal)
}

// transferring is what a transfer is to be.
type transferring struct {
	amount      int64
	currency    string
	description *string
	metadata    map[string]string
	source      *Charge // whose money it is; nil: the platform's balance
	sourceType  string
	group       *string
	available   int64 // Unix seconds; 0: now

	fee  int64 // what of it comes back to the platform, in the currency of the source
	rate float64
}

func (d *Domain) createTransfer(c *api.Call) (any, error) {
	p := c.P
	amount, currency := p.Num("amount"), p.Str("currency")
	if p.Given("amount") && amount < 1 {
		return nil, fault.BelowMinimum("amount", 1)
	}
	dest, err := destination(c, p.Str("destination"))
	if err != nil {
		return nil, err
	}
	t := transferring{amount: amount, currency: currency, description: opt(p.Str("description")), group: opt(p.Str("transfer_group")), sourceType: p.Str("source_type")}
	if p.Given("source_transaction") {
		err = d.fromCharge(c, &t, p.Str("source_transaction"))
	} else {
		if !p.Given("amount") {
			return nil, fault.Missing("amount")
		}
		err = enough(c, amount, currency)
	}
	if err != nil {
		return nil, err
	}
	if err := canReceive(c, dest); err != nil && account.Platform(c) == nil {
		return nil, err
	}
	if t.metadata = map[string]string{}; p.Has("metadata") {
		var m struct {
			Metadata map[string]string `json:"metadata"`
		}
		if err := c.ParamsOnly(&m, "metadata"); err != nil {
			return nil, err
		}
		t.metadata = m.Metadata
	}

	if t.source != nil && t.source.TransferGroup == nil {
		if err := d.groupTogether(c, &t); err != nil {
			return nil, err
		}
	}
	tr, err := d.send(c, dest, t)
	if err != nil {
		return nil, err
	}
	return tr, c.Emit("transfer.created", tr)
}

// destination finds the account that a transfer goes to: one that is connected or, of a connected account, its platform (recorded).
func destination(c *api.Call, name string) (*account.Account, error) {
	platform := account.Platform(c)
	switch {
	case platform == nil:
		return account.Destination(c, name, "destination")
	case platform.ID != name:
		return nil, fault.OnlyPlatformsTransfer()
	}
	return platform, nil
}

// enough refuses to send more than there is.
func enough(c *api.Call, amount int64, currency string) error {
	have, err := balanceOf(c, currency, false)
	if err == nil && have < amount {
		err = fault.TransferTooLarge()
	}
	return err
}

// fromCharge ties a transfer to the charge whose money it sends on. It may be sent before it is available, and is available when that is.
func (d *Domain) fromCharge(c *api.Call, t *transferring, charge string) error {
	ch, err := Charges.Find(c, charge, "source_transaction")
	if err != nil {
		return err
	}
	if ch.BalanceTransaction == nil {
		return fault.SourceNotSettled(ch.ID)
	}
	txn, err := balance.Transactions.Get(c, *ch.BalanceTransaction)
	if err != nil {
		return err
	}
	if t.currency != txn.Currency {
		return fault.SourceCurrency(txn.Currency, t.currency)
	}
	var sent int64
	err = Transfers.Each(c, "source_transaction", foldID(ch.ID), func(tr *Transfer) bool {
		if text(tr.SourceTransaction) == ch.ID {
			sent += tr.Amount
		}
		return true
	})
	if err != nil {
		return err
	}
	if !c.P.Given("amount") {
		t.amount = txn.Amount - sent
	}
	if t.amount < 1 || t.amount+sent > txn.Amount {
		return fault.SourceUsedUp(money.Format(txn.Amount, txn.Currency), money.Format(sent, txn.Currency), sent > 0)
	}
	t.source, t.available = ch, txn.AvailableOn
	if t.group == nil {
		t.group = ch.TransferGroup
	}
	return nil
}

// groupTogether gives a charge and its transfer one group, where neither had any.
func (d *Domain) groupTogether(c *api.Call, t *transferring) error {
	if t.group == nil {
		t.group = groupOf(t.source)
	}
	t.source.TransferGroup = t.group
	if t.source.PaymentIntent != nil {
		pi, err := Intents.Get(c, *t.source.PaymentIntent)
		if err != nil {
			return err
		}
		if pi.TransferGroup == nil {
			pi.TransferGroup = t.group
			if err := c.Save(pi); err != nil {
				return err
			}
		}
	}
	return c.Save(t.source)
}

// groupOf is the transfer group that a payment makes for itself.
func groupOf(ch *Charge) *string {
	of := ch.ID
	if ch.PaymentIntent != nil {
		of = *ch.PaymentIntent
	}
	group := "group_" + of
	return &group
}

// send makes a transfer, and the payment that it is on the other account. Nothing is refused here, and its caller tells of it.
func (d *Domain) send(c *api.Call, dest *account.Account, t transferring) (*Transfer, error) {
	name := c.NewID("tr")
	if t.source != nil {
		name = siblingOf("tr", t.source.ID)
	}
	tr := Transfers.New(c, name)
	tr.Amount, tr.Currency, tr.Created, tr.Livemode = t.amount, t.currency, c.Now(), c.Live()
	tr.Description, tr.Destination, tr.Metadata, tr.TransferGroup = t.description, &dest.ID, t.metadata, t.group
	tr.SourceType = t.sourceType
	if tr.SourceType == "" {
		tr.SourceType = "card"
	}
	if tr.Metadata == nil {
		tr.Metadata = map[string]string{}
	}
	if t.source != nil {
		tr.SourceTransaction = &t.source.ID
	}
	tr.Reversals = tr.list(c, nil)
	tr.Private.Available = max(t.available, c.Now())
	txn, err := d.balance.Record(c, balance.Txn{
		Type: "transfer", Amount: -t.amount, Currency: t.currency, Description: t.description, Source: tr.ID,
		AvailableOn: t.available, Parent: parentOf(t.source), Outside: ledger.Accounts, Balance: purse(tr.SourceType),
	})
	if err != nil {
		return nil, err
	}
	tr.BalanceTransaction = &txn.ID
	own, from := c.Scope, merchant(c)
	err = account.As(c, dest, func() error {
		py, err := d.land(c, from, dest, tr, t)
		if err != nil {
			return err
		}
		tr.DestinationPayment = py.ID
		if err := c.Mirror(c.Scope, tr); err != nil {
			return err
		}
		return c.Mirror(own, py)
	})
	if err != nil {
		return nil, err
	}
	return tr, c.Save(tr)
}

func parentOf(ch *Charge) string {
	if ch == nil {
		return ""
	}
	return ch.ID
}

// siblingOf is an id with the base of a payment's, or one of its own where the payment is none of ours.
func siblingOf(prefix, charge string) string { return id.Sibling(prefix, charge) }

// purse is the part of the balance that a source type names.
func purse(sourceType string) ledger.Account {
	switch sourceType {
	case "bank_account":
		return ledger.BankAccount
	case "fpx":
		return ledger.FPX
	}
	return ledger.Card
}

// land makes the payment that a transfer is on the account that it goes to. The call acts as that account.
func (d *Domain) land(c *api.Call, from, dest *account.Account, tr *Transfer, t transferring) (*Charge, error) {
	py := Charges.New(c, c.NewID("py"))
	py.Amount, py.AmountCaptured, py.Captured, py.Paid = tr.Amount, tr.Amount, true, true
	py.Created, py.Currency, py.Livemode = c.Now(), tr.Currency, c.Live()
	if account.Platform(c) != nil {
		py.Application = opt(from.Application())
	}
	py.BillingDetails = noBillingDetails
	py.Metadata, py.RadarOptions, py.ReceiptURL = map[string]string{}, json.RawMessage("{}"), receiptURL(c, py)
	py.PaymentMethodDetails = &MethodDetails{StripeAccount: json.RawMessage("{}"), Type: "stripe_account"}
	py.Source = sourceOf(from)
	py.SourceTransfer = &tr.ID
	py.Private.Authorized = tr.Amount
	if err := py.move("succeeded"); err != nil {
		return nil, err
	}

	settled, rate := d.settlement(dest.DefaultCurrency, tr.Currency, tr.Amount, money.Convert)
	txn := balance.Txn{
		Type: "payment", Amount: settled, Currency: dest.DefaultCurrency, ExchangeRate: rate, Source: py.ID,
		AvailableOn: t.available, Outside: ledger.Accounts,
	}
	if t.fee > 0 {
		fee := money.ConvertAt(t.fee, t.rate) // in the currency of the transfer
		py.ApplicationFeeAmount = &fee
		if f := platformFee(c, py, py.Amount, dest.DefaultCurrency, rate); f != nil {
			txn.FeeDetails, txn.Fee = []balance.FeeDetail{*f}, f.Amount
		}
	}
	rec, err := d.balance.Record(c, txn)
	if err != nil {
		return nil, err
	}
	py.BalanceTransaction = &rec.ID
	if t.fee > 0 {
		how := earned{amount: t.fee, currency: t.source.Currency, charge: py, originating: t.source, available: t.available}
		if t.rate != 1 {
			how.rate = &t.rate
		}
		if err := d.earnFee(c, how); err != nil {
			return nil, err
		}
	}
	return py, c.Save(py)
}

// noBillingDetails are those of a payment that nobody made by hand.
var noBillingDetails = json.RawMessage(`{"address":{"city":null,"country":null,"line1":null,"line2":null,"postal_code":null,"state":null},"email":null,"name":null,"phone":null,"tax_id":null}`)

// sourceOf is how a payment shows the account that it came from. Known from: recordings; Florin has no icons.
func sourceOf(from *account.Account) json.RawMessage {
	b := jsontext.AppendString([]byte(`{"id":`), from.ID)
	b = append(b, `,"object":"account","application_icon":null,"application_logo":null,"application_name":`...)
	b = append(jsontext.AppendString(b, nameOf(from)), `,"application_url":`...)
	if u := from.BusinessProfile.URL; u != nil {
		b = jsontext.AppendString(b, *u)
	} else {
		b = append(b, "null"...)
	}
	return append(b, '}')
}

func (d *Domain) updateTransfer(c *api.Call) (any, error) {
	tr, err := Transfers.InPath(c, "transfer")
	if err != nil {
		return nil, err
	}
	if err := c.ParamsOnly(tr, "description", "metadata"); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(tr.Metadata); err != nil {
		return nil, err
	}
	return tr, c.Save(tr, "transfer.updated")
}
