package setup

import (
	"encoding/json"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/id"
	"florin/internal/paymethod"
	"florin/internal/store"
)

// Where customers are asked outside of the shop: on a page that they are sent to, or in an app that scans a code. Payments ask in the same way, and
// their pages find the intent, of a payment or of a setup, by the token of its URL.
//
// Known from: facts 14b (which type has which action), 14c (the patterns of the URLs), the spec (the members of the actions).

// An asked is the way from what a URL holds to the intent that waits for an answer there. It stands in the system's scope, as the URL names no
// account; the intent says by Private.Asked whether it still waits.
type asked struct {
	api.Meta
	Intent string `json:"intent"`
	Scope  int64  `json:"scope"`
}

var askeds = &api.Kind[asked]{Name: "_asked", Internal: true}

// GiveToken makes a token under which pages find an intent.
func GiveToken(c *api.Call, prefix, intent string) (string, error) {
	token := prefix + id.Secret(24)
	a := askeds.NewAt(c, store.System, "_asked:"+token, c.Now())
	a.Intent, a.Scope = intent, int64(c.Scope)
	return token, c.Save(a)
}

// Asked finds where the intent is that a token was given to, in a call of the system's scope; ok is false if there is no such token.
func Asked(c *api.Call, token string) (scope store.Scope, intent string, ok bool, err error) {
	a, err := askeds.GetAt(c, store.System, "_asked:"+token)
	if err != nil || a == nil {
		return 0, "", false, err
	}
	return store.Scope(a.Scope), a.Intent, true, nil
}

// codeFor is how long a code is shown that is renewed afterwards, in seconds. Known from: facts 14c (20 to 30).
const codeFor = 30

// Pages are where a type's customer is asked: the page to authorize on, the one with instructions, and the code's image without its ending.
func Pages(c *api.Call, t *paymethod.Type, token string) (page, hosted, image string) {
	return c.Base() + "/authorize/" + account.Of(c).ID + "/" + token, c.Base() + "/" + t.Name + "/instructions/" + token, c.Base() + "/qr/" + token
}

// Action is the next_action by which a type's customer is asked, and what stands in its hash; returnURL is where he comes back to, if anywhere.
func Action(c *api.Call, t *paymethod.Type, token, returnURL string) (string, map[string]any) {
	page, hosted, image := Pages(c, t, token)
	body := map[string]any{}
	var back any
	if returnURL != "" {
		back = returnURL
	}
	switch t.Action {
	case "redirect_to_url":
		body["return_url"], body["url"] = back, page
	case "alipay_handle_redirect":
		body["native_data"], body["native_url"], body["return_url"], body["url"] = nil, nil, back, page
	case "cashapp_handle_redirect_or_display_qr_code":
		body["hosted_instructions_url"], body["mobile_auth_url"] = hosted, page
		body["qr_code"] = map[string]any{"expires_at": c.Now() + codeFor, "image_url_png": image + ".png", "image_url_svg": image + ".svg"}
	case "upi_handle_redirect_or_display_qr_code":
		body["hosted_instructions_url"] = hosted
		body["qr_code"] = map[string]any{"expires_at": c.Now() + t.ActionFor, "image_url_png": image + ".png", "image_url_svg": image + ".svg"}
	case "swish_handle_redirect_or_display_qr_code":
		body["hosted_instructions_url"] = hosted
		body["qr_code"] = map[string]any{"data": page, "image_url_png": image + ".png", "image_url_svg": image + ".svg"}
	case "paynow_display_qr_code", "promptpay_display_qr_code", "pix_display_qr_code":
		body["data"], body["hosted_instructions_url"], body["image_url_png"], body["image_url_svg"] = page, hosted, image+".png", image+".svg"
	}
	return t.Action, body
}

// ActionJSON is a next_action of a type.
func ActionJSON(action string, body any) (json.RawMessage, error) {
	return json.Marshal(map[string]any{"type": action, action: body}) // members come sorted
}
