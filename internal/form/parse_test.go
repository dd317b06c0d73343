package form

import (
	"strings"
	"testing"

	"florin/internal/fault"
)

const urlencoded = "application/x-www-form-urlencoded"

func TestParse(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{"", `{}`},
		{"a=1", `{"a":"1"}`},
		{"a=1&a=2", `{"a":"2"}`},
		{"a", `{"a":""}`},
		{"a=", `{"a":""}`},
		{"a=b=c", `{"a":"b=c"}`},
		{"&&a=1&", `{"a":"1"}`},
		{"=1&a=2", `{"a":"2"}`},
		{"a=x+y%2B%20z", `{"a":"x y+ z"}`},
		{"a=%C3%A9&b=é", `{"a":"é","b":"é"}`},
		{"a[b][c]=1&a[b][d]=2&a[e]=3", `{"a":{"b":{"c":"1","d":"2"},"e":"3"}}`},
		{"a%5Bb%5D=1", `{"a":{"b":"1"}}`},
		{"a[]=1&a[]=2", `{"a":{"0":"1","1":"2"}}`},
		{"a[0]=1&a[1]=2", `{"a":{"0":"1","1":"2"}}`},
		{"a[][x]=1&a[][y]=2&a[][x]=3", `{"a":{"0":{"x":"1","y":"2"},"1":{"x":"3"}}}`},
		{"a[][x][y]=1&a[][x][z]=2&a[][x][y]=3", `{"a":{"0":{"x":{"y":"1","z":"2"}},"1":{"x":{"y":"3"}}}}`},
		{"a[][x][]=1&a[][x][]=2", `{"a":{"0":{"x":{"0":"1","1":"2"}}}}`},
		{"a[]=1&a[b]=2", `{"a":{"0":"1","b":"2"}}`},
		{"a[b]=2&a[]=1", `{"a":{"b":"2","1":"1"}}`},
		{"a=1&a[b]=2", `{"a":{"b":"2"}}`},
		{"a[b]=2&a=1", `{"a":"1"}`},
		{"a[][]=1", `{"a":{"0":{"0":"1"}}}`},
		{"a[b=1&[c]=2&d]=3&e[f]g=4", `{"a[b":"1","[c]":"2","d]":"3","e[f]g":"4"}`},
	} {
		v, err := Parse(urlencoded, "", []byte(c.body))
		if err != nil {
			t.Errorf("%s: %v", c.body, err)
		} else if got := v.shown(); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.body, got, c.want)
		}
	}
}

func TestParseQueryAndBody(t *testing.T) {
	v, err := Parse("", "a=1&b=2", []byte("b=3"))
	if err != nil || v.shown() != `{"a":"1","b":"3"}` {
		t.Errorf("%s, %v", v.shown(), err)
	}
	// The type of a body that is not there does not matter.
	if v, err = Parse("application/json", "a=1", nil); err != nil || v.Str("a") != "1" {
		t.Errorf("%v, %v", v, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct {
		contentType, body string
		want              *fault.Error
	}{
		{"application/json", `{"amount":1}`, fault.NotForm()},
		{"application/json; charset=utf-8", `{}`, fault.NotForm()},
		{"text/plain; charset=utf-8", "a=1", fault.UnsupportedContentType("text/plain; charset=utf-8")},
		{";;", "a=1", fault.UnsupportedContentType(";;")},
		{urlencoded, "a=%zz", fault.BadEscape("%zz")},
		{urlencoded, "a=%4", fault.BadEscape("%4")},
		{urlencoded, "%=4", fault.BadEscape("%")},
		{urlencoded, "a=%FF", fault.NotUTF8("\xff")},
		{urlencoded, "a=\xff", fault.NotUTF8("\xff")},
		{urlencoded, "a" + strings.Repeat("[b]", 40) + "=1", fault.TooDeep(maxDepth)},
		{urlencoded, strings.Repeat("a=1&", maxParams+1), fault.TooManyParams(maxParams)},
		{"multipart/form-data", "x", fault.BadMultipart()},
		{"multipart/form-data; boundary=x", "nothing", fault.BadMultipart()},
	} {
		_, err := Parse(c.contentType, "", []byte(c.body))
		if err == nil || err.Message != c.want.Message || err.Param != "" {
			t.Errorf("%s %.40q: got %v, want %v", c.contentType, c.body, err, c.want)
		}
	}
}

func TestParseMultipart(t *testing.T) {
	body := strings.ReplaceAll(`--b
Content-Disposition: form-data; name="purpose"

dispute_evidence
--b
Content-Disposition: form-data; name="file_link_data[create]"

true
--b
Content-Disposition: form-data; name="file"; filename="a.png"
Content-Type: image/png

`+"\x89PNG"+`
--b--
`, "\n", "\r\n")
	v, err := Parse("multipart/form-data; boundary=b", "", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if v.Str("purpose") != "dispute_evidence" || v.Get("file_link_data").Str("create") != "true" {
		t.Errorf("got %s", v.shown())
	}
	f := v.Get("file")
	if f.Kind != File || f.Text != "\x89PNG" || f.Filename != "a.png" || f.ContentType != "image/png" {
		t.Errorf("file is %+v", f)
	}
}

func TestParseJSON(t *testing.T) {
	v, err := ParseJSON([]byte(`{"a": {"b": [1, "x", true, null, 1.5]}, "c": "d"}`))
	if err != nil {
		t.Fatal(err)
	}
	items := v.At("a", "b").Items
	for i, want := range []Kind{Int, String, Bool, Unset, Decimal} {
		if items[i].Kind != want {
			t.Errorf("item %d is of kind %d", i, items[i].Kind)
		}
	}
	if v.Str("c") != "d" {
		t.Error("c is lost")
	}
	for _, bad := range []string{`[`, `[]`, `{"a":}`, `{} {}`, `"x"`, strings.Repeat(`{"a":`, 50)} {
		if _, err := ParseJSON([]byte(bad)); err == nil || err.Status != 400 {
			t.Errorf("%s: got %v", bad, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, body := range []string{"a[b][]=1&a[][c]=%41", "a[]=1&a[b]=2", "%5B=1&a[=2", "a[][b][][c]=1&a[][b][][c]=2"} {
		f.Add(urlencoded, body)
		f.Add("application/json", body)
	}
	f.Add("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"a[b]\"\r\n\r\nx\r\n--b--\r\n")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		v, err := Parse(contentType, body, []byte(body))
		refusalIsClean(t, err)
		if err == nil {
			v.shown()
		}
		_, err = ParseJSON([]byte(body))
		refusalIsClean(t, err)
	})
}
