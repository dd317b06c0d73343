// Drive goes through florin's pages in headless Chromium as people do who use only a keyboard or a screen reader, and looks at every request
// that the browser makes. It prints `ok NAME` for each scenario that passes, and leaves screenshots in a folder.
//
//	drive CHROMIUM READY-FILE SCREENSHOTS AXE JAPAN
//
// AXE is axe.min.js of axe-core, which finds what keeps people from using a page. JAPAN is the secret test key of an account in Japan.
//
// It is a module of its own so that florin does not depend on the driver, chromedp.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// The window of somebody at a desk, in CSS pixels.
const wide, high = 900, 760

// limit is how long a scenario may take.
const limit = time.Minute

var scenarios = []struct {
	name string
	run  func(*browser) error
}{
	{"complete", complete},
	{"fail", fail},
	{"close-window", closeWindow},
	{"over", over},
	{"unknown", unknown},
	{"receipt", receipt},
	{"authorize", authorize},
	{"refuse", refuse},
	{"canceled", canceled},
	{"scan", scan},
	{"save", save},
	{"voucher", voucher},
	{"voucher-expires", voucherExpires},
	{"konbini", konbini},
	{"transfer", transfer},
	{"deposit-code", depositCode},
	{"deposit-amounts", depositAmounts},
	{"deposit-setup", depositSetup},
	{"deposit-too-often", depositTooOften},
	{"mandate", mandate},
	{"checkout", checkout},
	{"checkout-asks", checkoutAsks},
	{"checkout-saves", checkoutSaves},
}

func main() {
	if len(os.Args) != 6 {
		fmt.Fprintln(os.Stderr, "usage: drive CHROMIUM READY-FILE SCREENSHOTS AXE JAPAN")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(chromium, readyFile, shots, axeFile, japan string) error {
	text, err := os.ReadFile(readyFile)
	if err != nil {
		return err
	}
	var ready struct {
		HTTP      string `json:"http"`
		Account   string `json:"account"`
		SecretKey string `json:"secret_key"`
	}
	if err := json.Unmarshal(text, &ready); err != nil {
		return err
	}
	axe, err := os.ReadFile(axeFile)
	if err != nil {
		return err
	}
	profile, err := os.MkdirTemp("", "florin-browser-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(profile)

	// Chromium is to ask nobody for anything of its own accord.
	ctx, stop := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(chromium), chromedp.UserDataDir(profile), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.WindowSize(wide, high))
	defer stop()
	ctx, stop = chromedp.NewContext(ctx)
	defer stop()
	if err := chromedp.Do(ctx); err != nil {
		return fmt.Errorf("start %s: %w", chromium, err)
	}

	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "<!DOCTYPE html><title>Shop</title><h1>%s</h1>", r.URL.Query().Get("redirect_status"))
	}))
	defer shop.Close()

	var failed error
	for _, s := range scenarios {
		b := &browser{base: ready.HTTP, account: ready.Account, key: ready.SecretKey, japan: japan, shop: shop.URL, shots: shots, axe: string(axe)}
		if err := b.do(ctx, s.run); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.name, err))
			continue
		}
		fmt.Println("ok " + s.name)
	}
	return failed
}

// A browser is one tab, which opens pages of one server, and comes back to one shop.
type browser struct {
	context.Context
	base, account, key string
	japan              string // the key of another account
	shop, shots        string
	axe                string // the program

	mu    sync.Mutex
	wrong []string // requests to elsewhere, and what the browser complained of
}

// do runs a scenario in a tab of its own.
func (b *browser) do(ctx context.Context, scenario func(*browser) error) error {
	ctx, closeTab := chromedp.NewContext(ctx)
	defer closeTab()
	if err := chromedp.Listen(ctx, b.listen); err != nil { // opens the tab, which must not end with the time limit
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	b.Context = ctx
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		return err
	}
	if _, err := chromedp.Call(ctx, log.Enable, cdp.Empty{}); err != nil {
		return err
	}
	if err := scenario(b); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.wrong) > 0 {
		return fmt.Errorf("the browser went elsewhere or complained:\n%s", strings.Join(b.wrong, "\n"))
	}
	return nil
}

func (b *browser) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, b.base) && !strings.HasPrefix(u, b.shop) && u != "about:blank" {
			b.wrong = append(b.wrong, "request: "+u)
		}
	case *log.EventEntryAdded:
		if e.Entry.Source == log.EntrySourceSecurity || e.Entry.Source == log.EntrySourceViolation || strings.Contains(e.Entry.Text, "Content Security") {
			b.wrong = append(b.wrong, "complaint: "+e.Entry.Text)
		}
	}
}

func (b *browser) run(steps ...chromedp.Action[chromedp.Void]) error { return chromedp.Do(b, steps...) }

// complete authenticates with the first button: Tab, Enter.
func complete(b *browser) error {
	pi, err := b.intent(b.shop + "/thanks?order=42#top")
	if err != nil {
		return err
	}
	if err := b.open(b.hosted(pi)); err != nil {
		return err
	}
	if err := errors.Join(
		b.reads("heading", "Authenticate your payment"), b.reads("button", "Complete authentication"), b.reads("button", "Fail authentication"),
		b.pleasant("challenge"), b.tab("complete"), b.shot("challenge-focus"),
	); err != nil {
		return err
	}
	return b.arrive(pi, kb.Enter, "succeeded", "succeeded")
}

// fail refuses with the second button: Tab, Tab, Space.
func fail(b *browser) error {
	pi, err := b.intent(b.shop + "/thanks?order=42#top")
	if err != nil {
		return err
	}
	if err := b.open(b.hosted(pi)); err != nil {
		return err
	}
	if err := errors.Join(b.tab("complete"), b.tab("fail")); err != nil {
		return err
	}
	return b.arrive(pi, " ", "failed", "requires_payment_method")
}

// closeWindow authenticates where there is no shop to go back to, and opens the page again.
func closeWindow(b *browser) error {
	pi, err := b.intent("")
	if err != nil {
		return err
	}
	to := b.hosted(pi)
	if err := errors.Join(b.open(to), b.tab("complete"), b.press(kb.Enter, "/complete"), b.reads("heading", "Authentication complete"), b.pleasant("done")); err != nil {
		return err
	}
	return errors.Join(b.stands(pi, "succeeded"), b.open(to), b.reads("heading", "This payment needs no authentication"))
}

// over opens the page of a payment that is over: it leads to the shop.
func over(b *browser) error {
	pi, err := b.intent(b.shop + "/thanks?order=42#top")
	if err != nil {
		return err
	}
	if _, err := b.api("POST", "/v1/payment_intents/"+pi.text("id")+"/cancel", nil); err != nil {
		return err
	}
	return errors.Join(b.open(b.hosted(pi)), b.landed(pi, "failed"))
}

// unknown opens a page that is not there.
func unknown(b *browser) error {
	return errors.Join(b.open(b.base+"/3d_secure_2/hosted?merchant=acct_1"), b.reads("heading", "This link does not lead to a payment"), b.pleasant("unknown"))
}

// receipt opens the receipt of a payment, part of which was given back.
func receipt(b *browser) error {
	pi, err := b.api("POST", "/v1/payment_intents", url.Values{
		"amount": {"123456"}, "currency": {"eur"}, "payment_method": {"pm_card_mastercard"}, "confirm": {"true"}, "payment_method_types[]": {"card"},
		"description": {"Two chairs and a table, oak"},
	})
	if err != nil {
		return err
	}
	charge := pi.text("latest_charge")
	if _, err := b.api("POST", "/v1/refunds", url.Values{"charge": {charge}, "amount": {"23456"}}); err != nil {
		return err
	}
	ch, err := b.api("GET", "/v1/charges/"+charge, nil)
	if err != nil {
		return err
	}
	return errors.Join(b.open(ch.text("receipt_url")), b.reads("heading", "Refunds"), b.reads("StaticText", "Partly refunded"), b.pleasant("receipt"))
}

// open opens a page.
func (b *browser) open(to string) error {
	if to == "" {
		return errors.New("there is no URL to open")
	}
	return b.run(chromedp.Navigate(to), chromedp.WaitReady("h1"))
}

// tab presses the Tab key, and looks whether that leads to the button of this value.
func (b *browser) tab(value string) error {
	if err := b.run(chromedp.KeyEvent(kb.Tab)); err != nil {
		return err
	}
	at, err := chromedp.Run(b, chromedp.Evaluate[string](`document.activeElement.value || document.activeElement.tagName`))
	if err != nil {
		return err
	}
	if at != value {
		return fmt.Errorf("the Tab key leads to %q, not to the button %q", at, value)
	}
	return nil
}

// press presses a key that leads to another page, and waits for it.
func (b *browser) press(key, address string) error {
	if err := b.run(chromedp.KeyEvent(key)); err != nil {
		return err
	}
	for {
		at, err := chromedp.Run(b, chromedp.Location())
		if err != nil {
			return fmt.Errorf("waiting for %s: %w", address, err)
		}
		if strings.Contains(at, address) {
			return b.run(chromedp.WaitReady("h1"))
		}
		if err := b.run(chromedp.Sleep(20 * time.Millisecond)); err != nil {
			return fmt.Errorf("at %s, waiting for %s: %w", at, address, err)
		}
	}
}

// arrive presses a key, and looks at what the shop is told and at how the intent stands.
func (b *browser) arrive(pi object, key, told, status string) error {
	return errors.Join(b.press(key, b.shop), b.landed(pi, told), b.stands(pi, status))
}

// landed looks whether the browser is in the shop, with what the shop is to be told.
func (b *browser) landed(pi object, told string) error {
	at, err := chromedp.Run(b, chromedp.Location())
	if err != nil {
		return err
	}
	want := b.shop + "/thanks?order=42&payment_intent=" + pi.text("id") + "&payment_intent_client_secret=" + pi.text("client_secret") + "&redirect_status=" + told + "#top"
	if at != want {
		return fmt.Errorf("the browser is at %s, want %s", at, want)
	}
	return nil
}

// reads looks whether a screen reader finds something of this role with this name.
func (b *browser) reads(role, name string) error {
	tree, err := chromedp.Call(b, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		return err
	}
	var found []string
	for _, n := range tree.Nodes {
		if !n.Ignored && n.Role != nil && n.Name != nil {
			found = append(found, axText(n.Role)+" "+axText(n.Name))
		}
	}
	for _, f := range found {
		if f == role+" "+name {
			return nil
		}
	}
	return fmt.Errorf("a screen reader finds no %s %q, only\n%s", role, name, strings.Join(found, "\n"))
}

func axText(v *accessibility.Value) string {
	var text string
	if json.Unmarshal(v.Value, &text) != nil {
		return ""
	}
	return text
}

// An object of the API.
type object map[string]any

func (o object) text(path ...string) string {
	var v any = map[string]any(o)
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	s, _ := v.(string)
	return s
}

// intent makes a payment intent that waits for the cardholder.
func (b *browser) intent(returnURL string) (object, error) {
	params := url.Values{
		"amount": {"3000"}, "currency": {"usd"}, "payment_method": {"pm_card_authenticationRequired"}, "confirm": {"true"}, "payment_method_types[]": {"card"},
	}
	if returnURL != "" {
		params.Set("return_url", returnURL)
	}
	return b.api("POST", "/v1/payment_intents", params)
}

// hosted is the URL of an intent's page: as it says, or made of the challenge that Stripe.js is told of.
func (b *browser) hosted(pi object) string {
	if to := pi.text("next_action", "redirect_to_url", "url"); to != "" {
		return to
	}
	q := url.Values{
		"merchant": {b.account}, "payment_intent": {pi.text("id")}, "payment_intent_client_secret": {pi.text("client_secret")},
		"source": {pi.text("next_action", "use_stripe_sdk", "three_d_secure_2_source")},
	}
	return b.base + "/3d_secure_2/hosted?" + q.Encode()
}

// stands looks at the status of an intent.
func (b *browser) stands(pi object, status string) error {
	now, err := b.api("GET", "/v1/payment_intents/"+pi.text("id"), nil)
	if err == nil && now.text("status") != status {
		err = fmt.Errorf("the intent is %s, want %s", now.text("status"), status)
	}
	return err
}

func (b *browser) api(method, path string, params url.Values) (object, error) {
	r, err := http.NewRequestWithContext(b, method, b.base+path, strings.NewReader(params.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer "+b.key)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	var o object
	if err := json.Unmarshal(body, &o); err != nil || answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s %s: %s\n%s", method, path, answer.Status, body)
	}
	return o, nil
}
