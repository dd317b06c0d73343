package paymentmethod

import (
	"encoding/json"
	"slices"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/id"
	"florin/internal/jsontext"
)

// What sources are told of: that they are charged and refunded; and what they tell, transactions and notifications.

// A SourceTransaction is money that came to a source which receives.
type SourceTransaction struct {
	api.Meta
	ACHCreditTransfer json.RawMessage `json:"ach_credit_transfer,omitempty"`
	Amount            int64           `json:"amount"`  // minor units
	Created           int64           `json:"created"` // Unix seconds
	Currency          string          `json:"currency"`
	Livemode          bool            `json:"livemode"`
	Source            string          `json:"source"`
	Status            string          `json:"status"` // succeeded, pending or failed
	Type              string          `json:"type"`
}

// SourceTransactions is the kind of transactions of sources.
var SourceTransactions = &api.Kind[SourceTransaction]{Name: "source_transaction", Prefixes: []string{"srctxn"}, Param: "source_transaction", Index: []string{"source"}}

// A MandateNotification asks the merchant to tell a customer about a mandate or a debit, where he has said that he does so himself; or says that it was told.
type MandateNotification struct {
	api.Meta
	Amount    *int64          `json:"amount"`
	Created   int64           `json:"created"` // Unix seconds
	Livemode  bool            `json:"livemode"`
	Reason    string          `json:"reason"` // mandate_confirmed or debit_initiated
	SEPADebit json.RawMessage `json:"sepa_debit,omitempty"`
	Source    json.RawMessage `json:"source"`
	Status    string          `json:"status"` // pending or submitted
	Type      string          `json:"type"`
	Private   struct {
		Source string `json:"source"` // its id
	} `json:"-"`
}

// MandateNotifications is the kind of notifications.
var MandateNotifications = &api.Kind[MandateNotification]{Name: "source_mandate_notification", Prefixes: []string{"srcmn"}, Param: "mandate_notification"}

func (d *Domain) listSourceTransactions(c *api.Call) (any, error) {
	s, err := Sources.InPath(c, "source")
	if err != nil {
		return nil, err
	}
	return SourceTransactions.ListOf(c, api.Narrow{Path: "source", Value: s.ID})
}

func (d *Domain) retrieveSourceTransaction(c *api.Call) (any, error) {
	s, err := Sources.InPath(c, "source")
	if err != nil {
		return nil, err
	}
	tx, err := SourceTransactions.InPath(c, "source_transaction")
	if err == nil && tx.Source != s.ID {
		err = SourceTransactions.Missing(tx.ID, "source_transaction", 404)
	}
	return tx, err
}

func (d *Domain) retrieveMandateNotification(c *api.Call) (any, error) {
	s, err := Sources.InPath(c, "source")
	if err != nil {
		return nil, err
	}
	n, err := MandateNotifications.InPath(c, "mandate_notification")
	if err == nil && n.Private.Source != s.ID {
		err = MandateNotifications.Missing(n.ID, "mandate_notification", 404)
	}
	return n, err
}

// notifyMandate tells of a mandate, or of a debit of an amount, as the mandate wants it.
func (d *Domain) notifyMandate(c *api.Call, s *Source, reason string, amount *int64) error {
	m := s.Mandate
	if m == nil || m.NotificationMethod == "none" || m.NotificationMethod == "deprecated_none" {
		return nil
	}
	n := MandateNotifications.New(c, c.NewID("srcmn"))
	n.Amount, n.Created, n.Livemode, n.Reason, n.Type, n.Status = amount, c.Now(), s.Livemode, reason, s.Type, "submitted"
	if m.NotificationMethod == "manual" {
		n.Status = pending
	}
	n.Private.Source = s.ID
	body, err := c.Show(s)
	if err != nil {
		return err
	}
	n.Source = slices.Clone(body)
	if s.Type == "sepa_debit" {
		n.SEPADebit = jsontext.Append(nil, &struct {
			CreditorIdentifier string `json:"creditor_identifier"`
			Last4              string `json:"last4"`
			MandateReference   string `json:"mandate_reference"`
		}{"TEST" + strings.ToUpper(c.AccountPart()), jsontext.Text(s.SEPADebit, "last4"), m.Reference})
	}
	return c.Save(n, "source.mandate_notification")
}

// CheckCharge refuses to charge a source of old for so much, for a customer or nobody. unverified: the words but for what is not chargeable (quoted by
// developers) and for a source that is not the customer's.
func CheckCharge(c *api.Call, source api.Resource, amount int64, currency, cus string) error {
	h := &held{}
	switch v := source.(type) {
	case *Card:
		h.card = v
	case *Source:
		h.source = v
	case *account.BankAccount:
		h.bank = v
		switch {
		case v.Status != bankVerified:
			return fault.BankUnverified("source")
		case v.Currency != currency:
			return fault.TypeCurrency(currency)
		}
	}
	if owner := h.owner(); owner != cus && owner != "" {
		if cus == "" {
			return fault.SourceNeedsCustomer(h.id())
		}
		return fault.SourceNotOfCustomer(cus, h.id())
	}
	s := h.source
	switch {
	case s == nil:
		return nil
	case s.Status != chargeable:
		return fault.SourceNotChargeable()
	case s.Currency != nil && *s.Currency != currency:
		return fault.SourceCurrencyIs(*s.Currency)
	case s.Amount != nil && s.Usage == "single_use" && *s.Amount != amount:
		return fault.SourceAmountIs()
	case s.Receiver != nil && s.Receiver.AmountReceived-s.Receiver.AmountCharged < amount:
		return fault.SourceNotFunded()
	}
	return nil
}

// Charged tells a source of old that it is being charged.
func (d *Domain) Charged(c *api.Call, source api.Resource, amount int64) error {
	s, ok := source.(*Source)
	if !ok {
		return nil
	}
	if s.Receiver != nil {
		s.Receiver.AmountCharged += amount
	}
	if err := s.used(c); err != nil {
		return err
	}
	return d.notifyMandate(c, s, "debit_initiated", &amount)
}

// used ends a source that was good for one charge: a single_use one, or one that nobody has kept for a customer. A receiver whose money is charged waits for
// more.
func (s *Source) used(c *api.Call) error {
	switch {
	case s.Status != chargeable:
		return nil
	case s.Receiver != nil && s.Usage == "reusable":
		if s.Receiver.AmountCharged < s.Receiver.AmountReceived {
			return c.Save(s)
		}
		if err := s.move(pending); err != nil {
			return err
		}
		return c.Save(s)
	case s.Usage == "reusable" && s.Customer != nil:
		return nil
	}
	if err := s.move(consumed); err != nil {
		return err
	}
	return c.Save(s)
}

// Returned tells a receiver that money goes back, and says whether the merchant must first tell where to.
func Returned(c *api.Call, source string, amount int64) (ask bool, err error) {
	s, err := Sources.Get(c, source)
	if err != nil || s == nil || s.Receiver == nil {
		return false, err
	}
	r := s.Receiver
	r.AmountReturned += amount
	if r.RefundAttributesStatus == "missing" && r.RefundAttributesMethod != "none" {
		r.RefundAttributesStatus = "requested"
		if r.RefundAttributesMethod == "manual" {
			return true, c.Save(s, "source.refund_attributes_required")
		}
	}
	return false, c.Save(s)
}

// attributes takes where refunds of a receiver go to: ach_credit_transfer[refund_routing_number] and the like.
func (s *Source) attributes(c *api.Call) error {
	given := c.P.Get(s.Type)
	if s.Receiver == nil || given == nil || given.Kind != form.Object {
		return nil
	}
	for _, f := range given.Fields {
		if !strings.HasPrefix(f.Name, "refund_") || f.Value.Kind == form.Unset {
			continue
		}
		if f.Name == "refund_account_number" { // which nobody is shown
			continue
		}
		s.know(f.Name, string(api.AppendValue(nil, f.Value)))
	}
	s.Receiver.RefundAttributesStatus = "available"
	return nil
}

// shareSource copies a source of the platform to the connected account that the call acts as. Known from: the spec (original_source; customer where it has
// one), docs.stripe.com/sources/connect: only what is reusable can be shared. unverified: the words of refusals; that the copy is chargeable at once.
func (d *Domain) shareSource(c *api.Call) (*Source, error) {
	if _, ok := account.PlatformScope(c); !ok {
		return nil, fault.ShareSourceWithoutAccount()
	}
	const param = "original_source"
	name := c.P.Str(param)
	var h *held
	var number string
	err := account.AsPlatform(c, func() (err error) {
		if h, err = hold(c, name); err != nil {
			return err
		}
		switch {
		case h == nil || h.source == nil:
			return Sources.Missing(name, param, 400)
		case h.owner() != c.P.Str("customer"):
			return fault.SourceNotOfCustomer(c.P.Str("customer"), name)
		case h.source.Usage != "reusable" || h.source.Receiver != nil:
			return fault.SourceNotShareable()
		case h.source.Status != chargeable:
			return fault.SourceNotChargeable()
		}
		opened, err := d.open(h.pm.ID, h.pm.Private.Sealed)
		number = opened.Number
		return err
	})
	if err != nil {
		return nil, err
	}
	s, pm := Sources.New(c, c.NewID("src")), (*PaymentMethod)(nil)
	meta := s.Meta
	*s = *h.source
	s.Meta, s.Created, s.Customer, s.Status, s.Metadata = meta, c.Now(), nil, "", map[string]string{}
	s.ClientSecret = "src_client_secret_" + id.Secret(24)
	if err := c.ParamsOnly(s, "metadata"); err != nil {
		return nil, err
	}
	pm = Methods.New(c, keyOf(s.ID))
	meta = pm.Meta
	*pm = *h.pm
	pm.Meta, pm.Created, pm.Customer = meta, c.Now(), nil
	pm.ID, pm.Private.Sealed = s.ID, d.seal(s.ID, number)
	if err := c.Save(pm); err != nil {
		return nil, err
	}
	if err := s.move(chargeable); err != nil {
		return nil, err
	}
	if err := s.found(c); err != nil {
		return nil, err
	}
	return s, c.Save(s, "source.chargeable")
}
