package browser

import (
	"encoding/base64"
	"net/url"

	"florin/internal/api"
	"florin/internal/domain/account"
	"florin/internal/domain/payment"
	"florin/internal/domain/setup"
	"florin/internal/fault"
	"florin/internal/id"
	"florin/internal/jsontext"
)

// A challenge is an authentication that a client has begun, by the source that the intent's next_action named. How it stands is the intent's to
// say. Every one that comes here needs the customer: the test network has let the others through before.
type challenge struct {
	api.Meta
	Name    string `json:"name"` // threeds2_…
	Intent  string `json:"intent"`
	Setup   bool   `json:"setup"`
	Source  string `json:"source"`
	Server  string `json:"server"` // transaction ids of the 3D Secure server …
	ACS     string `json:"acs"`    // … the bank's
	SDK     string `json:"sdk"`    // … and the mobile SDK's, if it is one
	Created int64  `json:"created"`
}

// challenges are the kind of challenges; the id is that of the source.
var challenges = &api.Kind[challenge]{Name: "_three_d_secure_2", Internal: true}

func challengeID(source string) string { return "_three_d_secure_2:" + source }

// bySource is where intents that wait for an authentication stand under its source.
const bySource = "next_action.use_stripe_sdk.three_d_secure_2_source"

// authenticate begins the authentication of a source.
func (d *Domain) authenticate(c *api.Call) (any, error) {
	source := c.P.Str("source")
	if source == "" {
		return nil, fault.Missing("source")
	}
	ch, err := challenges.Get(c, challengeID(source))
	if err != nil || ch != nil {
		return api.Answer{Name: "three_d_secure_2", Arg: source}, err
	}
	var intent string
	saves := false
	if err := payment.Intents.Each(c, bySource, source, func(pi *payment.Intent) bool { intent = pi.ID; return false }); err != nil {
		return nil, err
	}
	if intent == "" {
		saves = true
		if err := setup.Intents.Each(c, bySource, source, func(si *setup.Intent) bool { intent = si.ID; return false }); err != nil {
			return nil, err
		}
	}
	if intent == "" {
		return nil, fault.NoSuch("source", source, "source", 400)
	}

	ch = challenges.New(c, challengeID(source))
	ch.Name, ch.Intent, ch.Setup, ch.Source, ch.Created = c.NewID("threeds2"), intent, saves, source, c.Now()
	ch.Server, ch.ACS = id.UUID(), id.UUID()
	ch.SDK = jsontext.Text([]byte(c.P.Str("app")), "sdkTransID")
	return api.Answer{Name: "three_d_secure_2", Arg: source}, c.Save(ch)
}

// completeChallenge is told by a client that the customer is through with the challenge. What they did was told on the page; who was not on it, as
// the native challenge of a mobile SDK is not, has passed: the bank of test mode lets everybody in who completes. There are no others, since live
// mode has its challenges at the bank. unverified: what Stripe makes of a client that was at no challenge.
func (d *Domain) completeChallenge(c *api.Call) (any, error) {
	source := c.P.Str("source")
	if source == "" {
		return nil, fault.Missing("source")
	}
	ch, err := challenges.Get(c, challengeID(source))
	if err != nil {
		return nil, err
	}
	if ch == nil || c.Live() {
		return nil, fault.NoSuch("source", source, "source", 400)
	}
	if ch.Setup {
		si, err := setup.Intents.Get(c, ch.Intent)
		if err != nil || si == nil {
			return nil, err
		}
		if si, err = d.setups.ChallengeOf(c, si.ID, si.ClientSecret, source); err != nil || si == nil {
			return api.Answer{Name: "three_d_secure_2", Arg: source}, err
		}
		return api.Answer{Name: "three_d_secure_2", Arg: source}, d.setups.Authenticate(c, si, true)
	}
	pi, err := payment.Intents.Get(c, ch.Intent)
	if err != nil || pi == nil {
		return nil, err
	}
	if pi, err = d.payments.ChallengeOf(c, pi.ID, pi.ClientSecret, source); err != nil || pi == nil {
		return api.Answer{Name: "three_d_secure_2", Arg: source}, err
	}
	return api.Answer{Name: "three_d_secure_2", Arg: source}, d.payments.Authenticate(c, pi, true)
}

// state is how a challenge stands, and the client secret of its intent.
func (d *Domain) state(c *api.Call, ch *challenge) (state, secret string, err error) {
	var wrong []byte
	waits := false
	if ch.Setup {
		si, err := setup.Intents.Get(c, ch.Intent)
		if err != nil || si == nil {
			return "failed", "", err
		}
		if w, err := d.setups.ChallengeOf(c, si.ID, si.ClientSecret, ch.Source); err != nil {
			return "", "", err
		} else if w != nil {
			waits = true
		}
		secret, wrong = si.ClientSecret, si.LastSetupError
	} else {
		pi, err := payment.Intents.Get(c, ch.Intent)
		if err != nil || pi == nil {
			return "failed", "", err
		}
		if w, err := d.payments.ChallengeOf(c, pi.ID, pi.ClientSecret, ch.Source); err != nil {
			return "", "", err
		} else if w != nil {
			waits = true
		}
		secret, wrong = pi.ClientSecret, pi.LastPaymentError
	}
	switch code := jsontext.Text(wrong, "code"); {
	case waits:
		return "challenge_required", secret, nil
	case code == "payment_intent_authentication_failure" || code == "setup_intent_authentication_failure":
		return "failed", secret, nil
	}
	return "succeeded", secret, nil
}

// answerChallenge shows a challenge. Known from: facts 11f; a browser opens the bank's page by its URL, so creq is for those who post it there.
func (d *Domain) answerChallenge(c *api.Call, source string) (any, error) {
	ch, err := challenges.Get(c, challengeID(source))
	if err != nil || ch == nil {
		return nil, err
	}
	state, secret, err := d.state(c, ch)
	if err != nil {
		return nil, err
	}
	o := threeDSecure2{
		ID: ch.Name, Object: "three_d_secure_2", Created: ch.Created, Livemode: c.Live(), Source: source, State: state,
		ARes: ares{
			Mandated: "Y", ACSTransID: ch.ACS, AuthenticationType: "02", MessageType: "ARes", MessageVersion: messageVersion,
			ServerTransID: ch.Server, Status: "C",
		},
	}
	if ch.SDK != "" {
		o.ARes.SDKTransID = &ch.SDK
	}
	switch state {
	case "succeeded":
		o.ARes.Status = "Y"
	case "failed":
		o.ARes.Status = "N"
	case "challenge_required":
		kind := payment.Intents.Name
		if ch.Setup {
			kind = setup.Intents.Name
		}
		q := url.Values{"merchant": {account.Of(c).ID}, kind: {ch.Intent}, kind + "_client_secret": {secret}, "source": {source}}
		page := c.Base() + "/3d_secure_2/hosted?" + q.Encode()
		o.ARes.ACSURL = &page
		creq := base64.RawURLEncoding.EncodeToString(jsontext.Append(nil, &creq{ch.ACS, "05", "CReq", messageVersion, ch.Server}))
		o.CReq = &creq
	}
	return api.JSON(jsontext.Append(nil, &o)), nil
}

// messageVersion is that of the messages of 3D Secure.
const messageVersion = "2.1.0"

type threeDSecure2 struct {
	ID                  string  `json:"id"`
	Object              string  `json:"object"`
	ARes                ares    `json:"ares"`
	Created             int64   `json:"created"`
	CReq                *string `json:"creq"`
	Error               *string `json:"error"`
	FallbackRedirectURL *string `json:"fallback_redirect_url"`
	Livemode            bool    `json:"livemode"`
	Source              string  `json:"source"`
	State               string  `json:"state"` // challenge_required, succeeded or failed
}

// ares is the bank's answer. acsSignedContent would let a mobile SDK talk to a bank; there is none.
type ares struct {
	Mandated           string  `json:"acsChallengeMandated"`
	SignedContent      *string `json:"acsSignedContent"`
	ACSTransID         string  `json:"acsTransID"`
	ACSURL             *string `json:"acsURL"`
	AuthenticationType string  `json:"authenticationType"`
	CardholderInfo     *string `json:"cardholderInfo"`
	MessageExtension   *string `json:"messageExtension"`
	MessageType        string  `json:"messageType"`
	MessageVersion     string  `json:"messageVersion"`
	SDKTransID         *string `json:"sdkTransID"`
	ServerTransID      string  `json:"threeDSServerTransID"`
	Status             string  `json:"transStatus"` // C, Y or N
}

type creq struct {
	ACSTransID     string `json:"acsTransID"`
	Window         string `json:"challengeWindowSize"`
	MessageType    string `json:"messageType"`
	MessageVersion string `json:"messageVersion"`
	ServerTransID  string `json:"threeDSServerTransID"`
}
