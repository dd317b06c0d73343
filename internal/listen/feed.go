package listen

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"florin/internal/api"
	"florin/internal/id"
	"florin/internal/jsontext"
	"florin/internal/spec"
	"florin/internal/store"
	"florin/internal/webhook"
)

const (
	maxFresh = 1 << 16         // events that wait to be looked at
	maxLine  = 2048            // frames that a feed keeps: those that wait, and those that may have to be sent again
	patience = 2 * time.Minute // how long a feed waits for its CLI to come back, when their connection broke
)

// A happening is an event that was committed, or is to be told of once more.
type happening struct {
	scope     store.Scope
	event     string
	connected bool // it happened to a connected account
}

// A feed is what a session is told. It outlives its websocket, because the CLI opens another every minute: what happens between the two waits,
// and what the CLI has not acknowledged is sent again.
type feed struct {
	session
	id     string
	secret string

	// What follows is guarded by Listeners.mu.
	visitor *visit    // its websocket; nil while there is none
	parted  time.Time // when the last one ended
	acks    bool      // this CLI acknowledges (the first ones did not)
	line    []*frame  // oldest first; those before next have been sent
	next    int
}

// A frame is a message to the CLI.
type frame struct {
	event    happening
	payload  []byte  // the event as it is shown, indented; of a request: the message itself
	version  *string // nil: the account's
	exchange string  // wc_…, by which the CLI speaks of it; "" for a request
	sent     time.Time
	acked    bool
}

// committed is told of units that are durable. It is called by the committer, who waits for it.
func (l *Listeners) committed(units []*store.Unit) {
	if l.feeds.Load() == 0 {
		return
	}
	for _, u := range units {
		for i := range u.Puts {
			if p := &u.Puts[i]; p.Kind == api.Events.Name && p.Base == 0 {
				l.happened(happening{p.Scope, p.ID, jsontext.Text(p.Body, "account") != ""})
			}
		}
	}
}

// happened leaves an event for Run.
func (l *Listeners) happened(h happening) {
	l.mu.Lock()
	if len(l.fresh) < maxFresh {
		l.fresh = append(l.fresh, h)
	} else {
		l.lost++
	}
	l.mu.Unlock()
	l.signal()
}

func (l *Listeners) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Open takes websockets from now on, until ctx ends. What they are told, Run tells them.
func (l *Listeners) Open(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = ctx
}

// Run tells sessions of events until ctx ends, which is the one that it was opened with, and then ends their websockets.
func (l *Listeners) Run(ctx context.Context) {
	for ctx.Err() == nil {
		l.mu.Lock()
		fresh, lost := l.fresh, l.lost
		l.fresh, l.lost = nil, 0
		until := l.forget()
		l.mu.Unlock()
		if lost > 0 {
			l.log.Warn("events were not told to `stripe listen`: there were too many at once", "events", lost)
		}
		for _, h := range fresh {
			if err := l.tell(ctx, h); err != nil && ctx.Err() == nil {
				l.log.Error("an event cannot be told to `stripe listen`", "event", h.event, "cause", err)
			}
		}
		_ = l.clock.Wait(ctx, until, l.wake) // the error is ctx's
	}
	l.mu.Lock()
	l.running = nil // no more websockets
	l.mu.Unlock()
	l.sockets.Wait()
}

// forget lets go of feeds whose CLI has not come back, and says when the next one has waited long enough. The caller holds mu.
func (l *Listeners) forget() (next time.Time) {
	now := l.clock.Now()
	for _, f := range l.byID {
		if f.visitor != nil {
			continue
		}
		end := f.parted.Add(patience)
		if !end.After(now) {
			l.drop(f)
		} else if next.IsZero() || end.Before(next) {
			next = end
		}
	}
	return next
}

// counted counts feeds. While there are some, other servers tell of their events.
func (l *Listeners) counted(more int64) {
	n := l.feeds.Add(more)
	if shared := l.app.Store.Shared(); shared != nil {
		shared.Wants(n > 0)
	}
}

// drop lets go of a feed. The caller holds mu.
func (l *Listeners) drop(f *feed) {
	if l.byID[f.id] == f {
		delete(l.byID, f.id)
		l.counted(-1)
	}
}

// tell puts an event into the line of every session that is to hear of it: those of its account and, if that is a connected one, of the platform.
func (l *Listeners) tell(ctx context.Context, h happening) error {
	platform := store.System
	if h.connected {
		who, err := l.app.PrincipalOf(ctx, h.scope)
		if err != nil {
			return err
		}
		if who.Platform != nil {
			platform = who.Platform.Scope
		}
	}
	hears := func(f *feed) bool {
		return f.wants(webhooks) && (f.Scope == h.scope || f.Scope == platform && platform != store.System)
	}
	if !l.any(hears) {
		return nil
	}
	// Everybody is told twice, and the CLI keeps the one that it was started for (--latest). Known from: facts 10d.
	usual, latest, err := l.show(ctx, h)
	if err != nil {
		return err
	}
	newest := spec.Latest()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.byID {
		if hears(f) {
			f.put(&frame{event: h, payload: usual, exchange: "wc_" + id.Secret(24)})
			f.put(&frame{event: h, payload: latest, version: &newest, exchange: "wc_" + id.Secret(24)})
		}
	}
	return nil
}

func (l *Listeners) any(hears func(*feed) bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.byID {
		if hears(f) {
			return true
		}
	}
	return false
}

// show is an event at the account's API version and at the newest, as it is sent.
func (l *Listeners) show(ctx context.Context, h happening) (usual, latest []byte, err error) {
	err = l.app.Do(ctx, h.scope, func(c *api.Call) error {
		ev, err := api.Events.Get(c, h.event)
		if err == nil && ev == nil {
			err = fmt.Errorf("there is no event %s", h.event)
		}
		if err != nil {
			return err
		}
		if usual, err = c.ShowEventAt(ev, "", 1); err != nil {
			return err
		}
		latest, err = c.ShowEventAt(ev, spec.Latest(), 1)
		return err
	})
	return jsontext.Indent(nil, usual, 0), jsontext.Indent(nil, latest, 0), err
}

// put adds a frame to the line. A line that is full loses what has been sent, oldest first, then what waits longest. The caller holds mu.
func (f *feed) put(fr *frame) {
	if len(f.line) >= maxLine {
		f.line = slices.Delete(f.line, 0, 1)
		f.next = max(f.next-1, 0)
	}
	f.line = append(f.line, fr)
	if f.visitor != nil {
		select {
		case f.visitor.wake <- struct{}{}:
		default:
		}
	}
}

// resume readies a line for another websocket: what was sent and not acknowledged is sent again, if this CLI acknowledges at all. The caller holds
// mu.
func (f *feed) resume() {
	if !f.acks {
		return
	}
	var done, again []*frame
	for _, fr := range f.line[:f.next] {
		if fr.acked {
			done = append(done, fr)
		} else {
			again = append(again, fr)
		}
	}
	f.line = slices.Concat(done, again, f.line[f.next:])
	f.next = len(done)
}

// find is the frame of an exchange, if it is remembered. The caller holds mu.
func (f *feed) find(exchange string) *frame {
	if exchange == "" {
		return nil
	}
	for _, fr := range f.line[:f.next] {
		if fr.exchange == exchange {
			return fr
		}
	}
	return nil
}

// message is what is sent of a frame. An event is signed now, since it may have waited: programs refuse old signatures.
func (l *Listeners) message(f *feed, fr *frame) ([]byte, error) {
	if fr.exchange == "" {
		return fr.payload, nil
	}
	type endpoint struct {
		Version *string `json:"api_version"`
	}
	return json.Marshal(&struct {
		Endpoint endpoint          `json:"endpoint"`
		Payload  string            `json:"event_payload"`
		Headers  map[string]string `json:"http_headers"`
		Type     string            `json:"type"`
		Exchange string            `json:"webhook_conversation_id"`
		Webhook  string            `json:"webhook_id"`
	}{
		Endpoint: endpoint{fr.version},
		Payload:  string(fr.payload),
		Headers: map[string]string{ // facts 10a, 10d
			"Accept":           "*/*; q=0.5, application/xml",
			"Cache-Control":    "no-cache",
			"Content-Type":     "application/json; charset=utf-8",
			"Stripe-Signature": webhook.Signature([]string{f.secret}, l.clock.Now().Unix(), fr.payload, f.Scope.Live()),
			"User-Agent":       "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
		},
		Type:     "webhook_event",
		Exchange: fr.exchange,
		Webhook:  "wh_" + fr.event.event[len("evt_"):],
	})
}

// A Forwarded is what became of an event that `stripe listen` forwarded, on one device.
type Forwarded struct {
	api.Meta
	Event    string        `json:"event"`
	Device   string        `json:"device"`
	Attempts []api.Attempt `json:"attempts"`
}

// Forwards is the kind of Forwarded. They stand where their event does. What the program answered is not kept: it may hold anything.
var Forwards = &api.Kind[Forwarded]{Name: "_forwarded", Internal: true, Index: []string{"event"}}

// answered keeps what a program answered a forwarded event with.
func (l *Listeners) answered(ctx context.Context, f *feed, fr *frame, status int64) error {
	at := l.clock.Now()
	return l.app.Do(ctx, fr.event.scope, func(c *api.Call) error {
		name := "_forwarded:" + fr.event.event + ":" + l.hash(&f.session, "device")[:16]
		fw, err := Forwards.Get(c, name)
		if err != nil {
			return err
		}
		if fw == nil {
			fw = Forwards.New(c, name)
			fw.Event, fw.Device = fr.event.event, f.Device
		}
		fw.Attempts = append(fw.Attempts, api.Attempt{At: fr.sent.Unix(), Status: status, Millis: at.Sub(fr.sent).Milliseconds()})
		return c.Save(fw)
	})
}
