package keep

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf16"
)

// A needle is something that must stand nowhere, in one of the ways in which it could.
type needle struct {
	name  string // what it is, without showing it
	bytes []byte
}

// needles are the ways in which a text could stand somewhere: as it is, in hexadecimal, in base64 at any place, in UTF-16; digits also in groups and
// packed two to a byte.
func needles(name, text string) (out []needle) {
	add := func(how string, b []byte) { out = append(out, needle{name + ", " + how, b}) }
	plain := map[string]string{"plain": text}
	if digits := strings.Trim(text, "0123456789") == ""; digits {
		plain["in groups"] = group(text, " ")
		plain["with dashes"] = group(text, "-")
		plain["with pluses"] = group(text, "+")
		if bcd, err := hex.DecodeString(text); err == nil {
			add("packed", bcd)
		}
	}
	for how, s := range plain {
		add(how, []byte(s))
		add(how+" in hex", []byte(hex.EncodeToString([]byte(s))))
		add(how+" in HEX", bytes.ToUpper([]byte(hex.EncodeToString([]byte(s)))))
		var le, be []byte
		for _, u := range utf16.Encode([]rune(s)) {
			le, be = append(le, byte(u), byte(u>>8)), append(be, byte(u>>8), byte(u))
		}
		add(how+" in UTF-16LE", le)
		add(how+" in UTF-16BE", be)
		for shift := range 3 { // what stands before it decides how it looks
			enc := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), s...))
			enc = enc[(shift*8+5)/6 : len(enc)-1] // letters that its neighbours have a part in
			add(fmt.Sprintf("%s in base64 at %d", how, shift), []byte(enc))
			add(fmt.Sprintf("%s in base64url at %d", how, shift), []byte(strings.NewReplacer("+", "-", "/", "_").Replace(enc)))
		}
	}
	return out
}

func group(digits, by string) string {
	var parts []string
	for ; len(digits) > 4; digits = digits[4:] {
		parts = append(parts, digits[:4])
	}
	return strings.Join(append(parts, digits), by)
}

// cvcs are the ways in which a security code could be told from other digits.
func cvcs(name, code string) (out []needle) {
	for _, form := range []string{`cvc":"%s`, `cvc": "%s`, `cvc=%s`, `cvc]=%s`, `cvc%%5D=%s`, `cvc":%s`, `CVC:%s`, "\n%s\n", `"%s"`} {
		out = append(out, needle{name, fmt.Appendf(nil, form, code)})
	}
	return out
}

// find says which needles stand in a haystack.
func find(hay []byte, all []needle) (found []string) {
	for _, n := range all {
		if bytes.Contains(hay, n.bytes) {
			found = append(found, n.name)
		}
	}
	return found
}
