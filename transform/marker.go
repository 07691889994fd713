package transform

import (
	"encoding/binary"
	"math"
)

// The names of the typed markers Python's eventsourcing brings along
// (eventsourcing/persistence.py: UUIDAsHex, DecimalAsStr, DatetimeAsISO).
const (
	markerUUID     = "uuid_hex"
	markerDecimal  = "decimal_str"
	markerDatetime = "datetime_iso"
)

// resolveMarker makes object v, which has two members, the typed value it
// stands for if they are _type_ and _data_. Objects end from the inside out,
// so _data_ may itself have held markers.
func (d *Document) resolveMarker(v Value) {
	typ := d.nodes[v].first
	data := d.nodes[typ].next
	if string(d.Name(typ)) != "_type_" {
		typ, data = data, typ
	}
	if string(d.Name(typ)) != "_type_" || string(d.Name(data)) != "_data_" || d.nodes[typ].kind != ValueString {
		return
	}
	kind := d.nodes[data].kind
	known := kind
	if kind == ValueString {
		known = markedKind(d.Text(typ), d.Text(data))
	}
	// The object's node takes the place of its _data_ and keeps its own name
	// and neighbour.
	n, inner := &d.nodes[v], d.nodes[data]
	n.kind, n.off, n.end, n.first = known, inner.off, inner.end, inner.first
	n.flags = n.flags&nameInAux | inner.flags&(textInAux|textReplaced)
	if known == kind {
		n.flags |= marked
		t := d.nodes[typ]
		d.unknown = append(d.unknown, unknownMarker{value: v, off: t.off, end: t.end, inAux: t.flags&textInAux != 0})
	}
}

// parseMarker reads a known marker at i as Python writes it, without spaces
// and escapes, into n. It gives false, and has changed nothing, for all
// else: that goes the long way. Payloads are full of markers, and this is
// four times as fast.
func parseMarker(src []byte, i int, n *node) (int, bool) {
	const before, between, after = `{"_type_":"`, `","_data_":"`, `"}`
	if !hasAt(src, i, before) {
		return i, false
	}
	typ := i + len(before)
	typEnd := plainEnd(src, typ)
	if !hasAt(src, typEnd, between) {
		return i, false
	}
	data := typEnd + len(between)
	dataEnd := plainEnd(src, data)
	if !hasAt(src, dataEnd, after) {
		return i, false
	}
	kind := markedKind(src[typ:typEnd], src[data:dataEnd])
	if kind == ValueString {
		return i, false
	}
	n.kind, n.off, n.end = kind, uint32(data), uint32(dataEnd)
	return dataEnd + len(after), true
}

func hasAt(src []byte, i int, want string) bool {
	return len(src)-i >= len(want) && string(src[i:i+len(want)]) == want
}

// markedKind is what a marker makes of a string: a string for a type that is
// not known, or data that is not of the type.
func markedKind(typ, data []byte) ValueKind {
	switch string(typ) {
	case markerUUID:
		if isUUIDHex(data) {
			return ValueUUID
		}
	case markerDecimal:
		if isDecimal(data) {
			return ValueDecimal
		}
	case markerDatetime:
		return ValueTimestamp
	}
	return ValueString
}

func isUUIDHex(text []byte) bool {
	if len(text) != 32 {
		return false
	}
	// Eight bytes at a time: adding to an ASCII character what it lacks to
	// 128 tells in its high bit whether it reaches a character.
	all := uint64(highs)
	for i := 0; i < 32; i += 8 {
		w := binary.LittleEndian.Uint64(text[i:])
		l := w | ones*0x20 // letters become small; digits stay
		digit := (w + ones*(0x80-'0')) &^ (w + ones*(0x80-':'))
		letter := (l + ones*(0x80-'a')) &^ (l + ones*(0x80-'g'))
		all &= (digit | letter) &^ w
	}
	return all == highs
}

// appendUUID appends the usual form of a UUID: lower case, with dashes. hex
// is 32 hexadecimal digits.
func appendUUID(dst, hex []byte) []byte {
	const form = "00000000-0000-0000-0000-000000000000"
	dst = append(dst, form...)
	out := dst[len(dst)-len(form):]
	le := binary.LittleEndian
	const small = ones * 0x20 // digits have that bit already
	_ = hex[31]
	le.PutUint64(out[0:], le.Uint64(hex[0:])|small)
	le.PutUint32(out[9:], le.Uint32(hex[8:])|small&math.MaxUint32)
	le.PutUint32(out[14:], le.Uint32(hex[12:])|small&math.MaxUint32)
	le.PutUint32(out[19:], le.Uint32(hex[16:])|small&math.MaxUint32)
	le.PutUint64(out[24:], le.Uint64(hex[20:])|small)
	le.PutUint32(out[32:], le.Uint32(hex[28:])|small&math.MaxUint32)
	return dst
}
