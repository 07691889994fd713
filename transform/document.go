package transform

import "math"

// ValueKind is what a value of a Document is.
type ValueKind uint8

// The kinds of values. The last four come from typed markers; the text of a
// marked value is its _data_.
const (
	ValueNull ValueKind = iota
	ValueFalse
	ValueTrue
	ValueInteger   // a number without fraction and exponent, of any length
	ValueFloat     // a number with fraction or exponent, or NaN, Infinity, -Infinity
	ValueString    // text, without quotes and escapes
	ValueArray     // a list of values
	ValueObject    // named members, each name once
	ValueUUID      // 32 hexadecimal digits
	ValueDecimal   // the text of a decimal number; may be NaN or infinite
	ValueTimestamp // ISO 8601 text
)

var valueNames = [...]string{"null", "bool", "bool", "integer", "float", "string", "list", "object", "uuid", "decimal", "timestamp"}

// String names the kind as messages do.
func (k ValueKind) String() string { return valueNames[k] }

// Value refers to one value of a Document. It is valid until the document is
// parsed again; a value that was removed must not be used.
type Value int32

// None is the Value that is not there.
const None Value = -1

// Document is one JSON document as a tape of nodes over the bytes it was
// parsed from. It can be parsed again and again and then allocates nothing.
// The zero Document is ready to Parse. It is for one goroutine.
//
// Unlike encoding/json it takes bare NaN, Infinity and -Infinity, which
// Python writes, and refuses what has no single meaning: a name that stands
// twice in an object, and text that is not UTF-8.
type Document struct {
	src     []byte // borrowed, until the next Parse
	aux     []byte // owned: unescaped text, and what upcasters set
	nodes   []node
	open    []openNode
	markers bool
	unknown []unknownMarker
	root    Value
	vast    bool // texts were left out, since offsets do not reach so far
}

// A node is a value and, in an object, its name. Texts are offsets into src,
// or, with the flag, into aux: offsets instead of slices keep a node small
// and free of pointers.
type node struct {
	kind             ValueKind
	flags            nodeFlags
	nameOff, nameEnd uint32
	off, end         uint32
	first, next      Value
}

type nodeFlags uint8

const (
	nameInAux nodeFlags = 1 << iota
	textInAux
	// textReplaced: the text held an escape that stands for no character
	// (half a surrogate pair), which became U+FFFD. The string as it was
	// written follows in aux, from end to first, which a string has no other
	// use for.
	textReplaced
	marked // the value stood in an unknown marker
)

type unknownMarker struct {
	value    Value
	off, end uint32
	inAux    bool
}

// maxDocument is the most bytes a document may be parsed from, and maxTexts
// the most that what is unescaped and set may take beside them: offsets are 32
// bits, some of them with a sign.
const (
	maxDocument = 1 << 30
	maxTexts    = math.MaxInt32
)

// Root is the document's outermost value, None before the first Parse and
// for a nil document.
func (d *Document) Root() Value {
	if d == nil || len(d.nodes) == 0 {
		return None
	}
	return d.root
}

// Kind tells what v is.
func (d *Document) Kind(v Value) ValueKind { return d.nodes[v].kind }

// Text is the text of a number, string or marked value, without quotes and
// escapes. It is borrowed until the document is changed or parsed again.
func (d *Document) Text(v Value) []byte {
	n := &d.nodes[v]
	if n.flags&textInAux != 0 {
		return d.aux[n.off:n.end]
	}
	return d.src[n.off:n.end]
}

// Name is the member name under which v stands in its object. It is borrowed
// like Text.
func (d *Document) Name(v Value) []byte {
	n := &d.nodes[v]
	if n.flags&nameInAux != 0 {
		return d.aux[n.nameOff:n.nameEnd]
	}
	return d.src[n.nameOff:n.nameEnd]
}

// First is the first element of an array or member of an object, or None. v
// must be an array or object.
func (d *Document) First(v Value) Value { return d.nodes[v].first }

// Next is the value after v in its array or object, or None.
func (d *Document) Next(v Value) Value { return d.nodes[v].next }

// Exact tells whether Text is all that was written: false for a string that
// held half a surrogate pair, which no text can hold. AppendJSON still writes
// such a string as it was.
func (d *Document) Exact(v Value) bool { return d.nodes[v].flags&textReplaced == 0 }

// Marker is the name of the unknown typed marker v stood in, or nil.
func (d *Document) Marker(v Value) []byte {
	if d.nodes[v].flags&marked == 0 {
		return nil
	}
	for _, u := range d.unknown {
		if u.value == v {
			if u.inAux {
				return d.aux[u.off:u.end]
			}
			return d.src[u.off:u.end]
		}
	}
	return nil
}

// Member is the member of object v with that name, or None.
func (d *Document) Member(v Value, name string) Value {
	if v == None || d.nodes[v].kind != ValueObject {
		return None
	}
	for c := d.nodes[v].first; c != None; c = d.nodes[c].next {
		if string(d.Name(c)) == name {
			return c
		}
	}
	return None
}

// Element is the element of list v at a place from 0, or from the end: -1 is
// the last one. It is None where there is none.
func (d *Document) Element(v Value, place int) Value {
	if place < 0 {
		place += d.Len(v)
	}
	if place < 0 {
		return None
	}
	c := d.nodes[v].first
	for ; place > 0 && c != None; place-- {
		c = d.nodes[c].next
	}
	return c
}

// Len is the number of elements or members of an array or object.
func (d *Document) Len(v Value) int {
	n := 0
	for c := d.nodes[v].first; c != None; c = d.nodes[c].next {
		n++
	}
	return n
}

// Time reads the text of a timestamp or string as ISO 8601: an instant in
// microseconds since 1970, UTC, or, not zoned, a time of the clock on the
// wall. It gives false for all else, and for fractions finer than a
// microsecond.
func (d *Document) Time(v Value) (micros int64, zoned, ok bool) {
	if k := d.Kind(v); k != ValueTimestamp && k != ValueString {
		return 0, false, false
	}
	t, ok := parseTime(d.Text(v))
	return t.micros, t.zoned, ok
}

// Float is the double that an integer or float is. It gives false for all
// else, and where the double would not keep the digits that are written.
func (d *Document) Float(v Value) (float64, bool) {
	if k := d.Kind(v); k != ValueInteger && k != ValueFloat {
		return 0, false
	}
	return parseFloat(d.Text(v))
}

// Get is the value at a path of member names, or None.
func (d *Document) Get(path ...string) Value {
	v := d.Root()
	for _, name := range path {
		if v = d.Member(v, name); v == None {
			return None
		}
	}
	return v
}
