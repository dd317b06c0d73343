package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// A node is a JSON value that keeps the order of its members.
type node struct {
	kind   kind
	keys   []string // of an object
	values []*node  // of an object or an array
	text   string   // of anything else
}

type kind uint8

const (
	scalar kind = iota
	object
	array
)

func decode(document []byte) (*node, error) {
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	n, err := value(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("text after the document")
	}
	return n, nil
}

func value(d *json.Decoder) (*node, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	n := &node{}
	switch t {
	case json.Delim('{'):
		n.kind = object
	case json.Delim('['):
		n.kind = array
	default:
		n.text = fmt.Sprint(t)
		return n, nil
	}
	for d.More() {
		if n.kind == object {
			k, err := d.Token()
			if err != nil {
				return nil, err
			}
			n.keys = append(n.keys, k.(string))
		}
		v, err := value(d)
		if err != nil {
			return nil, err
		}
		n.values = append(n.values, v)
	}
	_, err = d.Token()
	return n, err
}

// at follows a path of names; nil if there is nothing. It works on nil.
func (n *node) at(path ...string) *node {
	for _, name := range path {
		if n == nil || n.kind != object {
			return nil
		}
		i := slices.Index(n.keys, name)
		if i < 0 {
			return nil
		}
		n = n.values[i]
	}
	return n
}

// str is the text at a path; "" if there is nothing.
func (n *node) str(path ...string) string {
	if n = n.at(path...); n == nil {
		return ""
	}
	return n.text
}

func (n *node) list() []*node {
	if n == nil || n.kind != array {
		return nil
	}
	return n.values
}

func (n *node) texts() []string {
	var out []string
	for _, v := range n.list() {
		out = append(out, v.text)
	}
	return out
}

// set gives a member of an object a value.
func (n *node) set(name string, v *node) {
	if i := slices.Index(n.keys, name); i >= 0 {
		n.values[i] = v
		return
	}
	n.keys = append(n.keys, name)
	n.values = append(n.values, v)
}

// with is a copy of an object with one member set.
func (n *node) with(name string, v *node) *node {
	c := &node{kind: n.kind, keys: slices.Clone(n.keys), values: slices.Clone(n.values)}
	c.set(name, v)
	return c
}

func text(s string) *node { return &node{text: s} }

func textList(values []string) *node {
	n := &node{kind: array}
	for _, v := range values {
		n.values = append(n.values, text(v))
	}
	return n
}
