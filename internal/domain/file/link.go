package file

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
	"florin/internal/store"
)

// A Link lets everybody who has its URL download a file, until it expires.
type Link struct {
	api.Meta
	Created   int64             `json:"created"`
	Expired   bool              `json:"expired"`    // shown anew at each reading
	ExpiresAt *int64            `json:"expires_at"` // Unix seconds
	File      string            `json:"file"`
	Livemode  bool              `json:"livemode"`
	Metadata  map[string]string `json:"metadata"`
	URL       *string           `json:"url"`
}

// Links is the kind of file links.
var Links = &api.Kind[Link]{
	Name: "file_link", Prefixes: []string{"link"}, Word: "file link", Param: "link", Index: []string{"file"}, View: viewLink,
}

func (d *Domain) linkRoutes(r *api.Router) {
	r.Handle("POST /v1/file_links", d.createLink)
	r.Handle("GET /v1/file_links", d.listLinks)
	r.Plain("GET /v1/file_links/{link}", Links.Retrieve)
	r.Handle("POST /v1/file_links/{link}", d.updateLink)
}

// linkable are the purposes of files that can have links. Known from: the spec.
var linkable = []string{
	"business_icon", "business_logo", "customer_signature", "dispute_evidence", "finance_report_run", "financial_account_statement",
	"identity_document_downloadable", "issuing_regulatory_reporting", "pci_document", "selfie", "sigma_scheduled_query", "tax_document_user_upload",
	"terminal_android_apk", "terminal_reader_splashscreen",
}

// checkLink refuses a link that cannot be.
func (d *Domain) checkLink(c *api.Call, purpose string, p *form.Value, param string) error {
	if !slices.Contains(linkable, purpose) {
		return fault.FileNotLinkable(purpose)
	}
	if p.Given("expires_at") && p.Num("expires_at") <= c.Now() {
		return fault.NotInFuture(param)
	}
	return nil
}

func (d *Domain) createLink(c *api.Call) (any, error) {
	f, err := Files.Find(c, c.P.Str("file"), "file")
	if err != nil {
		return nil, err
	}
	if err := d.checkLink(c, f.Purpose, c.P, "expires_at"); err != nil {
		return nil, err
	}

	l, err := d.newLink(c, f, c.P)
	if err != nil {
		return nil, err
	}
	return l, c.Save(f)
}

// newLink makes a link to a file. The caller saves the file.
func (d *Domain) newLink(c *api.Call, f *File, p *form.Value) (*Link, error) {
	l := Links.New(c, c.NewID("link"))
	l.Created, l.File, l.Livemode, l.Metadata = c.Now(), f.ID, c.Live(), map[string]string{}
	if p.Given("expires_at") {
		at := p.Num("expires_at")
		l.ExpiresAt = &at
	}
	if m := p.Get("metadata"); m != nil {
		if err := api.Bind(l, &form.Value{Kind: form.Object, Fields: []form.Field{{Name: "metadata", Value: m}}}); err != nil {
			return nil, err
		}
	}
	url := c.Base() + Prefix + d.token(c.Who.AccountID, l.ID, c.Live())
	l.URL = &url
	f.Private.Links = append([]string{l.ID}, f.Private.Links...)
	return l, c.Save(l)
}

func (d *Domain) updateLink(c *api.Call) (any, error) {
	l, err := Links.InPath(c, "link")
	if err != nil {
		return nil, err
	}
	if at := c.P.Get("expires_at"); at != nil {
		switch {
		case l.expired(c.Now()):
			return nil, fault.LinkExpired(l.ID)
		case at.Kind == form.Unset:
			l.ExpiresAt = nil
		case at.Text == "now":
			now := c.Now()
			l.ExpiresAt = &now
		case at.Int <= c.Now():
			return nil, fault.NotInFuture("expires_at")
		default:
			l.ExpiresAt = &at.Int
		}
	}
	if err := c.ParamsOnly(l, "metadata"); err != nil {
		return nil, err
	}
	if err := api.MetadataLimit(l.Metadata); err != nil {
		return nil, err
	}
	return l, c.Save(l)
}

func (l *Link) expired(now int64) bool { return l.ExpiresAt != nil && *l.ExpiresAt <= now }

func (d *Domain) listLinks(c *api.Call) (any, error) {
	n := api.Narrow{Skip: []string{"expired"}}
	if want := c.P.Get("expired"); want != nil && want.Kind == form.Bool {
		n.Where = func(body []byte) bool { return expiredBody(body, c.Now()) == (want.Int != 0) }
	}
	return Links.ListOf(c, n)
}

func expiredBody(body []byte, now int64) bool {
	at := jsontext.Text(body, "expires_at")
	var n int64
	_, err := fmt.Sscan(at, &n)
	return err == nil && n <= now
}

var notExpired, isExpired = []byte(`"expired":false`), []byte(`"expired":true`)

// viewLink shows a link whose time has come as expired. The member stands behind the time of its making, before all that a user wrote.
func viewLink(c *api.Call, d *store.Doc) ([]byte, error) {
	if !expiredBody(d.Body, c.Now()) {
		return d.Body, nil
	}
	return bytes.Replace(d.Body, notExpired, isExpired, 1), nil
}

// Prefix is where links are served.
const Prefix = "/links/"

// token is what tells a link in its URL: account, mode and link, and a signature, as Stripe's have them ("MDB8YWNjdF8…").
func (d *Domain) token(account, link string, live bool) string {
	mode := "fl_test_"
	if live {
		mode = "fl_live_"
	}
	plain := "0|" + account + "|" + mode + strings.TrimPrefix(link, "link_")
	return base64.RawURLEncoding.EncodeToString([]byte(plain)) + "00" + d.sign(plain)
}

const signature = 22 // characters

func (d *Domain) sign(plain string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(d.vault.KeyHash("file link " + plain)))[:signature]
}

// ParseToken finds out what a URL names; ok is false if it was not made here.
func (d *Domain) ParseToken(token string) (account, link string, live, ok bool) {
	at := len(token) - signature - 2
	if at < 0 || token[at:at+2] != "00" {
		return "", "", false, false
	}
	b, err := base64.RawURLEncoding.DecodeString(token[:at])
	parts := strings.Split(string(b), "|")
	if err != nil || len(parts) != 3 || d.sign(string(b)) != token[at+2:] {
		return "", "", false, false
	}
	link, live = strings.CutPrefix(parts[2], "fl_live_")
	return parts[1], "link_" + strings.TrimPrefix(link, "fl_test_"), live, true
}

// Linked is what a link leads to; nil if it leads nowhere, or not any more.
func (d *Domain) Linked(c *api.Call, scope store.Scope, link string) (*File, []byte, error) {
	l, err := Links.GetAt(c, scope, link)
	if err != nil || l == nil || l.expired(c.Now()) {
		return nil, nil, err
	}
	return d.Content(c, scope, l.File, false)
}
