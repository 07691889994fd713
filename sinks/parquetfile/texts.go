package parquetfile

import (
	"bytes"
	"encoding/binary"

	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/parquet"
)

// texts encodes strings: by a dictionary, or, where values are known not to
// repeat, by all lengths of a page and then all bytes (DELTA_LENGTH_BYTE_ARRAY).
// Lengths between the bytes (PLAIN, for what did not fit a dictionary) give
// zstd a match a value to be busy with, for nothing: UUIDs take it more than
// three times as long, and come out a tenth larger.
type texts struct {
	limits  *limits
	offsets []int32 // borrowed, as is data
	data    []byte

	dict    *dictionary // nil where values are known not to repeat
	plain   []byte
	lengths delta    // of the page under way, if there is no dictionary
	length  [1]int64 // memory for the next of them

	seen            bool // a value that was written plain
	least, greatest []byte
}

func newTexts(l *limits, e transform.Encoding) *texts {
	if e == transform.Plain {
		return &texts{limits: l}
	}
	return &texts{limits: l, dict: newDictionary(l, 0, e != transform.Dictionary)}
}

func (v *texts) bind(a arrow.Array) {
	s := a.(*array.String)
	v.offsets = s.ValueOffsets()
	if b := s.Data().Buffers()[2]; b != nil {
		v.data = b.Bytes()
	}
}

func (v *texts) unbind() { v.offsets, v.data = nil, nil }

// fit keeps the values taken at once near a page's size.
func (v *texts) fit(i, n int) int {
	for n = min(n, 1024); n > 1 && int(v.offsets[i+n]-v.offsets[i]) > v.limits.pageBytes/2; {
		n /= 2
	}
	return n
}

func (v *texts) take(i, n int) {
	offsets := v.offsets[i : i+n+1]
	if v.dict != nil && !v.dict.off {
		for k, start := range offsets[:n] {
			v.dict.add(v.data[start:offsets[k+1]])
		}
		return
	}
	for k, start := range offsets[:n] {
		v.add(v.data[start:offsets[k+1]])
	}
}

// put adds one value.
func (v *texts) put(x []byte) {
	if v.dict != nil && !v.dict.off {
		v.dict.add(x)
		return
	}
	v.add(x)
}

// add adds one value without a dictionary.
func (v *texts) add(x []byte) {
	v.bound(x)
	if v.dict == nil {
		v.length[0] = int64(len(x))
		v.lengths.add(v.length[:])
	} else {
		v.plain = binary.LittleEndian.AppendUint32(v.plain, uint32(len(x)))
	}
	v.plain = append(v.plain, x...)
}

// bound compares x, which stays the caller's.
func (v *texts) bound(x []byte) {
	switch {
	case !v.seen:
		v.seen = true
		v.least, v.greatest = append(v.least[:0], x...), append(v.greatest[:0], x...)
	case bytes.Compare(x, v.least) < 0:
		v.least = append(v.least[:0], x...)
	case bytes.Compare(x, v.greatest) > 0:
		v.greatest = append(v.greatest[:0], x...)
	}
}

func (v *texts) bounds() (least, greatest []byte) {
	if v.dict != nil {
		for i := range v.dict.starts {
			v.bound(v.dict.value(uint32(i)))
		}
	}
	if !v.seen {
		return nil, nil
	}
	// An empty least value is a value all the same.
	return append([]byte{}, v.least...), append([]byte{}, v.greatest...)
}

func (v *texts) size() int {
	if v.dict != nil && !v.dict.off {
		return v.dict.size()
	}
	return len(v.plain) + len(v.lengths.out)
}

func (v *texts) appendPage(dst []byte) ([]byte, parquet.Encoding) {
	if v.dict != nil && !v.dict.off {
		if v.dict.fails() {
			for i := range v.dict.starts {
				v.bound(v.dict.value(uint32(i)))
			}
		}
		return v.dict.appendPage(dst)
	}
	encoding := parquet.Encodings.Plain
	if v.dict == nil {
		dst, encoding = v.lengths.appendPage(dst), parquet.Encodings.DeltaLengthByteArray
	}
	dst = append(dst, v.plain...)
	v.plain = v.plain[:0]
	return dst, encoding
}

func (v *texts) dictionary() ([]byte, int) {
	if v.dict == nil {
		return nil, 0
	}
	return v.dict.page()
}

func (v *texts) reset() {
	v.seen = false
	if v.dict != nil {
		v.dict.reset()
	}
}

func (v *texts) held() int {
	n := cap(v.plain) + cap(v.lengths.out)
	if v.dict != nil {
		n += v.dict.held()
	}
	return n
}
