package script_test

import (
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"florin/internal/server"
	"florin/internal/spec"
)

// called are the operations that stories have called, by route.
var called struct {
	sync.Mutex
	happy, refused map[string]bool
}

// note keeps how an operation answered.
func note(op *spec.Operation, status int) {
	called.Lock()
	defer called.Unlock()
	if called.happy == nil {
		called.happy, called.refused = map[string]bool{}, map[string]bool{}
	}
	switch {
	case status == http.StatusOK:
		called.happy[op.Route()] = true
	case status >= 400 && status < 500:
		called.refused[op.Route()] = true
	}
}

// operations says which operations that behave no story calls: each is to be called with success, and to be seen refusing something, unless
// uncalled.txt says why not.
func operations(t *testing.T) {
	s, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	excused := map[string]string{}
	text, err := os.ReadFile("uncalled.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			route, why, _ := strings.Cut(line, ": ")
			if why == "" {
				t.Errorf("uncalled.txt does not say why: %s", line)
			}
			excused[route] = why
		}
	}
	var bound, happy, refused int
	for _, op := range spec.Operations() {
		route := op.Route()
		if s.App.Coverage(op) == "not yet" {
			continue
		}
		bound++
		switch {
		case called.happy[route]:
			happy++
			if excused[route] != "" {
				t.Errorf("uncalled.txt excuses %s, which a story calls", route)
			}
		case excused[route] == "":
			t.Errorf("no story calls %s with success", route)
		}
		if called.refused[route] {
			refused++
		} else {
			t.Errorf("no story sees %s refuse something", route)
		}
		delete(excused, route)
	}
	for route := range excused {
		t.Errorf("uncalled.txt excuses %s, which is not bound", route)
	}
	t.Logf("%d operations are bound; stories call %d with success, and see %d refuse", bound, happy, refused)
}
