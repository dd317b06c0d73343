package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"florin/internal/id"
	"florin/internal/jsontext"
	"florin/internal/store"
	"florin/internal/version"
)

// An Event tells that something has happened to an object, and shows the object as it then was. It is written in the unit of work that made
// it happen, and delivered after the commit. The object itself is not copied: the event refers to the version that it shows.
type Event struct {
	Meta
	Account         *string       `json:"account,omitempty"` // the connected account, for events of Connect
	APIVersion      *string       `json:"api_version"`
	Created         int64         `json:"created"` // Unix seconds
	Data            EventData     `json:"data"`
	Livemode        bool          `json:"livemode"`
	PendingWebhooks int64         `json:"pending_webhooks"` // endpoints that have yet to confirm; shown anew at each reading
	Request         *EventRequest `json:"request"`
	Type            string        `json:"type"`
	Private         Shows         `json:"-"`
}

// Shows says what an event shows.
type Shows struct {
	Ref string `json:"ref"` // the object's id …
	Ver int64  `json:"ver"` // … and the version shown
	// System says that the object is kept in the system's scope.
	System bool `json:"system,omitempty"`
}

// EventData is what an event carries, less the object, which is put in when it is shown.
type EventData struct {
	Object             json.RawMessage `json:"object,omitempty"`              // where it is shown as something else than it is stored as (EmitAs)
	PreviousAttributes json.RawMessage `json:"previous_attributes,omitempty"` // of *.updated: the old values of what changed
}

// EventRequest is the request that caused an event; its members are null where a timer did.
type EventRequest struct {
	ID             *string `json:"id"`
	IdempotencyKey *string `json:"idempotency_key"`
}

// Events is the kind of events. Its id is evt_, and shares the base of the payment intent or charge that it is about (facts 12).
var Events = &Kind[Event]{Name: "event", Prefixes: []string{"evt"}, Index: []string{"type"}, View: viewEvent}

// A Delivery is one event's way to one webhook endpoint. It stands in the queue until the endpoint has confirmed or it was given up.
type Delivery struct {
	Meta
	Account  int64     `json:"account"`        // the scope of event and endpoint
	Home     int64     `json:"home,omitempty"` // the scope of the endpoint, where it is the platform's of a connected account
	Event    string    `json:"event"`
	Endpoint string    `json:"endpoint"`
	Queue    string    `json:"queue,omitempty"` // "due" while it waits
	Attempts []Attempt `json:"attempts"`
}

// An Attempt is one try of a delivery.
type Attempt struct {
	At       int64  `json:"at"`     // Unix seconds
	Status   int64  `json:"status"` // HTTP status; 0 where there was no answer
	Error    string `json:"error,omitempty"`
	Response string `json:"response,omitempty"` // its beginning
	Millis   int64  `json:"millis"`
}

// Deliveries is the kind of deliveries; they stand in the system's scope, in the order in which they are due.
var Deliveries = &Kind[Delivery]{Name: "_delivery", Internal: true, Index: []string{"queue", "event", "endpoint"}}

// DeliveryID names the delivery of an event to an endpoint.
func DeliveryID(event, endpoint string) string { return "_delivery:" + event + ":" + endpoint }

// emit writes an event about a document as it now stands. before is the body that its previous attributes are taken from.
func (c *Call) emit(typ string, st *state, before []byte) error {
	st.seal()
	st.shown = true
	return c.emitVersion(typ, st, st.ver, before, nil)
}

// EmitAs emits an event about an object that shows it as another: a price as the plan that it is, too. before is what it was, if it has changed.
func (c *Call) EmitAs(typ string, obj Resource, as, before []byte) error {
	st := obj.meta().st
	st.seal()
	st.shown = true
	return c.emitVersion(typ, st, st.ver, before, as)
}

func (c *Call) emitVersion(typ string, st *state, ver int64, before, as []byte) error {
	scope := c.scopeOf(st)
	ev := Events.NewAt(c, scope, id.Event(c.real, c.accountPart(), st.id), c.real)
	ev.Created, ev.Livemode, ev.Type = c.real, scope.Live(), typ
	ev.Private.Ref, ev.Private.Ver, ev.Private.System = st.id, ver, st.scope == store.System
	if c.Who != nil {
		ev.APIVersion = &c.Who.AccountVersion
	}
	ev.Request = c.asked()
	if before != nil && (strings.HasSuffix(typ, ".updated") || strings.HasSuffix(typ, ".detached")) {
		now := st.body
		if as != nil {
			now = as
		}
		ev.Data.PreviousAttributes = previousAttributes(before, now)
	}
	ev.Data.Object = as
	if c.app.Subscribers != nil {
		if err := c.deliver(ev, scope, false); err != nil {
			return err
		}
	}
	if err := c.connected(ev); err != nil {
		return err
	}
	return c.Save(ev)
}

// asked is what the events of the call say of the request that caused them.
func (c *Call) asked() *EventRequest {
	if c.RequestID == "" {
		return &EventRequest{}
	}
	if c.request.ID == nil {
		id, key := c.RequestID, c.IdempotencyKey
		c.request = EventRequest{&id, &key}
	}
	return &c.request
}

// A Mark is an object as it stood at one moment of the call.
type Mark struct {
	st  *state
	ver int64
}

// Mark remembers an object as it now stands, for an event that is emitted later.
func (c *Call) Mark(obj Resource) Mark {
	st := obj.meta().st
	st.seal()
	st.shown = true
	return Mark{st, st.ver}
}

// EmitMark emits an event that shows an object as it was when it was marked.
func (c *Call) EmitMark(typ string, m Mark) error {
	return c.emitVersion(typ, m.st, m.ver, nil, nil)
}

// Shown reads from a document of an event what the event shows.
func Shown(d *store.Doc) (s Shows, err error) {
	if err := jsontext.Decode(d.Priv, &s); err != nil {
		return s, fmt.Errorf("event %s: %w", d.ID, err)
	}
	return s, nil
}

// viewEvent puts the object that an event shows back into it, and counts what is still to be delivered.
func viewEvent(c *Call, d *store.Doc) ([]byte, error) {
	ref, err := Shown(d)
	if err != nil {
		return nil, err
	}
	scope := d.Scope
	if ref.System {
		scope = store.System
	}
	object, err := c.version(scope, ref.Ref, ref.Ver)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", d.ID, err)
	}
	pending, err := c.pending(d.ID)
	if err != nil {
		return nil, err
	}
	return version.Event(jsontext.Text(d.Body, "api_version"), ShowEvent(d.Body, object, pending), reader{c, d.Scope})
}

// ShowEventAt is the JSON of an event as an API version shows it; "" stands for the account's, which the event names. unconfirmed is how many
// wait for it beside the endpoints that have yet to confirm.
func (c *Call) ShowEventAt(ev *Event, v string, unconfirmed int) ([]byte, error) {
	scope := ev.st.scope
	from := scope
	if ev.Private.System {
		from = store.System
	}
	object, err := c.version(from, ev.Private.Ref, ev.Private.Ver)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", ev.ID, err)
	}
	pending, err := c.pending(ev.ID)
	if err != nil {
		return nil, err
	}
	shown := *ev
	if v == "" && ev.APIVersion != nil {
		v = *ev.APIVersion
	} else if v != "" {
		shown.APIVersion = &v
	}
	return version.Event(v, ShowEvent(jsontext.Append(nil, &shown), object, pending+unconfirmed), reader{c, scope})
}

// ShowEvent makes an event's JSON from what is stored of it, the object that it shows, and the number of endpoints that have yet to confirm.
func ShowEvent(body, object []byte, pending int) []byte {
	out := make([]byte, 0, len(body)+len(object)+32)
	out = append(out, '{')
	jsontext.Members(body, func(key string, value []byte) bool {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = jsontext.AppendString(out, key)
		out = append(out, ':')
		switch key {
		case "data":
			if jsontext.Get(value, "object") != nil {
				out = append(out, value...)
				break
			}
			out = append(append(out, `{"object":`...), object...)
			if inner := bytes.TrimPrefix(value, []byte("{")); len(inner) > 1 {
				out = append(append(out, ','), inner...)
			} else {
				out = append(out, '}')
			}
		case "pending_webhooks":
			out = strconv.AppendInt(out, int64(pending), 10)
		default:
			out = append(out, value...)
		}
		return true
	})
	return append(out, '}')
}

// version returns the body of one version of a document, be it committed or made in this call.
func (c *Call) version(scope store.Scope, id string, ver int64) ([]byte, error) {
	if st := c.docs.get(scope, id); st != nil {
		if st.ver == ver {
			return st.body, nil
		}
		for _, h := range st.history {
			if h.Ver == ver {
				return h.Body, nil
			}
		}
	}
	d, err := c.view().Version(scope, id, ver)
	if err != nil {
		return nil, err
	}
	if d == nil {
		return nil, fmt.Errorf("version %d of %s is not kept", ver, id)
	}
	return d.Body, nil
}

// pending counts the endpoints that have yet to confirm an event.
func (c *Call) pending(event string) (int, error) {
	n := 0
	err := c.scan(store.Query{Scope: store.System, Index: "_delivery.event", Value: strings.ToLower(event)}, func(d *store.Doc) bool {
		if jsontext.Text(d.Body, "queue") != "" && jsontext.Text(d.Body, "event") == event {
			n++
		}
		return true
	})
	for _, st := range c.docs.list {
		if d, ok := st.obj.(*Delivery); ok && st.base == 0 && d.Event == event && d.Queue != "" && st.scope == store.System {
			n++
		}
	}
	return n, err
}

// previousAttributes is what an event's data.previous_attributes shows: the old values of the members that differ, nested in objects. A member
// that is new has the old value null. Both bodies have their members in the same order, so one walk beside the other finds them.
func previousAttributes(before, after []byte) json.RawMessage {
	return appendPrevious(make([]byte, 0, 128), before, after)
}

func appendPrevious(out, before, after []byte) []byte {
	out = append(out, '{')
	first := true
	name := func(key string) {
		if !first {
			out = append(out, ',')
		}
		first = false
		out = append(jsontext.AppendString(out, key), ':')
	}
	was, is := jsontext.Over(before), jsontext.Over(after)
	now, value, more := is.Next()
	for {
		key, v, ok := was.Next()
		// What is new stands before the next old member in the order of the alphabet.
		for more && now != key && (!ok || now < key) && (!ok || key != "id" && key != "object") {
			name(now)
			out = append(out, "null"...)
			now, value, more = is.Next()
		}
		if !ok {
			return append(out, '}')
		}
		if !more || now != key { // it is gone
			name(key)
			out = append(out, v...)
			continue
		}
		switch {
		case bytes.Equal(v, value):
		case v[0] == '{' && value[0] == '{':
			name(key)
			out = appendPrevious(out, v, value)
		default:
			name(key)
			out = append(out, v...)
		}
		now, value, more = is.Next()
	}
}
