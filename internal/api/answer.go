package api

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"florin/internal/fault"
	"florin/internal/jsontext"
)

// answer makes a reply of what a handler returned: the object's JSON with what is to be expanded, or a refusal whose changes are kept.
func (c *Call) answer(rep *reply, res any, err error) error {
	if ans, ok := res.(Answer); ok && err == nil {
		res, err = c.app.answers[ans.Name](c, ans.Arg)
	}
	if err != nil {
		var f *fault.Error
		if !errors.As(err, &f) || !(f.Keep || f.Executed) {
			return err
		}
		rep.status, rep.fault, rep.sent = f.Status, f, true
		rep.body, _, err = c.back(FaultBody(c.reduceFault(f), c.logURL()))
		return err
	}
	rep.status = http.StatusOK
	if obj, ok := res.(Resource); ok {
		res = stored{obj.meta().st}
	}
	switch v := res.(type) {
	case JSON:
		rep.body = v
	case *List:
		buf := scratch.Get().(*[]byte)
		if v.layOut(buf) {
			rep.laid, rep.buffer = *buf, buf
			return nil
		}
		putScratch(buf)
		rep.body = v.append(nil)
	case stored:
		st := v.st
		if st.obj == nil && c.Op.Method == http.MethodGet {
			if rep.laid = c.layOut(st.kind, st.body, st.deleted, st.memo, alone); rep.laid != nil {
				return nil
			}
		}
		if rep.body, err = c.show(st); err != nil {
			return err
		}
		if c.expand == nil && !c.Publishable() && !st.deleted && st.kind.view == nil && st.scope == c.Scope {
			rep.ref, rep.ver = st.id, st.ver
			st.shown = true
		}
	default:
		return fmt.Errorf("%s returned a %T", c.Op.Route(), res)
	}
	if c.expand != nil {
		if rep.body, err = c.expandAll(rep.body); err != nil {
			return err
		}
	}
	if c.Publishable() { // what was expanded, too
		rep.body = c.reduce(rep.body)
	}
	body, differs, err := c.back(rep.body)
	if differs {
		rep.body, rep.ref, rep.ver = body, "", 0 // no version of the object is like it
	}
	return err
}

func (c *Call) logURL() string {
	if c.Who == nil || c.RequestID == "" {
		return ""
	}
	mode := "test/"
	if c.Live() {
		mode = ""
	}
	return "https://dashboard.stripe.com/" + c.Who.AccountID + "/" + mode + "workbench/logs?object=" + c.RequestID
}

// Show is the JSON of an object as answers show it now.
func (c *Call) Show(obj Resource) ([]byte, error) { return c.show(obj.meta().st) }

// show is the JSON of a document as an answer shows it.
func (c *Call) show(st *state) ([]byte, error) {
	st.seal()
	if st.deleted {
		b := jsontext.AppendString([]byte(`{"id":`), strings.TrimPrefix(st.id, ChosenKey(st.kind.name, "")))
		b = jsontext.AppendString(append(b, `,"object":`...), st.kind.name)
		return append(b, `,"deleted":true}`...), nil
	}
	if st.kind.view == nil {
		return st.body, nil
	}
	d := st.doc()
	return st.kind.view(c, &d)
}

// reduce leaves of an object, and of the objects in it, what a publishable key may see. Known from: facts 11 (11d).
func (c *Call) reduce(body []byte) []byte {
	if len(body) == 0 || body[0] != '{' {
		return body
	}
	k := c.app.kinds[jsontext.Text(body, "object")]
	out := append(make([]byte, 0, len(body)), '{')
	jsontext.Members(body, func(key string, v []byte) bool {
		if k != nil && k.public != nil && !k.public[key] {
			return true
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(jsontext.AppendString(out, key), ':')
		switch key {
		case "card":
			v = jsontext.Without(v, "fingerprint", "regulated_status")
		case "billing_details":
			v = jsontext.Without(v, "tax_id")
		case "payment_method_options":
			v = jsontext.Without(v, "card") // only options that the client needs
		}
		out = append(out, c.reduce(v)...)
		return true
	})
	return append(out, '}')
}

// reduceFault is a refusal with its objects reduced.
func (c *Call) reduceFault(f *fault.Error) *fault.Error {
	if !c.Publishable() {
		return f
	}
	less := *f
	less.PaymentIntent, less.PaymentMethod, less.SetupIntent = c.reduce(f.PaymentIntent), c.reduce(f.PaymentMethod), c.reduce(f.SetupIntent)
	return &less
}
