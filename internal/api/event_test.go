package api

import "testing"

func TestPreviousAttributes(t *testing.T) {
	for _, c := range []struct{ before, after, want string }{
		{`{"id":"a","object":"x","m":{},"n":1}`, `{"id":"a","object":"x","m":{},"n":1}`, `{}`},
		{`{"id":"a","object":"x","m":{},"n":1}`, `{"id":"a","object":"x","m":{"k":"v"},"n":2}`, `{"m":{"k":null},"n":1}`},
		{`{"id":"a","object":"x","m":{"a":"1","k":"v"}}`, `{"id":"a","object":"x","m":{"k":"w"}}`, `{"m":{"a":"1","k":"v"}}`},
		{`{"id":"a","object":"x","b":[1],"z":null}`, `{"id":"a","object":"x","a":5,"b":[1,2],"y":true,"z":{"q":1}}`, `{"a":null,"b":[1],"y":null,"z":null}`},
		{`{"id":"a","object":"x","gone":"g","z":1}`, `{"id":"a","object":"x","z":1}`, `{"gone":"g"}`},
	} {
		if got := string(previousAttributes([]byte(c.before), []byte(c.after))); got != c.want {
			t.Errorf("%s → %s: got %s, want %s", c.before, c.after, got, c.want)
		}
	}
}
