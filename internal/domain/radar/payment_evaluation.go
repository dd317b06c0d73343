package radar

import (
	"encoding/json"

	"florin/internal/api"
	"florin/internal/domain/customer"
	"florin/internal/domain/paymentmethod"
	"florin/internal/fault"
	"florin/internal/rail"
)

// A PaymentEvaluation is what is thought of a payment that somebody else will process. It is made, shown, and never asked for again: the API has
// no route that would. Known from: the spec; docs.stripe.com/radar/multiprocessor.
type PaymentEvaluation struct {
	api.Meta
	ClientDeviceMetadataDetails *DeviceMetadata   `json:"client_device_metadata_details,omitempty"`
	CreatedAt                   int64             `json:"created_at"`
	CustomerDetails             CustomerDetails   `json:"customer_details"`
	Events                      []json.RawMessage `json:"events"`
	Livemode                    bool              `json:"livemode"`
	Metadata                    map[string]string `json:"metadata"`
	Outcome                     json.RawMessage   `json:"outcome"`
	PaymentDetails              PaymentDetails    `json:"payment_details"`
	RecommendedAction           string            `json:"recommended_action"` // block or continue
	Signals                     Signals           `json:"signals"`
}

// DeviceMetadata names the browser session.
type DeviceMetadata struct {
	RadarSession string `json:"radar_session"`
}

// CustomerDetails say who pays.
type CustomerDetails struct {
	Customer        *string `json:"customer"`
	CustomerAccount *string `json:"customer_account"`
	Email           *string `json:"email"`
	Name            *string `json:"name"`
	Phone           *string `json:"phone"`
}

// PaymentDetails say what is to be paid, and with what.
type PaymentDetails struct {
	Amount               int64          `json:"amount"` // minor units
	Currency             string         `json:"currency"`
	Description          *string        `json:"description"`
	MoneyMovementDetails *MoneyMovement `json:"money_movement_details"`
	PaymentMethodDetails *MethodDetails `json:"payment_method_details"`
	ShippingDetails      *Place         `json:"shipping_details"`
	StatementDescriptor  *string        `json:"statement_descriptor"`
}

// MoneyMovement says what sort of payment it is.
type MoneyMovement struct {
	Card *struct {
		CustomerPresence *string `json:"customer_presence"`
		PaymentType      *string `json:"payment_type"`
	} `json:"card"`
	MoneyMovementType string `json:"money_movement_type"`
}

// MethodDetails name the payment method.
type MethodDetails struct {
	BillingDetails *Billing `json:"billing_details"`
	PaymentMethod  string   `json:"payment_method"`
}

// Billing is who the bill goes to.
type Billing struct {
	Address customer.Address `json:"address"`
	Email   *string          `json:"email"`
	Name    *string          `json:"name"`
	Phone   *string          `json:"phone"`
}

// Place is where goods go.
type Place struct {
	Address customer.Address `json:"address"`
	Name    *string          `json:"name"`
	Phone   *string          `json:"phone"`
}

// Signals are what was found.
type Signals struct {
	FraudulentPayment struct {
		EvaluatedAt int64   `json:"evaluated_at"`
		RiskLevel   string  `json:"risk_level"`
		Score       float64 `json:"score"` // 0 to 100
	} `json:"fraudulent_payment"`
}

// Evaluations is the kind of payment evaluations. unverified: the prefix of their ids.
var Evaluations = &api.Kind[PaymentEvaluation]{Name: "radar.payment_evaluation", Prefixes: []string{"peval"}}

func (d *Domain) evaluationRoutes(r *api.Router) {
	r.Kind(Evaluations)
	r.Handle("POST /v1/radar/payment_evaluations", d.createEvaluation)
}

func (d *Domain) createEvaluation(c *api.Call) (any, error) {
	details := c.P.At("payment_details")
	if details.Num("amount") < 0 {
		return nil, fault.Negative("payment_details[amount]")
	}
	if cus := c.P.At("customer_details").Str("customer"); cus != "" {
		if _, err := customer.Customers.Find(c, cus, "customer_details[customer]"); err != nil {
			return nil, err
		}
	}
	const param = "payment_details[payment_method_details][payment_method]"
	pm, err := d.methods.Resolve(c, details.At("payment_method_details").Str("payment_method"), param)
	if err != nil {
		return nil, err
	}
	if pm.Type != "card" {
		return nil, fault.EvaluationNeedsCard(param)
	}

	e := Evaluations.New(c, c.NewID("peval"))
	e.CreatedAt, e.Livemode, e.Events, e.Metadata = c.Now(), c.Live(), []json.RawMessage{}, map[string]string{}
	if err := c.Params(e); err != nil {
		return nil, err
	}
	e.PaymentDetails.PaymentMethodDetails.PaymentMethod = pm.ID
	risk, err := d.assess(pm, e.ID)
	if err != nil {
		return nil, err
	}
	signal := &e.Signals.FraudulentPayment
	signal.EvaluatedAt, signal.RiskLevel, signal.Score = c.Now(), risk.Level, float64(risk.Score)
	e.RecommendedAction = "continue"
	if risk.Level == "highest" {
		e.RecommendedAction = "block"
	}
	return e, c.Save(e)
}

// assess says what risk there is in a card.
func (d *Domain) assess(pm *paymentmethod.PaymentMethod, lot string) (rail.Risk, error) {
	card, err := d.methods.Card(pm)
	if err != nil {
		return rail.Risk{}, err
	}
	return rail.Assess(&rail.Request{Attempt: lot, Operation: rail.Authorize, Card: card}), nil
}
