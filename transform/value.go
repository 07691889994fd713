package transform

import "strconv"

// appendValue appends v if the column's type holds it without loss, and else
// leaves the column as it was and gives false.
func (c *column) appendValue(d *Document, v Value) bool {
	kind := d.Kind(v)
	if kind == ValueNull {
		c.appendNull()
		return true
	}
	if c.reads && kind == ValueString {
		kind = c.read(d.Text(v))
	}
	switch c.typ.Kind {
	case Bool:
		if kind != ValueTrue && kind != ValueFalse {
			return false
		}
		c.bools = setBit(c.bools, c.n, kind == ValueTrue)
		c.appendValid()
		return true
	case Int64:
		if kind != ValueInteger {
			return false
		}
		x, ok := parseInt(d.Text(v))
		if ok {
			c.appendInt(x)
		}
		return ok
	case Float64:
		if kind != ValueFloat && kind != ValueInteger {
			return false
		}
		x, ok := parseFloat(d.Text(v))
		if ok {
			c.floats = append(c.floats, x)
			c.appendValid()
		}
		return ok
	case Decimal:
		if kind != ValueDecimal && kind != ValueInteger && kind != ValueFloat {
			return false
		}
		x, ok := parseDecimal(d.Text(v))
		if !ok {
			return false
		}
		num, ok := x.fit(c.typ.Precision, c.typ.Scale)
		if ok {
			c.decimals = append(c.decimals, num)
			c.appendValid()
		}
		return ok
	case Timestamp, DateTime:
		if kind != ValueTimestamp && kind != ValueString {
			return false
		}
		t, ok := parseTime(d.Text(v))
		if ok = ok && t.zoned == (c.typ.Kind == Timestamp); ok {
			c.appendInt(t.micros)
		}
		return ok
	case UUID:
		switch text := d.Text(v); {
		case kind == ValueUUID:
			c.bytes = appendUUID(c.bytes, text)
			c.endBytes()
		case kind == ValueString && isDashedUUID(text):
			c.appendBytes(text)
		default:
			return false
		}
		return true
	case String:
		if c.mask != nil {
			c.appendMasked(d, v)
			return true
		}
		switch kind {
		case ValueUUID:
			c.bytes = appendUUID(c.bytes, d.Text(v))
			c.endBytes()
		case ValueString, ValueInteger, ValueDecimal, ValueTimestamp:
			if !d.Exact(v) {
				return false
			}
			c.appendBytes(d.Text(v))
		default:
			return false
		}
		return true
	case JSON:
		c.bytes = d.AppendJSON(c.bytes, v)
		c.endBytes()
		return true
	case List:
		return kind == ValueArray && c.appendList(d, v)
	case Struct:
		return kind == ValueObject && c.appendStruct(d, v)
	}
	return false
}

// read gives the kind of value that text reads as in a column of a declared
// type: ValueString unless it is a number or bool as JSON writes it, and the
// column is of such.
func (c *column) read(text []byte) ValueKind {
	var n node
	switch c.typ.Kind {
	case Bool, Int64, Float64, Decimal:
		if len(text) > 0 {
			end, err := parseScalar(text, 0, &n)
			if err == nil && end == len(text) && n.kind != ValueNull {
				return n.kind
			}
		}
	}
	return ValueString
}

func (c *column) appendList(d *Document, v Value) bool {
	before := c.elem.n
	for e := d.First(v); e != None; e = d.Next(e) {
		if !c.elem.appendValue(d, e) {
			c.elem.truncate(before)
			return false
		}
	}
	c.offsets = append(c.offsets, int32(c.elem.n))
	c.appendValid()
	return true
}

func (c *column) appendStruct(d *Document, v Value) bool {
	hint := 0
	for m := d.First(v); m != None; m = d.Next(m) {
		b := c.order.find(d.Name(m), &hint)
		if b == nil {
			if !hasContent(d, m) {
				*c.dropped = *c.dropped || holdsList(d, m)
				continue
			}
			c.retract()
			return false
		}
		if !c.fields[b.column].appendValue(d, m) {
			c.retract()
			return false
		}
	}
	for _, f := range c.fields {
		if f.n == c.n {
			f.appendNull()
		}
	}
	c.appendValid()
	return true
}

// unknown tells whether a value that the column did not take holds a member
// of structs, here or within, that has no field and deserves one. It is the
// other half of Type.grow.
func (c *column) unknown(d *Document, v Value) bool {
	switch kind := d.Kind(v); {
	case c.typ.Kind == List && kind == ValueArray:
		for e := d.First(v); e != None; e = d.Next(e) {
			if c.elem.unknown(d, e) {
				return true
			}
		}
	case c.typ.Kind == Struct && kind == ValueObject && !c.typ.full():
		hint := 0
		for m := d.First(v); m != None; m = d.Next(m) {
			b := c.order.find(d.Name(m), &hint)
			if b == nil && hasContent(d, m) || b != nil && c.fields[b.column].unknown(d, m) {
				return true
			}
		}
	}
	return false
}

// retract takes back the fields of a struct that was not finished.
func (c *column) retract() {
	for _, f := range c.fields {
		f.truncate(c.n)
	}
}

// parseInt reads an integer of at most 64 bits.
func parseInt(text []byte) (int64, bool) {
	if len(text) < 19 { // at most 18 characters: no overflow
		var x int64
		negative := text[0] == '-'
		if negative {
			text = text[1:]
		}
		for _, c := range text {
			x = x*10 + int64(c-'0')
		}
		if negative {
			x = -x
		}
		return x, true
	}
	x, err := strconv.ParseInt(string(text), 10, 64)
	return x, err == nil
}

func isDashedUUID(text []byte) bool {
	if len(text) != 36 {
		return false
	}
	for i, c := range text {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if c-'0' > 9 && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
