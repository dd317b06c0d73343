package version

import (
	"slices"

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

// rename gives a parameter its newer name, unless that was sent, too.
func rename(p *form.Value, from, to string) {
	v := p.Get(from)
	if v == nil || p.Has(to) {
		return
	}
	remove(p, from)
	p.Set(to, v)
}
