package shape

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"

	"florin/internal/spec"
)

// Watch holds every answer of a handler to the spec, and tells of each that differs: which request it was, and what is wrong, a line each. Answers at
// a version with other shapes than the spec's, and what is no answer of an operation, pass.
func Watch(next http.Handler, differs func(r *http.Request, wrong []string, body []byte)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		op, _, ok := spec.Find(r.Method, r.URL.EscapedPath())
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		sent := &bytes.Buffer{}
		if r.Body != nil && !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
			r.Body = tee{io.TeeReader(r.Body, sent), r.Body}
		}
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(rec, r)
		switch {
		case rec.status == http.StatusRequestURITooLong: // the edge answers a long line with a page
			return
		case rec.Header().Get("Idempotent-Replayed") == "true": // at the version of the first request, when it was held
			return
		case !current(rec.Header().Get("Stripe-Version")) || r.Context().Err() != nil:
			return
		}
		check := Check
		if toBrowser(r, sent.String()) {
			check = CheckReduced
		}
		if wrong := check(op, rec.status, rec.body.Bytes()); len(wrong) > 0 {
			differs(r, wrong, rec.body.Bytes())
		}
	})
}

// current says whether answers at a version have the spec's shapes: versions of one name only add to each other. A refusal may come before there is
// a version.
func current(version string) bool {
	version, _, _ = strings.Cut(version, ";")
	_, name, _ := strings.Cut(version, ".")
	_, latest, _ := strings.Cut(spec.Version(), ".")
	return version == "" || name == latest && version <= spec.Version()
}

// toBrowser says whether an answer is reduced to what a browser may see: it was asked for with a publishable key, or with a client secret.
func toBrowser(r *http.Request, sent string) bool {
	key, _, basic := r.BasicAuth()
	if !basic {
		_, key, _ = strings.Cut(r.Header.Get("Authorization"), " ")
	}
	if strings.HasPrefix(key, "pk_") {
		return true
	}
	for _, text := range []string{r.URL.RawQuery, sent} {
		form, _ := url.ParseQuery(text) // what cannot be read is refused
		if form.Get("client_secret") != "" || strings.HasPrefix(form.Get("key"), "pk_") {
			return true
		}
	}
	return false
}

type tee struct {
	io.Reader
	io.Closer
}

// A recorder keeps what goes through it.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	r.body.Write(p)
	return r.ResponseWriter.Write(p)
}

// Unwrap lets a ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
