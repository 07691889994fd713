package parquetfile

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/parquet"
)

// decimals encodes decimals of more than 18 digits, big-endian in the fewest
// bytes that hold their precision.
type decimals struct {
	width int
	nums  []decimal128.Num // borrowed
	plain []byte

	seen            bool
	least, greatest decimal128.Num
}

// decimalWidth is the fewest bytes that hold that many digits and a sign.
func decimalWidth(precision int32) int {
	bits := math.Log2(10)*float64(precision) + 1
	return int(math.Ceil(bits / 8))
}

func (v *decimals) bind(a arrow.Array) { v.nums = a.(*array.Decimal128).Values() }
func (v *decimals) unbind()            { v.nums = nil }

func (v *decimals) fit(_, n int) int { return min(n, 4096) }

func (v *decimals) take(i, n int) {
	for _, num := range v.nums[i : i+n] {
		v.add(num)
	}
}

func (v *decimals) add(num decimal128.Num) {
	switch {
	case !v.seen:
		v.seen, v.least, v.greatest = true, num, num
	case num.Less(v.least):
		v.least = num
	case num.Greater(v.greatest):
		v.greatest = num
	}
	v.plain = v.append(v.plain, num)
}

// parse reads what append wrote.
func (v *decimals) parse(b []byte) decimal128.Num {
	var full [16]byte
	if b[0]&0x80 != 0 {
		for i := range full {
			full[i] = 0xff
		}
	}
	copy(full[16-len(b):], b)
	return decimal128.New(int64(binary.BigEndian.Uint64(full[:8])), binary.BigEndian.Uint64(full[8:]))
}

func (v *decimals) append(dst []byte, num decimal128.Num) []byte {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(num.HighBits()))
	binary.BigEndian.PutUint64(b[8:], num.LowBits())
	return append(dst, b[16-v.width:]...)
}

func (v *decimals) bounds() (least, greatest []byte) {
	if !v.seen {
		return nil, nil
	}
	return v.append(nil, v.least), v.append(nil, v.greatest)
}

func (v *decimals) size() int { return len(v.plain) }

func (v *decimals) appendPage(dst []byte) ([]byte, parquet.Encoding) {
	dst = append(dst, v.plain...)
	v.plain = v.plain[:0]
	return dst, parquet.Encodings.Plain
}

func (v *decimals) dictionary() ([]byte, int) { return nil, 0 }
func (v *decimals) reset()                    { v.seen = false }
func (v *decimals) held() int                 { return cap(v.plain) }
