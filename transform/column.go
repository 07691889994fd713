package transform

import (
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// A column collects the values of one column of a table, of a list's
// elements, or of a struct's field, and hands them out as an Arrow array
// over its own memory. It is used again for the next record, so that in the
// long run it allocates nothing a value; Arrow's own builders give their
// memory away with each array.
type column struct {
	typ   Type
	n     int // values so far
	nulls int
	valid []byte // a bit a value, least significant first

	bools    []byte // a bit a value
	ints     []int64
	floats   []float64
	decimals []decimal128.Num
	offsets  []int32
	bytes    []byte

	elem   *column
	fields []*column
	order  binding // a struct's members by name
}

func newColumn(t Type) *column {
	c := &column{typ: t}
	switch t.Kind {
	case List:
		c.elem = newColumn(*t.Elem)
	case Struct:
		for i, f := range t.Fields {
			c.fields = append(c.fields, newColumn(f.Type))
			c.order.add(f.Member).column = i
		}
	}
	c.reset()
	return c
}

// reset forgets all values and keeps the memory.
func (c *column) reset() {
	c.n, c.nulls = 0, 0
	c.valid, c.bools = c.valid[:0], c.bools[:0]
	c.ints, c.floats, c.decimals = c.ints[:0], c.floats[:0], c.decimals[:0]
	c.offsets, c.bytes = append(c.offsets[:0], 0), c.bytes[:0]
	if c.elem != nil {
		c.elem.reset()
	}
	for _, f := range c.fields {
		f.reset()
	}
}

// size is about how many bytes the values take.
func (c *column) size() int {
	s := len(c.valid) + len(c.bools) + 8*len(c.ints) + 8*len(c.floats) + 16*len(c.decimals) + 4*len(c.offsets) + len(c.bytes)
	if c.elem != nil {
		s += c.elem.size()
	}
	for _, f := range c.fields {
		s += f.size()
	}
	return s
}

// setBit appends bit number n to a bitmap that holds n bits.
func setBit(bitmap []byte, n int, on bool) []byte {
	if n&7 == 0 {
		bitmap = append(bitmap, 0)
	}
	if on {
		bitmap[n>>3] |= 1 << (n & 7)
	}
	return bitmap
}

func (c *column) appendValid() {
	c.valid = setBit(c.valid, c.n, true)
	c.n++
}

func (c *column) appendNull() {
	switch c.typ.Kind {
	case Bool:
		c.bools = setBit(c.bools, c.n, false)
	case Int64, Timestamp, DateTime:
		c.ints = append(c.ints, 0)
	case Float64:
		c.floats = append(c.floats, 0)
	case Decimal:
		c.decimals = append(c.decimals, decimal128.Num{})
	case List:
		c.offsets = append(c.offsets, int32(c.elem.n))
	case Struct:
		for _, f := range c.fields {
			f.appendNull()
		}
	default:
		c.offsets = append(c.offsets, int32(len(c.bytes)))
	}
	c.valid = setBit(c.valid, c.n, false)
	c.n++
	c.nulls++
}

func (c *column) appendInt(x int64) {
	c.ints = append(c.ints, x)
	c.appendValid()
}

func (c *column) appendBytes(text []byte) {
	c.bytes = append(c.bytes, text...)
	c.endBytes()
}

func (c *column) appendString(text string) {
	c.bytes = append(c.bytes, text...)
	c.endBytes()
}

// endBytes makes what was appended to bytes since the last value a value.
func (c *column) endBytes() {
	c.offsets = append(c.offsets, int32(len(c.bytes)))
	c.appendValid()
}

// truncate takes back all values after the first n.
func (c *column) truncate(n int) {
	if n >= c.n {
		return
	}
	for i := n; i < c.n; i++ {
		if c.valid[i>>3]&(1<<(i&7)) == 0 {
			c.nulls--
		}
	}
	cut := func(bitmap []byte) []byte {
		bitmap = bitmap[:(n+7)/8]
		if n&7 != 0 {
			bitmap[n>>3] &= 1<<(n&7) - 1
		}
		return bitmap
	}
	c.valid = cut(c.valid)
	switch c.typ.Kind {
	case Bool:
		c.bools = cut(c.bools)
	case Int64, Timestamp, DateTime:
		c.ints = c.ints[:n]
	case Float64:
		c.floats = c.floats[:n]
	case Decimal:
		c.decimals = c.decimals[:n]
	case List:
		c.offsets = c.offsets[:n+1]
		c.elem.truncate(int(c.offsets[n]))
	case Struct:
		for _, f := range c.fields {
			f.truncate(n)
		}
	default:
		c.offsets = c.offsets[:n+1]
		c.bytes = c.bytes[:c.offsets[n]]
	}
	c.n = n
}

// array gives the values as an Arrow array that borrows the column's memory.
func (c *column) array() arrow.Array {
	data := c.data()
	defer data.Release()
	return array.MakeFromData(data)
}

func (c *column) data() arrow.ArrayData {
	buffers := []*memory.Buffer{nil}
	if c.nulls > 0 {
		buffers[0] = memory.NewBufferBytes(c.valid)
	}
	var children []arrow.ArrayData
	switch c.typ.Kind {
	case Bool:
		buffers = append(buffers, memory.NewBufferBytes(c.bools))
	case Int64, Timestamp, DateTime:
		buffers = append(buffers, memory.NewBufferBytes(arrow.Int64Traits.CastToBytes(c.ints)))
	case Float64:
		buffers = append(buffers, memory.NewBufferBytes(arrow.Float64Traits.CastToBytes(c.floats)))
	case Decimal:
		buffers = append(buffers, memory.NewBufferBytes(arrow.Decimal128Traits.CastToBytes(c.decimals)))
	case List:
		buffers = append(buffers, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.offsets)))
		children = append(children, c.elem.data())
	case Struct:
		for _, f := range c.fields {
			children = append(children, f.data())
		}
	default:
		buffers = append(buffers, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.offsets)), memory.NewBufferBytes(c.bytes))
	}
	data := array.NewData(c.typ.Arrow(), c.n, buffers, children, c.nulls, 0)
	for _, child := range children {
		child.Release()
	}
	return data
}

// appendValue appends v if the column's type holds it without loss, and else
// leaves the column as it was and gives false.
func (c *column) appendValue(d *Document, v Value) bool {
	kind := d.Kind(v)
	if kind == ValueNull {
		c.appendNull()
		return true
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
