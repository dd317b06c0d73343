// Package file keeps what is uploaded (evidence, logos, papers), and links by which it can be downloaded without a key.
//
// The bytes are blobs beside the store, sealed like all that is secret; the documents know their size and type. A blob is written before the unit of
// work that makes its file is committed, under the file's id: an upload that is refused or loses a race leaves a blob that no file names, never a
// file without its bytes.
//
// Known from: the spec; docs.stripe.com/file-upload (purposes, sizes, types, expiry); facts 12.
package file

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"florin/internal/api"
	"florin/internal/fault"
	"florin/internal/store"
	"florin/internal/vault"
)

// A Domain keeps files.
type Domain struct {
	blobs Blobs
	vault *vault.Vault
}

// New makes the domain on a place for what is uploaded, and on the vault that seals it and signs links.
func New(blobs Blobs, v *vault.Vault) *Domain { return &Domain{blobs, v} }

// A File is something that was uploaded. It is not changed.
type File struct {
	api.Meta
	Created   int64   `json:"created"`
	ExpiresAt *int64  `json:"expires_at"` // Unix seconds
	Filename  *string `json:"filename"`
	Purpose   string  `json:"purpose"`
	Size      int64   `json:"size"` // bytes
	Title     *string `json:"title"`
	Type      *string `json:"type"` // pdf, png, jpg, …
	URL       *string `json:"url"`  // where its bytes are; null if they cannot be downloaded

	Private struct {
		Links []string `json:"links,omitempty"` // ids of its links, newest first
	} `json:"-"`
}

// Files is the kind of files. Word recorded in a public repository's answer ("No such file upload: 'x'").
var Files = &api.Kind[File]{
	Name: "file", Prefixes: []string{"file"}, Word: "file upload", Param: "file", Index: []string{"purpose"}, View: viewFile,
}

// Routes binds what the domain does.
func (d *Domain) Routes(r *api.Router) {
	r.Kind(Files)
	r.Kind(Links)
	r.Public("POST /v1/files", d.create)
	r.Handle("GET /v1/files", Files.List)
	r.Plain("GET /v1/files/{file}", Files.Retrieve)
	d.linkRoutes(r)
}

// A purpose is what may be uploaded for it.
type purpose struct {
	most     int64    // bytes
	types    []string // see sniff; nil: all
	days     int64    // after which it expires; 0: never
	download bool     // whether its bytes can be had again
}

const (
	kilo = 1 << 10
	mega = 1 << 20
)

// purposes are the purposes that can be uploaded for. Known from: docs.stripe.com/file-upload.
// unverified: those of Terminal, and the size of issuing_regulatory_reporting.
var purposes = map[string]purpose{
	"account_requirement":          {16 * mega, []string{"pdf", "jpg", "png"}, 0, false},
	"additional_verification":      {16 * mega, []string{"pdf", "jpg", "png"}, 0, false},
	"business_icon":                {512 * kilo, []string{"jpg", "png", "gif"}, 0, true},
	"business_logo":                {512 * kilo, []string{"jpg", "png", "gif"}, 0, true},
	"customer_signature":           {4 * mega, []string{"jpg", "png", "svg"}, 7, true},
	"dispute_evidence":             {5 * mega, []string{"pdf", "jpg", "png"}, 274, true}, // nine months
	"identity_document":            {16 * mega, []string{"pdf", "jpg", "png"}, 0, false},
	"issuing_regulatory_reporting": {16 * mega, []string{"pdf", "jpg", "png"}, 0, true},
	"pci_document":                 {16 * mega, []string{"pdf"}, 0, true},
	"platform_terms_of_service":    {16 * mega, []string{"pdf"}, 0, false},
	"tax_document_user_upload":     {16 * mega, []string{"pdf", "jpg", "png", "csv"}, 0, true},
	"terminal_android_apk":         {16 * mega, []string{"apk"}, 0, true},
	"terminal_reader_splashscreen": {2 * mega, []string{"jpg", "png", "gif"}, 0, true},
	"terminal_wifi_certificate":    {16 * kilo, nil, 0, false},
	"terminal_wifi_private_key":    {16 * kilo, nil, 0, false},
}

func (d *Domain) create(c *api.Call) (any, error) {
	p, up := c.P, c.P.Get("file")
	why, known := purposes[p.Str("purpose")]
	if !known {
		return nil, fault.FilePurpose(p.Str("purpose"))
	}
	content := up.Text
	typ := sniff(content, up.Filename)
	switch {
	case len(content) == 0:
		return nil, fault.FileEmpty()
	case int64(len(content)) > why.most:
		return nil, fault.FileTooLarge(why.most)
	case why.types != nil && !slices.Contains(why.types, typ):
		return nil, fault.FileType(typ, why.types)
	}
	link := p.Get("file_link_data")
	wanted := link.True("create")
	if wanted {
		if c.Publishable() {
			return nil, fault.SecretKeyRequired() // documented: a link is made with a secret key
		}
		if err := d.checkLink(c, p.Str("purpose"), link, "file_link_data[expires_at]"); err != nil {
			return nil, err
		}
	}

	f := Files.New(c, c.NewID("file"))
	f.Created, f.Purpose, f.Size = c.Now(), p.Str("purpose"), int64(len(content))
	if name := up.Filename; name != "" {
		f.Filename = &name
	}
	if typ != "" {
		f.Type = &typ
	}
	if why.days > 0 {
		at := c.Now() + why.days*86400
		f.ExpiresAt = &at
	}
	if why.download {
		url := c.Base() + "/v1/files/" + f.ID + "/contents"
		f.URL = &url
	}
	if err := d.blobs.Put(f.ID, d.vault.Seal("file "+f.ID, []byte(content))); err != nil {
		return nil, err
	}
	if wanted {
		if _, err := d.newLink(c, f, link); err != nil {
			return nil, err
		}
	}
	return f, c.Save(f, "file.created")
}

// sniff tells what sort of file it is by how it begins, and by its name where that tells nothing; "" if nothing does.
func sniff(content, name string) string {
	head := content[:min(len(content), 512)]
	switch {
	case strings.HasPrefix(head, "%PDF-"):
		return "pdf"
	case strings.HasPrefix(head, "\x89PNG\r\n\x1a\n"):
		return "png"
	case strings.HasPrefix(head, "\xff\xd8\xff"):
		return "jpg"
	case strings.HasPrefix(head, "GIF87a"), strings.HasPrefix(head, "GIF89a"):
		return "gif"
	case strings.Contains(head, "<svg"):
		return "svg"
	case strings.HasPrefix(head, "PK\x03\x04") && strings.HasSuffix(strings.ToLower(name), ".apk"):
		return "apk"
	}
	if strings.IndexByte(head, 0) >= 0 {
		return ""
	}
	for _, ext := range []string{"csv", "txt", "json", "xml"} { // text, which says nothing of itself
		if strings.HasSuffix(strings.ToLower(name), "."+ext) {
			return ext
		}
	}
	return ""
}

// viewFile puts the file's links into it. A file that has none has an empty list of them.
func viewFile(c *api.Call, doc *store.Doc) ([]byte, error) {
	var private struct{ Links []string }
	if len(doc.Priv) > 0 {
		if err := json.Unmarshal(doc.Priv, &private); err != nil {
			return nil, fmt.Errorf("the links of %s: %w", doc.ID, err)
		}
	}
	list := &api.List{Object: "list", URL: "/v1/file_links?file=" + doc.ID}
	for _, id := range private.Links {
		if len(list.Data) == 10 {
			list.HasMore = true
			break
		}
		l, err := Links.GetAt(c, doc.Scope, id)
		if err != nil {
			return nil, err
		}
		if l == nil {
			return nil, fmt.Errorf("%s has a link %s that is gone", doc.ID, id)
		}
		shown, err := c.Show(l)
		if err != nil {
			return nil, err
		}
		list.Data = append(list.Data, bytes.Clone(shown))
	}
	at := bytes.Index(doc.Body, []byte(`,"purpose":`)) // behind the filename, where quotes are escaped
	if at < 0 {
		return nil, fmt.Errorf("%s has no purpose", doc.ID)
	}
	out := append(append(append([]byte{}, doc.Body[:at]...), `,"links":`...), list.JSON()...)
	return append(out, doc.Body[at:]...), nil
}

// Find loads a file that a parameter names, for those who use it: evidence, logos, papers.
func (d *Domain) Find(c *api.Call, id, param string) (*File, error) { return Files.Find(c, id, param) }

// Content is what was uploaded, its file, and what browsers call its type; nil if there is no such file, or it has expired. asOwner says that the
// account itself asks, with its key; then only what can be downloaded is shown.
func (d *Domain) Content(c *api.Call, scope store.Scope, id string, asOwner bool) (*File, []byte, error) {
	f, err := Files.GetAt(c, scope, id)
	if err != nil || f == nil || asOwner && f.URL == nil || f.ExpiresAt != nil && *f.ExpiresAt <= c.Now() {
		return nil, nil, err
	}
	sealed, err := d.blobs.Get(f.ID)
	if err != nil || sealed == nil {
		return nil, nil, err
	}
	content, err := d.vault.Open("file "+f.ID, sealed)
	if err != nil {
		return nil, nil, fmt.Errorf("open %s: %w", f.ID, err)
	}
	return f, content, nil
}

// MediaType is what browsers call a type of file. What could be a program to them (svg, xml) is only bytes.
func (f *File) MediaType() string {
	if f.Type == nil {
		return "application/octet-stream"
	}
	switch *f.Type {
	case "pdf":
		return "application/pdf"
	case "png":
		return "image/png"
	case "jpg":
		return "image/jpeg"
	case "gif":
		return "image/gif"
	case "csv", "txt":
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}
