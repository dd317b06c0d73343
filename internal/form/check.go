package form

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"florin/internal/fault"
	"florin/internal/spec"
)

// Check holds what was sent to what the operation takes, and gives each value its type. It refuses in Stripe's order (facts 05): an
// `expand` that is no array, then all unknown parameters together, then the parameters one after the other as they are declared.
//
// The tree that came from Parse becomes the answer; the texts in it stay as they were sent, but for currencies, which are lowered.
func Check(op *spec.Operation, raw *Value) (*Value, *fault.Error) {
	return check(op, raw, false)
}

// CheckPublishable is Check for a request with a publishable key. Stripe.js and the mobile SDKs tell about themselves in parameters that
// no operation declares; these are dropped (facts 11a).
func CheckPublishable(op *spec.Operation, raw *Value) (*Value, *fault.Error) {
	return check(op, raw, true)
}

func check(op *spec.Operation, raw *Value, publishable bool) (*Value, *fault.Error) {
	c := checker{query: op.Method == "GET", publishable: publishable}
	if raw == nil {
		raw = &Value{Kind: Object}
	}
	input := op.Input()
	expand, emptyExpand := raw.Get("expand"), false
	if expand != nil {
		if emptyExpand = expand.empty(); !emptyExpand {
			if err := c.member("expand", &expandType, expand); err != nil {
				return nil, err
			}
		}
	}
	c.unknown(input, raw, true)
	if c.names != nil {
		return nil, fault.UnknownParams(c.names)
	}
	if err := c.fields(input, raw, true); err != nil {
		return nil, err
	}
	if emptyExpand {
		return nil, fault.Empty("expand")
	}
	if op.Answer == spec.AnswersList || op.Answer == spec.AnswersSearch {
		clampLimit(raw.Get("limit"))
	}
	return raw, nil
}

// expandType is the type of `expand`, which every operation takes.
var expandType = spec.Type{Kind: spec.Array, Item: &spec.Type{Kind: spec.String, MaxLength: 5000}}

// clampLimit keeps a page between 1 and 100 objects; Stripe refuses no number (facts 06a).
func clampLimit(limit *Value) {
	if limit != nil && limit.Kind == Int {
		limit.Int = max(1, min(limit.Int, 100))
	}
}

// A checker walks a tree along its type.
type checker struct {
	query       bool // the parameters of a GET: what is asked for need not be well-formed
	publishable bool
	names       []string // unknown parameters

	path  [maxDepth + 2]string // where the walk is
	depth int
}

func (c *checker) enter(name string) { c.path[c.depth] = name; c.depth++ }
func (c *checker) leave()            { c.depth-- }

// param is the name of where the walk is: items[0][price].
func (c *checker) param() string {
	if c.depth == 1 {
		return c.path[0]
	}
	var b strings.Builder
	for i, name := range c.path[:c.depth] {
		if i == 0 {
			b.WriteString(name)
			continue
		}
		b.WriteByte('[')
		b.WriteString(name)
		b.WriteByte(']')
	}
	return b.String()
}

// name is the last name that is not an index.
func (c *checker) name() string {
	for i := c.depth - 1; i > 0; i-- {
		if !isIndex(c.path[i]) {
			return c.path[i]
		}
	}
	return c.path[0]
}

// member checks a part by its name.
func (c *checker) member(name string, t *spec.Type, v *Value) *fault.Error {
	c.enter(name)
	err := c.value(t, v)
	c.leave()
	return err
}

// unknown gathers the names that the type does not have, in the order in which they were sent.
func (c *checker) unknown(t *spec.Type, v *Value, top bool) {
	if v.scalar() {
		return
	}
	switch t.Kind {
	case spec.AnyOf:
		if variant := composite(t, v); variant != nil {
			c.unknown(variant, v, false)
		}
	case spec.Array, spec.Map:
		for i, item := range v.Items {
			c.enter(strconv.Itoa(i))
			c.unknown(t.Item, item, false)
			c.leave()
		}
		for _, f := range v.Fields {
			c.enter(f.Name)
			c.unknown(t.Item, f.Value, false)
			c.leave()
		}
	case spec.Object:
		dropped := false
		for i := range v.Fields {
			f := &v.Fields[i]
			c.enter(f.Name)
			switch field := t.Field(f.Name); {
			case field != nil:
				c.unknown(&field.Type, f.Value, false)
			case top && f.Name == "expand":
			case c.publishable && telltale[f.Name]:
				f.Value, dropped = nil, true
			default:
				c.names = append(c.names, c.param())
			}
			c.leave()
		}
		if dropped {
			v.Fields = slices.DeleteFunc(v.Fields, func(f Field) bool { return f.Value == nil })
		}
	}
}

// composite is the alternative that a hash or an array is meant for: the one that it misses least. nil if none takes such.
func composite(t *spec.Type, v *Value) *spec.Type {
	var best *spec.Type
	least := 0
	for _, variant := range t.Variants {
		switch variant.Kind {
		case spec.Object, spec.Map, spec.Array, spec.Any:
			if m := misfit(variant, v); best == nil || m < least {
				best, least = variant, m
			}
		}
	}
	return best
}

// misfit counts what is wrong with the names in a value: most of all those that the type does not know, then those that it requires.
func misfit(t *spec.Type, v *Value) int {
	const unknown, missing = 1000, 1
	sum := 0
	switch t.Kind {
	case spec.Object:
		for _, f := range v.Fields {
			if field := t.Field(f.Name); field == nil {
				sum += unknown
			} else {
				sum += misfit(&field.Type, f.Value)
			}
		}
		for _, f := range t.Fields {
			if f.Required && !v.Has(f.Name) && !v.scalar() {
				sum += missing
			}
		}
	case spec.Array:
		for _, item := range v.Items {
			sum += misfit(t.Item, item)
		}
	}
	return sum
}

// fields checks the members of an object in the order of the type.
func (c *checker) fields(t *spec.Type, v *Value, top bool) *fault.Error {
	var few [96]int16 // more than nearly all objects have
	at := few[:]
	if len(t.Fields) > len(few) {
		at = make([]int16, len(t.Fields))
	}
	for i := range v.Fields {
		if k := t.FieldIndex(v.Fields[i].Name); k >= 0 {
			at[k] = int16(i + 1)
		}
	}
	for k, f := range t.Fields {
		if at[k] == 0 {
			if f.Required {
				c.enter(f.Name)
				return fault.Missing(c.param())
			}
			continue
		}
		if top && f.Name == "expand" {
			continue // it was checked first
		}
		if err := c.member(f.Name, &f.Type, v.Fields[at[k]-1].Value); err != nil {
			return err
		}
	}
	return nil
}

// value checks one value and gives it its kind.
func (c *checker) value(t *spec.Type, v *Value) *fault.Error {
	if v.empty() {
		if t.Empty || t.Kind == spec.Any {
			v.Kind = Unset
			return nil
		}
		return fault.Empty(c.param())
	}
	switch t.Kind {
	case spec.Any:
		return nil
	case spec.String:
		return c.text(t, v)
	case spec.Integer:
		return c.integer(t, v)
	case spec.Number:
		return c.decimal(t, v)
	case spec.Boolean:
		return c.boolean(v)
	case spec.Object:
		if v.Kind != Object {
			return fault.NotObject(c.param())
		}
		return c.fields(t, v, false)
	case spec.Map:
		return c.hash(t, v)
	case spec.Array:
		return c.array(t, v)
	case spec.AnyOf:
		return c.anyOf(t, v)
	case spec.File:
		if v.Kind != File {
			return fault.NotFile(c.param())
		}
		return nil
	}
	panic("form: a parameter of a kind that only answers have: " + c.param())
}

// anyOf checks a value against the alternative that its shape is meant for.
//
// unverified: the words where no alternative takes a text. A number that is wrong is told so as far as it looks like one; any other
// text is told the values of the enum.
func (c *checker) anyOf(t *spec.Type, v *Value) *fault.Error {
	if !v.scalar() {
		if variant := composite(t, v); variant != nil {
			return c.value(variant, v)
		}
		return c.value(t.Variants[0], v)
	}
	var refusal *fault.Error
	for _, variant := range t.Variants {
		if variant.Kind == spec.Object || variant.Kind == spec.Map || variant.Kind == spec.Array {
			continue
		}
		err := c.value(variant, v)
		if err == nil {
			return nil
		}
		if refusal == nil || variant.Kind == spec.String && !numeric(v.Text) || variant.Kind == spec.Integer && numeric(v.Text) {
			refusal = err
		}
	}
	if refusal == nil {
		return c.value(t.Variants[0], v)
	}
	return refusal
}

// numeric says whether a text begins like a number.
func numeric(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return s != "" && '0' <= s[0] && s[0] <= '9'
}

func (c *checker) text(t *spec.Type, v *Value) *fault.Error {
	if !v.scalar() {
		return fault.NotString(c.param(), v.shown())
	}
	if t.Enum != nil {
		if !slices.Contains(t.Enum, v.Text) {
			return fault.NotOneOf(c.param(), t.Enum)
		}
		v.Kind = String
		return nil
	}
	if t.Format == "decimal" {
		return c.decimal(t, v)
	}
	v.Kind = String
	name := c.name()
	if isCurrency(t, name) {
		return c.currency(v)
	}
	if t.MaxLength > 0 && len(v.Text) > t.MaxLength && utf8.RuneCountInString(v.Text) > t.MaxLength {
		return fault.TooLong(c.param(), v.Text, t.MaxLength)
	}
	switch {
	case c.query:
	case name == "email" || strings.HasSuffix(name, "_email"):
		if !isEmail(v.Text) {
			return fault.NotEmail(c.param(), v.Text)
		}
	case name == "preferred_locales":
		if !isLanguage(v.Text) {
			return fault.NotLanguage(c.param())
		}
	}
	return nil
}

func (c *checker) integer(t *spec.Type, v *Value) *fault.Error {
	if !v.scalar() {
		return fault.NotInteger(c.param(), v.shown())
	}
	n, ok := parseInteger(v.Text)
	switch {
	case !ok:
		return fault.NotInteger(c.param(), v.Text)
	case t.Min != nil && n < *t.Min && *t.Min == 0:
		return fault.Negative(c.param())
	case t.Min != nil && n < *t.Min:
		return fault.BelowMinimum(c.param(), *t.Min)
	case t.Max != nil && n > *t.Max:
		return fault.AboveMaximum(c.param(), *t.Max)
	}
	v.Kind, v.Int = Int, n
	return nil
}

// parseInteger reads digits with at most a minus before them.
func parseInteger(s string) (int64, bool) {
	if s == "" || s[0] == '+' {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

func (c *checker) decimal(t *spec.Type, v *Value) *fault.Error {
	if !v.scalar() {
		return fault.NotDecimal(c.param(), v.shown())
	}
	places, ok := decimalPlaces(v.Text)
	switch {
	case !ok:
		return fault.NotDecimal(c.param(), v.Text)
	case t.Format == "decimal" && places > fault.MaxDecimalPlaces:
		return fault.TooPrecise(c.param(), v.Text)
	case t.Min != nil && *t.Min == 0 && v.Text[0] == '-' && strings.Trim(v.Text, "-0.") != "":
		return fault.DecimalBelow(c.param(), 0, v.Text)
	}
	v.Kind = Decimal
	return nil
}

// decimalPlaces is the number of digits after the point of a decimal, which has no exponent.
// unverified: whether Stripe takes an exponent.
func decimalPlaces(s string) (places int, ok bool) {
	whole, fraction, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if !digits(whole) || point && !digits(fraction) {
		return 0, false
	}
	return len(fraction), true
}

func digits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func (c *checker) boolean(v *Value) *fault.Error {
	switch {
	case !v.scalar():
		return fault.NotBoolean(c.param(), v.shown())
	case v.Text == "true" || v.Text == "True": // Python's, recorded as taken
		v.Kind, v.Int = Bool, 1
	case v.Text == "false" || v.Text == "False":
		v.Kind, v.Int = Bool, 0
	default:
		return fault.NotBoolean(c.param(), v.Text)
	}
	return nil
}

func (c *checker) array(t *spec.Type, v *Value) *fault.Error {
	if v.Kind == Object && v.indexed() {
		sortByIndex(v.Fields)
		v.Kind = Array
		for _, f := range v.Fields {
			v.Items = append(v.Items, f.Value)
		}
	}
	if v.Kind != Array {
		return fault.NotArray(c.param())
	}
	if t.Empty && len(v.Items) == 1 && v.Items[0].empty() { // a[0]= is recorded as taken for a=
		v.Kind, v.Items, v.Fields = Unset, nil, nil
		return nil
	}
	if t.MaxItems > 0 && len(v.Items) > t.MaxItems {
		return fault.TooManyItems(c.param(), t.MaxItems)
	}
	for i, item := range v.Items {
		name := ""
		if v.Fields != nil {
			name = v.Fields[i].Name // the index as it was sent
		} else {
			name = strconv.Itoa(i)
		}
		if err := c.member(name, t.Item, item); err != nil {
			return err
		}
	}
	v.Fields = nil
	return nil
}

// indexed says whether all names of a hash are numbers.
func (v *Value) indexed() bool {
	for i := range v.Fields {
		if !isIndex(v.Fields[i].Name) {
			return false
		}
	}
	return len(v.Fields) > 0
}

// isIndex says whether a name is a number that fits.
func isIndex(name string) bool { return len(name) <= 9 && digits(name) }

func sortByIndex(fields []Field) {
	slices.SortStableFunc(fields, func(a, b Field) int {
		i, _ := strconv.Atoi(a.Name)
		j, _ := strconv.Atoi(b.Name)
		return i - j
	})
}

// hash checks what has names that the client chose.
func (c *checker) hash(t *spec.Type, v *Value) *fault.Error {
	if v.Kind == Array {
		v.becomeObject()
	}
	if v.Kind != Object {
		return fault.NotObject(c.param())
	}
	name := c.name()
	if name == "metadata" {
		return c.metadata(v)
	}
	byCurrency := name == "currency_options" || strings.HasSuffix(name, "_by_currency")
	for _, f := range v.Fields {
		if byCurrency {
			if err := currencyKey(c.param(), f.Name); err != nil {
				return err
			}
		}
		if err := c.member(f.Name, t.Item, f.Value); err != nil {
			return err
		}
	}
	return nil
}

// metadata checks keys and values; an empty value deletes its key. The number of keys after merging with what is there is for the
// handler to check, with fault.TooMuchMetadata.
func (c *checker) metadata(v *Value) *fault.Error {
	set := 0
	for _, f := range v.Fields {
		switch value := f.Value; {
		case utf8.RuneCountInString(f.Name) > fault.MaxMetadataKey:
			return fault.MetadataKeyTooLong(f.Name)
		case !value.scalar():
			c.enter(f.Name)
			return fault.NotString(c.param(), value.shown()) // unverified: the words for metadata
		case value.empty():
			value.Kind = Unset
		case utf8.RuneCountInString(value.Text) > fault.MaxMetadataValue:
			return fault.MetadataValueTooLong(value.Text)
		default:
			value.Kind = String
			set++
		}
	}
	if set > fault.MaxMetadataKeys {
		return fault.TooMuchMetadata(set)
	}
	return nil
}

// scalar says whether a value is a text, a number or a boolean, and not a hash, an array or a file.
func (v *Value) scalar() bool { return v.Kind != Object && v.Kind != Array && v.Kind != File }

// empty says whether a value is an empty string, or null.
func (v *Value) empty() bool { return v.scalar() && v.Text == "" }

// shown is a hash, an array or a file as Stripe shows it in a refusal: JSON in which an array is a hash of its indexes.
// unverified: the escapes.
func (v *Value) shown() string { return string(v.appendShown(nil)) }

func (v *Value) appendShown(b []byte) []byte {
	switch v.Kind {
	case Object:
		b = append(b, '{')
		for i, f := range v.Fields {
			b = appendName(b, i, f.Name)
			b = f.Value.appendShown(b)
		}
		return append(b, '}')
	case Array:
		b = append(b, '{')
		for i, item := range v.Items {
			b = appendName(b, i, strconv.Itoa(i))
			b = item.appendShown(b)
		}
		return append(b, '}')
	case File:
		return appendJSONString(b, v.Filename)
	}
	return appendJSONString(b, v.Text)
}

func appendName(b []byte, i int, name string) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return append(appendJSONString(b, name), ':')
}

func appendJSONString(b []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return append(b, text...)
}
