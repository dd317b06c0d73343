package file_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"florin/internal/audit"
	"florin/internal/server/servertest"
	"florin/internal/shape"
	"florin/internal/spec"
)

const png = "\x89PNG\r\n\x1a\n and so on"

// upload posts a file; fields are pairs.
func upload(t *testing.T, s *servertest.Server, key, name, content string, fields ...string) *servertest.Reply {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for i := 0; i < len(fields); i += 2 {
		if err := w.WriteField(fields[i], fields[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if name != "" {
		part, err := w.CreateFormFile("file", name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/v1/files", &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.Header.Set("Authorization", "Bearer "+key)
	res := s.Do(r)
	if res.Status == http.StatusOK {
		held(t, "POST /v1/files", res)
	}
	return res
}

// held holds an answer to the spec.
func held(t *testing.T, route string, r *servertest.Reply) {
	t.Helper()
	for _, problem := range shape.Check(spec.Lookup(route), r.Status, r.Body) {
		t.Errorf("%s: %v", route, problem)
	}
}

func fetch(s *servertest.Server, method, path, key string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	w := httptest.NewRecorder()
	s.Server.ServeHTTP(w, r)
	return w
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	s := servertest.New(t, servertest.In(dir))
	s.App.Base = "http://florin.test"
	r := upload(t, s, s.Secret, "logo.png", png, "purpose", "business_logo")
	id := r.Text("id")
	if r.Status != 200 || !strings.HasPrefix(id, "file_1") || r.Text("object") != "file" || r.Text("type") != "png" || r.Text("filename") != "logo.png" ||
		r.At("size") != float64(len(png)) || r.Text("purpose") != "business_logo" || r.At("expires_at") != nil || r.Text("links", "url") != "/v1/file_links?file="+id {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	blob, err := os.ReadFile(filepath.Join(dir, "files", id))
	if err != nil || bytes.Contains(blob, []byte("and so on")) {
		t.Errorf("the blob is not there, or not sealed: %v", err)
	}
	if w := fetch(s, "GET", "/v1/files/"+id+"/contents", s.Secret); w.Code != 200 || w.Body.String() != png || w.Header().Get("Content-Type") != "image/png" {
		t.Errorf("contents: %d %q %v", w.Code, w.Body, w.Header())
	}
	for _, key := range []string{"", s.Publishable, "sk_test_none"} {
		if w := fetch(s, "GET", "/v1/files/"+id+"/contents", key); w.Code/100 != 4 || strings.Contains(w.Body.String(), "and so on") {
			t.Errorf("contents with the key %q: %d %q", key, w.Code, w.Body)
		}
	}
	if got := s.Get("/v1/files", "purpose", "business_logo"); len(got.At("data").([]any)) != 1 {
		t.Errorf("list: %s", got.Body)
	}
	if got := s.Get("/v1/files/" + id); got.Text("id") != id {
		t.Errorf("retrieve: %s", got.Body)
	}
	if got := s.Get("/v1/files/file_none"); got.Status != 404 || got.Text("error", "message") != "No such file upload: 'file_none'" {
		t.Errorf("retrieve none: %s", got.Body)
	}
	if got := s.Get("/v1/events", "type", "file.created"); len(got.At("data").([]any)) != 1 {
		t.Errorf("events: %s", got.Body)
	}

	// A link is followed without a key, until it expires.
	at := servertest.Start.Add(time.Hour).Unix()
	l := s.Post("/v1/file_links", "file", id, "expires_at", itoa(at), "metadata[a]", "b")
	held(t, "POST /v1/file_links", l)
	url := strings.TrimPrefix(l.Text("url"), "http://florin.test")
	if l.Status != 200 || l.At("expired") != false || l.Text("file") != id || l.Text("metadata", "a") != "b" || !strings.HasPrefix(url, "/links/MHxhY2N0X") {
		t.Fatalf("%d %s", l.Status, l.Body)
	}
	if w := fetch(s, "GET", url, ""); w.Code != 200 || w.Body.String() != png || !strings.Contains(w.Header().Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("link: %d %q", w.Code, w.Body)
	}
	if w := fetch(s, "GET", url[:len(url)-1]+"!", ""); w.Code != 404 {
		t.Errorf("a link with another signature: %d", w.Code)
	}
	if w := fetch(s, "POST", url, ""); w.Code != 404 {
		t.Errorf("a link that is posted to: %d", w.Code)
	}
	if got := s.Get("/v1/files/" + id); len(got.At("links", "data").([]any)) != 1 {
		t.Errorf("the file does not show its link: %s", got.Body)
	}
	s.Clock.Advance(2 * time.Hour)
	if w := fetch(s, "GET", url, ""); w.Code != 404 {
		t.Errorf("a link that has expired: %d", w.Code)
	}
	got := s.Get("/v1/file_links", "expired", "true")
	if data := got.At("data").([]any); len(data) != 1 || data[0].(map[string]any)["expired"] != true {
		t.Errorf("expired links: %s", got.Body)
	}
	if got := s.Get("/v1/file_links", "expired", "false", "file", id); len(got.At("data").([]any)) != 0 {
		t.Errorf("links that have not expired: %s", got.Body)
	}
	if got := s.Post("/v1/file_links/"+l.Text("id"), "expires_at", ""); got.Status != 400 {
		t.Errorf("an expired link is changed: %s", got.Body)
	}
	if got := s.Post("/v1/file_links/"+l.Text("id"), "metadata[a]", "c"); got.Text("metadata", "a") != "c" || got.At("expired") != true {
		t.Errorf("update: %s", got.Body)
	}

	l = s.Post("/v1/file_links", "file", id)
	if got := s.Post("/v1/file_links/"+l.Text("id"), "expires_at", "now"); got.At("expired") != true {
		t.Errorf("expired now: %s", got.Body)
	}
	held(t, "GET /v1/file_links/{link}", s.Get("/v1/file_links/"+l.Text("id")))
	for _, tt := range []struct {
		want   string
		params []string
	}{
		{"No such file upload: 'file_none'", []string{"file", "file_none"}},
		{"Missing required param: file.", nil},
		{"Invalid timestamp: must be in the future.", []string{"file", id, "expires_at", "1000"}},
	} {
		if r := s.Post("/v1/file_links", tt.params...); r.Status != 400 || r.Text("error", "message") != tt.want {
			t.Errorf("%v: %s", tt.params, r.Body)
		}
	}
	if r := s.Get("/v1/file_links/link_none"); r.Status != 404 {
		t.Errorf("no such link: %s", r.Body)
	}
	if r := s.Post("/v1/file_links/link_none"); r.Status != 404 {
		t.Errorf("no such link: %s", r.Body)
	}
	var out bytes.Buffer
	if n, err := audit.Run(t.Context(), s.DB(), &out); err != nil || n != 0 {
		t.Errorf("%d findings, %v:\n%s", n, err, out.String())
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func TestUploads(t *testing.T) {
	s := servertest.New(t)
	pdf := "%PDF-1.7 text"
	for _, tt := range []struct {
		name, content, purpose string
		want                   string // the refusal; "" for none
	}{
		{"a.pdf", pdf, "dispute_evidence", ""},
		{"a.png", png, "dispute_evidence", ""},
		{"a.gif", "GIF89a", "dispute_evidence", "Invalid file type: gif. The supported file types for this purpose are pdf, jpg, png."},
		{"a.gif", "GIF89a", "business_icon", ""},
		{"a.jpg", "\xff\xd8\xff\xe0", "identity_document", ""},
		{"a.svg", "<svg></svg>", "customer_signature", ""},
		{"a.pdf", "MZ no pdf", "pci_document", "Invalid file type: unknown. The supported file types for this purpose are pdf."},
		{"a.csv", "a,b\n1,2\n", "tax_document_user_upload", ""},
		{"key.pem", "-----BEGIN", "terminal_wifi_private_key", ""},
		{"a.pdf", "", "dispute_evidence", "The file you uploaded is empty."},
		{"a.png", png + strings.Repeat("x", 600<<10), "business_logo", "The file you uploaded exceeds the maximum size of 512KB for this purpose."},
		{"a.png", png + strings.Repeat("x", 4<<20), "dispute_evidence", ""}, // more than another body may have
		{"a.png", png + strings.Repeat("x", 5<<20), "dispute_evidence", "The file you uploaded exceeds the maximum size of 5MB for this purpose."},
		{"", "", "dispute_evidence", "Missing required param: file."},
	} {
		r := upload(t, s, s.Secret, tt.name, tt.content, "purpose", tt.purpose)
		if r.Text("error", "message") != tt.want {
			t.Errorf("%s for %s: %s, want %q", tt.name, tt.purpose, r.Body, tt.want)
		}
	}
	if r := upload(t, s, s.Secret, "a.pdf", pdf, "purpose", "selfies"); r.Status != 400 || r.Text("error", "param") != "purpose" {
		t.Errorf("a purpose that is none: %s", r.Body)
	}
	if r := upload(t, s, s.Secret, "a.pdf", pdf+strings.Repeat("x", 18<<20), "purpose", "pci_document"); r.Status/100 != 4 {
		t.Errorf("too large a body: %d", r.Status)
	}
	// With a link at once.
	r := upload(t, s, s.Secret, "a.pdf", pdf, "purpose", "dispute_evidence", "file_link_data[create]", "true", "file_link_data[metadata][a]", "b")
	links, _ := r.At("links", "data").([]any)
	if r.Status != 200 || len(links) != 1 || r.At("expires_at") == nil {
		t.Errorf("a link at once: %s", r.Body)
	}
	if r := upload(t, s, s.Secret, "a.png", png, "purpose", "identity_document", "file_link_data[create]", "true"); r.Status != 400 {
		t.Errorf("a link to an identity document: %s", r.Body)
	}
	// A browser may upload, and sees what it has uploaded, but gets no link.
	if r := upload(t, s, s.Publishable, "a.png", png, "purpose", "identity_document"); r.Status != 200 || r.At("url") != nil {
		t.Errorf("from a browser: %s", r.Body)
	}
	if r := upload(t, s, s.Publishable, "a.pdf", pdf, "purpose", "dispute_evidence", "file_link_data[create]", "true"); r.Status/100 != 4 {
		t.Errorf("a link from a browser: %s", r.Body)
	}
}
