package entitlement

import (
	"slices"

	"florin/internal/api"
	"florin/internal/domain/billing"
	"florin/internal/domain/catalog"
	"florin/internal/fault"
	"florin/internal/jsontext"
	"florin/internal/store"
)

// An entitlement is that a customer may use a feature, now: because he subscribes to a product that has it.
type entitlement struct {
	api.Meta
	Customer  string `json:"customer"`
	Feature   string `json:"feature"`
	Livemode  bool   `json:"livemode"`
	LookupKey string `json:"lookup_key"`
}

// entitlements is the kind of them. Whose they are is not shown.
var entitlements = &api.Kind[entitlement]{
	Name: "entitlements.active_entitlement", Word: "active entitlement", Prefixes: []string{"ent"}, Param: "id", Index: []string{"customer"},
	View: func(_ *api.Call, d *store.Doc) ([]byte, error) { return jsontext.Without(d.Body, "customer"), nil },
}

func (d *Domain) entitlementRoutes(r *api.Router) {
	r.Kind(entitlements)
	r.Handle("GET /v1/entitlements/active_entitlements", d.listOfCustomer)
	r.Plain("GET /v1/entitlements/active_entitlements/{id}", entitlements.Retrieve)
}

func (d *Domain) listOfCustomer(c *api.Call) (any, error) {
	if id := c.P.Str("customer"); !c.Exists(c.Scope, id) {
		return nil, fault.NoSuch("customer", id, "customer", 400)
	}
	return entitlements.List(c)
}

// entitling are the statuses of a subscription that entitle. unverified: past_due.
var entitling = []string{"active", "trialing", "past_due"}

// subscribed follows subscriptions: when one begins, changes or ends, its customer is entitled to something else, and an event says to what.
func (d *Domain) subscribed(c *api.Call, sub *billing.Subscription) error {
	want, err := wanted(c, sub)
	if err != nil {
		return err
	}
	changed, kept := false, [][]byte{}
	err = entitlements.Each(c, "customer", sub.Customer, func(e *entitlement) bool {
		if e.Customer != sub.Customer {
			return true
		}
		if i := slices.IndexFunc(want, func(f *Feature) bool { return f.ID == e.Feature }); i >= 0 {
			want = slices.Delete(want, i, i+1)
			var body []byte
			body, err = c.Show(e)
			kept = append(kept, body)
			return err == nil
		}
		changed = true
		return c.Delete(e) == nil
	})
	if err != nil {
		return err
	}
	for _, f := range want {
		e := entitlements.New(c, c.NewModeID("ent")) // unverified: the prefix
		e.Customer, e.Feature, e.Livemode, e.LookupKey = sub.Customer, f.ID, c.Live(), f.LookupKey
		if err := c.Save(e); err != nil {
			return err
		}
		body, err := c.Show(e)
		if err != nil {
			return err
		}
		kept, changed = append(kept, body), true
	}
	if !changed {
		return nil
	}
	return c.EmitAs("entitlements.active_entitlement_summary.updated", sub, summary(c, sub.Customer, kept), nil)
}

// wanted are the features that a customer is entitled to, by all that he subscribes to.
func wanted(c *api.Call, changed *billing.Subscription) (want []*Feature, err error) {
	subs := []*billing.Subscription{changed}
	err = billing.Subscriptions.Each(c, "customer", changed.Customer, func(sub *billing.Subscription) bool {
		if sub.ID != changed.ID && sub.Customer == changed.Customer {
			subs = append(subs, sub)
		}
		return true
	})
	for _, sub := range subs {
		if !slices.Contains(entitling, sub.Status) {
			continue
		}
		for _, it := range sub.Items.Data {
			price, err := catalog.Used(c, jsontext.Text(it.Price, "id"))
			if err != nil {
				return nil, err
			}
			if want, err = with(c, want, price.Product); err != nil {
				return nil, err
			}
		}
	}
	return want, err
}

// with adds the features of a product that are not among those yet.
func with(c *api.Call, want []*Feature, product string) ([]*Feature, error) {
	var failed error
	err := givens.Each(c, "product", product, func(g *given) bool {
		if g.Product != product || slices.ContainsFunc(want, func(f *Feature) bool { return f.ID == g.Feature }) {
			return true
		}
		f, err := Features.Late(c, g.Feature)
		if failed = err; f != nil {
			want = append(want, f)
		}
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	return want, err
}

// summary is all that a customer is entitled to, as the event shows it.
func summary(c *api.Call, customer string, list [][]byte) []byte {
	n := int64(len(list))
	shown := api.List{Object: "list", Data: list[:min(n, 10)], HasMore: n > 10, URL: "/v1/customers/" + customer + "/entitlements"}
	out := jsontext.AppendString([]byte(`{"object":"entitlements.active_entitlement_summary","customer":`), customer)
	out = append(append(out, `,"entitlements":`...), shown.JSON()...)
	if c.Live() {
		return append(out, `,"livemode":true}`...)
	}
	return append(out, `,"livemode":false}`...)
}
