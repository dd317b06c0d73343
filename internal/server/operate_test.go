package server

import (
	"net/http/httptest"
	"os"
	"regexp"
	"testing"

	"florin/internal/api"
)

// docs/howto/operate.md lists the metrics that there are, and no others.
func TestOperateListsTheMetrics(t *testing.T) {
	page, err := os.ReadFile("../../docs/howto/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.seen.metrics.Tasked("x", nil) // what has labels is not there before it was counted
	s.App.Requests(&api.Record{})
	w := httptest.NewRecorder()
	s.watching().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	there := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (florin_\w+)`).FindAllStringSubmatch(w.Body.String(), -1) {
		there[m[1]] = true
	}
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(florin_\\w+)` ").FindAllStringSubmatch(string(page), -1) {
		listed[m[1]] = true
		if !there[m[1]] {
			t.Errorf("the page lists %s, which there is not", m[1])
		}
	}
	for name := range there {
		if !listed[name] {
			t.Errorf("the page does not list %s", name)
		}
	}
}
