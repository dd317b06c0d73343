package postgres

import (
	"encoding/binary"

	"florin/internal/store"
)

// Types of PostgreSQL by number, as its catalog has them.
const (
	oidBool  = 16
	oidBytea = 17
	oidInt8  = 20
	oidInt2  = 21
	oidInt4  = 23
	oidText  = 25
)

// A column is an array in PostgreSQL's binary form: one parameter that carries a value for each of many rows.
type column struct {
	b []byte
	n uint32
}

// columns makes empty arrays of these types.
func columns(types ...uint32) []column {
	cs := make([]column, len(types))
	for i, typ := range types {
		b := binary.BigEndian.AppendUint32(make([]byte, 0, 256), 1) // dimensions
		b = binary.BigEndian.AppendUint32(b, 0)                     // whether there are nulls; the server looks itself
		b = binary.BigEndian.AppendUint32(b, typ)
		b = binary.BigEndian.AppendUint32(b, 0)       // length, set at the end
		cs[i].b = binary.BigEndian.AppendUint32(b, 1) // where its numbers begin
	}
	return cs
}

func (c *column) int8(v int64) {
	c.n++
	c.b = binary.BigEndian.AppendUint32(c.b, 8)
	c.b = binary.BigEndian.AppendUint64(c.b, uint64(v))
}

func (c *column) int4(v int32) {
	c.n++
	c.b = binary.BigEndian.AppendUint32(c.b, 4)
	c.b = binary.BigEndian.AppendUint32(c.b, uint32(v))
}

func (c *column) int2(v int16) {
	c.n++
	c.b = binary.BigEndian.AppendUint32(c.b, 2)
	c.b = binary.BigEndian.AppendUint16(c.b, uint16(v))
}

func (c *column) bool(v bool) {
	c.n++
	c.b = binary.BigEndian.AppendUint32(c.b, 1)
	c.b = append(c.b, flag(v))
}

// key appends what stands in indexes for a text.
func (c *column) key(text string) {
	if len(text) <= longest {
		c.text(text)
		return
	}
	c.raw(shortKey(text))
}

func (c *column) text(s string) {
	c.n++
	c.b = binary.BigEndian.AppendUint32(c.b, uint32(len(s)))
	c.b = append(c.b, s...)
}

// bytes appends b, or null where there are none.
func (c *column) bytes(b []byte) {
	c.n++
	if len(b) == 0 {
		c.b = binary.BigEndian.AppendUint32(c.b, ^uint32(0))
		return
	}
	c.b = binary.BigEndian.AppendUint32(c.b, uint32(len(b)))
	c.b = append(c.b, b...)
}

// done returns the parameter.
func (c *column) done() []byte {
	binary.BigEndian.PutUint32(c.b[12:], c.n)
	return c.b
}

// copied makes what COPY takes in its binary form: rows that are each begun by row.
func copied() column {
	return column{b: append(make([]byte, 0, 4096), "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)}
}

// row begins a row of COPY.
func (c *column) row(fields int) { c.b = binary.BigEndian.AppendUint16(c.b, uint16(fields)) }

// end returns what COPY takes.
func (c *column) end() []byte { return append(c.b, 0xff, 0xff) }

func params(cs []column) [][]byte {
	ps := make([][]byte, len(cs))
	for i := range cs {
		ps[i] = cs[i].done()
	}
	return ps
}

func flag(v bool) byte {
	if v {
		return 1
	}
	return 0
}

func int8Param(v int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(v)) }
func int4Param(v int32) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }
func int2Param(v int16) []byte { return binary.BigEndian.AppendUint16(nil, uint16(v)) }

// What follows reads the values of a row.

func int8Value(b []byte) int64 {
	if len(b) != 8 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(b))
}

func int2Value(b []byte) int16 {
	if len(b) != 2 {
		return 0
	}
	return int16(binary.BigEndian.Uint16(b))
}

func bytesValue(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return append(make([]byte, 0, len(b)), b...)
}

// shardOf is the part of the data that a scope belongs to, as rows have it.
func shardOf(s store.Scope) int16 { return int16(s.Shard()) }

// raw appends b, which may be empty.
func (c *column) raw(b []byte) {
	c.n++
	c.b = binary.BigEndian.AppendUint32(c.b, uint32(len(b)))
	c.b = append(c.b, b...)
}
