package payment

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"florin/internal/api"
	"florin/internal/domain/setup"
	"florin/internal/jsontext"
	"florin/internal/paymethod"
	"florin/internal/qr"
)

// Types whose customers authorize somewhere else: on a page that they are sent to, in an app that scans a code, or in one that asks by itself. In test
// mode each way leads to one page (package page), which answers for the customer; BLIK and MB WAY are answered by the e-mail address and the telephone
// number.
//
// Known from: facts 14b (which type has which action), 14c (the patterns of the URLs), the spec (the members of the actions).

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
	action, body := setup.Action(c, t, token, pi.Private.ReturnURL)
	page, hosted, image := setup.Pages(c, t, token)
	if action == "wechat_pay_display_qr_code" {
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
	return setup.ActionJSON(action, body)
}
