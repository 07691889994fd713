package parquetfile

import (
	"encoding/binary"
	"math"

	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/parquet"
)

// maxInt64Digits is the most digits of a decimal that is stored as INT64.
const maxInt64Digits = 18

// integers encodes everything of eight bytes: integers, instants, short
// decimals, and the bits of floats.
type integers struct {
	float   bool // the values are the bits of float64s
	decimal bool // the values come as 128-bit decimals that fit 64 bits

	ints []int64          // borrowed
	nums []decimal128.Num // borrowed
	tmp  []int64

	// One of these encodes; plain takes over from a dictionary given up.
	delta *delta
	dict  *dictionary
	plain []byte

	seen            bool
	least, greatest int64 // for floats, the bits
}

func newIntegers(l *limits, v integers, e transform.Encoding) *integers {
	switch {
	case e == transform.Dictionary:
		v.dict = newDictionary(l, 8, false)
	case e != transform.Plain && !v.float:
		v.delta = &delta{}
	}
	return &v
}

func (v *integers) bind(a arrow.Array) {
	switch a := a.(type) {
	case *array.Decimal128:
		v.nums = a.Values()
	case *array.Float64:
		v.ints = arrow.Int64Traits.CastFromBytes(arrow.Float64Traits.CastToBytes(a.Float64Values()))
	case *array.Timestamp:
		v.ints = arrow.Int64Traits.CastFromBytes(arrow.TimestampTraits.CastToBytes(a.TimestampValues()))
	case *array.Int64:
		v.ints = a.Int64Values()
	}
}

func (v *integers) unbind() { v.ints, v.nums = nil, nil }

func (v *integers) fit(_, n int) int { return min(n, 4096) }

func (v *integers) take(i, n int) { v.add(v.slice(i, n)) }

func (v *integers) add(vals []int64) {
	v.bound(vals)
	switch {
	case v.delta != nil:
		v.delta.add(vals)
	case v.dict != nil && !v.dict.off:
		var b [8]byte
		for _, x := range vals {
			binary.LittleEndian.PutUint64(b[:], uint64(x))
			v.dict.add(b[:])
		}
	default:
		for _, x := range vals {
			v.plain = binary.LittleEndian.AppendUint64(v.plain, uint64(x))
		}
	}
}

// slice gives n values from slot i on as integers.
func (v *integers) slice(i, n int) []int64 {
	if !v.decimal {
		return v.ints[i : i+n]
	}
	v.tmp = v.tmp[:0]
	for _, num := range v.nums[i : i+n] {
		v.tmp = append(v.tmp, int64(num.LowBits()))
	}
	return v.tmp
}

func (v *integers) bound(vals []int64) {
	if len(vals) == 0 {
		return
	}
	if v.float {
		v.boundFloats(vals)
		return
	}
	if !v.seen {
		v.seen, v.least, v.greatest = true, vals[0], vals[0]
	}
	least, greatest := v.least, v.greatest
	for _, x := range vals {
		least, greatest = min(least, x), max(greatest, x)
	}
	v.least, v.greatest = least, greatest
}

// boundFloats leaves NaN out and widens zeros, as the format demands for
// floats (ColumnOrder in parquet.thrift).
func (v *integers) boundFloats(vals []int64) {
	least, greatest := math.Inf(1), math.Inf(-1)
	if v.seen {
		least, greatest = math.Float64frombits(uint64(v.least)), math.Float64frombits(uint64(v.greatest))
	}
	for _, x := range vals {
		if f := math.Float64frombits(uint64(x)); f == f {
			least, greatest, v.seen = min(least, f), max(greatest, f), true
		}
	}
	if least == 0 {
		least = math.Copysign(0, -1)
	}
	if greatest == 0 {
		greatest = 0
	}
	v.least, v.greatest = int64(math.Float64bits(least)), int64(math.Float64bits(greatest))
}

func (v *integers) bounds() (least, greatest []byte) {
	if !v.seen {
		return nil, nil
	}
	return binary.LittleEndian.AppendUint64(nil, uint64(v.least)), binary.LittleEndian.AppendUint64(nil, uint64(v.greatest))
}

func (v *integers) size() int {
	switch {
	case v.delta != nil:
		return len(v.delta.out) + 8*v.delta.filled
	case v.dict != nil && !v.dict.off:
		return v.dict.size()
	}
	return len(v.plain)
}

func (v *integers) appendPage(dst []byte) ([]byte, parquet.Encoding) {
	switch {
	case v.delta != nil:
		return v.delta.appendPage(dst), parquet.Encodings.DeltaBinaryPacked
	case v.dict != nil && !v.dict.off:
		return v.dict.appendPage(dst)
	}
	dst = append(dst, v.plain...)
	v.plain = v.plain[:0]
	return dst, parquet.Encodings.Plain
}

func (v *integers) dictionary() ([]byte, int) {
	if v.dict == nil {
		return nil, 0
	}
	return v.dict.page()
}

func (v *integers) reset() {
	v.seen = false
	if v.dict != nil {
		v.dict.reset()
	}
}

func (v *integers) held() int {
	n := cap(v.plain) + 8*cap(v.tmp)
	if v.delta != nil {
		n += cap(v.delta.out) + 8*deltaBlock
	}
	if v.dict != nil {
		n += v.dict.held()
	}
	return n
}
