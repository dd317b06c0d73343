package api_test

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strconv"
	"testing"

	"florin/internal/jsontext"
	"florin/internal/server/servertest"
)

// TestDocumentsDecode holds the decoder of documents to encoding/json, and the places in indexes that are read from a struct to those in its text: for
// every kind that there is, on documents filled at random.
func TestDocumentsDecode(t *testing.T) {
	s := servertest.New(t)
	for name, fresh := range s.App.Fresh() {
		typ := reflect.TypeOf(fresh).Elem()
		private, hasPrivate := typ.FieldByName("Private")
		for seed := range uint64(100) {
			r := rand.New(rand.NewPCG(seed, 1))
			v := decodesAlike(t, name, typ, r)
			if fromText, fromObject := s.App.Places(name, jsontext.Append(nil, v), v); !reflect.DeepEqual(fromText, fromObject) {
				t.Fatalf("%s stands at %v by its text, at %v by itself", name, fromText, fromObject)
			}
			if hasPrivate {
				decodesAlike(t, name+"'s private part", private.Type, r)
			}
		}
	}
}

func decodesAlike(t *testing.T, name string, typ reflect.Type, r *rand.Rand) any {
	t.Helper()
	v := reflect.New(typ)
	fill(v.Elem(), r, 0)
	text := jsontext.Append(nil, v.Interface())
	want, got := reflect.New(typ), reflect.New(typ)
	if err := json.Unmarshal(text, want.Interface()); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, text)
	}
	if err := jsontext.Decode(text, got.Interface()); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, text)
	}
	if !reflect.DeepEqual(want.Interface(), got.Interface()) {
		t.Fatalf("%s is not what encoding/json makes of %s", name, text)
	}
	return v.Interface()
}

// fill sets whatever can be set to something, or leaves it as it is.
func fill(v reflect.Value, r *rand.Rand, depth int) {
	if !v.CanSet() || r.IntN(4) == 0 || depth > 6 {
		return
	}
	if v.Type() == reflect.TypeFor[json.RawMessage]() {
		raws := []string{"null", "1", `"x,}]"`, `{"a":[1,{"b":"\""}],"c":{}}`, "[]", "true"}
		v.SetBytes([]byte(raws[r.IntN(len(raws))]))
		return
	}
	switch v.Kind() {
	case reflect.String:
		texts := []string{"", "plain", "Zürich", "\"quoted\" \\ \n", "\x01", "\xff\xfe", strconv.FormatUint(r.Uint64(), 36)}
		v.SetString(texts[r.IntN(len(texts))])
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(r.Uint64()) >> r.IntN(64))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(float64(r.IntN(2000)-1000) / 8)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), r, depth+1)
	case reflect.Slice:
		n := r.IntN(3)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(v.Index(i), r, depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for i := range r.IntN(3) {
			item := reflect.New(v.Type().Elem()).Elem()
			fill(item, r, depth+1)
			v.SetMapIndex(reflect.ValueOf("k\""+strconv.Itoa(i)).Convert(v.Type().Key()), item)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), r, depth)
		}
	}
}
