package api

import (
	"slices"
	"strconv"

	"florin/internal/jsontext"
	"florin/internal/store"
	"florin/internal/version"
)

// Most answers to reads show documents just as they are stored. Their text, laid out as Stripe prints it, is made once for each document at hand
// (store.Memo), and a page of a list is put together from such texts.

// A layout is where a document stands in an answer.
type layout int

const (
	alone  layout = iota
	listed        // in data of a list, two levels down
)

// layOut is the text of a document in an answer to the call; nil if the answer shows anything else than what is stored.
func (c *Call) layOut(k *kind, body []byte, deleted bool, memo *store.Memo, as layout) []byte {
	if k == nil || k.view != nil || deleted || c.expand != nil || c.Publishable() || memo == nil {
		return nil
	}
	at, depth := &memo.Alone, 0
	if as == listed {
		at, depth = &memo.Listed, 2
	}
	made := at.Load()
	if made == nil || made.For != c.Version {
		made = &store.Made{For: c.Version}
		if version.Same(c.Version, body) {
			made.Text = jsontext.Indent(make([]byte, 0, len(body)*3/2), body, depth)
		}
		at.Store(made)
	}
	return made.Text
}

// layOut writes the text of the list to a buffer, if that of all that it shows is there.
func (l *List) layOut(to *[]byte) bool {
	if len(l.laid) != len(l.Data) || len(l.laid) == 0 || l.Object != "list" || l.Total != nil {
		return false
	}
	size := 128 + len(l.URL)
	for _, text := range l.laid {
		size += len(text) + 6
	}
	b := append(slices.Grow((*to)[:0], size), "{\n  \"object\": \"list\",\n  \"data\": ["...)
	for i, text := range l.laid {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, "\n    "...), text...)
	}
	b = append(b, "\n  ],\n  \"has_more\": "...)
	b = strconv.AppendBool(b, l.HasMore)
	b = jsontext.AppendString(append(b, ",\n  \"url\": "...), l.URL)
	*to = append(b, "\n}"...)
	return true
}
