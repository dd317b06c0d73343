package account

import "florin/internal/api"

// An Application is what a platform is to an account that is connected to it: what charges and events name. It stands in the connected account's scope,
// from when it is first shown.
type Application struct {
	api.Meta
	Name *string `json:"name"`
}

// Applications is the kind of applications.
var Applications = &api.Kind[Application]{Name: "application", Prefixes: []string{"ca"}}

// deauthorized tells an account that it is no longer connected to its platform. Known from: the trigger of the Stripe CLI, which deletes the account.
// unverified: the name.
func deauthorized(c *api.Call, a *Account) error {
	return As(c, a, func() error {
		p := Platform(c)
		if p == nil {
			return nil
		}
		app, err := Applications.Get(c, p.Application())
		if err != nil {
			return err
		}
		if app == nil {
			app = Applications.New(c, p.Application())
		}
		if name := p.Name(); name != "" {
			app.Name = &name
		}
		return c.Save(app, "account.application.deauthorized")
	})
}
