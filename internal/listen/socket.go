package listen

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/jsontext"
)

const (
	protocol  = "stripecli-devproxy-v1"
	silence   = 30 * time.Second // after which a CLI is gone: it pings every two seconds. Known from: facts 10d
	writeTime = 10 * time.Second // for one message
	maxRead   = 4 << 20          // bytes of a message: it holds the event that was forwarded
	resetting = "Resetting the connection"
)

// ServeHTTP opens the websocket of a session, and talks over it until either side ends it.
func (l *Listeners) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get("Websocket-Id")
	s := l.open(id)
	switch {
	case s == nil || !l.valid(r.Context(), s):
		refuse(w, fault.UnknownWebSocket())
		return
	case s.Scope.Live() && r.TLS == nil:
		refuse(w, fault.LiveKeyOverHTTP())
		return
	}
	v := l.attach(id, s)
	if v == nil {
		refuse(w, fault.NotListening())
		return
	}
	stays := true
	defer func() { l.part(v, stays) }()
	quiet := time.AfterFunc(silence, v.leave)
	defer quiet.Stop()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:   []string{protocol},
		OnPingReceived: func(context.Context, []byte) bool { return quiet.Reset(silence) },
	})
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxRead)
	gone := make(chan error, 1)
	go func() {
		gone <- l.hear(v, conn, quiet)
		v.leave()
	}()
	l.speak(v, conn)
	conn.CloseNow()
	var bye websocket.CloseError
	if errors.As(<-gone, &bye) && bye.Code == websocket.StatusNormalClosure && bye.Reason != resetting {
		stays = false // it was stopped, and does not come back
	}
}

func refuse(w http.ResponseWriter, f *fault.Error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	_, _ = w.Write(append(jsontext.Indent(nil, api.FaultBody(f, ""), 0), '\n')) // a client that is gone has no use for the error
}

// A visit is one websocket's time with a feed.
type visit struct {
	*feed
	ctx   context.Context // ends when the server stops, when another visit begins, or when nothing is heard
	leave context.CancelFunc
	wake  chan struct{} // holds one token when something was put into the line
}

// attach begins a visit to the feed of a session, which it makes if need be. A feed has one visitor: an earlier one, whose connection may be broken
// without anybody knowing, is sent away. It returns nil while the server does not run.
func (l *Listeners) attach(id string, s *session) *visit {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running == nil || l.running.Err() != nil {
		return nil
	}
	l.sockets.Add(1)
	f := l.byID[id]
	if f == nil {
		f = &feed{session: *s, id: id, secret: l.secret(s)}
		l.byID[id] = f
		l.counted(1)
	}
	if f.visitor != nil {
		f.visitor.leave()
	}
	f.resume()
	v := &visit{feed: f, wake: make(chan struct{}, 1)}
	v.ctx, v.leave = context.WithCancel(l.running)
	f.visitor = v
	return v
}

// part ends a visit. stays says whether the CLI may come back.
func (l *Listeners) part(v *visit, stays bool) {
	defer l.sockets.Done()
	v.leave()
	l.mu.Lock()
	defer l.mu.Unlock()
	if v.visitor != v {
		return
	}
	v.visitor, v.parted = nil, l.clock.Now()
	if !stays {
		l.drop(v.feed)
	}
	l.signal() // Run waits for it to come back, and no longer than that
}

// speak sends what is in the feed's line, until the visit ends.
func (l *Listeners) speak(v *visit, conn *websocket.Conn) {
	for v.ctx.Err() == nil {
		fr := l.take(v)
		if fr == nil {
			select {
			case <-v.wake:
			case <-v.ctx.Done():
			}
			continue
		}
		if err := l.send(v, conn, fr); err != nil {
			return // what was not acknowledged is sent again
		}
	}
}

// take is the next frame to be sent, nil if none waits.
func (l *Listeners) take(v *visit) *frame {
	l.mu.Lock()
	defer l.mu.Unlock()
	if v.visitor != v || v.next == len(v.line) {
		return nil
	}
	fr := v.line[v.next]
	v.next++
	fr.sent = l.clock.Now()
	return fr
}

func (l *Listeners) send(v *visit, conn *websocket.Conn, fr *frame) error {
	text, err := l.message(v.feed, fr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(v.ctx, writeTime)
	defer cancel()
	return conn.Write(ctx, websocket.MessageText, text)
}

// hear reads what the CLI says, until the websocket ends.
func (l *Listeners) hear(v *visit, conn *websocket.Conn, quiet *time.Timer) error {
	for {
		kind, text, err := conn.Read(v.ctx)
		if err != nil {
			return err
		}
		quiet.Reset(silence)
		var m struct {
			Type     string `json:"type"`
			Exchange string `json:"webhook_conversation_id"`
			Status   int64  `json:"status"`
		}
		if kind != websocket.MessageText || json.Unmarshal(text, &m) != nil {
			continue
		}
		l.mu.Lock()
		fr := v.find(m.Exchange)
		if fr != nil {
			fr.acked = true
			v.acks = v.acks || m.Type == "event_ack"
		}
		l.mu.Unlock()
		if fr != nil && m.Type == "webhook_response" {
			if err := l.answered(v.ctx, v.feed, fr, m.Status); err != nil && v.ctx.Err() == nil {
				l.log.Error("what became of a forwarded event cannot be written", "event", fr.event.event, "cause", err)
			}
		}
	}
}
