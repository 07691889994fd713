package transform

import (
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
	reads bool  // text that reads as a number or bool is taken as one
	mask  *mask // values are masked; nil where they are not
	n     int   // values so far
	nulls int
	valid []byte // a bit a value, least significant first; of no use while nulls is 0

	bools    []byte // a bit a value
	ints     []int64
	floats   []float64
	decimals []decimal128.Num
	offsets  []int32
	bytes    []byte

	elem   *column
	fields []*column
	order  binding // a struct's members by name
	// dropped is set when a struct, here or within, leaves out a list without
	// elements that it has no field for.
	dropped *bool
}

func newColumn(t Type) *column { return newColumnIn(t, new(bool)) }

func newColumnIn(t Type, dropped *bool) *column {
	c := &column{typ: t, dropped: dropped}
	switch t.Kind {
	case List:
		c.elem = newColumnIn(*t.Elem, dropped)
	case Struct:
		for i, f := range t.Fields {
			c.fields = append(c.fields, newColumnIn(f.Type, dropped))
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

// forget lets go of the memory, and so of all values.
func (c *column) forget() {
	c.valid, c.bools, c.ints, c.floats, c.decimals, c.offsets, c.bytes = nil, nil, nil, nil, nil, nil, nil
	if c.elem != nil {
		c.elem.forget()
	}
	for _, f := range c.fields {
		f.forget()
	}
	c.reset()
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
	if c.nulls > 0 {
		c.valid = setBit(c.valid, c.n, true)
	}
	c.n++
}

// markNull appends a null to the bitmap, which begins with the first null:
// most columns have none.
func (c *column) markNull() {
	if c.nulls == 0 {
		c.valid = c.valid[:0]
		for range c.n >> 3 {
			c.valid = append(c.valid, 0xff)
		}
		if rest := c.n & 7; rest != 0 {
			c.valid = append(c.valid, 1<<rest-1)
		}
	}
	c.valid = setBit(c.valid, c.n, false)
	c.n++
	c.nulls++
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
	c.markNull()
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
	for i, all := n, c.nulls; all > 0 && i < c.n; i++ {
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
	if c.nulls > 0 {
		c.valid = cut(c.valid)
	}
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
