package script_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"florin/internal/shape"
	"florin/internal/spec"
)

// A world is a server that a story is told to.
type world interface {
	do(r *http.Request) (*http.Response, error)
	now() time.Time
	clock() bool                       // whether the story may move it
	advance(t *testing.T, d time.Time) // does what is due on the way
	key(t *testing.T, who []string) (key string, tls bool)
	own() bool                      // whether the account is the story's alone
	rule(t *testing.T, text string) // changes how payments are guarded, which no route does
}

// counted is what the stories have done, for the summary.
var counted struct{ stories, requests, wants, events atomic.Int64 }

// A story is a script as it is being told.
type story struct {
	t     *testing.T
	file  string
	world world
	vars  map[string]string

	who     string // the last "as"
	key     string // "" sends none
	basic   bool
	tls     bool
	headers http.Header // for the next request

	seen    map[string]bool // events that were told of
	mine    map[string]bool // ids of this story's requests
	step    *step
	asked   string // the last request, for messages
	reply   *reply
	page    *reply     // the last page that a browser was shown
	entered url.Values // into its fields, since
	where   string     // its address
}

// A reply is what came back.
type reply struct {
	status int
	header http.Header
	body   []byte
	json   any
}

func (s *story) fail(format string, a ...any) {
	s.t.Helper()
	answer := "(nothing was asked)"
	if s.reply != nil {
		answer = fmt.Sprintf("%d %s", s.reply.status, cutLong(s.reply.body))
	}
	s.t.Errorf("%s:%d: %s\n    %s\n    asked:    %s\n    answered: %s", s.file, s.step.line, s.step.text, fmt.Sprintf(format, a...), s.asked, answer)
}

func cutLong(body []byte) string {
	text := strings.TrimSpace(string(body))
	if len(text) > 2500 {
		text = text[:2500] + " …"
	}
	return strings.ReplaceAll(text, "\n", "\n      ")
}

// begin finds out whose account it is, and passes over the events that were before.
func (s *story) begin() {
	r := newRequest(s.t, http.MethodGet, "/v1/account", "")
	r.Header.Set("Authorization", "Bearer "+s.key)
	if !s.send(r) {
		s.t.FailNow()
	}
	id, _ := s.find("id")
	s.vars["account"] = show(id)
	s.newEvents("")
	s.reply = nil
}

// tell runs the steps of a story.
func (s *story) tell(steps []step) {
	counted.stories.Add(1)
	for i := range steps {
		s.step = &steps[i]
		switch st := s.step; st.kind {
		case request:
			if !s.ask(st, codeWanted(steps[i+1:])) {
				return // what follows stands on this
			}
		case want:
			counted.wants.Add(1)
			s.want(st)
		case keep:
			v, ok := s.got(st.target)
			if !ok {
				s.fail("there is no %s", st.target)
				return
			}
			s.vars[st.into] = show(v)
		case as:
			s.vars["key"], s.tls = s.as(st.words)
			s.key = s.vars["key"]
		case with:
			name, value, ok := strings.Cut(st.words[0], ":")
			switch {
			case st.words[0] == "https":
				s.tls = true
			case st.words[0] == "http":
				s.tls = false
			case ok:
				s.headers[http.CanonicalHeaderKey(name)] = []string{s.fill(strings.TrimSpace(value))}
			default:
				s.fail("with NAME: VALUE, with http, or with https")
			}
		case events:
			counted.events.Add(1)
			s.events(st.words)
		case clockTo:
			if !s.world.clock() {
				s.t.Logf("%s:%d: the rest needs a clock that can be moved", s.file, st.line)
				return
			}
			s.moveClock(st.words)
		case open:
			if s.open(s.fill(st.words[0])); s.reply != nil && s.reply.status != http.StatusOK {
				s.fail("the page is not shown")
			}
		case visit:
			s.open(s.fill(st.words[0]))
		case click:
			s.click(st.words[0])
		case enter:
			for _, p := range st.params {
				s.entered.Set(p.name, s.fill(p.value))
			}
		case rule:
			s.world.rule(s.t, s.fill(st.words[0]))
		case alone:
			if !s.world.own() {
				s.t.Skip("needs an account of its own")
			}
		}
		if s.t.Failed() && s.reply == nil {
			return
		}
	}
	s.step = &step{line: len(steps), text: "(the end)"}
	if s.world.own() && s.world.clock() { // where time passes, a balance may change between two questions
		s.balances()
	}
}

// codeWanted says whether what is wanted of the next answer has to do with its status.
func codeWanted(steps []step) bool {
	for i := range steps {
		switch steps[i].kind {
		case want:
			if steps[i].target == "code" {
				return true
			}
		case keep:
		default:
			return false
		}
	}
	return false
}

func (s *story) as(words []string) (key string, tls bool) {
	s.who, s.basic = strings.Join(words, " "), false
	switch words[0] {
	case "nobody":
		return "", false
	case "basic":
		s.basic = true
		return s.world.key(s.t, []string{"secret"})
	case "key":
		return s.fill(strings.TrimPrefix(s.who, "key ")), false
	}
	return s.world.key(s.t, words)
}

// ask sends a request, and checks what can be checked of every answer.
func (s *story) ask(st *step, codeWanted bool) (ok bool) {
	for i := 1; i <= st.times; i++ {
		s.vars["i"] = strconv.Itoa(i)
		path, form := s.fill(st.path), url.Values{}
		pairs := make([]string, 0, len(st.params))
		for _, p := range st.params { // in the story's order, which may matter
			name, value := s.fill(p.name), s.fill(p.value)
			form.Add(name, value)
			pairs = append(pairs, url.QueryEscape(name)+"="+url.QueryEscape(value))
		}
		encoded := strings.Join(pairs, "&")
		s.asked = st.method + " " + path
		if len(pairs) > 0 {
			s.asked += "  " + cutLong([]byte(encoded))
		}
		s.asked += "  (" + s.who + ")"
		r := newRequest(s.t, st.method, path, encoded)
		if uploads(form) {
			r = s.upload(path, form)
		}
		if s.basic {
			r.SetBasicAuth(s.key, "")
		} else if s.key != "" {
			r.Header.Set("Authorization", "Bearer "+s.key)
		}
		for name, values := range s.headers {
			r.Header[name] = values
		}
		if s.tls {
			overTLS(r)
		}
		if !s.send(r) {
			return false
		}
		op, _, ok := spec.Find(st.method, r.URL.EscapedPath())
		if ok {
			note(op, s.reply.status)
		}
		if ok && s.latest() && s.reply.status != http.StatusRequestURITooLong {
			check := shape.Check
			if strings.HasPrefix(s.key, "pk_") || form.Get("client_secret") != "" || strings.HasPrefix(form.Get("key"), "pk_") {
				check = shape.CheckReduced
			}
			for _, wrong := range check(op, s.reply.status, s.reply.body) {
				s.fail("the answer's shape: %s", wrong)
			}
		}
		if !codeWanted && s.reply.status != http.StatusOK {
			s.fail("want 200")
			return false
		}
		if st.into != "" {
			v, ok := s.find("id")
			if !ok {
				s.fail("the answer has no id")
				return false
			}
			name := st.into
			if st.times > 1 {
				name += strconv.Itoa(i)
			}
			s.vars[name] = show(v)
		}
	}
	s.headers = http.Header{}
	return true
}

// contents are what files hold that stories upload, by the end of their names.
var contents = map[string]string{".png": "\x89PNG\r\n\x1a\n and so on", ".pdf": "%PDF-1.4\nand so on", ".csv": "a,b\n1,2\n", ".html": "<html></html>"}

// uploads says whether a form holds a file: a value such as @logo.png.
func uploads(form url.Values) bool {
	for _, values := range form {
		if len(values) == 1 && strings.HasPrefix(values[0], "@") && contents[filepath.Ext(values[0])] != "" {
			return true
		}
	}
	return false
}

// upload makes a request of a form with files.
func (s *story) upload(path string, form url.Values) *http.Request {
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for name, values := range form {
		file, isFile := strings.CutPrefix(values[0], "@")
		if !isFile {
			_ = m.WriteField(name, values[0]) // a buffer takes everything
			continue
		}
		part, err := m.CreateFormFile(name, file)
		if err != nil {
			s.t.Fatal(err)
		}
		_, _ = io.WriteString(part, contents[filepath.Ext(file)])
	}
	_ = m.Close()
	r := newRequest(s.t, http.MethodPost, path, body.String())
	r.Header.Set("Content-Type", m.FormDataContentType())
	return r
}

// latest says whether the answer is at the version that the spec describes.
func (s *story) latest() bool {
	v := s.headers.Get("Stripe-Version")
	return v == "" || strings.HasPrefix(v, spec.Version())
}

func newRequest(t *testing.T, method, path, encoded string) *http.Request {
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(encoded)
	} else if encoded != "" {
		path += "?" + encoded
	}
	r, err := http.NewRequestWithContext(t.Context(), method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

func (s *story) send(r *http.Request) bool {
	counted.requests.Add(1)
	res, err := s.world.do(r)
	if err != nil {
		s.reply = nil
		s.fail("%v", err)
		return false
	}
	defer res.Body.Close()
	s.reply = &reply{status: res.StatusCode, header: res.Header}
	if s.reply.body, err = io.ReadAll(res.Body); err != nil {
		s.fail("%v", err)
		return false
	}
	s.mine[res.Header.Get("Request-Id")] = true
	s.reply.json = decode(s.reply.body)
	if s.reply.status >= 500 && s.reply.status != http.StatusNotImplemented {
		s.fail("a failure of the server's own")
	}
	return true
}

func decode(body []byte) any {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

// got is what a line speaks of: "code", "header NAME", "body", or a path in the last answer.
func (s *story) got(target string) (any, bool) {
	if s.reply == nil {
		return nil, false
	}
	if name, ok := strings.CutPrefix(target, "header "); ok {
		if values := s.reply.header.Values(name); len(values) > 0 {
			return values[0], true
		}
		return nil, false
	}
	switch target {
	case "code":
		return json.Number(strconv.Itoa(s.reply.status)), true
	case "body":
		return string(s.reply.body), true
	}
	return s.find(target)
}

// find walks down the last answer: names and numbers with dots between, * for every item, "." for the whole.
func (s *story) find(path string) (any, bool) {
	if s.reply == nil {
		return nil, false
	}
	if path == "." {
		return s.reply.json, s.reply.json != nil
	}
	return walk(s.reply.json, strings.Split(s.fill(path), "."))
}

func walk(v any, path []string) (any, bool) {
	if len(path) == 0 {
		return v, true
	}
	switch v := v.(type) {
	case map[string]any:
		if path[0] == "*" {
			var all []any
			for _, one := range v {
				if got, ok := walk(one, path[1:]); ok {
					all = append(all, got)
				}
			}
			return all, true
		}
		if inner, ok := v[path[0]]; ok {
			return walk(inner, path[1:])
		}
	case []any:
		if path[0] == "*" {
			all := make([]any, 0, len(v))
			for _, one := range v {
				if got, ok := walk(one, path[1:]); ok {
					all = append(all, got)
				}
			}
			return all, true
		}
		if i, err := strconv.Atoi(path[0]); err == nil && i >= 0 && i < len(v) {
			return walk(v[i], path[1:])
		}
	}
	return nil, false
}

// show is a value as stories write it: text without quotes, the items of a list of simple values with blanks between, the rest as JSON.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	case []any:
		words := make([]string, len(v))
		for i, one := range v {
			switch one.(type) {
			case map[string]any, []any:
				return asJSON(v)
			}
			words[i] = show(one)
		}
		return strings.Join(words, " ")
	}
	return asJSON(v)
}

func asJSON(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return "?"
	}
	return strings.TrimSpace(b.String())
}

// want checks one line that says what is wanted.
func (s *story) want(st *step) {
	wanted := s.fill(st.want)
	if n := len(wanted); n >= 2 && wanted[0] == '"' && wanted[n-1] == '"' {
		if plain, err := strconv.Unquote(wanted); err == nil {
			wanted = plain
		}
	}
	if s.reply == nil {
		s.fail("nothing was asked before")
		return
	}
	got, there := s.got(st.target)
	if bad := compare(got, there, st.op, wanted); bad != "" {
		s.fail("%s", bad)
	}
}

func compare(got any, there bool, op, wanted string) (complaint string) {
	switch op {
	case "absent":
		if there {
			return "it is there: " + show(got)
		}
		return ""
	case "exists":
		if !there || got == nil {
			return "it is not there"
		}
		return ""
	case "!=":
		if there && equal(got, wanted) {
			return "it is just that"
		}
		return ""
	}
	if !there {
		return "it is not there"
	}
	text := show(got)
	ok := false
	switch op {
	case "null":
		ok = got == nil
	case "==":
		ok = equal(got, wanted)
	case "contains":
		ok = strings.Contains(text, wanted)
	case "matches":
		re, err := regexp.Compile(wanted)
		if err != nil {
			return err.Error()
		}
		ok = re.MatchString(text)
	case "length":
		switch v := got.(type) {
		case []any:
			text = strconv.Itoa(len(v))
		case map[string]any:
			text = strconv.Itoa(len(v))
		case string:
			text = strconv.Itoa(len(v))
		}
		ok = text == wanted
	case "keys":
		m, _ := got.(map[string]any)
		var have []string
		for name := range m {
			have = append(have, name)
		}
		names := strings.Fields(wanted)
		slices.Sort(names)
		slices.Sort(have)
		if ok = slices.Equal(names, have); !ok {
			return "extra: " + strings.Join(less(have, names), " ") + "; missing: " + strings.Join(less(names, have), " ")
		}
	default:
		a, err1 := strconv.ParseFloat(text, 64)
		b, err2 := strconv.ParseFloat(wanted, 64)
		if err1 != nil || err2 != nil {
			return "got " + text + ", which cannot be compared by size"
		}
		ok = op == ">" && a > b || op == ">=" && a >= b || op == "<" && a < b || op == "<=" && a <= b
	}
	if !ok {
		return "got " + text
	}
	return ""
}

func less(a, b []string) (out []string) {
	for _, s := range a {
		if !slices.Contains(b, s) {
			out = append(out, s)
		}
	}
	return out
}

func equal(got any, wanted string) bool {
	switch got.(type) {
	case map[string]any, []any:
		if strings.HasPrefix(wanted, "{") || strings.HasPrefix(wanted, "[") {
			return asJSON(got) == asJSON(decode([]byte(wanted)))
		}
	}
	return show(got) == wanted
}

var (
	variable = regexp.MustCompile(`\$\{([^}]*)\}|\$([A-Za-z]\w*)`)
	repeated = regexp.MustCompile(`^(.+)\*(\d+)$`)
	moment   = regexp.MustCompile(`^now(?:([+-])(\d+)([smhd]))?$`)
	sum      = regexp.MustCompile(`^(\w+)([+-])(\d+)$`)
)

// fill puts in $name, ${name}, ${now+2d}, ${name+1} and ${x*500}.
func (s *story) fill(text string) string {
	return variable.ReplaceAllStringFunc(text, func(m string) string {
		name := strings.Trim(m[1:], "{}")
		if v, ok := s.vars[name]; ok {
			return v
		}
		if m := moment.FindStringSubmatch(name); m != nil {
			at := s.world.now().Unix()
			if m[1] != "" {
				n, _ := strconv.ParseInt(m[2], 10, 64)
				n *= map[string]int64{"s": 1, "m": 60, "h": 3600, "d": 86400}[m[3]]
				if m[1] == "-" {
					n = -n
				}
				at += n
			}
			return strconv.FormatInt(at, 10)
		}
		if m := repeated.FindStringSubmatch(name); m != nil {
			n, _ := strconv.Atoi(m[2])
			return strings.Repeat(m[1], n)
		}
		if m := sum.FindStringSubmatch(name); m != nil && s.vars[m[1]] != "" {
			a, _ := strconv.ParseInt(s.vars[m[1]], 10, 64)
			b, _ := strconv.ParseInt(m[2]+m[3], 10, 64)
			return strconv.FormatInt(a+b, 10)
		}
		s.t.Fatalf("%s:%d: nobody has said what %s is", s.file, s.step.line, m)
		return ""
	})
}

// events checks what has fired since the last such line.
func (s *story) events(words []string) {
	if words[0] == "events" && words[1] == "of" {
		if got := s.newEvents(s.fill(strings.TrimSuffix(words[2], ":"))); !slices.Equal(got, words[3:]) {
			s.fail("fired: %s", strings.Join(got, " "))
		}
		return
	}
	got := s.newEvents("")
	wanted := words[1:]
	if words[0] == "events" { // in any order:
		wanted = slices.Clone(words[4:])
		slices.Sort(wanted)
		slices.Sort(got)
	}
	if !slices.Equal(got, wanted) {
		s.fail("fired: %s", strings.Join(got, " "))
	}
}

// newEvents are the types of the events that were not seen yet, oldest first: the account's own, or those of one that is connected to it.
func (s *story) newEvents(connected string) []string {
	secret, tls := s.world.key(s.t, []string{"secret"})
	was, asked := s.reply, s.asked
	defer func() { s.reply, s.asked = was, asked }()
	var types []string
	after := ""
	for {
		query := "limit=100"
		if after != "" {
			query += "&starting_after=" + after
		}
		s.asked = "GET /v1/events " + query
		r := newRequest(s.t, http.MethodGet, "/v1/events", query)
		r.Header.Set("Authorization", "Bearer "+secret)
		if connected != "" {
			r.Header.Set("Stripe-Account", connected)
		}
		if tls {
			overTLS(r)
		}
		if !s.send(r) {
			return nil
		}
		if s.reply.status != http.StatusOK {
			s.fail("the events cannot be read")
			return nil
		}
		data, _ := s.find("data")
		list, _ := data.([]any)
		old := false
		for _, ev := range list {
			id, _ := walk(ev, []string{"id"})
			typ, _ := walk(ev, []string{"type"})
			by, _ := walk(ev, []string{"request", "id"})
			after = show(id)
			if s.seen[after] {
				old = true
				continue
			}
			s.seen[after] = true
			if !s.world.own() && !s.mine[show(by)] {
				continue
			}
			types = append(types, show(typ))
		}
		if more, _ := s.find("has_more"); more != true || old {
			break
		}
	}
	slices.Reverse(types)
	return types
}

// moveClock understands "advance 7d", "advance 1 month", and "to 2026-09-05T10:00:00Z".
func (s *story) moveClock(words []string) {
	now := s.world.now()
	to := now
	switch {
	case len(words) == 2 && words[0] == "to":
		t, err := time.Parse(time.RFC3339, s.fill(words[1]))
		if err != nil {
			s.t.Fatalf("%s:%d: %v", s.file, s.step.line, err)
		}
		to = t
	case len(words) >= 2 && words[0] == "advance":
		text := strings.Join(words[1:], "")
		n, _ := strconv.Atoi(strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyz"))
		switch unit := strings.TrimRight(strings.TrimLeft(text, "0123456789"), "s"); unit {
		case "", "sec", "second":
			to = now.Add(time.Duration(n) * time.Second)
		case "m", "min", "minute":
			to = now.Add(time.Duration(n) * time.Minute)
		case "h", "hour":
			to = now.Add(time.Duration(n) * time.Hour)
		case "d", "day":
			to = now.AddDate(0, 0, n)
		case "w", "week":
			to = now.AddDate(0, 0, 7*n)
		case "month":
			to = now.AddDate(0, n, 0)
		default:
			s.t.Fatalf("%s:%d: what is a %s?", s.file, s.step.line, unit)
		}
	default:
		s.t.Fatalf("%s:%d: clock advance 7d, or clock to 2026-09-05T10:00:00Z", s.file, s.step.line)
	}
	s.world.advance(s.t, to)
}

// open shows a page to a browser.
func (s *story) open(address string) {
	u, err := url.Parse(address)
	if err != nil {
		s.fail("%v", err)
		return
	}
	s.asked, s.where = "GET "+address+"  (a browser)", address
	r := newRequest(s.t, http.MethodGet, u.RequestURI(), "")
	if u.Scheme == "https" {
		overTLS(r)
	}
	if s.send(r) {
		s.page = s.reply
	}
}

var (
	formTag   = regexp.MustCompile(`(?is)<form([^>]*)>(.*?)</form>`)
	inputTag  = regexp.MustCompile(`(?is)<input([^>]*)>`)
	selectTag = regexp.MustCompile(`(?is)<select([^>]*)>(.*?)</select>`)
	chosenTag = regexp.MustCompile(`(?is)<option([^>]*)\sselected>`)
	buttonTag = regexp.MustCompile(`(?is)<button([^>]*)>(.*?)</button>`)
	attribute = regexp.MustCompile(`(?is)([a-z-]+)\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)`)
	anyTag    = regexp.MustCompile(`<[^>]*>`)
)

// click sends the form that a button stands in. The button is told by a word of its label.
func (s *story) click(label string) {
	if s.page == nil {
		s.fail("no page is open")
		return
	}
	for _, form := range formTag.FindAllSubmatch(s.page.body, -1) {
		for _, button := range buttonTag.FindAllSubmatch(form[2], -1) {
			text := strings.Join(strings.Fields(html.UnescapeString(anyTag.ReplaceAllString(string(button[2]), " "))), " ")
			if !strings.Contains(strings.ToLower(text), strings.ToLower(label)) {
				continue
			}
			values := url.Values{}
			for _, input := range inputTag.FindAllSubmatch(form[2], -1) {
				if a := attributes(input[1]); a["name"] != "" && a["type"] != "submit" {
					values.Set(a["name"], a["value"])
				}
			}
			for _, list := range selectTag.FindAllSubmatch(form[2], -1) {
				if option := chosenTag.FindSubmatch(list[2]); option != nil {
					values.Set(attributes(list[1])["name"], attributes(option[1])["value"])
				}
			}
			for name := range s.entered {
				values.Set(name, s.entered.Get(name))
			}
			s.entered = url.Values{}
			if a := attributes(button[1]); a["name"] != "" {
				values.Set(a["name"], a["value"])
			}
			a := attributes(form[1])
			if b := attributes(button[1]); b["formaction"] != "" {
				a["action"] = b["formaction"]
			}
			s.submit(a, values)
			return
		}
	}
	s.fail("the page has no button %q:\n%s", label, s.page.body)
}

func attributes(tag []byte) map[string]string {
	out := map[string]string{}
	for _, m := range attribute.FindAllSubmatch(tag, -1) {
		out[strings.ToLower(string(m[1]))] = html.UnescapeString(strings.Trim(string(m[2]), `"'`))
	}
	return out
}

func (s *story) submit(form map[string]string, values url.Values) {
	base, err := url.Parse(s.where)
	if err != nil {
		s.fail("%v", err)
		return
	}
	action, err := base.Parse(form["action"])
	if err != nil {
		s.fail("%v", err)
		return
	}
	method := strings.ToUpper(form["method"])
	if method == "" {
		method = http.MethodGet
	}
	s.asked, s.where = method+" "+action.String()+"  "+values.Encode()+"  (a browser)", action.String()
	r := newRequest(s.t, method, action.RequestURI(), values.Encode())
	if action.Scheme == "https" {
		overTLS(r)
	}
	if s.send(r) && !(s.reply.status >= 300 && s.reply.status < 400) { // after a redirect the page is still there, one step back
		s.page = s.reply
	}
}

// balances holds the balance of the account to the sum of its balance transactions.
func (s *story) balances() {
	secret, _ := s.world.key(s.t, []string{"secret"})
	get := func(path, query string) bool {
		s.asked = "GET " + path + " " + query
		r := newRequest(s.t, http.MethodGet, path, query)
		r.Header.Set("Authorization", "Bearer "+secret)
		return s.send(r) && s.reply.status == http.StatusOK
	}
	sums := map[string]int64{}
	after := ""
	for {
		query := "limit=100"
		if after != "" {
			query += "&starting_after=" + after
		}
		if !get("/v1/balance_transactions", query) {
			s.fail("the balance transactions cannot be read")
			return
		}
		data, _ := s.find("data")
		list, _ := data.([]any)
		for _, one := range list {
			id, _ := walk(one, []string{"id"})
			currency, _ := walk(one, []string{"currency"})
			state, _ := walk(one, []string{"status"})
			net, _ := walk(one, []string{"net"})
			n, _ := strconv.ParseInt(show(net), 10, 64)
			sums[show(state)+" "+show(currency)] += n
			after = show(id)
		}
		if more, _ := s.find("has_more"); more != true {
			break
		}
	}
	if !get("/v1/balance", "") {
		s.fail("the balance cannot be read")
		return
	}
	for _, state := range []string{"available", "pending"} {
		data, _ := s.find(state)
		list, _ := data.([]any)
		for _, one := range list {
			currency, _ := walk(one, []string{"currency"})
			amount, _ := walk(one, []string{"amount"})
			n, _ := strconv.ParseInt(show(amount), 10, 64)
			sums[state+" "+show(currency)] -= n
		}
	}
	for name, left := range sums {
		if left != 0 {
			s.fail("the balance is not the sum of its transactions: %s differs by %d", name, left)
		}
	}
}
