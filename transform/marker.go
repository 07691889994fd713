package transform

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
		switch string(d.Text(typ)) {
		case markerUUID:
			if isUUIDHex(d.Text(data)) {
				known = ValueUUID
			}
		case markerDecimal:
			if isDecimal(d.Text(data)) {
				known = ValueDecimal
			}
		case markerDatetime:
			known = ValueTimestamp
		}
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

func isUUIDHex(text []byte) bool {
	if len(text) != 32 {
		return false
	}
	for _, c := range text {
		if hexDigit(c) > 15 {
			return false
		}
	}
	return true
}

// appendUUID appends the usual form of a UUID: lower case, with dashes. hex
// is 32 hexadecimal digits.
func appendUUID(dst, hex []byte) []byte {
	for i, c := range hex {
		if i == 8 || i == 12 || i == 16 || i == 20 {
			dst = append(dst, '-')
		}
		if c >= 'A' && c <= 'F' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}
