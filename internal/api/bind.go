package api

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"florin/internal/fault"
	"florin/internal/form"
	"florin/internal/jsontext"
)

// Params copies the parameters into the members of an object that have their names: what was not sent stays as it is, what was sent empty is
// cleared, metadata is merged. The spec has checked them, so nothing is refused here but a type that does not fit, which is our mistake.
func (c *Call) Params(dst any) error { return Bind(dst, c.P) }

// Asking runs a part of the call as if the request had asked for p: what another operation does, for a domain that does it for its own reasons.
func (c *Call) Asking(p *form.Value, f func() error) error {
	was := c.P
	c.P = p
	defer func() { c.P = was }()
	return f()
}

// ParamsBut is Params without some parameters, which need more thought than a copy.
func (c *Call) ParamsBut(dst any, names ...string) error {
	return bind(dst, c.P, func(name string) bool { return !slices.Contains(names, name) })
}

// ParamsOnly is Params for some parameters.
func (c *Call) ParamsOnly(dst any, names ...string) error {
	return bind(dst, c.P, func(name string) bool { return slices.Contains(names, name) })
}

// Bind copies the members of a value into a struct, as Call.Params does.
func Bind(dst any, v *form.Value) error { return bind(dst, v, nil) }

func bind(dst any, v *form.Value, want func(name string) bool) error {
	if v == nil {
		return nil
	}
	return bindStruct(reflect.ValueOf(dst).Elem(), v, want)
}

var bindPlans sync.Map // reflect.Type → map[string][]int

func bindPlan(t reflect.Type) map[string][]int {
	if p, ok := bindPlans.Load(t); ok {
		return p.(map[string][]int)
	}
	plan := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.IsExported() && !f.Anonymous && name != "" && name != "-" && name != "id" && name != "object" {
			plan[name] = f.Index
		}
	}
	bindPlans.Store(t, plan)
	return plan
}

func bindStruct(dst reflect.Value, v *form.Value, want func(name string) bool) error {
	plan := bindPlan(dst.Type())
	for i := range v.Fields {
		f := &v.Fields[i]
		index, ok := plan[f.Name]
		if !ok || want != nil && !want(f.Name) {
			continue
		}
		if err := bindValue(dst.FieldByIndex(index), f.Value); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}

var rawMessage = reflect.TypeFor[json.RawMessage]()

func bindValue(dst reflect.Value, v *form.Value) error {
	if v.Kind == form.Unset {
		if dst.Kind() == reflect.Map { // metadata: "" clears it, and an empty map is {}
			dst.Set(reflect.MakeMap(dst.Type()))
			return nil
		}
		dst.SetZero()
		return nil
	}
	if dst.Type() == rawMessage {
		dst.SetBytes(AppendValue(nil, v))
		return nil
	}
	switch dst.Kind() {
	case reflect.Pointer:
		p := reflect.New(dst.Type().Elem())
		if !dst.IsNil() && dst.Type().Elem().Kind() == reflect.Struct {
			p.Elem().Set(dst.Elem()) // an object that is sent in part keeps the rest
		}
		if err := bindValue(p.Elem(), v); err != nil {
			return err
		}
		dst.Set(p)
	case reflect.String:
		dst.SetString(v.Text)
	case reflect.Int64:
		dst.SetInt(v.Int)
	case reflect.Bool:
		dst.SetBool(v.Int != 0)
	case reflect.Float64:
		var f float64
		if _, err := fmt.Sscan(v.Text, &f); err != nil {
			return err
		}
		dst.SetFloat(f)
	case reflect.Struct:
		return bindStruct(dst, v, nil)
	case reflect.Map:
		return bindMap(dst, v)
	case reflect.Slice:
		s := reflect.MakeSlice(dst.Type(), len(v.Items), len(v.Items))
		for i, it := range v.Items {
			if err := bindValue(s.Index(i), it); err != nil {
				return err
			}
		}
		dst.Set(s)
	default:
		return fmt.Errorf("cannot bind a parameter to a %v", dst.Type())
	}
	return nil
}

func bindMap(dst reflect.Value, v *form.Value) error {
	m, ok := dst.Addr().Interface().(*map[string]string)
	if !ok {
		return fmt.Errorf("cannot bind a parameter to a %v", dst.Type())
	}
	next := make(map[string]string, len(*m)+len(v.Fields))
	for k, old := range *m {
		next[k] = old
	}
	for _, f := range v.Fields {
		if f.Value.Text == "" {
			delete(next, f.Name)
		} else {
			next[f.Name] = f.Value.Text
		}
	}
	*m = next
	return nil
}

// MetadataLimit refuses metadata that has grown over 50 keys by being merged. Known from: facts 05 (5b).
func MetadataLimit(m map[string]string) error {
	if len(m) > 50 {
		return fault.TooMuchMetadata(len(m))
	}
	return nil
}

// AppendValue appends a parameter as JSON, for what is kept as it was sent.
func AppendValue(dst []byte, v *form.Value) []byte { return appendValue(dst, v, nil) }

// appendValue is AppendValue, with another text for the members and items for which instead has one.
func appendValue(dst []byte, v *form.Value, instead func(name string, v *form.Value) string) []byte {
	each := func(name string, v *form.Value) {
		if instead != nil {
			if text := instead(name, v); text != "" {
				dst = append(dst, text...)
				return
			}
		}
		dst = appendValue(dst, v, instead)
	}
	switch v.Kind {
	case form.Int:
		return append(dst, v.Text...)
	case form.Bool:
		if v.Int != 0 {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	case form.Decimal, form.String:
		return jsontext.AppendString(dst, v.Text)
	case form.Object:
		dst = append(dst, '{')
		for i, f := range v.Fields {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(jsontext.AppendString(dst, f.Name), ':')
			each(f.Name, f.Value)
		}
		return append(dst, '}')
	case form.Array:
		dst = append(dst, '[')
		for i, it := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			each("", it)
		}
		return append(dst, ']')
	}
	return append(dst, "null"...)
}
