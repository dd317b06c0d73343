package version

import (
	"slices"

	"florin/internal/fault"
	"florin/internal/form"
)

// remove takes a parameter away.
func remove(p *form.Value, name string) {
	p.Fields = slices.DeleteFunc(p.Fields, func(f form.Field) bool { return f.Name == name })
}

// drop removes a parameter that is a member of another, at a path.
func drop(p *form.Value, name string, path ...string) {
	if in := p.At(path...); in != nil {
		remove(in, name)
	}
}

// takeOut removes a member of a parameter, and the parameter if there was nothing else in it.
func takeOut(p *form.Value, from, name string) {
	in := p.Get(from)
	if remove(in, name); len(in.Fields) == 0 {
		remove(p, from)
	}
}

// rename gives a parameter its newer name, unless that was sent, too.
func rename(p *form.Value, from, to string) {
	v := p.Get(from)
	if v == nil || p.Has(to) {
		return
	}
	remove(p, from)
	p.Set(to, v)
}

// each goes through the items of an array, however it was sent.
func each(p *form.Value, f func(*form.Value)) {
	if p == nil {
		return
	}
	for _, it := range p.Items {
		f(it)
	}
	for _, field := range p.Fields {
		f(field.Value)
	}
}

// group is a parameter made of others.
func group(fields ...form.Field) *form.Value { return &form.Value{Kind: form.Object, Fields: fields} }

// array is a parameter that lists others.
func array(items ...*form.Value) *form.Value { return &form.Value{Kind: form.Array, Items: items} }

// word is a parameter that is text.
func word(text string) *form.Value { return &form.Value{Kind: form.String, Text: text} }

// move takes a parameter to a place inside of another, which is made if it was not sent. What is there already stays.
func move(p *form.Value, from, to, inside string) {
	v := p.Get(from)
	if v == nil || p.Get(to).Has(inside) {
		return
	}
	remove(p, from)
	if p.Get(to) == nil {
		p.Set(to, group())
	}
	p.Get(to).Set(inside, v)
}

// oneOf moves parameters that name one thing into the array that names several, unless that was sent, too. Empty ones empty it.
func oneOf(p *form.Value, to string, names ...string) *fault.Error {
	var given []string
	list := array()
	for _, name := range names {
		if v := p.Get(name); v != nil && !p.Has(to) {
			given = append(given, name)
			if v.Text != "" {
				list.Items = append(list.Items, group(form.Field{Name: name, Value: v}))
			}
		}
	}
	if len(list.Items) > 1 {
		return fault.OnlyOne(given...)
	}
	for _, name := range given {
		remove(p, name)
	}
	switch {
	case len(list.Items) == 1:
		p.Set(to, list)
	case len(given) > 0:
		p.Set(to, word(""))
	}
	return nil
}
