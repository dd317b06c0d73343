package script_test

import (
	"slices"
	"testing"
)

// The runner itself: what it reads, and that it complains.
func TestParse(t *testing.T) {
	steps, err := parse(`
# a comment
3 times POST /v1/customers name="Jenny \"J\" Rosen" query='a:"b"'
    metadata[k{1..2}]=v{1..2} email= → c
status == requires payment
header Request-Id matches ^req_
error.code → word
events in any order: a b
clock advance 1 month
`)
	if err != nil {
		t.Fatal(err)
	}
	r := steps[0]
	form := []param{{"name", `Jenny "J" Rosen`}, {"query", `a:"b"`}, {"metadata[k1]", "v1"}, {"metadata[k2]", "v2"}, {"email", ""}}
	if r.method != "POST" || r.path != "/v1/customers" || r.times != 3 || r.into != "c" || !slices.Equal(r.params, form) {
		t.Errorf("the request is %+v", r)
	}
	if w := steps[1]; w.kind != want || w.target != "status" || w.op != "==" || w.want != "requires payment" {
		t.Errorf("what is wanted is %+v", w)
	}
	if w := steps[2]; w.target != "header Request-Id" || w.op != "matches" {
		t.Errorf("the header is %+v", w)
	}
	if k := steps[3]; k.kind != keep || k.target != "error.code" || k.into != "word" {
		t.Errorf("what is kept is %+v", k)
	}
	for _, bad := range []string{"status is good", "POST /v1/x name", "event: a", "POST /v1/x a='b"} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestCompare(t *testing.T) {
	got := decode([]byte(`{"s":"text","n":5,"z":null,"b":true,"l":["a","b"],"m":{"x":1,"y":{}},"o":[{"id":"1"},{"id":"2"}]}`)).(map[string]any)
	for _, tc := range []struct {
		path     []string
		op, want string
		ok       bool
	}{
		{[]string{"s"}, "==", "text", true},
		{[]string{"s"}, "==", "tex", false},
		{[]string{"s"}, "!=", "text", false},
		{[]string{"s"}, "matches", "^te", true},
		{[]string{"s"}, "contains", "x", true},
		{[]string{"s"}, "length", "4", true},
		{[]string{"s"}, ">", "1", false},
		{[]string{"n"}, "==", "5", true},
		{[]string{"n"}, ">=", "5", true},
		{[]string{"n"}, "<", "5", false},
		{[]string{"z"}, "null", "", true},
		{[]string{"z"}, "exists", "", false},
		{[]string{"z"}, "absent", "", false},
		{[]string{"q"}, "null", "", false},
		{[]string{"q"}, "absent", "", true},
		{[]string{"q"}, "==", "", false},
		{[]string{"q"}, "!=", "x", true},
		{[]string{"b"}, "==", "true", true},
		{[]string{"l"}, "==", "a b", true},
		{[]string{"l"}, "==", "b a", false},
		{[]string{"l"}, "length", "2", true},
		{[]string{"m"}, "==", `{"y":{},"x":1}`, true},
		{[]string{"m"}, "keys", "y x", true},
		{[]string{"m"}, "keys", "x", false},
		{[]string{"o", "*", "id"}, "==", "1 2", true},
		{[]string{"o", "1", "id"}, "==", "2", true},
	} {
		v, there := walk(got, tc.path)
		if complaint := compare(v, there, tc.op, tc.want); (complaint == "") != tc.ok {
			t.Errorf("%v %s %s: %q", tc.path, tc.op, tc.want, complaint)
		}
	}
}
