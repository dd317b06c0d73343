package account

import (
	"maps"
	"slices"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/jsontext"
)

// A Capability is something that a connected account may do when it has been asked for and nothing is missing. Its id is its name; it is kept in the
// connected account's scope.
type Capability struct {
	api.Meta
	Account            string        `json:"account"`
	FutureRequirements *Requirements `json:"future_requirements"`
	Requested          bool          `json:"requested"`
	RequestedAt        *int64        `json:"requested_at"` // Unix seconds
	Requirements       *Requirements `json:"requirements"`
	Status             string        `json:"status"` // unrequested, inactive, pending or active
}

// Capabilities is the kind of capabilities.
var Capabilities = &api.Kind[Capability]{Name: "capability", Param: "capability"}

func (d *Accounts) capabilityRoutes(r *api.Router) {
	r.Kind(Capabilities)
	r.Handle("GET /v1/accounts/{account}/capabilities", d.listCapabilities)
	r.Handle("GET /v1/accounts/{account}/capabilities/{capability}", d.retrieveCapability)
	r.Handle("POST /v1/accounts/{account}/capabilities/{capability}", d.updateCapability)
}

// capability makes the object of a capability as the account stands.
func (a *Account) capability(cp *Capability, name string) {
	cp.Account, cp.FutureRequirements = a.ID, &Requirements{}
	at, requested := a.Private.Life.Requested[name]
	cp.Requested, cp.RequestedAt, cp.Status = requested, nil, "unrequested"
	if requested {
		cp.RequestedAt, cp.Status = &at, a.Capabilities[name]
	}
	r := *a.Requirements
	r.DisabledReason = nil
	own := func(names []string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !holdsCapabilities(n) })
	}
	r.CurrentlyDue, r.EventuallyDue, r.PastDue = own(r.CurrentlyDue), own(r.EventuallyDue), own(r.PastDue)
	if requested && cp.Status == inactive {
		reason := "requirements.fields_needed"
		r.DisabledReason = &reason
	}
	cp.Requirements = &r
}

// capabilitiesChanged writes the capabilities whose status has changed, and tells of them.
func (d *Accounts) capabilitiesChanged(c *api.Call, a *Account) error {
	for _, name := range slices.Sorted(maps.Keys(a.Private.Life.Requested)) {
		cp, err := Capabilities.Get(c, name)
		if err != nil {
			return err
		}
		if cp == nil {
			cp = Capabilities.New(c, name)
		}
		was := cp.Status
		if a.capability(cp, name); cp.Status == was {
			continue
		}
		if err := c.Save(cp, "capability.updated"); err != nil {
			return err
		}
	}
	return nil
}

// showCapability is a capability as the account stands now; nothing of it is kept.
func (a *Account) showCapability(name string) []byte {
	cp := &Capability{Meta: api.Meta{ID: name, Object: Capabilities.Name}}
	a.capability(cp, name)
	return jsontext.Append(nil, cp)
}

func (d *Accounts) listCapabilities(c *api.Call) (any, error) {
	a, err := d.connectedInPath(c)
	if err != nil {
		return nil, err
	}
	l := &api.List{Object: "list", URL: "/v1/accounts/" + a.ID + "/capabilities"}
	for _, name := range slices.Sorted(maps.Keys(a.Private.Life.Requested)) {
		l.Data = append(l.Data, a.showCapability(name))
	}
	return l, nil
}

// retrieveCapability shows a capability; one that was not asked for shows what it would need.
func (d *Accounts) retrieveCapability(c *api.Call) (any, error) {
	a, err := d.connectedInPath(c)
	if err != nil {
		return nil, err
	}
	name := c.Path("capability")
	if !knownCapability(name) {
		return nil, fault.NoSuch("capability", name, "capability", 404)
	}
	return api.JSON(a.showCapability(name)), nil
}

func (d *Accounts) updateCapability(c *api.Call) (any, error) {
	a, err := d.connectedInPath(c)
	if err != nil {
		return nil, err
	}
	name := c.Path("capability")
	if !knownCapability(name) {
		return nil, fault.NoSuch("capability", name, "capability", 404)
	}
	life := &a.Private.Life
	_, has := life.Requested[name]
	want := c.P.True("requested")
	if !c.P.Given("requested") || want == has {
		return d.retrieveCapability(c)
	}
	var cp *Capability
	err = As(c, a, func() error {
		if want {
			if life.Requested == nil {
				life.Requested = map[string]int64{}
			}
			life.Requested[name] = c.Now()
		} else {
			delete(life.Requested, name)
		}
		if err := d.assess(c, a); err != nil {
			return err
		}
		if cp, err = Capabilities.Get(c, name); err != nil {
			return err
		}
		if cp == nil {
			cp = Capabilities.New(c, name)
		}
		a.capability(cp, name)
		if err := c.Save(cp, "capability.updated"); err != nil {
			return err
		}
		return d.changed(c, a)
	})
	return cp, err
}
