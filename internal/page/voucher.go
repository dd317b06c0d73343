package page

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"florin/internal/api"
	"florin/internal/domain/payment"
	"florin/internal/jsontext"
)

// voucher shows what to pay, and in test mode takes the answer that it was paid, or has expired.
func (p *pages) voucher(w http.ResponseWriter, r *http.Request) {
	f := p.waiting(w, r)
	if f == nil {
		return
	}
	token := r.PathValue("token")
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		outcome := r.PostFormValue("outcome")
		if outcome != "pay" && outcome != "expire" {
			p.say(w, http.StatusBadRequest, &noChoice)
			return
		}
		_, err := p.tell(r, f, func(c *api.Call, pi *payment.Intent) error { return p.payments.Answer(c, pi, token, outcome == "pay") })
		switch {
		case err != nil:
			p.fail(w, r, err)
		case outcome == "pay":
			p.say(w, http.StatusOK, &paidNow)
		default:
			p.say(w, http.StatusOK, &expiredNow)
		}
		return
	}
	f.voucherFacts()
	f.page.Path = r.URL.Path
	p.render(w, http.StatusOK, "voucher.html", &f.page)
}

func (f *found) voucherFacts() {
	body := jsontext.Get(f.action, f.page.Action)
	f.page.Facts = factsOf(body)
	jsontext.Members(jsontext.Get(body, "stores"), func(store string, v []byte) bool { // konbini: a code for each chain, and one number for all
		if number := jsontext.Text(v, "confirmation_number"); len(f.page.Facts) == 0 && number != "" {
			f.page.Facts = append(f.page.Facts, fact{"Confirmation number", number})
		}
		name := strings.ToUpper(store[:1]) + store[1:]
		if store == "familymart" {
			name = "FamilyMart"
		}
		f.page.Facts = append(f.page.Facts, fact{"Payment code at " + name, jsontext.Text(v, "payment_code")})
		return true
	})
	for _, name := range []string{"expires_at", "expires_after"} {
		if n, err := strconv.ParseInt(jsontext.Text(body, name), 10, 64); err == nil {
			f.page.At = time.Unix(n, 0).UTC().Format("January 2, 2006, 15:04 MST")
		}
	}
}

// voucherPDF is the voucher as a document of one page.
func (p *pages) voucherPDF(w http.ResponseWriter, r *http.Request) {
	f := p.waiting(w, r)
	if f == nil {
		return
	}
	f.voucherFacts()
	lines := []string{f.page.Method, f.page.Name, f.page.Amount.Number + " " + f.page.Amount.Code}
	for _, x := range f.page.Facts {
		lines = append(lines, x.Label+": "+x.Text)
	}
	lines = append(lines, "Pay until "+f.page.At, "Test mode: no money moves.")
	headers(w.Header())
	w.Header().Set("Content-Type", "application/pdf")
	_, _ = w.Write(pdf(lines))
}

// pdf is a document of one page with some lines. What its font cannot write is left out.
func pdf(lines []string) []byte {
	var text strings.Builder
	text.WriteString("BT /F1 14 Tf 60 760 Td 22 TL\n")
	for _, l := range lines {
		clean := strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return -1
			}
			return r
		}, l)
		text.WriteString("(" + strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(clean) + ") Tj T*\n")
	}
	text.WriteString("ET")
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", text.Len(), text.String()),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	}
	out := []byte("%PDF-1.4\n")
	at := make([]int, len(objects))
	for i, o := range objects {
		at[i] = len(out)
		out = fmt.Appendf(out, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := len(out)
	out = fmt.Appendf(out, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, n := range at {
		out = fmt.Appendf(out, "%010d 00000 n \n", n)
	}
	return fmt.Appendf(out, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, start)
}
