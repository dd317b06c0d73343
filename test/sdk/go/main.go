// Command go runs the official Go SDK, unmodified, against a running florin.
//
//	florin serve --ready-file ready.json &
//	go run . ready.json
//
// Only the base URL and the certificate authority are florin's. Each scenario prints "ok NAME" or "FAIL NAME why"; the exit code is 1 if any
// failed. The same scenarios, in the same order and under the same names, stand in ../node/main.mjs and ../python/main.py.
//
// It is a module of its own, so that florin does not depend on the SDK.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v86"
	"github.com/stripe/stripe-go/v86/webhook"
)

const returnURL = "https://shop.example/return?order=42"

var (
	ready struct {
		HTTPS     string `json:"https"`
		CA        string `json:"ca"`
		SecretKey string `json:"secret_key"`
	}
	httpClient *http.Client
	sc         *stripe.Client
	ctx        = context.Background()
)

var scenarios = []struct {
	name string
	run  func()
}{
	{"pay", pay},
	{"decline", decline},
	{"3ds", threeDSecure},
	{"3ds-fail", threeDSecureFail},
	{"manual-capture", manualCapture},
	{"refund", refund},
	{"list", listPages},
	{"search", search},
	{"expand", expand},
	{"idempotency", idempotency},
	{"webhook", receiveWebhook},
	{"subscription", subscription},
	{"errors", refusals},
}

func main() {
	must(json.Unmarshal(value(os.ReadFile(os.Args[1])), &ready))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(value(os.ReadFile(ready.CA)))
	httpClient = &http.Client{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true},
		Timeout:   30 * time.Second,
	}
	sc = newClient(ready.SecretKey)

	failed := 0
	for _, s := range scenarios {
		if why := try(s.run); why != "" {
			failed++
			fmt.Println("FAIL", s.name, why)
			continue
		}
		fmt.Println("ok", s.name)
	}
	fmt.Printf("go stripe %s, %s: %d passed, %d failed\n", stripe.ClientVersion, stripe.APIVersion, len(scenarios)-failed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}

func newClient(key string) *stripe.Client {
	return stripe.NewClient(key, stripe.WithBackends(stripe.NewBackendsWithConfig(&stripe.BackendConfig{
		URL:           stripe.String(ready.HTTPS),
		HTTPClient:    httpClient,
		LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull}, // it would log each refusal that a scenario asks for
	})))
}

// Scenarios.

func pay() {
	intent := value(sc.V1PaymentIntents.Create(ctx, &stripe.PaymentIntentCreateParams{
		Amount:   stripe.Int64(2000),
		Currency: stripe.String("usd"),
	}))
	expect("status before", intent.Status, stripe.PaymentIntentStatusRequiresPaymentMethod)
	intent = value(sc.V1PaymentIntents.Confirm(ctx, intent.ID, &stripe.PaymentIntentConfirmParams{
		PaymentMethod: stripe.String("pm_card_visa"),
		ReturnURL:     stripe.String(returnURL),
	}))
	expect("status", intent.Status, stripe.PaymentIntentStatusSucceeded)
	expect("amount_received", intent.AmountReceived, int64(2000))
	charge := value(sc.V1Charges.Retrieve(ctx, intent.LatestCharge.ID, nil))
	expect("charge.paid", charge.Paid, true)
	expect("charge.payment_intent", charge.PaymentIntent.ID, intent.ID)
	expect("card brand", string(charge.PaymentMethodDetails.Card.Brand), "visa")
	expect("card last4", charge.PaymentMethodDetails.Card.Last4, "4242")
}

func decline() {
	_, err := sc.V1PaymentIntents.Create(ctx, cardPayment(1000, "pm_card_visa_chargeDeclinedInsufficientFunds"))
	e := refused(err, stripe.ErrorTypeCard)
	expect("http status", e.HTTPStatusCode, 402)
	expect("code", e.Code, stripe.ErrorCodeCardDeclined)
	expect("decline_code", e.DeclineCode, stripe.DeclineCode("insufficient_funds"))
	expect("message", e.Msg, "Your card has insufficient funds.")
	kept := value(sc.V1PaymentIntents.Retrieve(ctx, e.PaymentIntent.ID, nil))
	expect("the intent's status", kept.Status, stripe.PaymentIntentStatusRequiresPaymentMethod)
	expect("last_payment_error.code", kept.LastPaymentError.Code, stripe.ErrorCodeCardDeclined)
	expect("the failed charge", value(sc.V1Charges.Retrieve(ctx, kept.LatestCharge.ID, nil)).Status, stripe.ChargeStatusFailed)
}

func threeDSecure() {
	intent := authenticate("complete", "succeeded")
	expect("status", intent.Status, stripe.PaymentIntentStatusSucceeded)
	expect("amount_received", intent.AmountReceived, int64(3000))
}

func threeDSecureFail() {
	intent := authenticate("fail", "failed")
	expect("status", intent.Status, stripe.PaymentIntentStatusRequiresPaymentMethod)
	expect("last_payment_error.code", intent.LastPaymentError.Code, stripe.ErrorCodePaymentIntentAuthenticationFailure)
}

func manualCapture() {
	params := cardPayment(5000, "pm_card_visa")
	params.CaptureMethod = stripe.String("manual")
	intent := value(sc.V1PaymentIntents.Create(ctx, params))
	expect("status", intent.Status, stripe.PaymentIntentStatusRequiresCapture)
	expect("amount_capturable", intent.AmountCapturable, int64(5000))
	intent = value(sc.V1PaymentIntents.Capture(ctx, intent.ID, &stripe.PaymentIntentCaptureParams{AmountToCapture: stripe.Int64(3200)}))
	expect("status", intent.Status, stripe.PaymentIntentStatusSucceeded)
	expect("amount_received", intent.AmountReceived, int64(3200))
	expect("amount_capturable", intent.AmountCapturable, int64(0))
	expect("charge.amount_captured", value(sc.V1Charges.Retrieve(ctx, intent.LatestCharge.ID, nil)).AmountCaptured, int64(3200))
}

func refund() {
	intent := value(sc.V1PaymentIntents.Create(ctx, cardPayment(1000, "pm_card_visa")))
	_, err := sc.V1Refunds.Create(ctx, &stripe.RefundCreateParams{PaymentIntent: &intent.ID, Amount: stripe.Int64(1100)})
	over := refused(err, stripe.ErrorTypeInvalidRequest)
	expect("param", over.Param, "amount")
	expect("message", over.Msg, "Refund amount ($11.00) is greater than charge amount ($10.00)")

	part := value(sc.V1Refunds.Create(ctx, &stripe.RefundCreateParams{PaymentIntent: &intent.ID, Amount: stripe.Int64(300)}))
	expect("the first refund", part.Amount, int64(300))
	expect("the first refund's status", part.Status, stripe.RefundStatusSucceeded)
	charge := value(sc.V1Charges.Retrieve(ctx, intent.LatestCharge.ID, nil))
	expect("amount_refunded", charge.AmountRefunded, int64(300))
	expect("refunded", charge.Refunded, false)
	rest := value(sc.V1Refunds.Create(ctx, &stripe.RefundCreateParams{PaymentIntent: &intent.ID}))
	expect("the second refund", rest.Amount, int64(700))
	charge = value(sc.V1Charges.Retrieve(ctx, intent.LatestCharge.ID, nil))
	expect("amount_refunded", charge.AmountRefunded, int64(1000))
	expect("refunded", charge.Refunded, true)
	_, err = sc.V1Refunds.Create(ctx, &stripe.RefundCreateParams{PaymentIntent: &intent.ID})
	expect("code", refused(err, stripe.ErrorTypeInvalidRequest).Code, stripe.ErrorCodeChargeAlreadyRefunded)
}

func listPages() {
	email := unique() + "@example.com"
	var made, all []string
	for n := range 11 {
		c := value(sc.V1Customers.Create(ctx, &stripe.CustomerCreateParams{Email: &email, Name: stripe.String(fmt.Sprint("Number ", n))}))
		made = append(made, c.ID)
	}
	slices.Reverse(made)
	params := &stripe.CustomerListParams{Email: &email}
	params.Limit = stripe.Int64(3)
	page := sc.V1Customers.List(ctx, params)
	expect("the first page", len(page.Data()), 3)
	expect("has_more", page.Meta().HasMore, true)
	for c, err := range page.All(ctx) {
		must(err)
		all = append(all, c.ID)
	}
	expect("all pages, newest first", all, made)
}

func search() {
	mark := unique()
	customer := value(sc.V1Customers.Create(ctx, &stripe.CustomerCreateParams{
		Email:    stripe.String(mark + "@example.com"),
		Metadata: map[string]string{"order": mark},
	}))
	customers := func(query string) (ids []string) {
		params := &stripe.CustomerSearchParams{}
		params.Query = query
		for c, err := range sc.V1Customers.Search(ctx, params).All(ctx) {
			must(err)
			ids = append(ids, c.ID)
		}
		return ids
	}
	expect("customers by email", customers("email:'"+mark+"@example.com'"), []string{customer.ID})
	expect("customers by metadata", customers("metadata['order']:'"+mark+"'"), []string{customer.ID})

	var made, all []string
	for n := range int64(3) {
		made = append(made, value(sc.V1PaymentIntents.Create(ctx, &stripe.PaymentIntentCreateParams{
			Amount:   stripe.Int64(1000 + n),
			Currency: stripe.String("usd"),
			Metadata: map[string]string{"order": mark},
		})).ID)
	}
	params := &stripe.PaymentIntentSearchParams{}
	params.Query = "metadata['order']:'" + mark + "' AND status:'requires_payment_method'"
	params.Limit = stripe.Int64(2)
	for intent, err := range sc.V1PaymentIntents.Search(ctx, params).All(ctx) {
		must(err)
		all = append(all, intent.ID)
	}
	slices.Sort(made)
	slices.Sort(all)
	expect("intents by metadata, all pages", all, made)
}

func expand() {
	customer := value(sc.V1Customers.Create(ctx, &stripe.CustomerCreateParams{Name: stripe.String("Jenny Rosen")}))
	params := cardPayment(1000, "pm_card_visa")
	params.Customer = &customer.ID
	params.CaptureMethod = stripe.String("automatic")
	params.AddExpand("latest_charge.balance_transaction")
	params.AddExpand("customer")
	intent := value(sc.V1PaymentIntents.Create(ctx, params))
	expect("customer.name", intent.Customer.Name, "Jenny Rosen")
	moved := intent.LatestCharge.BalanceTransaction
	expect("the balance transaction", []int64{moved.Amount, moved.Fee, moved.Net}, []int64{1000, 59, 941})
	intent = value(sc.V1PaymentIntents.Retrieve(ctx, intent.ID, nil))
	expect("customer, not expanded", *intent.Customer, stripe.Customer{ID: customer.ID})
}

func idempotency() {
	key := unique()
	create := func(name string) (*stripe.Customer, error) {
		params := &stripe.CustomerCreateParams{Name: &name}
		params.SetIdempotencyKey(key)
		return sc.V1Customers.Create(ctx, params)
	}
	first, again := value(create("Once")), value(create("Once"))
	expect("the id", again.ID, first.ID)
	expect("Idempotent-Replayed", again.LastResponse.Header.Get("Idempotent-Replayed"), "true")
	_, err := create("Twice")
	expect("http status", refused(err, stripe.ErrorTypeIdempotency).HTTPStatusCode, 400)
}

func receiveWebhook() {
	type delivery struct {
		body      []byte
		signature string
	}
	received := make(chan delivery, 16)
	merchant := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err == nil {
			received <- delivery{body, r.Header.Get("Stripe-Signature")}
		}
	}))
	defer merchant.Close()
	endpoint := value(sc.V1WebhookEndpoints.Create(ctx, &stripe.WebhookEndpointCreateParams{
		URL:           stripe.String(merchant.URL + "/hook"),
		EnabledEvents: stripe.StringSlice([]string{"payment_intent.succeeded"}),
	}))
	defer func() { value(sc.V1WebhookEndpoints.Delete(ctx, endpoint.ID, nil)) }()

	intent := value(sc.V1PaymentIntents.Create(ctx, cardPayment(1500, "pm_card_visa")))
	var got delivery
	select {
	case got = <-received:
	case <-time.After(20 * time.Second):
		panic(failure("no webhook came within 20 s"))
	}
	event := value(webhook.ConstructEvent(got.body, got.signature, endpoint.Secret))
	expect("type", event.Type, stripe.EventTypePaymentIntentSucceeded)
	var object stripe.PaymentIntent
	must(json.Unmarshal(event.Data.Raw, &object))
	expect("data.object.id", object.ID, intent.ID)
	expect("data.object.amount_received", object.AmountReceived, int64(1500))
	expect("the event, retrieved", value(sc.V1Events.Retrieve(ctx, event.ID, nil)).ID, event.ID)

	tampered := bytes.ReplaceAll(got.body, []byte("1500"), []byte("9500"))
	_, err := webhook.ConstructEvent(tampered, got.signature, endpoint.Secret)
	expect("a tampered body", err, webhook.ErrNoValidSignature)
	_, err = webhook.ConstructEvent(got.body, got.signature, "whsec_another")
	expect("another secret", err, webhook.ErrNoValidSignature)
}

func refusals() {
	_, err := newClient("sk_test_"+strings.Repeat("0", 24)).V1Balance.Retrieve(ctx, nil)
	expect("http status", refused(err, stripe.ErrorTypeInvalidRequest).HTTPStatusCode, 401) // this SDK has no class for it
	_, err = sc.V1Customers.Retrieve(ctx, "cus_missing", nil)
	e := refused(err, stripe.ErrorTypeInvalidRequest)
	expect("a missing customer", []any{e.HTTPStatusCode, e.Code, e.Param}, []any{404, stripe.ErrorCodeResourceMissing, "id"})
	expect("message", e.Msg, "No such customer: 'cus_missing'")
	_, err = sc.V1PaymentIntents.Create(ctx, &stripe.PaymentIntentCreateParams{Amount: stripe.Int64(1000)})
	e = refused(err, stripe.ErrorTypeInvalidRequest)
	expect("a missing parameter", []any{e.HTTPStatusCode, e.Code, e.Param}, []any{400, stripe.ErrorCodeParameterMissing, "currency"})
}

// What the scenarios share.

func cardPayment(amount int64, method string) *stripe.PaymentIntentCreateParams {
	return &stripe.PaymentIntentCreateParams{
		Amount:        &amount,
		Currency:      stripe.String("usd"),
		PaymentMethod: &method,
		Confirm:       stripe.Bool(true),
		AutomaticPaymentMethods: &stripe.PaymentIntentCreateAutomaticPaymentMethodsParams{
			Enabled:        stripe.Bool(true),
			AllowRedirects: stripe.String("never"),
		},
	}
}

// authenticate pays with a card that needs 3D Secure, makes the choice on its page, and returns the intent as it then stands.
func authenticate(choice, outcome string) *stripe.PaymentIntent {
	intent := value(sc.V1PaymentIntents.Create(ctx, &stripe.PaymentIntentCreateParams{
		Amount:        stripe.Int64(3000),
		Currency:      stripe.String("usd"),
		PaymentMethod: stripe.String("pm_card_authenticationRequired"),
		Confirm:       stripe.Bool(true),
		ReturnURL:     stripe.String(returnURL),
	}))
	expect("status", intent.Status, stripe.PaymentIntentStatusRequiresAction)
	expect("next_action.type", intent.NextAction.Type, stripe.PaymentIntentNextActionTypeRedirectToURL)
	back := value(url.Parse(submit(intent.NextAction.RedirectToURL.URL, choice)))
	expect("the query of the return", back.Query(), url.Values{
		"order":                        {"42"},
		"payment_intent":               {intent.ID},
		"payment_intent_client_secret": {intent.ClientSecret},
		"redirect_status":              {outcome},
	})
	return value(sc.V1PaymentIntents.Retrieve(ctx, intent.ID, nil))
}

// submit does what a person does on a hosted page: opens it, presses the button, and follows redirects until the shop's return URL.
func submit(page, choice string) string {
	browser := *httpClient
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

	at := value(url.Parse(page))
	answer := value(browser.Get(page))
	body := string(value(io.ReadAll(answer.Body)))
	answer.Body.Close()
	expect("the status of "+page, answer.StatusCode, 200)

	action, fields := press(body, choice)
	at = value(at.Parse(action))
	answer = value(browser.PostForm(at.String(), fields))
	for range 5 {
		answer.Body.Close()
		if answer.StatusCode != http.StatusFound && answer.StatusCode != http.StatusSeeOther {
			panic(failure(fmt.Sprintf("%s answered %d, not a redirect to the shop", at, answer.StatusCode)))
		}
		at = value(at.Parse(answer.Header.Get("Location")))
		if strings.HasPrefix(at.String(), returnURL) {
			return at.String()
		}
		answer = value(browser.Get(at.String()))
	}
	panic(failure("the page redirects without an end"))
}

var (
	tags       = regexp.MustCompile(`(?i)<(form|input|button)\b([^>]*)>`)
	attributes = regexp.MustCompile(`(?i)([a-z-]+)(?:="([^"]*)")?`)
)

// press finds the form that has a button of this name or value, and returns where the form goes and what the button sends.
func press(page, choice string) (action string, fields url.Values) {
	for _, tag := range tags.FindAllStringSubmatch(page, -1) {
		a := map[string]string{}
		for _, m := range attributes.FindAllStringSubmatch(tag[2], -1) {
			a[strings.ToLower(m[1])] = html.UnescapeString(m[2])
		}
		switch kind := strings.ToLower(tag[1]); {
		case kind == "form":
			action, fields = a["action"], url.Values{}
		case fields == nil: // in no form
		case kind == "input" && a["type"] != "submit":
			fields.Add(a["name"], a["value"])
		case a["name"] == choice || a["value"] == choice:
			if a["name"] != "" {
				fields.Add(a["name"], a["value"])
			}
			if a["formaction"] != "" {
				action = a["formaction"]
			}
			return action, fields
		}
	}
	panic(failure("the page has no button named " + choice))
}

// subscription lets a month pass on a test clock: the renewal is a draft at the end of the period, and paid an hour later.
func subscription() {
	const january, february = int64(1893456000), int64(1896134400) // 2030
	clock := value(sc.V1TestHelpersTestClocks.Create(ctx, &stripe.TestHelpersTestClockCreateParams{FrozenTime: stripe.Int64(january)}))
	customer := value(sc.V1Customers.Create(ctx, &stripe.CustomerCreateParams{
		TestClock: &clock.ID, PaymentMethod: stripe.String("pm_card_visa"),
		InvoiceSettings: &stripe.CustomerCreateInvoiceSettingsParams{DefaultPaymentMethod: stripe.String("pm_card_visa")},
	}))
	price := value(sc.V1Prices.Create(ctx, &stripe.PriceCreateParams{
		Currency: stripe.String("usd"), UnitAmount: stripe.Int64(1500),
		Recurring:   &stripe.PriceCreateRecurringParams{Interval: stripe.String("month")},
		ProductData: &stripe.PriceCreateProductDataParams{Name: stripe.String("Gold")},
	}))
	params := &stripe.SubscriptionCreateParams{
		Customer: &customer.ID, Items: []*stripe.SubscriptionCreateItemParams{{Price: &price.ID, Quantity: stripe.Int64(2)}},
	}
	params.AddExpand("latest_invoice.payments")
	sub := value(sc.V1Subscriptions.Create(ctx, params))
	expect("status", sub.Status, stripe.SubscriptionStatusActive)
	expect("the period", sub.Items.Data[0].CurrentPeriodEnd, february)
	expect("the invoice", []any{sub.LatestInvoice.Status, sub.LatestInvoice.AmountPaid}, []any{stripe.InvoiceStatusPaid, int64(3000)})
	expect("the payment", sub.LatestInvoice.Payments.Data[0].AmountPaid, int64(3000))

	value(sc.V1TestHelpersTestClocks.Advance(ctx, clock.ID, &stripe.TestHelpersTestClockAdvanceParams{FrozenTime: stripe.Int64(february + 3600)}))
	for clock.FrozenTime != february+3600 {
		time.Sleep(20 * time.Millisecond)
		clock = value(sc.V1TestHelpersTestClocks.Retrieve(ctx, clock.ID, nil))
	}
	var renewal *stripe.Invoice
	for invoice, err := range sc.V1Invoices.List(ctx, &stripe.InvoiceListParams{Subscription: &sub.ID}).All(ctx) {
		must(err)
		renewal = invoice
		break
	}
	expect("the renewal", []any{renewal.BillingReason, renewal.Status, renewal.AmountPaid}, []any{stripe.InvoiceBillingReasonSubscriptionCycle, stripe.InvoiceStatusPaid, int64(3000)})
	expect("when", renewal.StatusTransitions.PaidAt, february+3600)
	value(sc.V1TestHelpersTestClocks.Delete(ctx, clock.ID, nil))
}

func unique() string { return "go-" + strings.ToLower(rand.Text()) }

// A failure is why a scenario failed. Scenarios panic with it, so that they read as a list.
type failure string

// try runs a scenario and returns why it failed, with the line, or nothing.
func try(run func()) (why string) {
	defer func() {
		if r := recover(); r != nil {
			why = fmt.Sprintf("line %d: %v", scenarioLine(), r)
			why = strings.Join(strings.Fields(why), " ")
		}
	}()
	run()
	return ""
}

// scenarioLine is the line of the scenario that panics: of the function called by try.
func scenarioLine() int {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	line := 0
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, ".try") || !more {
			return line
		}
		line = frame.Line
	}
}

func expect(what string, got, want any) {
	if !reflect.DeepEqual(got, want) {
		panic(failure(fmt.Sprintf("%s is %#v, want %#v", what, got, want)))
	}
}

// refused returns the Stripe error of this type that the call must have answered.
func refused(err error, kind stripe.ErrorType) *stripe.Error {
	var e *stripe.Error
	if !errors.As(err, &e) || e.Type != kind {
		panic(failure(fmt.Sprintf("the error is %v, want a %s", err, kind)))
	}
	return e
}

func must(err error) {
	if err != nil {
		panic(failure(err.Error()))
	}
}

func value[T any](v T, err error) T {
	must(err)
	return v
}
