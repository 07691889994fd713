package upcast

import (
	"strings"

	"backstory/source"
	"backstory/transform"
)

// cast gives values another type:
//
//	cast: {price: {decimal: [18, 2]}, quantity: int, placed: timestamp}
//
// No digit is lost: a value that does not fit the type means that its event
// cannot be upcast. The types, and what they take besides values that are of
// the type already:
//
//	int        numbers without a fraction that fit into 64 bits, also 2.0 and "12"
//	float      numbers whose digits a double keeps, also "9.5"; "NaN", "Infinity", "-Infinity"
//	bool       the strings true and false, in small and capital letters
//	string     all single values, as they are written
//	uuid       strings of 32 hexadecimal digits, with dashes or without
//	decimal    {decimal: [PRECISION, SCALE]}: numbers and strings of such. More digits behind the
//	           point than SCALE must be zeros, unless {decimal: [18, 2], round: half_even} (or
//	           half_up) says how to round. The result has exactly SCALE of them.
//	timestamp  ISO 8601 with its offset, an instant; see castTime for the others
//	datetime   ISO 8601 without, what a clock on the wall shows
//	json       every value: it becomes a string that holds it as JSON (parse does the opposite)
//
// Null stays null, and what is not there stays so.
type cast struct{ fields []casting }

type casting struct {
	path path
	to   converter
}

// A converter gives v, or another value of doc that is to stand in its place.
type converter func(doc *transform.Document, v transform.Value) (transform.Value, error)

const castHint = "write {path: type}: int, float, bool, string, uuid, timestamp, datetime, json or {decimal: [18, 2]}"

func compileCast(c *compiler, arg *Node) Operation {
	var k cast
	ok := c.each(arg, castHint, func(key, value *Node) bool {
		p, ok := c.path(key)
		to := c.converter(value)
		k.fields = append(k.fields, casting{p, to})
		return ok && to != nil
	})
	if !ok {
		return nil
	}
	return &k
}

// converter reads a type, and gives nil where it is none.
func (c *compiler) converter(n *Node) converter {
	switch n.Kind {
	case Text:
		switch n.Text {
		case "int":
			return castInt
		case "float":
			return castFloat
		case "bool":
			return castBool
		case "string":
			return castString
		case "uuid":
			return castUUID
		case "json":
			return castJSON
		case "timestamp":
			return castTime{}.timestamp
		case "datetime":
			return castTime{}.datetime
		}
	case Map:
		switch {
		case n.Member("decimal") != nil:
			return c.decimal(n)
		case len(n.Keys) == 1 && (n.Keys[0].Text == "timestamp" || n.Keys[0].Text == "datetime"):
			return c.castTime(n.Keys[0].Text, &n.Values[0])
		}
	}
	hint := castHint
	if strings.HasPrefix(n.Text, "decimal") {
		hint = "write {decimal: [PRECISION, SCALE]}, such as {decimal: [18, 2]}"
	}
	c.fail(n, hint, "unknown type %s", n.describe())
	return nil
}

func (o *cast) Apply(s *Scope) error {
	for i := range o.fields {
		f := &o.fields[i]
		pl, err := f.path.find(s)
		if err == nil && !pl.isNull() {
			var v transform.Value
			if v, err = f.to(pl.doc, pl.at); err == nil && v != pl.at {
				f.path.put(pl, v)
			}
		}
		if err != nil {
			return &pathError{"cast", f.path.text, err}
		}
	}
	return nil
}

func (o *cast) reads() []string {
	return texts(o.fields, func(f casting) string { return f.path.text })
}

// unfit says that a value is not what a type takes.
func unfit(want string, doc *transform.Document, v transform.Value) error {
	return source.Telling("want %s, got %s", want, show(doc, v))
}

func castBool(doc *transform.Document, v transform.Value) (transform.Value, error) {
	switch doc.Kind(v) {
	case transform.ValueTrue, transform.ValueFalse:
		return v, nil
	case transform.ValueString:
		switch text := doc.Text(v); {
		case len(text) == 4 && strings.EqualFold(string(text), "true"):
			return doc.NewBool(true), nil
		case len(text) == 5 && strings.EqualFold(string(text), "false"):
			return doc.NewBool(false), nil
		}
	}
	return v, hinted(unfit("true or false", doc, v), `say by map which values are true and which false, such as map: {paid: {"1": true, "0": false}}`)
}

func castString(doc *transform.Document, v transform.Value) (transform.Value, error) {
	if doc.Kind(v) == transform.ValueString {
		return v, nil
	}
	var buf [64]byte
	text, ok := appendScalar(buf[:0], doc, v)
	if !ok {
		return v, hinted(unfit("a single value", doc, v), "cast lists and objects to json, or the elements of a list inside each")
	}
	return made(doc.NewText(transform.ValueString, text))
}

func castUUID(doc *transform.Document, v transform.Value) (transform.Value, error) {
	var buf [36]byte
	switch doc.Kind(v) {
	case transform.ValueUUID:
		return v, nil
	case transform.ValueString:
		text := doc.Text(v)
		if len(text) == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-' {
			hex := append(buf[:0], text[:8]...)
			for _, part := range [...][2]int{{9, 13}, {14, 18}, {19, 23}, {24, 36}} {
				hex = append(hex, text[part[0]:part[1]]...)
			}
			text = hex
		}
		if w, ok := doc.NewText(transform.ValueUUID, text); ok {
			return w, nil
		}
	}
	return v, unfit("a UUID", doc, v)
}

func castJSON(doc *transform.Document, v transform.Value) (transform.Value, error) {
	var buf [512]byte
	return made(doc.NewText(transform.ValueString, doc.AppendJSON(buf[:0], v)))
}

// made gives a value made of a text that we have written ourselves.
func made(v transform.Value, ok bool) (transform.Value, error) {
	if !ok {
		return v, errNotMade
	}
	return v, nil
}
