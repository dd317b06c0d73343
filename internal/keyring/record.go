package keyring

import (
	"bytes"
	"encoding/base64"
	"strings"

	"florin/internal/store"
	"florin/internal/vault"
)

// A record is a sealed record that stands in a JSON text as a string in base64, with or without padding.
type record struct {
	record []byte
	padded bool
}

// leastText is the length of the shortest record's text.
const leastText = 70

// decode reads a string as a record.
func decode(text string) (record, bool) {
	if len(text) < leastText || text[0] != 'A' { // the first byte is a version: 1 or 2
		return record{}, false
	}
	r := record{padded: len(text)%4 == 0}
	encoding := base64.RawStdEncoding
	if r.padded {
		encoding = base64.StdEncoding
	}
	var err error
	if r.record, err = encoding.DecodeString(text); err != nil || vault.KeyID(r.record) == "" {
		return record{}, false
	}
	return r, true
}

func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// encode writes a record that takes this one's place, in the way in which this one was written.
func (r record) encode(b []byte) []byte {
	text := base64.RawStdEncoding.AppendEncode(nil, b)
	for r.padded && len(text)%4 != 0 {
		text = append(text, '=')
	}
	return text
}

// inText calls each for every record in a JSON text, and returns the text with what each returns in their places; nil where nothing changed.
func inText(text []byte, each func(record) (now []byte)) []byte {
	var out []byte
	done, rest := 0, text
	for {
		open := bytes.IndexByte(rest, '"')
		if open < 0 {
			break
		}
		rest = rest[open+1:]
		end := bytes.IndexAny(rest, `"\`)
		if end < 0 {
			break
		}
		if rest[end] == '\\' { // no record: skip to the end of the string
			for end < len(rest) && rest[end] != '"' {
				if rest[end] == '\\' {
					end++
				}
				end++
			}
			if end >= len(rest) {
				break
			}
		} else if r, ok := decode(string(rest[:end])); ok {
			if now := each(r); now != nil {
				at := len(text) - len(rest)
				out = append(append(out, text[done:at]...), r.encode(now)...)
				done = at + end
			}
		}
		rest = rest[end+1:]
	}
	if done == 0 {
		return nil
	}
	return append(out, text[done:]...)
}

// sealedBody says whether a document's body may hold records: only those of internal kinds do.
func sealedBody(d *store.Doc) bool { return strings.HasPrefix(d.Kind, "_") }

// records calls each for every record of one version of a document.
func records(d *store.Doc, each func(record)) {
	look := func(r record) []byte { each(r); return nil }
	inText(d.Priv, look)
	if sealedBody(d) {
		inText(d.Body, look)
	}
}
