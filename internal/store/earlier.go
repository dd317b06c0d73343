package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
)

// A unit often makes several versions of one document, which differ in a few bytes: a charge before and after its balance transaction is known.
// Engines keep them in one row: the last in full, and the others, column earlier, as what they have of their own between the bytes that they share
// with it at both ends. (A third of the bytes of a card payment, and two rows of eleven.) When such a row is written over they get rows of their own.

// AppendEarlier adds a version to the column of a row.
func AppendEarlier(col []byte, v, row *Doc) []byte {
	col = binary.AppendUvarint(col, uint64(v.Ver))
	col = binary.AppendVarint(col, v.Created)
	col = binary.AppendVarint(col, v.Seq)
	deleted := byte(0)
	if v.Deleted {
		deleted = 1
	}
	col = append(col, deleted)
	col = appendDiff(col, v.Body, row.Body)
	return appendDiff(col, v.Priv, row.Priv)
}

func appendDiff(col, b, than []byte) []byte {
	head := commonHead(b, than)
	tail := commonTail(b[head:], than[head:])
	col = binary.AppendUvarint(col, uint64(head))
	col = binary.AppendUvarint(col, uint64(tail))
	col = binary.AppendUvarint(col, uint64(len(b)-head-tail))
	return append(col, b[head:len(b)-tail]...)
}

// commonHead is how many bytes two texts share at the beginning, compared eight at a time.
func commonHead(a, b []byte) (n int) {
	for len(a)-n >= 8 && len(b)-n >= 8 {
		if x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
		n += 8
	}
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// commonTail is how many bytes they share at the end.
func commonTail(a, b []byte) (n int) {
	for len(a)-n >= 8 && len(b)-n >= 8 {
		if x := binary.LittleEndian.Uint64(a[len(a)-n-8:]) ^ binary.LittleEndian.Uint64(b[len(b)-n-8:]); x != 0 {
			return n + bits.LeadingZeros64(x)/8
		}
		n += 8
	}
	for n < min(len(a), len(b)) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}

// ErrEarlier says that what an engine has of earlier versions is not what it wrote.
var ErrEarlier = errors.New("store: an earlier version cannot be read")

// ReadEarlier reads the versions that a row has besides its own, oldest first.
func ReadEarlier(col []byte, row *Doc) (out []Doc, err error) {
	r := bytes.NewReader(col)
	for r.Len() > 0 {
		v := Doc{Scope: row.Scope, ID: row.ID, Kind: row.Kind}
		ver, err1 := binary.ReadUvarint(r)
		created, err2 := binary.ReadVarint(r)
		seq, err3 := binary.ReadVarint(r)
		deleted, err4 := r.ReadByte()
		if errors.Join(err1, err2, err3, err4) != nil {
			return nil, ErrEarlier
		}
		v.Ver, v.Created, v.Seq, v.Deleted = int64(ver), created, seq, deleted == 1
		if v.Body, err = readDiff(r, row.Body); err != nil {
			return nil, err
		}
		if v.Priv, err = readDiff(r, row.Priv); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func readDiff(r *bytes.Reader, than []byte) ([]byte, error) {
	head, err1 := binary.ReadUvarint(r)
	tail, err2 := binary.ReadUvarint(r)
	own, err3 := binary.ReadUvarint(r)
	most := uint64(len(than))
	if errors.Join(err1, err2, err3) != nil || head > most || tail > most-head || own > uint64(r.Len()) {
		return nil, ErrEarlier
	}
	if head+own+tail == 0 {
		return nil, nil
	}
	b := make([]byte, head+own+tail)
	copy(b, than[:head])
	if _, err := r.Read(b[head : head+own]); err != nil && own > 0 {
		return nil, ErrEarlier
	}
	copy(b[head+own:], than[most-tail:])
	return b, nil
}
