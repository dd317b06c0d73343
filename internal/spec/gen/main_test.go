package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stripe/stripe-mock/embedded"
)

// TestFresh holds facts.txt to the spec that go.mod names.
func TestFresh(t *testing.T) {
	want, err := generate(embedded.OpenAPISpec)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../facts.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("internal/spec/facts.txt is not what the spec says; run go generate ./internal/spec")
	}
}

// TestUnknownKeyword shows that a new keyword does not pass unseen.
func TestUnknownKeyword(t *testing.T) {
	var doc map[string]any
	if err := json.Unmarshal(embedded.OpenAPISpec, &doc); err != nil {
		t.Fatal(err)
	}
	schemas := doc["components"].(map[string]any)["schemas"].(map[string]any)
	schemas["customer"].(map[string]any)["properties"].(map[string]any)["email"].(map[string]any)["multipleOf"] = 7
	changed, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := generate(changed); err == nil || !strings.Contains(err.Error(), "keyword multipleOf in customer email") {
		t.Errorf("got %v", err)
	}
}
