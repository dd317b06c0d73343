package api

import "florin/internal/store"

// As runs a part of a call as somebody else: what is made, moved and told of in it belongs to that account. A platform and its connected
// accounts are in one unit of work so, and what the part does is committed or undone with the rest.
func (c *Call) As(who *Principal, f func() error) error {
	was, scope := c.Who, c.Scope
	c.Who, c.Scope = who, who.Scope
	defer func() { c.Who, c.Scope = was, scope }()
	return f()
}

// scopeOf is where an event of a document is told: where the document is kept or, of what is kept for all modes of an account (the account
// itself), where the call acts.
func (c *Call) scopeOf(st *state) store.Scope {
	if st.scope == store.System {
		return c.Scope
	}
	return st.scope
}

// connected sees to it that an event of a connected account says whose it is, and is delivered to the endpoints of its platform, too.
func (c *Call) connected(ev *Event) error {
	if c.Who == nil || c.Who.Platform == nil {
		return nil
	}
	account := c.Who.AccountID
	ev.Account = &account
	if c.app.Subscribers == nil {
		return nil
	}
	return c.deliver(ev, c.Who.Platform.Scope, true)
}

// deliver writes a delivery of an event to each endpoint of a scope that wants it.
func (c *Call) deliver(ev *Event, home store.Scope, connect bool) error {
	endpoints, err := c.app.Subscribers(c, home, ev, connect)
	if err != nil {
		return err
	}
	ev.PendingWebhooks += int64(len(endpoints))
	for _, we := range endpoints {
		d := Deliveries.NewAt(c, store.System, DeliveryID(ev.ID, we), c.real)
		d.Account, d.Event, d.Endpoint, d.Queue = int64(ev.st.scope), ev.ID, we, "due"
		if connect {
			d.Home = int64(home)
		}
		if err := c.Save(d); err != nil {
			return err
		}
	}
	return nil
}

// Exists says whether another scope has an object with this id, which is not deleted.
func (c *Call) Exists(scope store.Scope, id string) bool {
	known := c.docs.get(scope, id) != nil
	st, err := c.state(scope, id)
	if !known && st != nil {
		c.docs.remove(st)
	}
	return err == nil && st != nil && !st.deleted
}
