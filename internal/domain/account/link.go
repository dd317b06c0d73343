package account

import (
	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/id"
	"florin/internal/jsontext"
)

// A loginLink leads an account's owner into the Express dashboard, once.
type loginLink struct {
	api.Meta `json:"-"`
	Object   string `json:"object"`
	Created  int64  `json:"created"`
	URL      string `json:"url"`
}

func (d *Accounts) linkRoutes(r *api.Router) {
	r.Handle("POST /v1/accounts/{account}/login_links", d.createLoginLink)
}

// createLoginLink makes a link into the Express dashboard. unverified: the form of its url. Florin has no Express dashboard: it leads nowhere yet.
func (d *Accounts) createLoginLink(c *api.Call) (any, error) {
	a, err := d.connectedInPath(c)
	if err != nil {
		return nil, err
	}
	if string(a.Controller.StripeDashboard) != `{"type":"express"}` {
		return nil, fault.NoExpressDashboard(a.ID)
	}
	if !a.DetailsSubmitted {
		return nil, fault.LoginBeforeOnboarding()
	}
	l := &loginLink{Object: "login_link", Created: c.Now(), URL: "https://connect.stripe.com/express/" + a.ID + "/" + id.Secret(12)}
	return api.JSON(jsontext.Append(nil, l)), nil
}
