// Package download serves the bytes of files: to everybody by a link, and to the account itself by its key. What it serves came from outside, so a browser
// is told to keep it apart from everything else.
package download

import (
	"context"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/file"
	"florin/internal/fault"
	"florin/internal/id"
	"florin/internal/jsontext"
	"florin/internal/store"
)

// A Handler serves bytes.
type Handler struct {
	app   *api.App
	files *file.Domain
}

// New makes the handler.
func New(app *api.App, files *file.Domain) *Handler { return &Handler{app, files} }

// ForKey says whether a path is that of a file's bytes, which the API's own host serves to the account.
func ForKey(path string) bool {
	rest, ok := strings.CutPrefix(path, "/v1/files/")
	name, ok2 := strings.CutSuffix(rest, "/contents")
	return ok && ok2 && name != "" && !strings.Contains(name, "/")
}

// ServeHTTP serves a link, or the bytes that a key asks for.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuse(w, fault.UnknownURL(r.Method, r.URL.Path))
		return
	}
	if ForKey(r.URL.Path) {
		h.contents(w, r)
		return
	}
	h.link(w, r)
}

// link serves what a link leads to. That there is no such link and that it has expired look the same.
func (h *Handler) link(w http.ResponseWriter, r *http.Request) {
	owner, link, live, ok := h.files.ParseToken(strings.TrimPrefix(r.URL.Path, file.Prefix))
	var f *file.File
	var content []byte
	err := h.do(r.Context(), ok, func(c *api.Call) error {
		a, err := account.Load(c, owner)
		if err != nil || a == nil {
			return err
		}
		f, content, err = h.files.Linked(c, a.Scope(live), link)
		return err
	})
	switch {
	case err != nil:
		h.broken(w, r, err)
	case f == nil:
		http.Error(w, "There is no file here. The link may have expired.", http.StatusNotFound)
	default:
		serve(w, r, f, content)
	}
}

func (h *Handler) do(ctx context.Context, ok bool, read func(*api.Call) error) error {
	if !ok {
		return nil
	}
	return h.app.Do(ctx, store.System, read)
}

// contents serves the bytes of a file to its account.
func (h *Handler) contents(w http.ResponseWriter, r *http.Request) {
	key, _, basic := r.BasicAuth()
	if !basic {
		key = strings.TrimSpace(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	}
	if key == "" {
		refuse(w, fault.NoKey())
		return
	}
	if r.TLS == nil && strings.Contains(key, "_live_") {
		refuse(w, fault.LiveKeyOverHTTP())
		return
	}
	who, err := h.app.Authenticate(r.Context(), key, r.Header.Get("Stripe-Account"))
	if f, ok := err.(*fault.Error); ok {
		refuse(w, f)
		return
	}
	if err != nil {
		h.broken(w, r, err)
		return
	}
	if who.Kind != api.SecretKey {
		refuse(w, fault.SecretKeyRequired()) // unverified: what a restricted key may see
		return
	}
	name := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/v1/files/"), "/contents")
	var f *file.File
	var content []byte
	err = h.app.Do(r.Context(), store.System, func(c *api.Call) (err error) {
		f, content, err = h.files.Content(c, who.Scope, name, true)
		return err
	})
	switch {
	case err != nil:
		h.broken(w, r, err)
	case f == nil:
		refuse(w, fault.NoSuch("file upload", name, "file", http.StatusNotFound))
	default:
		serve(w, r, f, content)
	}
}

// serve answers with bytes. They are shown where they can do no harm, and are a program to nobody.
func serve(w http.ResponseWriter, r *http.Request, f *file.File, content []byte) {
	name := f.ID
	if f.Filename != nil {
		name = *f.Filename
	}
	media := f.MediaType()
	how := "inline"
	if media == "application/octet-stream" {
		how = "attachment"
	}
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", mime.FormatMediaType(how, map[string]string{"filename": name}))
	h.Set("Content-Length", strconv.Itoa(len(content)))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Robots-Tag", "noindex")
	if r.Method == http.MethodGet {
		_, _ = w.Write(content) // a client that is gone has no use for the error
	}
}

func refuse(w http.ResponseWriter, f *fault.Error) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-cache, no-store")
	h.Set("Request-Id", id.Request())
	w.WriteHeader(f.Status)
	_, _ = w.Write(append(jsontext.Indent(nil, api.FaultBody(f, ""), 0), '\n'))
}

func (h *Handler) broken(w http.ResponseWriter, r *http.Request, err error) {
	h.app.Log.Error("a file cannot be served", "cause", err)
	refuse(w, fault.Unexpected())
}
