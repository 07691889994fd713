package expression

import (
	"math"
	"math/bits"
	"strings"

	"backstory/transform"
)

// kind is what a value is to an expression.
type kind uint8

const (
	null kind = iota
	boolean
	integer
	float
	decimal
	text // also what a uuid or timestamp is
	list
	object
	instant
	span
	kindCount
)

var kindNames = [kindCount]string{"nil", "a bool", "an integer", "a float", "a decimal", "text", "a list", "an object", "a time", "a duration"}

// String names the kind as messages do.
func (k kind) String() string { return kindNames[k] }

// kinds is a set of kinds: what a part of an expression may give.
type kinds uint16

const (
	numbers kinds = 1<<integer | 1<<float | 1<<decimal
	nothing kinds = 1 << null
	bools   kinds = 1 << boolean
	texts   kinds = 1 << text
	lists   kinds = 1 << list
	objects kinds = 1 << object
	times   kinds = 1 << instant
	spans   kinds = 1 << span
	// stored is what a document holds, storable what it may be given: a time
	// becomes a timestamp.
	stored   = nothing | bools | numbers | texts | lists | objects
	storable = stored | times
	anything = storable | spans
)

func (s kinds) has(k kind) bool { return s&(1<<k) != 0 }

// String lists the kinds; nil only where there is nothing else.
func (s kinds) String() string {
	if s != nothing {
		s &^= nothing
	}
	if s|spans == anything&^nothing || s == stored&^nothing {
		return "any value"
	}
	var names []string
	if s&numbers == numbers {
		names = append(names, "a number")
		s &^= numbers
	}
	for k := range kindCount {
		if s.has(k) {
			names = append(names, k.String())
		}
	}
	return strings.Join(names, " or ")
}

// value is one value during an evaluation: one that stands on a tape, of
// which nothing was read yet but its kind, or one the expression made.
type value struct {
	kind kind
	ref  transform.Value     // where it stands on doc
	doc  *transform.Document // nil for what the expression made
	num  int64               // of an integer, a bool, a float (its bits), a time, a duration; also of bools on a tape
	text []byte              // of text, and the digits of a decimal
	made *made               // of a list or object
}

// made is a list or object that an expression made. It is not changed once
// it is a value.
type made struct {
	items []value
	names [][]byte // of an object's members
	depth int      // how many lists and objects, made ones, stand in each other
	// A range has no items: it is the integers from first on.
	ranged      bool
	first, size int64
}

func (x *made) len() int {
	if x.ranged {
		return int(x.size)
	}
	return len(x.items)
}

func (x *made) at(i int) value {
	if x.ranged {
		return intValue(x.first + int64(i))
	}
	return x.items[i]
}

func boolValue(x bool) value {
	v := value{kind: boolean}
	if x {
		v.num = 1
	}
	return v
}

func intValue(x int64) value      { return value{kind: integer, num: x} }
func floatValue(x float64) value  { return value{kind: float, num: int64(math.Float64bits(x))} }
func textValue(x []byte) value    { return value{kind: text, text: x} }
func decimalValue(x []byte) value { return value{kind: decimal, text: x} }

// tapeKinds are the kinds of what stands on a tape.
var tapeKinds = [...]kind{
	transform.ValueNull: null, transform.ValueFalse: boolean, transform.ValueTrue: boolean,
	transform.ValueInteger: integer, transform.ValueFloat: float, transform.ValueDecimal: decimal,
	transform.ValueString: text, transform.ValueUUID: text, transform.ValueTimestamp: text,
	transform.ValueArray: list, transform.ValueObject: object,
}

func kindOf(k transform.ValueKind) kind { return tapeKinds[k] }

// load makes v the value that stands on a tape. Like the methods below it
// leaves what nobody looks at as it was.
func (v *value) load(d *transform.Document, at transform.Value) {
	v.made = nil
	if at == transform.None {
		v.kind, v.doc = null, nil
		return
	}
	k := d.Kind(at)
	if v.kind = tapeKinds[k]; v.kind == null {
		v.doc = nil
		return
	}
	v.doc, v.ref = d, at
	if k == transform.ValueTrue {
		v.num = 1
	} else {
		v.num = 0
	}
}

func (v *value) setBool(x bool) {
	v.kind, v.doc, v.made, v.num = boolean, nil, nil, 0
	if x {
		v.num = 1
	}
}

func (v *value) setInt(x int64) { v.kind, v.doc, v.made, v.num = integer, nil, nil, x }

func (v *value) setFloat(x float64) {
	v.kind, v.doc, v.made, v.num = float, nil, nil, int64(math.Float64bits(x))
}

func (v *value) setText(x []byte) { v.kind, v.doc, v.made, v.text = text, nil, nil, x }

// int gives an integer's value, false if it has more than 64 bits.
func (v *value) int() (int64, bool) {
	if v.doc == nil {
		return v.num, true
	}
	return parseInt(v.doc.Text(v.ref))
}

// float gives a float's value, false if that has fewer digits than are
// written.
func (v *value) float() (float64, bool) {
	if v.doc == nil {
		return math.Float64frombits(uint64(v.num)), true
	}
	return v.doc.Float(v.ref)
}

// asFloat gives an integer's or float's value as a double, false if that
// would lose digits.
func (v *value) asFloat() (float64, bool) {
	if v.kind == float {
		return v.float()
	}
	x, ok := v.int()
	return float64(x), ok && fitsFloat(x)
}

// fitsFloat tells whether a double holds x exactly.
func fitsFloat(x int64) bool {
	u := uint64(x)
	if x < 0 {
		u = -u
	}
	return bits.Len64(u)-bits.TrailingZeros64(u) <= 53
}

// parseInt reads the digits of a JSON integer, false for more than 64 bits.
func parseInt(text []byte) (int64, bool) {
	digits := text
	if digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) > 19 {
		return 0, false
	}
	var u uint64 // 19 digits are less than 2^64
	for _, c := range digits {
		u = u*10 + uint64(c-'0')
	}
	if len(digits) < len(text) {
		return -int64(u), u <= 1<<63
	}
	return int64(u), u < 1<<63
}
