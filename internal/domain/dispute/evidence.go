package dispute

import (
	"encoding/json"
	"slices"
	"unicode/utf8"

	"florin/internal/api"
	"florin/internal/domain/payment"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
)

type jsonObject = json.RawMessage

// Evidence is what a merchant says of a payment. The members that name files have their ids.
type Evidence struct {
	AccessActivityLog            *string  `json:"access_activity_log"`
	BillingAddress               *string  `json:"billing_address"`
	CancellationPolicy           *string  `json:"cancellation_policy"` // a file
	CancellationPolicyDisclosure *string  `json:"cancellation_policy_disclosure"`
	CancellationRebuttal         *string  `json:"cancellation_rebuttal"`
	CustomerCommunication        *string  `json:"customer_communication"` // a file
	CustomerEmailAddress         *string  `json:"customer_email_address"`
	CustomerName                 *string  `json:"customer_name"`
	CustomerPurchaseIP           *string  `json:"customer_purchase_ip"`
	CustomerSignature            *string  `json:"customer_signature"`             // a file
	DuplicateChargeDocumentation *string  `json:"duplicate_charge_documentation"` // a file
	DuplicateChargeExplanation   *string  `json:"duplicate_charge_explanation"`
	DuplicateChargeID            *string  `json:"duplicate_charge_id"`
	EnhancedEvidence             Enhanced `json:"enhanced_evidence"`
	ProductDescription           *string  `json:"product_description"`
	Receipt                      *string  `json:"receipt"`       // a file
	RefundPolicy                 *string  `json:"refund_policy"` // a file
	RefundPolicyDisclosure       *string  `json:"refund_policy_disclosure"`
	RefundRefusalExplanation     *string  `json:"refund_refusal_explanation"`
	ServiceDate                  *string  `json:"service_date"`
	ServiceDocumentation         *string  `json:"service_documentation"` // a file
	ShippingAddress              *string  `json:"shipping_address"`
	ShippingCarrier              *string  `json:"shipping_carrier"`
	ShippingDate                 *string  `json:"shipping_date"`
	ShippingDocumentation        *string  `json:"shipping_documentation"` // a file
	ShippingTrackingNumber       *string  `json:"shipping_tracking_number"`
	UncategorizedFile            *string  `json:"uncategorized_file"` // a file
	UncategorizedText            *string  `json:"uncategorized_text"`
}

// Enhanced is evidence in the form that a card scheme wants for its special procedures.
type Enhanced struct {
	MastercardCompliance *Fee `json:"mastercard_compliance,omitempty"`
	VisaCompelling       *CE3 `json:"visa_compelling_evidence_3,omitempty"`
	VisaCompliance       *Fee `json:"visa_compliance,omitempty"`
}

// Fee says whether the merchant accepts the fee of a compliance case.
type Fee struct {
	FeeAcknowledged bool `json:"fee_acknowledged"`
}

// CE3 is Visa's Compelling Evidence 3.0: earlier payments of the same customer that nobody disputed.
type CE3 struct {
	DisputedTransaction         *Transaction       `json:"disputed_transaction"`
	PriorUndisputedTransactions []PriorTransaction `json:"prior_undisputed_transactions"`
}

// Transaction tells of the payment that is disputed.
type Transaction struct {
	CustomerAccountID         *string     `json:"customer_account_id"`
	CustomerDeviceFingerprint *string     `json:"customer_device_fingerprint"`
	CustomerDeviceID          *string     `json:"customer_device_id"`
	CustomerEmailAddress      *string     `json:"customer_email_address"`
	CustomerPurchaseIP        *string     `json:"customer_purchase_ip"`
	MerchandiseOrServices     *string     `json:"merchandise_or_services"` // merchandise or services
	ProductDescription        *string     `json:"product_description"`
	ShippingAddress           *ShippingTo `json:"shipping_address"`
}

// PriorTransaction tells of one that is not.
type PriorTransaction struct {
	Charge                    string      `json:"charge"`
	CustomerAccountID         *string     `json:"customer_account_id"`
	CustomerDeviceFingerprint *string     `json:"customer_device_fingerprint"`
	CustomerDeviceID          *string     `json:"customer_device_id"`
	CustomerEmailAddress      *string     `json:"customer_email_address"`
	CustomerPurchaseIP        *string     `json:"customer_purchase_ip"`
	ProductDescription        *string     `json:"product_description"`
	ShippingAddress           *ShippingTo `json:"shipping_address"`
}

// ShippingTo is where goods went.
type ShippingTo = payment.Address

// Eligibility says which special procedures the dispute can have, and what is missing for them.
type Eligibility struct {
	MastercardCompliance *Compliance `json:"mastercard_compliance,omitempty"`
	VisaCompelling       *Compelling `json:"visa_compelling_evidence_3,omitempty"`
	VisaCompliance       *Compliance `json:"visa_compliance,omitempty"`
}

// Compliance says whether the fee of a compliance case has been accepted.
type Compliance struct {
	Status string `json:"status"`
}

// Compelling says what is missing for Compelling Evidence 3.0.
type Compelling struct {
	RequiredActions []string `json:"required_actions"`
	Status          string   `json:"status"` // qualified, requires_action or not_qualified
}

// eligible sets what a dispute of a test card can be answered with.
func (dp *Dispute) eligible(kind string) {
	dp.EnhancedEligibilityTypes = []string{}
	e := &dp.EvidenceDetails.EnhancedEligibility
	switch kind {
	case "visa_ce3":
		e.VisaCompelling = &Compelling{}
		dp.EnhancedEligibilityTypes = []string{"visa_compelling_evidence_3"}
	case "visa_compliance":
		e.VisaCompliance = &Compliance{}
		dp.EnhancedEligibilityTypes = []string{"visa_compliance"}
	case "mastercard_compliance":
		e.MastercardCompliance = &Compliance{}
		dp.EnhancedEligibilityTypes = []string{"mastercard_compliance"}
	}
	dp.checkEligibility()
}

// checkEligibility says what is still missing.
func (dp *Dispute) checkEligibility() {
	e, given := &dp.EvidenceDetails.EnhancedEligibility, &dp.Evidence.EnhancedEvidence
	if e.VisaCompliance != nil {
		e.VisaCompliance.Status = acknowledged(given.VisaCompliance)
	}
	if e.MastercardCompliance != nil {
		e.MastercardCompliance.Status = acknowledged(given.MastercardCompliance)
	}
	if ce := e.VisaCompelling; ce != nil {
		ce.RequiredActions, ce.Status = missing(given.VisaCompelling), "qualified"
		if len(ce.RequiredActions) > 0 {
			ce.Status = "requires_action"
		}
	}
}

func acknowledged(f *Fee) string {
	if f != nil && f.FeeAcknowledged {
		return "fee_acknowledged"
	}
	return "requires_fee_acknowledgement"
}

// priors is how many earlier payments Visa wants to see.
const priors = 2

// missing lists what Compelling Evidence 3.0 lacks. Known from: docs.stripe.com/disputes/api/visa-ce3. Of what identifies the customer two must be
// the same in all payments; here it is asked only whether two are given.
func missing(ce *CE3) []string {
	out := []string{}
	if ce == nil {
		ce = &CE3{}
	}
	t := ce.DisputedTransaction
	if t == nil {
		t = &Transaction{}
	}
	identified := 0
	for _, s := range []*string{t.CustomerAccountID, t.CustomerDeviceFingerprint, t.CustomerDeviceID, t.CustomerEmailAddress, t.CustomerPurchaseIP} {
		if s != nil {
			identified++
		}
	}
	if t.ShippingAddress != nil {
		identified++
	}
	if identified < 2 {
		out = append(out, "missing_customer_identifiers")
	}
	if t.ProductDescription == nil {
		out = append(out, "missing_disputed_transaction_description")
	}
	if t.MerchandiseOrServices == nil {
		out = append(out, "missing_merchandise_or_services")
	}
	if slices.ContainsFunc(ce.PriorUndisputedTransactions, func(p PriorTransaction) bool { return p.ProductDescription == nil }) {
		out = append(out, "missing_prior_undisputed_transaction_description")
	}
	if len(ce.PriorUndisputedTransactions) < priors {
		out = append(out, "missing_prior_undisputed_transactions")
	}
	return out
}

// maxEvidence is how many characters all evidence may have together. Known from: Stripe's reference.
const maxEvidence = 150_000

// checkEvidence refuses evidence that no bank would take.
func checkEvidence(c *api.Call, dp *Dispute, evidence *form.Value) error {
	if evidence == nil {
		return nil
	}
	length := 0
	sent := map[string]bool{}
	for _, f := range evidence.Fields {
		sent[f.Name] = true
		length += utf8.RuneCountInString(f.Value.Text)
	}
	jsontext.Members(jsontext.Append(nil, &dp.Evidence), func(name string, value []byte) bool {
		if !sent[name] && len(value) > 0 && value[0] == '"' {
			length += utf8.RuneCountInString(jsontext.Scalar(value))
		}
		return true
	})
	if length > maxEvidence {
		return fault.EvidenceTooLong(maxEvidence)
	}
	enhanced := evidence.At("enhanced_evidence")
	if enhanced == nil {
		return nil
	}
	for _, f := range enhanced.Fields {
		if !slices.Contains(dp.EnhancedEligibilityTypes, f.Name) {
			return fault.NotEligible(f.Name)
		}
	}
	prior := enhanced.At("visa_compelling_evidence_3", "prior_undisputed_transactions")
	if prior == nil {
		return nil
	}
	for _, p := range prior.Items {
		if _, err := payment.Charges.Find(c, p.Str("charge"), "evidence[enhanced_evidence][visa_compelling_evidence_3][prior_undisputed_transactions][charge]"); err != nil {
			return err
		}
	}
	return nil
}
