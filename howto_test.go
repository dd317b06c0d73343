package main_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestHowto holds the code that docs/howto/add-a-resource.md quotes to the file that it is from.
func TestHowto(t *testing.T) {
	text, err := os.ReadFile("docs/howto/add-a-resource.md")
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile("internal/domain/catalog/coupon.go")
	if err != nil {
		t.Fatal(err)
	}
	quoted := 0
	for _, block := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		if !strings.Contains(string(code), block[1]) {
			t.Errorf("coupon.go does not have\n%s", block[1])
		}
		quoted++
	}
	if quoted == 0 {
		t.Error("the page quotes no code")
	}
}
