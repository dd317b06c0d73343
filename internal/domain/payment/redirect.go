package payment

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"florin/internal/api"
	"florin/internal/jsontext"
	"florin/internal/paymethod"
	"florin/internal/qr"
)

// Types whose customers authorize somewhere else: on a page that they are sent to, in an app that scans a code, or in one that asks by itself. In test
// mode each way leads to one page (package page), which answers for the customer; BLIK and MB WAY are answered by the e-mail address and the telephone
// number.
//
// Known from: facts 14b (which type has which action), 14c (the patterns of the URLs), the spec (the members of the actions).

// codeFor is how long a code is shown that is renewed afterwards, in seconds. Known from: facts 14c (20 to 30).
const codeFor = 30

// askCustomer asks the customer to authorize a payment.
func (d *Domain) askCustomer(c *api.Call, pi *Intent, pm *method, t *paymethod.Type) error {
	token, err := d.giveToken(c, pi, "pa_nonce_")
	if err != nil {
		return err
	}
	pi.PaymentMethod = &pm.ID
	if pi.NextAction, err = d.actionFor(c, pi, t, token); err != nil {
		return err
	}
	var test paymethod.Test
	switch t.Name {
	case "blik":
		test = paymethod.OfBlik(text(pm.BillingDetails.Email))
	case "mb_way":
		test = paymethod.OfMBWay(text(pm.BillingDetails.Phone))
	case "payto":
		test.After = 30
	}
	if t.ActionFor > 0 && test.After < t.ActionFor { // else what the test value lets happen ends it
		c.At(c.Now()+t.ActionFor, "payment.lapse", pi.ID+" "+token)
	}
	if test.After > 0 {
		c.At(c.Now()+test.After, "payment.happens", pi.ID+" "+token+" "+test.Fail)
	}
	if err := d.move(c, pi, needsAction); err != nil {
		return err
	}
	return c.Save(pi, "payment_intent.requires_action")
}

// actionFor says how the customer is asked: the intent's next_action. MB WAY and PayTo have none: the app asks by itself. unverified: that it is null.
func (d *Domain) actionFor(c *api.Call, pi *Intent, t *paymethod.Type, token string) (json.RawMessage, error) {
	if t.Action == "" {
		return nil, nil
	}
	page := c.Base() + "/authorize/" + merchant(c).ID + "/" + token
	back := pi.Private.ReturnURL
	image := c.Base() + "/qr/" + token
	body := map[string]any{}
	action := t.Action
	hosted := c.Base() + "/" + t.Name + "/instructions/" + token
	switch action {
	case "redirect_to_url":
		body["return_url"], body["url"] = orNull(back), page
	case "alipay_handle_redirect":
		body["native_data"], body["native_url"], body["return_url"], body["url"] = nil, nil, orNull(back), page
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
	case "wechat_pay_display_qr_code":
		switch jsontext.Scalar(pi.PaymentMethodOptions[t.Name]["client"]) {
		case "android":
			action = "wechat_pay_redirect_to_android_app"
			body["app_id"] = jsontext.Scalar(pi.PaymentMethodOptions[t.Name]["app_id"])
			body["nonce_str"], body["package"], body["partner_id"], body["prepay_id"], body["sign"] = token, "Sign=WXPay", "test", token, token
			body["timestamp"] = fmt.Sprint(c.Now())
		case "ios":
			action = "wechat_pay_redirect_to_ios_app"
			body["native_url"] = page
		default:
			code, err := qr.Encode(page)
			if err != nil {
				return nil, err
			}
			body["data"], body["hosted_instructions_url"], body["image_url_png"], body["image_url_svg"] = page, hosted, image+".png", image+".svg"
			body["image_data_url"] = "data:image/png;base64," + base64.StdEncoding.EncodeToString(code.PNG())
		}
	}
	return actionJSON(action, body)
}

// actionJSON is a next_action of a type.
func actionJSON(action string, body any) (json.RawMessage, error) {
	return json.Marshal(map[string]any{"type": action, action: body}) // members come sorted
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
