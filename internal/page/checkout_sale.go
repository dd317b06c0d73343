package page

import (
	"slices"
	"strconv"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/catalog"
	"florin/internal/domain/checkout"
	"florin/internal/fault"
	"florin/internal/paymethod"
)

// A sale is what the page shows of a session.
type sale struct {
	Name     string // of the merchant
	Live     bool
	Path     string
	Cancel   string
	Setup    bool
	Trial    bool
	Free     bool // nothing is to be paid by
	Consents bool // paying is to agree to later payments
	Items    []soldItem
	Subtotal *amount // nil where it is the total
	Discount *amount
	Code     string // of the discount
	Tax      *amount
	Total    amount
	Later    []string // what will be due
	Promotes bool
	Button   string
	Submit   string // the merchant's words
	Email    string // that is known
	Cards    bool
	Others   []otherWay
	Address  bool      // all of it is asked for
	ShipTo   []country // nil: nothing is shipped
	Custom   []question
	Phone    bool

	Entered   map[string]string // what was entered before, but for the card
	Wrong     map[string]string // what was wrong, by field; "" for what belongs to none
	Countries []country

	status  string
	success string // "" where nobody is to be sent anywhere: thanks are said
	thanks  string // the merchant's
	wait    string
	busy    bool
	failure *fault.Error
}

type soldItem struct {
	ID       string
	Name     string
	Least    int64
	Most     int64 // 0: the quantity is as it is
	Quantity int64
	Each     string
	Amount   amount
}

// A question is a custom field of the merchant.
type question struct {
	checkout.CustomField
	Name  string // of the field
	Label string
	Most  int64
}

// An otherWay is a type of payment method other than card.
type otherWay struct{ Name, Title string }

// Field is one field of the form, for its template.
func (s *sale) Field(name string) field { return field{name, s.Entered[name], s.Wrong[name]} }

type field struct{ Name, Value, Wrong string }

// thanks are the words of the merchant to who has paid by a link.
func thanks(c *api.Call, s *checkout.Session) (string, error) {
	l, err := checkout.Links.Get(c, text(s.PaymentLink))
	if err != nil || l == nil || l.AfterCompletion.HostedConfirmation == nil {
		return "", err
	}
	return text(l.AfterCompletion.HostedConfirmation.CustomMessage), nil
}

// describe fills in what an open session shows.
func (v *sale) describe(c *api.Call, s *checkout.Session) error {
	v.Setup, v.Free = s.Mode == "setup", !s.NeedsMethod()
	v.Consents = s.Mode != "payment"
	v.Phone = s.PhoneNumberCollection.Enabled
	v.Address = text(s.BillingAddressCollection) == "required"
	v.Promotes = s.AllowPromotionCodes != nil && *s.AllowPromotionCodes
	if s.CustomText.Submit != nil {
		v.Submit = s.CustomText.Submit.Message
	}
	if s.CustomerDetails != nil {
		v.Email = text(s.CustomerDetails.Email)
	}
	v.Entered["country"] = countryIn(v.Email)
	v.asks(s)
	v.ways(s)
	if v.Setup {
		v.Button = "Save"
		return nil
	}
	if err := v.describeItems(c, s); err != nil {
		return err
	}
	cur, t := *s.Currency, s.TotalDetails
	v.Total = amountOf(*s.AmountTotal, cur)
	if t.AmountDiscount != 0 || t.AmountTax != 0 {
		v.Subtotal = moneyOf(*s.AmountSubtotal, cur)
	}
	if t.AmountDiscount != 0 {
		v.Discount = moneyOf(-t.AmountDiscount, cur)
	}
	if t.AmountTax != 0 {
		v.Tax = moneyOf(t.AmountTax, cur)
	}
	v.button(s)
	return v.describeCode(c, s)
}

// countryIn is the country that a test address says its owner is in: test+location_US@example.com; "" if it says none. Known from: facts 07.
func countryIn(email string) string {
	_, at, ok := strings.Cut(email, "+location_")
	code, _, found := strings.Cut(at, "@")
	if !ok || !found {
		return ""
	}
	return code
}

func moneyOf(n int64, currency string) *amount {
	a := amountOf(n, currency)
	return &a
}

// describeItems shows what is for sale, and what of it will be due again.
func (v *sale) describeItems(c *api.Call, s *checkout.Session) error {
	for _, it := range s.Private.Items {
		price, err := catalog.Used(c, it.Price)
		if err != nil {
			return err
		}
		sold := soldItem{ID: it.ID, Name: it.Description, Quantity: 1, Amount: amountOf(it.Subtotal, *s.Currency)}
		if it.Quantity != nil {
			sold.Quantity = *it.Quantity
		}
		if a := it.Adjustable; a != nil {
			sold.Least, sold.Most = max(1, *a.Minimum), *a.Maximum
		}
		if r := price.Recurring; r != nil {
			sold.Each = every(r)
			full, err := price.Amount(sold.Quantity, *s.Currency)
			if err != nil {
				return err
			}
			if a := amountOf(full, *s.Currency); r.UsageType != "metered" {
				v.Later = append(v.Later, a.Number+" "+a.Code+" "+sold.Each)
			}
			v.Trial = v.Trial || full > 0 && it.Subtotal == 0
		}
		v.Items = append(v.Items, sold)
	}
	return nil
}

// every says how often a price is paid.
func every(r *catalog.Recurring) string {
	if r.IntervalCount == 1 {
		return "per " + r.Interval
	}
	return "every " + strconv.FormatInt(r.IntervalCount, 10) + " " + r.Interval + "s"
}

// describeCode shows the promotion code of the discount.
func (v *sale) describeCode(c *api.Call, s *checkout.Session) error {
	if len(s.Discounts) == 0 || s.Discounts[0].PromotionCode == nil {
		return nil
	}
	pc, err := catalog.PromotionCodes.Get(c, *s.Discounts[0].PromotionCode)
	if err == nil && pc != nil {
		v.Code = pc.Code
	}
	return err
}

// button says what pressing it does.
func (v *sale) button(s *checkout.Session) {
	pay := " " + v.Total.Number
	switch submit := text(s.SubmitType); {
	case s.Mode == "subscription" && v.Trial && *s.AmountTotal == 0:
		v.Button = "Start trial"
	case s.Mode == "subscription" || submit == "subscribe":
		v.Button = "Subscribe"
	case submit == "donate":
		v.Button = "Donate" + pay
	case submit == "book":
		v.Button = "Book"
	case *s.AmountTotal == 0:
		v.Button = "Complete order"
	default:
		v.Button = "Pay" + pay
	}
}

// asks says what is asked for besides who pays.
func (v *sale) asks(s *checkout.Session) {
	for _, f := range s.CustomFields {
		q := question{f, customName(f.Key), text(f.Label.Custom), 255}
		for _, in := range []*checkout.FieldInput{f.Text, f.Numeric} {
			if in != nil && in.MaximumLength != nil {
				q.Most = *in.MaximumLength
			}
		}
		v.Entered[q.Name] = text(f.Default())
		v.Custom = append(v.Custom, q)
	}
	to := s.Countries()
	for _, c := range countries {
		if slices.Contains(to, c.Code) {
			v.ShipTo = append(v.ShipTo, c)
		}
	}
}

func customName(key string) string { return "custom_" + key }

// ways are the types of payment method that the page can take: cards, and those whose customer authorizes elsewhere, or goes to pay a voucher.
func (v *sale) ways(s *checkout.Session) {
	for _, name := range s.PaymentMethodTypes {
		t := paymethod.Types[name]
		switch {
		case name == "card":
			v.Cards = true
		case t == nil || s.Livemode || name == "boleto" || name == "fpx" || name == "sofort": // which ask for more
		case t.Flow == paymethod.Redirect || t.Flow == paymethod.Voucher && s.Mode == "payment":
			v.Others = append(v.Others, otherWay{name, t.Title()})
		}
	}
}
