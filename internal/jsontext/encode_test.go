package jsontext

import (
	"encoding/json"
	"testing"
)

type head struct {
	ID     string `json:"id"`
	Object string `json:"object"`
}

type inner struct {
	City *string `json:"city"`
}

type thing struct {
	head
	Zed      int64             `json:"zed"`
	Amount   *int64            `json:"amount"`
	Metadata map[string]string `json:"metadata"`
	List     []string          `json:"list"`
	Null     []string          `json:"a_null" nil:"null"`
	Inner    *inner            `json:"inner"`
	Items    []inner           `json:"items"`
	Raw      json.RawMessage   `json:"raw"`
	Gone     *string           `json:"gone,omitempty"`
	Hidden   string            `json:"-"`
	Rate     *float64          `json:"rate"`
	Whole    float64           `json:"whole"`
	Any      map[string]inner  `json:"any"`
}

func TestAppend(t *testing.T) {
	n, rate, city := int64(5), 0.92594, "Zürich"
	v := &thing{head: head{"t_1", "thing"}, Zed: -1, Amount: &n, Rate: &rate, Items: []inner{{&city}, {}}, Metadata: map[string]string{"b": "2", "a": "\""}, Whole: 10, Any: map[string]inner{"x": {}}}
	want := `{"id":"t_1","object":"thing","a_null":null,"amount":5,"any":{"x":{"city":null}},"inner":null,"items":[{"city":"Zürich"},{"city":null}],"list":[],"metadata":{"a":"\"","b":"2"},"rate":0.92594,"raw":null,"whole":10.0,"zed":-1}`
	got := Append(nil, v)
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !json.Valid(got) {
		t.Error("not JSON")
	}
}

func BenchmarkAppend(b *testing.B) {
	n := int64(5)
	v := &thing{head: head{"t_1", "thing"}, Amount: &n, Metadata: map[string]string{"b": "2"}}
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = Append(buf[:0], v)
	}
}
