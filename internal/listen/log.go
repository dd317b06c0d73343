package listen

import (
	"encoding/json"
	"slices"
	"strconv"

	"florin/internal/api"
	"florin/internal/id"
)

// filters are which requests `stripe logs tail` wants to see: those that pass every filter that it was given, each by one of its values. Known from:
// facts 10d (the names), and the help of `stripe logs tail` (the values).
type filters struct {
	Account    []string `json:"filter_account,omitempty"` // connect_in, connect_out, self
	IP         []string `json:"filter_ip_address,omitempty"`
	Method     []string `json:"filter_http_method,omitempty"`
	Path       []string `json:"filter_request_path,omitempty"`
	Outcome    []string `json:"filter_request_status,omitempty"` // SUCCEEDED, FAILED
	Source     []string `json:"filter_source,omitempty"`         // API, DASHBOARD
	Status     []string `json:"filter_status_code,omitempty"`
	StatusType []string `json:"filter_status_code_type,omitempty"` // 200, 400, 500: the CLI makes these of 2XX, 4XX, 5XX
}

// Requested tells `stripe logs tail` of a request that was answered. It does not wait.
func (l *Listeners) Requested(r *api.Record) {
	if l.feeds.Load() == 0 || r.Account == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var message []byte
	for _, f := range l.byID {
		if !f.wants(requests) || f.Scope.Live() != r.Live || !f.concerns(r) {
			continue
		}
		if message == nil {
			message = requestMessage(r)
		}
		f.put(&frame{payload: message, acked: true})
	}
}

// concerns says whether a session sees a request: one of its account, or of a connected account that it acted as.
func (f *feed) concerns(r *api.Record) bool {
	kind := "self"
	switch {
	case f.Account == r.Account && r.Platform != "":
		kind = "connect_in"
	case f.Account == r.Platform:
		kind = "connect_out"
	case f.Account != r.Account:
		return false
	}
	want := f.Filters
	if want == nil {
		return true
	}
	passes := func(values []string, is string) bool { return len(values) == 0 || slices.Contains(values, is) }
	outcome := "FAILED"
	if r.Status >= 200 && r.Status <= 202 {
		outcome = "SUCCEEDED"
	}
	status := strconv.Itoa(r.Status)
	return passes(want.Account, kind) && passes(want.IP, r.IP) && passes(want.Method, r.Method) && passes(want.Path, r.Path) &&
		passes(want.Outcome, outcome) && passes(want.Source, "API") && passes(want.Status, status) && passes(want.StatusType, status[:1]+"00")
}

// requestMessage is how a request is told of. Known from: facts 10d.
func requestMessage(r *api.Record) []byte {
	type refusal struct {
		Type        string `json:"type"`
		Charge      string `json:"charge"`
		Code        string `json:"code"`
		DeclineCode string `json:"decline_code"`
		Message     string `json:"message"`
		Param       string `json:"param"`
		Insight     string `json:"error_insight"`
	}
	payload := must(json.Marshal(&struct {
		Created int64   `json:"created_at"`
		Live    bool    `json:"livemode"`
		Method  string  `json:"method"`
		Request string  `json:"request_id"`
		Status  int     `json:"status"`
		URL     string  `json:"url"`
		Error   refusal `json:"error"`
	}{
		r.At.Unix(), r.Live, r.Method, r.ID, r.Status, r.Path,
		refusal{Type: r.ErrorType, Charge: r.Charge, Code: r.ErrorCode, DeclineCode: r.DeclineCode, Message: r.ErrorMessage, Param: r.ErrorParam},
	}))
	return must(json.Marshal(&struct {
		Type    string `json:"type"`
		Payload string `json:"event_payload"`
		ID      string `json:"request_log_id"`
	}{"request_log_event", string(payload), "resp_" + id.Secret(14)}))
}

// must is for what json.Marshal cannot refuse: strings and numbers.
func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}
