// Package once holds Florin to the promise of idempotency keys under the worst of retries.
package once

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"florin/internal/server/servertest"
)

// TestThousandRequestsOneKey sends 1,000 requests with one idempotency key at once, over real connections: one charge is made, and every
// answer is the same, or 409. Known from: facts 04 (4, 9, 15).
func TestThousandRequestsOneKey(t *testing.T) {
	const requests = 1000
	s := servertest.New(t, servertest.In(t.TempDir()))
	base := s.Listen()
	form := url.Values{
		"amount": {"2000"}, "currency": {"usd"}, "payment_method": {"pm_card_visa"}, "confirm": {"true"}, "payment_method_types[]": {"card"},
	}.Encode()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: requests}}
	defer client.CloseIdleConnections()

	type answer struct {
		status   int
		body     []byte
		replayed string
	}
	answers := make([]answer, requests)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range requests {
		all.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/v1/payment_intents", strings.NewReader(form))
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Authorization", "Bearer "+s.Secret)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Idempotency-Key", "once")
			<-start
			res, err := client.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Error(err)
			}
			answers[i] = answer{res.StatusCode, body, res.Header.Get("Idempotent-Replayed")}
		})
	}
	close(start)
	all.Wait()

	var first []byte
	made, replayed, busy := 0, 0, 0
	for _, a := range answers {
		switch {
		case a.status == http.StatusConflict:
			busy++
			continue
		case a.status != http.StatusOK:
			t.Errorf("answer %d: %s", a.status, a.body)
			continue
		case a.replayed == "true":
			replayed++
		default:
			made++
		}
		if first == nil {
			first = a.body
		}
		if !bytes.Equal(first, a.body) {
			t.Errorf("two answers differ:\n%s\n%s", first, a.body)
		}
	}
	t.Logf("%d made, %d replayed, %d told to wait (409)", made, replayed, busy)
	if made != 1 {
		t.Errorf("%d answers are first ones, want 1", made)
	}
	list := s.Get("/v1/charges", "limit", "100")
	data, _ := list.JSON["data"].([]any)
	if len(data) != 1 {
		t.Errorf("%d charges, want 1", len(data))
	}
}
