package parquetfile

import (
	"fmt"
	"math"

	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	arrowmemory "github.com/apache/arrow/go/v17/arrow/memory"
)

// column is a leaf's column chunk, decoded: its levels, and the values that
// are not null. Texts lie one behind the other.
type column struct {
	leaf       *leaf
	levels     int
	defs, reps []uint32
	ints       []int64
	bools      []bool
	nums       []decimal128.Num
	texts      []byte
	ends       []int // of the texts
}

// take adds a page.
func (c *column) take(p *contents) error {
	c.levels += p.levels
	c.defs, c.reps = append(c.defs, p.defs...), append(c.reps, p.reps...)
	switch v := c.leaf.vals.(type) {
	case *integers:
		c.ints = append(c.ints, p.ints...)
	case *booleans:
		c.bools = append(c.bools, p.bools...)
	case *decimals:
		for _, b := range p.bytes {
			c.nums = append(c.nums, v.parse(b))
		}
	case *texts:
		for _, b := range p.bytes {
			c.texts = append(c.texts, b...)
			c.ends = append(c.ends, len(c.texts))
		}
		if len(c.texts) > math.MaxInt32 {
			return fmt.Errorf("a row group holds %d bytes of text", len(c.texts))
		}
	}
	return nil
}

// def and rep are the levels of entry i.
func (c *column) def(i int) int {
	if c.leaf.maxDef == 0 {
		return 0
	}
	return int(c.defs[i])
}

func (c *column) rep(i int) int {
	if c.leaf.maxRep == 0 {
		return 0
	}
	return int(c.reps[i])
}

// assemble makes the array of a node. A slot of it begins at each entry whose
// repetition level is not above the node's, and whose definition level is base
// at least: below it, what the node stands in is not there.
func assemble(n *node, t transform.Type, columns map[*leaf]*column, base int) arrow.Array {
	switch n.kind {
	case transform.List:
		return assembleList(n, t, columns, base)
	case transform.Struct:
		return assembleStruct(n, t, columns, base)
	}
	return columns[n.leaf].array(t, base)
}

// first is the first leaf below a node: its levels tell of the node too.
func (n *node) first() *leaf {
	for n.leaf == nil {
		n = n.children[0]
	}
	return n.leaf
}

func assembleStruct(n *node, t transform.Type, columns map[*leaf]*column, base int) arrow.Array {
	var valid validity
	c := columns[n.first()]
	for i := range c.levels {
		if def := c.def(i); def >= base && c.rep(i) <= n.within {
			valid.add(def >= n.def)
		}
	}
	children := make([]arrow.ArrayData, len(n.children))
	for k, child := range n.children {
		a := assemble(child, t.Fields[k].Type, columns, base)
		defer a.Release()
		children[k] = a.Data()
	}
	return valid.array(t.Arrow(), nil, children...)
}

func assembleList(n *node, t transform.Type, columns map[*leaf]*column, base int) arrow.Array {
	var valid validity
	var offsets []int32
	elements := int32(0)
	c := columns[n.first()]
	for i := range c.levels {
		def, rep := c.def(i), c.rep(i)
		if def >= base && rep <= n.within {
			valid.add(def >= n.def)
			offsets = append(offsets, elements)
		}
		if def > n.def && rep <= n.rep {
			elements++
		}
	}
	offsets = append(offsets, elements)
	a := assemble(n.children[0], *t.Elem, columns, n.def+1)
	defer a.Release()
	return valid.array(t.Arrow(), []*arrowmemory.Buffer{arrowmemory.NewBufferBytes(arrow.Int32Traits.CastToBytes(offsets))}, a.Data())
}

// array makes the array of a leaf.
func (c *column) array(t transform.Type, base int) arrow.Array {
	valid := validity{bits: make([]byte, 0, c.levels/8+1)}
	if c.leaf.maxDef > 0 {
		for _, def := range c.defs {
			if int(def) >= base {
				valid.add(int(def) == c.leaf.maxDef)
			}
		}
	} else {
		valid.n = c.levels
	}
	var buffers [][]byte
	switch v := c.leaf.vals.(type) {
	case *integers:
		ints := spread(c.ints, &valid)
		if v.decimal {
			nums := make([]decimal128.Num, len(ints))
			for i, n := range ints {
				nums[i] = decimal128.FromI64(n)
			}
			buffers = append(buffers, arrow.Decimal128Traits.CastToBytes(nums))
		} else {
			buffers = append(buffers, arrow.Int64Traits.CastToBytes(ints))
		}
	case *decimals:
		buffers = append(buffers, arrow.Decimal128Traits.CastToBytes(spread(c.nums, &valid)))
	case *booleans:
		bits := make([]byte, bitutil.BytesForBits(int64(valid.n)))
		for i, b := range spread(c.bools, &valid) {
			bitutil.SetBitTo(bits, i, b)
		}
		buffers = append(buffers, bits)
	case *texts:
		offsets, k, end := make([]int32, valid.n+1), 0, 0
		for i := range valid.n {
			if valid.at(i) {
				end = c.ends[k]
				k++
			}
			offsets[i+1] = int32(end)
		}
		buffers = append(buffers, arrow.Int32Traits.CastToBytes(offsets), c.texts)
	}
	made := make([]*arrowmemory.Buffer, len(buffers))
	for i, b := range buffers {
		made[i] = arrowmemory.NewBufferBytes(b)
	}
	return valid.array(t.Arrow(), made)
}

// spread puts values into their slots; those of nulls are zero.
func spread[T any](values []T, v *validity) []T {
	if v.nulls == 0 {
		return values
	}
	out, k := make([]T, v.n), 0
	for i := range out {
		if v.at(i) {
			out[i] = values[k]
			k++
		}
	}
	return out
}

// validity collects which slots are not null.
type validity struct {
	bits     []byte
	n, nulls int
}

func (v *validity) add(ok bool) {
	if v.n%8 == 0 {
		v.bits = append(v.bits, 0)
	}
	if ok {
		v.bits[v.n/8] |= 1 << (v.n % 8)
	} else {
		v.nulls++
	}
	v.n++
}

func (v *validity) at(i int) bool { return v.nulls == 0 || v.bits[i/8]>>(i%8)&1 == 1 }

// array makes an array of these slots.
func (v *validity) array(t arrow.DataType, buffers []*arrowmemory.Buffer, children ...arrow.ArrayData) arrow.Array {
	all := make([]*arrowmemory.Buffer, 1, 1+len(buffers))
	if v.nulls > 0 {
		all[0] = arrowmemory.NewBufferBytes(v.bits)
	}
	data := array.NewData(t, v.n, append(all, buffers...), children, v.nulls, 0)
	defer data.Release()
	return array.MakeFromData(data)
}
