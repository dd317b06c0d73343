package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// Sign is the signature of a body at a time, in Unix seconds: the HMAC-SHA256 of both under the whole secret, whsec_ included, as hexadecimal
// digits. Known from: facts 10a.
func Sign(secret string, t int64, body []byte) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write(strconv.AppendInt(nil, t, 10))
	h.Write([]byte{'.'})
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// Signature is the Stripe-Signature header: the time, a signature for each secret, newest first, and in test mode one of a scheme that there is
// not (v0), so that clients learn to ignore it. Known from: facts 10a.
func Signature(secrets []string, t int64, body []byte, live bool) string {
	header := "t=" + strconv.FormatInt(t, 10)
	for _, s := range secrets {
		header += ",v1=" + Sign(s, t, body)
	}
	if !live {
		header += ",v0=" + Sign("v0", t, body)
	}
	return header
}
