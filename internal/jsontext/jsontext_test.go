package jsontext

import (
	"bytes"
	"encoding/json"
	"testing"
)

const sample = `{"id":"pi_1","a":{"b":[1,{"c":"x\"y"}],"e":{},"f":[]},"n":null,"t":true,"z":"é\n"}`

func TestIndentIsWhatStripePrints(t *testing.T) {
	want := "{\n  \"id\": \"pi_1\",\n  \"a\": {\n    \"b\": [\n      1,\n      {\n        \"c\": \"x\\\"y\"\n      }\n    ],\n    \"e\": {},\n    \"f\": []\n  },\n  \"n\": null,\n  \"t\": true,\n  \"z\": \"é\\n\"\n}"
	if got := string(Indent(nil, []byte(sample), 0)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var std bytes.Buffer
	if err := json.Indent(&std, []byte(sample), "", "  "); err != nil {
		t.Fatal(err)
	}
	if std.String() != want {
		t.Errorf("the standard library prints\n%s", std.String())
	}
}

func TestGet(t *testing.T) {
	for path, want := range map[string]string{"id": "pi_1", "a.b": "", "a.e": "", "n": "", "t": "true", "z": "é\n", "a.x": "", "id.x": ""} {
		if got := Text([]byte(sample), path); got != want {
			t.Errorf("Text(%q) = %q, want %q", path, got, want)
		}
	}
	if got := string(Get([]byte(sample), "a.b")); got != `[1,{"c":"x\"y"}]` {
		t.Errorf("Get(a.b) = %s", got)
	}
	n := 0
	Items(Get([]byte(sample), "a.b"), func(v []byte) bool { n++; return true })
	if n != 2 {
		t.Errorf("%d items, want 2", n)
	}
}

// FuzzText holds all functions to their word that they never panic, and Indent to the standard library's on valid text.
func FuzzText(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(`{"a`))
	f.Add([]byte(`{"a":`))
	f.Add([]byte(`["`))
	f.Fuzz(func(t *testing.T, b []byte) {
		Members(b, func(string, []byte) bool { return true })
		Items(b, func([]byte) bool { return true })
		Text(b, "a.b")
		got := Indent(nil, b, 0)
		var c, std bytes.Buffer
		if json.Compact(&c, b) != nil || !bytes.Equal(c.Bytes(), b) {
			return
		}
		if json.Indent(&std, b, "", "  ") == nil && !bytes.Equal(std.Bytes(), got) {
			t.Errorf("got\n%s\nwant\n%s", got, std.Bytes())
		}
	})
}
