package shape

import (
	"fmt"
	"slices"

	"florin/internal/spec"
)

// CheckEvent returns what is wrong with an event as a webhook sends it.
func CheckEvent(body []byte) []string {
	v, err := parse(body)
	if err != nil {
		return []string{"the event is not JSON: " + err.Error()}
	}
	c := &checker{}
	c.oneOf("", []string{"event"}, v)
	return c.wrong
}

// shown checks what an event shows, of which its own schema says nothing: the object is one that the spec has, and has its members; and the previous
// attributes are members of it. What an older API version shows is not held to this one's schemas.
func (c *checker) shown(path string, v *value) {
	data := v.member("data")
	if api := v.member("api_version"); data == nil || api == nil || api.text != spec.Version() {
		return
	}
	o := data.member("object")
	if o == nil || o.kind != object || o.member("object") == nil {
		c.add(path+".data.object", "is no object of the API")
		return
	}
	if unspecified[o.member("object").text] != "" {
		return
	}
	names := resources(o.member("object").text)
	if len(names) == 0 {
		c.add(path+".data.object", "is an object %q; the spec has none", o.member("object").text)
		return
	}
	c.oneOf(path+".data.object", names, o)
	if before := data.member("previous_attributes"); before != nil {
		c.best(path, len(names), func(c *checker, i int) {
			c.before(path+".data.previous_attributes", spec.SchemaOf(names[i]).Shape(), before, o)
		})
	}
}

// byResource are the schemas of each resource, without those of what was deleted.
var byResource = func() map[string][]string {
	out := map[string][]string{}
	for _, name := range spec.Schemas() {
		if s := spec.SchemaOf(name); s.Resource != "" && s.Property("deleted") == nil {
			out[s.Resource] = append(out[s.Resource], name)
		}
	}
	return out
}()

// resources are the schemas that an object may follow, by its "object".
func resources(name string) []string { return byResource[name] }

// before checks previous attributes: members of the object that changed, with what they were. What was not there was null. Objects show what has
// changed in them; lists are whole.
func (c *checker) before(path string, t *spec.Type, v, now *value) {
	if v.kind != object {
		c.add(path, "is %s, not an object", v.kind)
		return
	}
	for i, name := range v.names {
		at, was := path+"."+name, v.values[i]
		f := t.Field(name)
		if f == nil {
			resource := ""
			if o := now.member("object"); o != nil {
				resource = o.text
			}
			if !added(resource, at) {
				c.add(at, "is not in the spec")
			}
			continue
		}
		c.was(at, &f.Type, was, now.member(name))
	}
	if !slices.IsSorted(v.names) {
		c.add(path, "its members are not in order")
	}
}

// was checks one previous value. Types are as in value, but that anything may have been null, and that an object shows only what changed.
func (c *checker) was(path string, t *spec.Type, v, now *value) {
	switch {
	case v.kind == null:
	case now != nil && now.kind == object && isList(t):
		c.items(path, t, v)
	case t.Kind == spec.Object && now != nil && now.kind == object:
		c.before(path, t, v, now)
	case t.Kind == spec.Map && v.kind == object:
		for i, name := range v.names {
			if v.values[i].kind != null {
				c.value(fmt.Sprintf("%s.%s", path, name), t.Item, v.values[i])
			}
		}
	case t.Kind == spec.Ref && v.kind == object && now != nil && now.kind == object:
		c.best(path, len(t.Refs), func(c *checker, i int) { c.before(path, spec.SchemaOf(t.Refs[i]).Shape(), v, now) })
	case t.Kind == spec.AnyOf:
		c.best(path, len(t.Variants), func(c *checker, i int) { c.was(path, t.Variants[i], v, now) })
	default:
		c.value(path, t, v)
	}
}

func isList(t *spec.Type) bool {
	_, ok := t.List()
	return ok
}

// items checks what a list held. It shows only what changed of it, and total_count, which no schema has.
func (c *checker) items(path string, t *spec.Type, v *value) {
	item, _ := t.List()
	if data := v.member("data"); data != nil {
		for i, one := range data.values {
			c.value(fmt.Sprintf("%s.data.%d", path, i), item, one)
		}
	}
}
