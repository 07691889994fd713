package parquetfile

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/parquet"
)

// booleans encodes one bit a value, the least significant first.
type booleans struct {
	array *array.Boolean // borrowed
	plain []byte
	count int // values of the page

	anyFalse, anyTrue bool
}

func (v *booleans) bind(a arrow.Array) { v.array = a.(*array.Boolean) }
func (v *booleans) unbind()            { v.array = nil }

func (v *booleans) fit(_, n int) int { return min(n, 4096) }

func (v *booleans) take(i, n int) {
	for k := i; k < i+n; k++ {
		v.add(v.array.Value(k))
	}
}

func (v *booleans) add(x bool) {
	if v.count%8 == 0 {
		v.plain = append(v.plain, 0)
	}
	if x {
		v.plain[v.count/8] |= 1 << (v.count % 8)
		v.anyTrue = true
	} else {
		v.anyFalse = true
	}
	v.count++
}

func (v *booleans) bounds() (least, greatest []byte) {
	if !v.anyFalse && !v.anyTrue {
		return nil, nil
	}
	least, greatest = []byte{1}, []byte{0}
	if v.anyFalse {
		least[0] = 0
	}
	if v.anyTrue {
		greatest[0] = 1
	}
	return least, greatest
}

func (v *booleans) size() int { return len(v.plain) }

func (v *booleans) appendPage(dst []byte) ([]byte, parquet.Encoding) {
	dst = append(dst, v.plain...)
	v.plain, v.count = v.plain[:0], 0
	return dst, parquet.Encodings.Plain
}

func (v *booleans) dictionary() ([]byte, int) { return nil, 0 }
func (v *booleans) reset()                    { v.anyFalse, v.anyTrue = false, false }
func (v *booleans) held() int                 { return cap(v.plain) }
