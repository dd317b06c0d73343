// Package page is what people see in a browser: in test mode the pages where a customer authenticates, authorizes, pays a voucher or verifies a bank
// account; and receipts.
//
// The pages are plain HTML from templates that are built in. They need no JavaScript, load nothing from anywhere (the style is in the page, and
// the content security policy names it by its hash), and work with a keyboard, a screen reader and a narrow window. Programs use them too: a
// test reads the form, and sends what its button would (challenge.go).
//
// A page has no session. Who may see it is decided by what its URL holds: the client secret of an intent, the receipt URL of a charge.
package page

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/payment"
	"florin/internal/domain/setup"
	"florin/internal/money"
	"florin/internal/store"
	"florin/internal/testcard"
)

//go:embed html
var files embed.FS

var (
	style     = mustRead("html/style.css")
	templates = template.Must(template.New("").Funcs(template.FuncMap{
		"style": func() template.CSS { return template.CSS(style) },
	}).ParseFS(files, "html/*.html"))

	// policy lets a page load nothing but its own style. It has no form-action: browsers hold redirects after a form to it as well, and those
	// go to the shop, which may send the browser on to wherever it likes. Nor can a page be sent elsewhere: its form's action is constant.
	policy = "default-src 'none'; style-src 'sha256-" + hash(style) + "'; base-uri 'none'"
)

func mustRead(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// pages answers requests for pages.
type pages struct {
	app      *api.App
	payments *payment.Domain
	setups   *setup.Domain
}

// New makes the handler of everything under /3d_secure_2/, /receipts/ and MethodPaths.
func New(app *api.App, payments *payment.Domain, setups *setup.Domain) http.Handler {
	p := &pages{app, payments, setups}
	mux := http.NewServeMux()
	handle := func(method, path string, h http.HandlerFunc) {
		mux.HandleFunc(method+" "+path, h)
		allow := method
		if method == http.MethodGet {
			allow = "GET, HEAD"
		}
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Allow", allow)
			p.say(w, http.StatusMethodNotAllowed, &notAllowed)
		})
	}
	handle("GET", "/3d_secure_2/hosted", p.challenge)
	handle("POST", "/3d_secure_2/hosted/complete", p.complete)
	handle("GET", "/receipts/payment/{account}/{charge}/{secret}", p.receipt)
	p.methods(handle, func(path string, h http.HandlerFunc) {
		mux.HandleFunc("GET "+path, h)
		mux.HandleFunc("POST "+path, h)
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Allow", "GET, HEAD, POST")
			p.say(w, http.StatusMethodNotAllowed, &notAllowed)
		})
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { p.say(w, http.StatusNotFound, &noPage) })
	return mux
}

// A notice is a page that only says something.
type notice struct {
	Title string
	Words []string
}

var (
	noPage = notice{"There is no such page", []string{
		"The address may be incomplete. Links to this server are long: copy the whole of it, or go back to where you found it.",
	}}
	notAllowed = notice{"This page cannot be used like that", []string{
		"Go back to the shop and start again from there.",
	}}
	broken = notice{"Something went wrong on our side", []string{
		"Nothing was lost. Wait a moment, then load this page again.",
	}}
)

func (p *pages) say(w http.ResponseWriter, status int, n *notice) {
	p.render(w, status, "notice.html", n)
}

// fail answers with a page that tells nothing of an error that is ours, and logs it.
func (p *pages) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		p.app.Log.Error("a page failed", "path", r.URL.Path, "cause", err)
	}
	p.say(w, http.StatusInternalServerError, &broken)
}

func (p *pages) render(w http.ResponseWriter, status int, name string, data any) {
	var page bytes.Buffer
	if err := templates.ExecuteTemplate(&page, name, data); err != nil {
		p.app.Log.Error("a page cannot be rendered", "page", name, "cause", err)
		status = http.StatusInternalServerError
		page.Reset()
		page.WriteString(broken.Title)
	}
	headers(w.Header())
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes()) // a browser that is gone has no use for the error
}

func headers(h http.Header) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // the URL holds a secret
	h.Set("Cache-Control", "no-store")
	h.Set("X-Robots-Tag", "noindex")
}

// account finds the account that a URL names; nil if there is none.
func (p *pages) account(ctx context.Context, id string) (*account.Account, error) {
	var found *account.Account
	err := p.app.Do(ctx, store.System, func(c *api.Call) (err error) {
		found, err = account.Load(c, id)
		return err
	})
	return found, err
}

// merchantName is what customers know an account by.
func merchantName(a *account.Account) string {
	if name := a.Name(); name != "" {
		return name
	}
	if d := a.Settings.Dashboard.DisplayName; d != nil && *d != "" {
		return *d
	}
	if d := a.StatementDescriptor(); d != "" {
		return d
	}
	return a.ID
}

// A card is how a page shows one.
type card struct{ Brand, Last4 string }

func cardOf(brand, last4 string) *card {
	switch name := testcard.LegacyBrand(brand); name {
	case "Unknown":
		return &card{"Card", last4}
	case "MasterCard":
		return &card{"Mastercard", last4} // as it has been written since 2016
	default:
		return &card{name, last4}
	}
}

// An amount is how a page shows one: $20.00 USD, since there are many dollars.
type amount struct{ Number, Code string }

func amountOf(n int64, currency string) amount {
	return amount{money.Format(n, currency), strings.ToUpper(currency)}
}
