package transform

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// The methods below are for upcasters. New values belong to the document
// and are in no object until Put or Append puts them there. A value may
// stand in one place only: take it out with Remove before putting it
// elsewhere.

// NewString makes a string of text, which it copies. Bytes that are not
// UTF-8 become U+FFFD.
func (d *Document) NewString(text string) Value {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\ufffd")
	}
	return newText(d, ValueString, text)
}

// NewInt makes an integer.
func (d *Document) NewInt(x int64) Value {
	var buf [20]byte
	return newText(d, ValueInteger, strconv.AppendInt(buf[:0], x, 10))
}

// NewDecimal makes a decimal number of its text, such as 12.30. It gives
// false if text is none.
func (d *Document) NewDecimal(text string) (Value, bool) {
	if !isDecimal([]byte(text)) {
		return None, false
	}
	return newText(d, ValueDecimal, text), true
}

// NewText makes a value of a kind that has a text: a number, string or typed
// value. It copies text, which may be the text of another value, and gives
// false if text is none of the kind: a number as JSON has it or NaN, Infinity
// and -Infinity, 32 hexadecimal digits, a decimal number, ISO 8601, UTF-8.
func (d *Document) NewText(k ValueKind, text []byte) (Value, bool) {
	if !isText(k, text) {
		return None, false
	}
	return newText(d, k, text), true
}

func isText(k ValueKind, text []byte) bool {
	switch k {
	case ValueInteger, ValueFloat:
		var n node
		if len(text) == 0 {
			return false
		}
		end, err := parseScalar(text, 0, &n)
		return err == nil && end == len(text) && (n.kind == k || n.kind == ValueInteger && k == ValueFloat)
	case ValueString:
		return utf8.Valid(text)
	case ValueUUID:
		return isUUIDHex(text)
	case ValueDecimal:
		return isDecimal(text)
	case ValueTimestamp:
		_, ok := parseTime(text)
		return ok
	}
	return false
}

// NewBool makes true or false.
func (d *Document) NewBool(x bool) Value {
	if x {
		return d.newNode(ValueTrue, 0, 0)
	}
	return d.newNode(ValueFalse, 0, 0)
}

// NewNull makes null.
func (d *Document) NewNull() Value { return d.newNode(ValueNull, 0, 0) }

// NewObject makes an object without members.
func (d *Document) NewObject() Value { return d.newNode(ValueObject, 0, 0) }

// NewArray makes a list without elements.
func (d *Document) NewArray() Value { return d.newNode(ValueArray, 0, 0) }

// newText makes a value of a text, which it copies, or null where the document
// has become vast.
func newText[T ~string | ~[]byte](d *Document, k ValueKind, text T) Value {
	off, end := keep(d, text)
	if d.vast {
		k = ValueNull
	}
	return d.newNode(k, off, end)
}

// keep appends a text to aux and gives its place. Where there is no room for
// it, it gives the place of no text, and the document is vast: the chain
// refuses such an event.
func keep[T ~string | ~[]byte](d *Document, text T) (off, end uint32) {
	if d.vast || len(text) > maxTexts-len(d.aux) {
		d.vast = true
		return 0, 0
	}
	start := len(d.aux)
	d.aux = append(d.aux, text...)
	return uint32(start), uint32(len(d.aux))
}

// newNode makes a value whose text is what aux holds at that place.
func (d *Document) newNode(k ValueKind, off, end uint32) Value {
	d.begin()
	d.nodes = append(d.nodes, node{
		kind: k, flags: textInAux, off: off, end: end, first: None, next: None,
	})
	return Value(len(d.nodes) - 1)
}

// begin sees to it that the first value of a document that was not parsed is
// not its root by being the first.
func (d *Document) begin() {
	if len(d.nodes) == 0 {
		d.root = None
	}
}

// Put makes v the member of object with that name: in place of the one that
// has the name, or at the end.
func (d *Document) Put(object Value, name string, v Value) {
	d.setName(v, name)
	last := None
	for c := d.nodes[object].first; c != None; c = d.nodes[c].next {
		if string(d.Name(c)) == name {
			d.nodes[v].next = d.nodes[c].next
			d.link(object, last, v)
			return
		}
		last = c
	}
	d.nodes[v].next = None
	d.link(object, last, v)
}

// Append makes v the last element of a list.
func (d *Document) Append(array, v Value) {
	last := None
	for c := d.nodes[array].first; c != None; c = d.nodes[c].next {
		last = c
	}
	d.nodes[v].next = None
	d.link(array, last, v)
}

// Remove takes v out of the object or list that holds it, and gives false if
// it is not in there.
func (d *Document) Remove(from, v Value) bool {
	last := None
	for c := d.nodes[from].first; c != None; c = d.nodes[c].next {
		if c == v {
			d.link(from, last, d.nodes[v].next)
			d.nodes[v].next = None
			return true
		}
		last = c
	}
	return false
}

// Rename gives the member of object called from the name to. It gives false,
// and changes nothing, if there is no such member or one called to.
func (d *Document) Rename(object Value, from, to string) bool {
	v := d.Member(object, from)
	if v == None || d.Member(object, to) != None {
		return false
	}
	d.setName(v, to)
	return true
}

// link makes v follow last in its container, or be the first where last is None.
func (d *Document) link(container, last, v Value) {
	if last == None {
		d.nodes[container].first = v
	} else {
		d.nodes[last].next = v
	}
}

func (d *Document) setName(v Value, name string) {
	if !utf8.ValidString(name) {
		name = strings.ToValidUTF8(name, "\ufffd")
	}
	n := &d.nodes[v]
	n.nameOff, n.nameEnd = keep(d, name)
	n.flags |= nameInAux
}
