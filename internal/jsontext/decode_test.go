package jsontext

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// decoded has a field of every type that is read, and some that encoding/json reads for us.
type decoded struct {
	head
	Amount  *int64                                `json:"amount"`
	Bool    bool                                  `json:"bool"`
	Flags   []bool                                `json:"flags"`
	Float   float64                               `json:"float"`
	Inner   *inner                                `json:"inner"`
	Items   []inner                               `json:"items"`
	Map     map[string]string                     `json:"map"`
	Of      map[string]inner                      `json:"of"`
	Options map[string]map[string]json.RawMessage `json:"options"`
	Raw     json.RawMessage                       `json:"raw"`
	Raws    []*json.RawMessage                    `json:"raws"`
	Unnamed int64
	Words   []string `json:"words,omitempty"`
	Hidden  string   `json:"-"`
}

// FuzzDecode holds Decode to encoding/json on all text that it may be given: whatever is valid, and as compact as Append writes it or not.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{
		`{"id":"t_1","object":"thing","amount":-5,"bool":true,"flags":[true,false],"float":1.50,"inner":{"city":"Zürich"},"items":[{"city":null},{}],` +
			`"map":{"a":"\"","":"x"},"of":{"x":{"city":"b"}},"options":{"card":{"a":[1,{}]},"b":null},"raw":{"a":[1,"]"]},"raws":[null,1],"Unnamed":7,"words":["a","b"]}`,
		`{"amount":null,"bool":null,"flags":null,"float":null,"id":null,"inner":null,"items":null,"map":null,"of":null,"options":null,"raw":null,"raws":null}`,
		`{"amount":9223372036854775807,"float":-1e-7,"items":[],"map":{},"of":{},"raw":"","words":[]}`,
		`{"amount":1.0}`, `{"amount":1e2}`, `{"amount":9223372036854775808}`, `{"amount":-0}`, `{"amount":"1"}`, `{"float":1e999}`, `{"bool":1}`,
		`{"ID":"upper","Raw":1,"unnamed":3}`, `{"id":"a","id":"b","items":[{"city":"x"}],"items":[{}],"map":{"a":"1"},"map":{"b":"2"}}`,
		`{"raw": 1,"id" :"x"}`, `{"raw":1 }`, ` {}`, `{} `, `null`, `[]`, `{"unknown":{"a":[]},"raw":[ 1 ]}`, `{"words":[1]}`, `{"words":["a" ]}`,
		"{\"id\":\"\xff\xfe\",\"words\":[\"\\ud800\",\"\\u00e9\"]}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !json.Valid(text) {
			_ = Decode(text, &decoded{}) // does not panic
			return
		}
		var want, got decoded
		wantErr, gotErr := json.Unmarshal(text, &want), Decode(bytes.Clone(text), &got)
		if (wantErr == nil) != (gotErr == nil) || !reflect.DeepEqual(want, got) {
			t.Errorf("%s\ngot  %+v, %v\nwant %+v, %v", text, got, gotErr, want, wantErr)
		}
	})
}

// TestDecodeIsQuick says that the types and texts of documents are not left to encoding/json.
func TestDecodeIsQuick(t *testing.T) {
	text := []byte(`{"id":"t_1","object":"thing","amount":-5,"inner":{"city":"Z"},"items":[{"city":null}],"map":{"a":"b"},"raw":[1],"words":["a"]}`)
	v := &decoded{}
	allocs := testing.AllocsPerRun(100, func() {
		*v = decoded{}
		if err := Decode(text, v); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 15 { // encoding/json makes 24
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkDecode(b *testing.B) {
	text := []byte(`{"id":"t_1","object":"thing","amount":-5,"inner":{"city":"Z"},"items":[{"city":null}],"map":{"a":"b"},"raw":[1],"words":["a"]}`)
	b.ReportAllocs()
	for b.Loop() {
		if err := Decode(text, &decoded{}); err != nil {
			b.Fatal(err)
		}
	}
}
