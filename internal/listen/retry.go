package listen

import (
	"context"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/webhookendpoint"
	"florin/internal/fault"
)

// shownFor is how long an event can be sent again, in seconds. Known from: facts 10b.
const shownFor = 30 * 86400

// retry sends an event once more, and answers with it. It is what `stripe events resend` calls; account names the connected account that the
// event happened to. Known from: facts 10d; the CLI sends for_stripecli, too, where it names no endpoint.
func (l *Listeners) retry(c *api.Call) (any, error) {
	of := c.P.Str("account")
	if of == "" || of == c.Who.AccountID {
		return l.again(c)
	}
	a, err := account.Connected(c, of)
	if err != nil {
		return nil, err
	}
	if a == nil {
		return nil, fault.AccountInvalid(c.Who.Masked, of)
	}
	var ev *api.Event
	err = account.As(c, a, func() error {
		ev, err = l.again(c)
		return err
	})
	return ev, err
}

// again sends an event of the call's scope once more, when the call has been committed: to the webhook endpoint that is named, otherwise to
// those who listen.
func (l *Listeners) again(c *api.Call) (*api.Event, error) {
	ev, err := api.Events.InPath(c, "event")
	if err != nil {
		return nil, err
	}
	if ev.Created < c.Now()-shownFor {
		return nil, api.Events.Missing(ev.ID, "id", 404)
	}
	scope, endpoint := c.Scope, c.P.Str("webhook_endpoint")
	if endpoint == "" {
		c.Send(func(context.Context) func(*api.Call) error {
			l.happened(happening{scope, ev.ID, ev.Account != nil})
			return nil
		})
		return ev, nil
	}
	we, err := webhookendpoint.Endpoints.Get(c, endpoint)
	if err != nil {
		return nil, err
	}
	if we == nil {
		return nil, webhookendpoint.Endpoints.Missing(endpoint, "webhook_endpoint", 400)
	}
	c.Send(func(ctx context.Context) func(*api.Call) error {
		if err := l.deliverer.Resend(ctx, scope, ev.ID, endpoint); err != nil {
			return func(*api.Call) error { return err }
		}
		return nil
	})
	return ev, nil
}
