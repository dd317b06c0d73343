package methodconfig

import (
	"strings"

	"florin/internal/api"
	"florin/internal/fault"
)

// A PaymentMethodDomain is a name of the web under which a merchant shows wallets. Recorded: it is active at once in test mode; a name that is
// registered twice is one object. unverified: that klarna is, too (it came later than the recordings).
type PaymentMethodDomain struct {
	api.Meta
	AmazonPay  Standing `json:"amazon_pay"`
	ApplePay   Standing `json:"apple_pay"`
	Created    int64    `json:"created"`
	DomainName string   `json:"domain_name"`
	Enabled    bool     `json:"enabled"`
	GooglePay  Standing `json:"google_pay"`
	Klarna     Standing `json:"klarna"`
	Link       Standing `json:"link"`
	Livemode   bool     `json:"livemode"`
	Paypal     Standing `json:"paypal"`
}

// A Standing says whether a wallet may be shown on a domain.
type Standing struct {
	Status        string  `json:"status"` // active or inactive
	StatusDetails *Reason `json:"status_details,omitempty"`
}

// A Reason is why it may not.
type Reason struct {
	ErrorMessage string `json:"error_message"`
}

// Domains is the kind of payment method domains.
var Domains = &api.Kind[PaymentMethodDomain]{
	Name: "payment_method_domain", Prefixes: []string{"pmd"}, Param: "payment_method_domain", Index: []string{"domain_name"},
}

func (d *Domain) domainRoutes(r *api.Router) {
	r.Kind(Domains)
	r.Handle("POST /v1/payment_method_domains", d.createDomain)
	r.Handle("GET /v1/payment_method_domains", Domains.List)
	r.Plain("GET /v1/payment_method_domains/{payment_method_domain}", Domains.Retrieve)
	r.Handle("POST /v1/payment_method_domains/{payment_method_domain}", d.updateDomain)
	r.Handle("POST /v1/payment_method_domains/{payment_method_domain}/validate", d.validateDomain)
}

func (d *Domain) createDomain(c *api.Call) (any, error) {
	name, err := domainName(c)
	if err != nil {
		return nil, err
	}
	var dom *PaymentMethodDomain
	err = Domains.Each(c, "domain_name", name, func(have *PaymentMethodDomain) bool {
		if have.DomainName == name {
			dom = have
		}
		return dom == nil
	})
	if err != nil {
		return nil, err
	}
	if dom == nil {
		dom = Domains.New(c, c.NewID("pmd"))
		dom.Created, dom.DomainName, dom.Livemode, dom.Enabled = c.Now(), name, c.Live(), true
	}
	if c.P.Given("enabled") {
		dom.Enabled = c.P.True("enabled")
	}
	dom.check()
	return dom, c.Save(dom)
}

// check decides where the wallets may be shown. In live mode a wallet's company must agree, which nobody has asked it to.
func (dom *PaymentMethodDomain) check() {
	s := Standing{Status: "active"}
	if dom.Livemode {
		s = Standing{Status: "inactive", StatusDetails: &Reason{"Florin has no agreement with this wallet in live mode."}}
	}
	dom.AmazonPay, dom.ApplePay, dom.GooglePay, dom.Klarna, dom.Link, dom.Paypal = s, s, s, s, s, s
}

func (d *Domain) updateDomain(c *api.Call) (any, error) {
	dom, err := Domains.InPath(c, "payment_method_domain")
	if err != nil {
		return nil, err
	}
	if err := c.Params(dom); err != nil {
		return nil, err
	}
	return dom, c.Save(dom)
}

func (d *Domain) validateDomain(c *api.Call) (any, error) {
	dom, err := Domains.InPath(c, "payment_method_domain")
	if err != nil {
		return nil, err
	}
	dom.check()
	return dom, c.Save(dom)
}

// domainName is the name that is sent, in small letters, if it is one.
func domainName(c *api.Call) (string, error) {
	name := strings.ToLower(c.P.Str("domain_name"))
	ok := len(name) <= 253 && strings.Contains(name, ".") && !strings.HasPrefix(name, ".") && !strings.HasSuffix(name, ".")
	for _, r := range name {
		ok = ok && (r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r > 127)
	}
	if !ok {
		return "", fault.NotDomainName(c.P.Str("domain_name"))
	}
	return name, nil
}

// An ApplePayDomain is the older way to say that Apple Pay may be shown under a name. Recorded: a name that is registered twice is one object.
type ApplePayDomain struct {
	api.Meta
	Created    int64  `json:"created"`
	DomainName string `json:"domain_name"`
	Livemode   bool   `json:"livemode"`
}

// ApplePayDomains is the kind of Apple Pay domains.
var ApplePayDomains = &api.Kind[ApplePayDomain]{
	Name: "apple_pay_domain", Prefixes: []string{"apwc"}, Param: "domain", Index: []string{"domain_name"},
}

func (d *Domain) applePayRoutes(r *api.Router) {
	r.Kind(ApplePayDomains)
	r.Handle("POST /v1/apple_pay/domains", d.createApplePay)
	r.Handle("GET /v1/apple_pay/domains", ApplePayDomains.List)
	r.Plain("GET /v1/apple_pay/domains/{domain}", ApplePayDomains.Retrieve)
	r.Handle("DELETE /v1/apple_pay/domains/{domain}", d.deleteApplePay)
}

func (d *Domain) createApplePay(c *api.Call) (any, error) {
	name, err := domainName(c)
	if err != nil {
		return nil, err
	}
	var dom *ApplePayDomain
	err = ApplePayDomains.Each(c, "domain_name", name, func(have *ApplePayDomain) bool {
		if have.DomainName == name {
			dom = have
		}
		return dom == nil
	})
	if err != nil || dom != nil {
		return dom, err
	}
	dom = ApplePayDomains.New(c, c.NewID("apwc"))
	dom.Created, dom.DomainName, dom.Livemode = c.Now(), name, c.Live()
	return dom, c.Save(dom)
}

func (d *Domain) deleteApplePay(c *api.Call) (any, error) {
	dom, err := ApplePayDomains.InPath(c, "domain")
	if err != nil {
		return nil, err
	}
	return dom, c.Delete(dom)
}
