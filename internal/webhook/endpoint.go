package webhook

import (
	"fmt"

	"florin/internal/domain/webhookendpoint"
	"florin/internal/jsontext"
	"florin/internal/store"
)

// An endpoint is what one version of an endpoint's document says about sending. To open its secrets costs more than to sign.
type endpoint struct {
	ver          int64
	enabled      bool
	url, version string
	secrets      []string // that sign, newest first …
	until        int64    // … up to this second; 0: always
}

// maxEndpoints is how many are remembered.
const maxEndpoints = 1024

// endpoint is what the document of an endpoint says, now.
func (d *Deliverer) endpoint(doc *store.Doc) (*endpoint, error) {
	now := d.clock.Now().Unix()
	d.mu.Lock()
	e := d.endpoints[doc.ID]
	d.mu.Unlock()
	if e != nil && e.ver == doc.Ver && (e.until == 0 || now < e.until) {
		return e, nil
	}
	e, err := d.open(doc, now)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.endpoints) >= maxEndpoints {
		clear(d.endpoints)
	}
	d.endpoints[doc.ID] = e
	return e, nil
}

func (d *Deliverer) open(doc *store.Doc, now int64) (*endpoint, error) {
	e := &endpoint{
		ver: doc.Ver, enabled: jsontext.Text(doc.Body, "status") == webhookendpoint.Enabled,
		url: jsontext.Text(doc.Body, "url"), version: jsontext.Text(doc.Body, "api_version"),
	}
	if !e.enabled {
		return e, nil
	}
	var private webhookendpoint.Private
	err := jsontext.Decode(doc.Priv, &private)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doc.ID, err)
	}
	for _, s := range private.Secrets {
		if s.Expires > now {
			e.until = earlier(e.until, s.Expires)
		}
	}
	e.secrets, err = webhookendpoint.Secrets(d.vault, doc.Scope, doc.ID, private.Secrets, now)
	return e, err
}
