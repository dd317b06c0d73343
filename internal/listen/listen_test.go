package listen_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/listen"
	"florin/internal/server/servertest"
	"florin/internal/store"
)

// A world is a server at work.
type world struct {
	*servertest.Server
	t *testing.T
}

func newWorld(t *testing.T, opts ...servertest.Option) *world {
	s := servertest.New(t, append(opts, servertest.RealTime)...)
	s.Listen()
	s.Work()
	return &world{s, t}
}

// A session is the answer to the CLI's first call.
type session struct {
	Default string `json:"default_version"`
	Latest  string `json:"latest_version"`
	Device  string `json:"device_token"`
	Delay   int    `json:"reconnect_delay"`
	Secret  string `json:"secret"`
	Feature string `json:"websocket_authorized_feature"`
	ID      string `json:"websocket_id"`
	URL     string `json:"websocket_url"`
}

func (w *world) session(params ...string) *session {
	w.t.Helper()
	r := w.request("POST", "/v1/stripecli/sessions", params...)
	if r.StatusCode != 200 {
		w.t.Fatalf("session: %d %s", r.StatusCode, body(r))
	}
	s := &session{}
	if err := json.Unmarshal([]byte(body(r)), s); err != nil {
		w.t.Fatal(err)
	}
	return s
}

// request goes over the wire, since a session says where it was asked for.
func (w *world) request(method, path string, params ...string) *http.Response {
	w.t.Helper()
	r := w.Request(method, path, params...)
	sent, err := http.NewRequest(method, w.URL+r.URL.RequestURI(), r.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	sent.Header = r.Header
	res, err := http.DefaultClient.Do(sent)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { res.Body.Close() })
	return res
}

func body(r *http.Response) string {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// A socket is the CLI's end of a websocket.
type socket struct {
	*websocket.Conn
	t *testing.T
}

func (w *world) dial(s *session) *socket {
	w.t.Helper()
	conn, refusal := w.try(s)
	if conn == nil {
		w.t.Fatalf("refused: %s", refusal)
	}
	return &socket{conn, w.t}
}

func (w *world) try(s *session) (*websocket.Conn, string) {
	w.t.Helper()
	conn, res, err := websocket.Dial(w.t.Context(), s.URL+"?websocket_feature="+s.Feature, &websocket.DialOptions{
		HTTPHeader: http.Header{"Websocket-Id": {s.ID}}, Subprotocols: []string{"stripecli-devproxy-v1"},
	})
	if err != nil {
		var refusal struct{ Error struct{ Message string } }
		_ = json.NewDecoder(res.Body).Decode(&refusal)
		return nil, refusal.Error.Message
	}
	w.t.Cleanup(func() { conn.CloseNow() })
	if conn.Subprotocol() != "stripecli-devproxy-v1" {
		w.t.Errorf("subprotocol %q", conn.Subprotocol())
	}
	return conn, ""
}

// A message is what the server sends.
type message struct {
	Type     string `json:"type"`
	Endpoint struct {
		Version *string `json:"api_version"`
	} `json:"endpoint"`
	Payload  string            `json:"event_payload"`
	Headers  map[string]string `json:"http_headers"`
	Exchange string            `json:"webhook_conversation_id"`
	Webhook  string            `json:"webhook_id"`
	Log      string            `json:"request_log_id"`

	event struct {
		ID      string `json:"id"`
		Type    string `json:"type"`
		Version string `json:"api_version"`
		Account string `json:"account"`
		Pending int    `json:"pending_webhooks"`
	}
}

func (s *socket) read() *message {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	_, text, err := s.Read(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	m := &message{}
	if err := json.Unmarshal(text, m); err != nil {
		s.t.Fatalf("%v\n%s", err, text)
	}
	if err := json.Unmarshal([]byte(m.Payload), &m.event); err != nil {
		s.t.Fatalf("%v\n%s", err, text)
	}
	return m
}

// quiet wants nothing to come.
func (s *socket) quiet() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, text, err := s.Read(ctx); err == nil {
		s.t.Errorf("unexpected: %s", text)
	}
}

func (s *socket) say(members map[string]any) {
	s.t.Helper()
	text, err := json.Marshal(members)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.Write(s.t.Context(), websocket.MessageText, text); err != nil {
		s.t.Fatal(err)
	}
}

func (s *socket) ack(m *message) {
	s.t.Helper()
	s.say(map[string]any{"type": "event_ack", "webhook_conversation_id": m.Exchange, "event_id": m.event.ID, "webhook_id": m.Webhook})
}

func TestSession(t *testing.T) {
	w := newWorld(t)
	one := w.session("device_name", "laptop", "websocket_features[]", "webhooks", "websocket_features[]", "v2_events")
	if one.Default != "2026-08-26.dahlia" || one.Latest != "2026-10-28.endive" || one.Delay != 60 || one.Feature != "webhooks" ||
		one.URL != "ws"+strings.TrimPrefix(w.URL, "http")+"/stripecli/subscribe/"+w.Account || !strings.HasPrefix(one.Secret, "whsec_") || len(one.Secret) != 70 {
		t.Errorf("session = %+v", one)
	}
	again := w.session("device_name", "laptop", "websocket_features[]", "request_logs")
	if again.Secret != one.Secret || again.Device != one.Device || again.ID == one.ID {
		t.Errorf("the same device: %+v, then %+v", one, again)
	}
	other := w.session("device_name", "desktop", "websocket_features[]", "webhooks")
	if other.Secret == one.Secret || other.Device == one.Device {
		t.Errorf("another device has the same secret")
	}
	for _, c := range []struct {
		params []string
		want   string
	}{
		{nil, "Missing required param: websocket_features."},
		{[]string{"websocket_features[]", "everything"}, `Invalid websocket_features: "everything" is not one of webhooks, v2_events, request_logs.`},
		{[]string{"websocket_features[]", "request_logs", "filters", `{"filter_ip_address":1}`}, "Invalid filters: they must be a JSON object whose values are arrays of strings."},
	} {
		if r := w.Post("/v1/stripecli/sessions", c.params...); r.Status != 400 || r.Text("error", "message") != c.want {
			t.Errorf("%v: %d %s", c.params, r.Status, r.Body)
		}
	}
	r := w.Request("POST", "/v1/stripecli/sessions", "websocket_features[]", "webhooks")
	r.Header.Set("Authorization", "Bearer "+w.Publishable)
	if res := w.Do(r); res.Status != 401 {
		t.Errorf("with a publishable key: %d", res.Status)
	}
}

func TestEvents(t *testing.T) {
	w := newWorld(t)
	s := w.session("device_name", "laptop", "websocket_features[]", "webhooks")
	c := w.dial(s)
	if r := w.Post("/v1/customers", "email", "a@example.com"); r.Status != 200 {
		t.Fatal(string(r.Body))
	}
	for _, version := range []string{"", "2026-10-28.endive"} {
		m := c.read()
		if m.Type != "webhook_event" || m.event.Type != "customer.created" || m.event.Pending != 1 || (m.Endpoint.Version == nil) != (version == "") {
			t.Errorf("message = %+v", m)
		}
		if version != "" && (*m.Endpoint.Version != version || m.event.Version != version) {
			t.Errorf("version = %s, %s", *m.Endpoint.Version, m.event.Version)
		}
		at, signature, _ := strings.Cut(m.Headers["Stripe-Signature"], ",v1=")
		signature, _, _ = strings.Cut(signature, ",")
		h := hmac.New(sha256.New, []byte(s.Secret))
		h.Write([]byte(strings.TrimPrefix(at, "t=") + "." + m.Payload))
		if hex.EncodeToString(h.Sum(nil)) != signature {
			t.Errorf("signature of %s does not hold", m.Headers["Stripe-Signature"])
		}
		c.ack(m)
		if version == "" {
			c.say(map[string]any{"type": "webhook_response", "webhook_conversation_id": m.Exchange, "webhook_id": m.Webhook, "status": 204, "body": "sk_test_x"})
		}
		if got := w.Get("/v1/events/" + m.event.ID).At("pending_webhooks"); got != 0.0 {
			t.Errorf("pending_webhooks = %v", got)
		}
	}
	var kept []*listen.Forwarded
	for range 100 { // it is written when it comes in
		if err := w.App.Do(t.Context(), w.scope(), func(c *api.Call) error {
			kept = nil
			list := w.Get("/v1/events").At("data").([]any)
			return listen.Forwards.Each(c, "event", list[0].(map[string]any)["id"].(string), func(f *listen.Forwarded) bool { kept = append(kept, f); return true })
		}); err != nil {
			t.Fatal(err)
		}
		if len(kept) > 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if len(kept) != 1 || kept[0].Device != "laptop" || len(kept[0].Attempts) != 1 || kept[0].Attempts[0].Status != 204 || kept[0].Attempts[0].Response != "" {
		t.Errorf("kept = %+v", kept)
	}
}

// TestReset opens the websocket anew, as the CLI does every minute.
func TestReset(t *testing.T) {
	w := newWorld(t)
	s := w.session("device_name", "laptop", "websocket_features[]", "webhooks")
	c := w.dial(s)
	w.Post("/v1/customers", "email", "a@example.com")
	first, second := c.read(), c.read()
	c.ack(first)
	time.Sleep(100 * time.Millisecond)
	if err := c.Close(websocket.StatusNormalClosure, "Resetting the connection"); err != nil {
		t.Fatal(err)
	}
	w.Post("/v1/customers", "email", "b@example.com")
	c = w.dial(s)
	if m := c.read(); m.Exchange != second.Exchange {
		t.Errorf("what was not acknowledged is not sent again: %+v", m)
	}
	if m := c.read(); m.event.ID == first.event.ID {
		t.Errorf("what was acknowledged is sent again: %+v", m)
	}
	c.read()
	c.quiet()
}

// TestStopped starts another `stripe listen`, which does not hear of what happened before, and takes the place of one whose connection broke.
func TestStopped(t *testing.T) {
	w := newWorld(t)
	s := w.session("device_name", "laptop", "websocket_features[]", "webhooks")
	c := w.dial(s)
	if err := c.Close(websocket.StatusNormalClosure, "Connection Done"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	w.Post("/v1/customers", "email", "a@example.com")
	c = w.dial(s)
	c.quiet()
	before := w.dial(s)
	after := w.dial(s)
	if _, _, err := before.Read(t.Context()); err == nil {
		t.Error("two websockets have one id")
	}
	w.Post("/v1/customers", "email", "b@example.com")
	if m := after.read(); m.event.Type != "customer.created" {
		t.Errorf("message = %+v", m)
	}
}

// TestRestart comes back to a server that was started again.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, servertest.In(dir))
	s := w.session("device_name", "laptop", "websocket_features[]", "webhooks")
	c := w.dial(s)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Read(t.Context()); err == nil {
		t.Error("the websocket outlives the server")
	}
	w = newWorld(t, servertest.In(dir))
	s.URL = "ws" + strings.TrimPrefix(w.URL, "http") + listen.Prefix + w.Account
	c = w.dial(s)
	w.Post("/v1/customers", "email", "a@example.com")
	if m := c.read(); m.event.Type != "customer.created" {
		t.Errorf("message = %+v", m)
	}
}

func TestUnknown(t *testing.T) {
	w := newWorld(t)
	s := w.session("device_name", "laptop", "websocket_features[]", "webhooks")
	for _, id := range []string{"", "cliws_", "cliws_x", s.ID + "A", strings.TrimPrefix(s.ID, "cliws_")} {
		wrong := *s
		wrong.ID = id
		if conn, message := w.try(&wrong); conn != nil || message != "Unknown WebSocket ID." {
			t.Errorf("%q: %q", id, message)
		}
	}
	keys, err := w.Accounts.ListKeys(t.Context(), w.Account)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if k.Type == account.Secret && !k.Livemode {
			if _, err := w.Accounts.Expire(t.Context(), k.Key, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	if conn, message := w.try(s); conn != nil || message != "Unknown WebSocket ID." {
		t.Errorf("with a key that has ended: %q", message)
	}
}

func TestRequestLogs(t *testing.T) {
	w := newWorld(t)
	everything := w.session("device_name", "a", "websocket_features[]", "request_logs")
	some := w.dial(w.session("device_name", "a", "websocket_features[]", "request_logs",
		"filters", `{"filter_http_method":["GET","POST"],"filter_status_code_type":["400"],"filter_request_status":["FAILED"],"filter_account":["self"]}`))
	all := w.dial(everything)
	w.Get("/v1/customers")
	w.Get("/v1/customers/cus_1")
	for _, want := range []string{`"url":"/v1/customers"`, `"code":"resource_missing"`} {
		if m := all.read(); m.Type != "request_log_event" || !strings.Contains(m.Payload, want) || !strings.HasPrefix(m.Log, "resp_") {
			t.Errorf("message = %+v, want %s", m, want)
		}
	}
	if m := some.read(); !strings.Contains(m.Payload, `"status":404`) {
		t.Errorf("message = %+v", m)
	}
	some.quiet()
}

func TestRetry(t *testing.T) {
	w := newWorld(t)
	w.Post("/v1/customers", "email", "a@example.com")
	ev := w.Get("/v1/events").At("data").([]any)[0].(map[string]any)["id"].(string)
	c := w.dial(w.session("device_name", "laptop", "websocket_features[]", "webhooks"))
	r := w.Post("/v1/events/"+ev+"/retry", "for_stripecli", "true")
	if r.Status != 200 || r.Text("id") != ev || r.Text("object") != "event" {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	for range 2 {
		if m := c.read(); m.event.ID != ev {
			t.Errorf("message = %+v", m)
		}
	}
	we := w.Post("/v1/webhook_endpoints", "url", "https://example.com/hook", "enabled_events[]", "customer.created").Text("id")
	if r := w.Post("/v1/events/"+ev+"/retry", "webhook_endpoint", we); r.Status != 200 {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	if err := w.App.Do(t.Context(), w.scope(), func(c *api.Call) error {
		d, err := api.Deliveries.GetAt(c, 0, api.DeliveryID(ev, we))
		if d == nil {
			t.Error("there is no delivery to the endpoint")
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	c.quiet()
	for _, bad := range []struct {
		path   string
		params []string
		status int
		want   string
	}{
		{"/v1/events/evt_1/retry", nil, 404, "No such event: 'evt_1'"},
		{"/v1/events/" + ev + "/retry", []string{"webhook_endpoint", "we_1"}, 400, "No such webhook endpoint: 'we_1'"},
		{"/v1/events/" + ev + "/retry", []string{"account", "acct_1"}, 403, "does not have access to account 'acct_1'"},
	} {
		if r := w.Post(bad.path, bad.params...); r.Status != bad.status || !strings.Contains(r.Text("error", "message"), bad.want) {
			t.Errorf("%s %v: %d %s", bad.path, bad.params, r.Status, r.Body)
		}
	}
}

// TestConnect lets a platform hear of what happens to its connected account, and ask for it again.
func TestConnect(t *testing.T) {
	w := newWorld(t)
	acct := w.Post("/v1/accounts", "type", "standard").Text("id")
	c := w.dial(w.session("device_name", "laptop", "websocket_features[]", "webhooks"))
	r := w.Request("POST", "/v1/customers", "email", "a@example.com")
	r.Header.Set("Stripe-Account", acct)
	if res := w.Do(r); res.Status != 200 {
		t.Fatal(string(res.Body))
	}
	m := c.read()
	if m.event.Type != "customer.created" || m.event.Account != acct {
		t.Errorf("message = %+v", m)
	}
	c.read()
	if r := w.Post("/v1/events/"+m.event.ID+"/retry", "account", acct); r.Status != 200 || r.Text("id") != m.event.ID {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	if again := c.read(); again.event.ID != m.event.ID {
		t.Errorf("message = %+v", again)
	}
}

// scope is where the test account's objects are in test mode.
func (w *world) scope() (s store.Scope) {
	w.t.Helper()
	who, err := w.App.Authenticate(w.t.Context(), w.Secret, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return who.Scope
}
