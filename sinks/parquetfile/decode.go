package parquetfile

import (
	"encoding/binary"
	"errors"
)

// errDamaged tells that a page is not as it was written.
var errDamaged = errors.New("a page is damaged")

// decodeHybrid appends n values of width bits that hybrid encoded.
func decodeHybrid(dst []uint32, b []byte, width, n int) ([]uint32, error) {
	if width < 1 || width > 32 {
		return nil, errDamaged
	}
	for n > 0 {
		head, size := binary.Uvarint(b)
		if size <= 0 {
			return nil, errDamaged
		}
		b = b[size:]
		if head&1 == 0 {
			run, bytes := head>>1, (width+7)/8
			if run == 0 || run > uint64(n) || len(b) < bytes {
				return nil, errDamaged
			}
			var v uint32
			for i := range bytes {
				v |= uint32(b[i]) << (8 * i)
			}
			b = b[bytes:]
			for range run {
				dst = append(dst, v)
			}
			n -= int(run)
			continue
		}
		groups := head >> 1
		if groups == 0 || groups > uint64(len(b)) || int(groups)*width > len(b) {
			return nil, errDamaged
		}
		packed := b[:int(groups)*width]
		b = b[len(packed):]
		var acc uint64
		have, mask := 0, uint64(1)<<width-1
		for range min(n, int(groups)*8) {
			for have < width {
				acc |= uint64(packed[0]) << have
				packed = packed[1:]
				have += 8
			}
			dst = append(dst, uint32(acc&mask))
			acc >>= width
			have -= width
			n--
		}
	}
	return dst, nil
}

// decodeDelta appends the n values that delta encoded, and gives what follows
// them.
func decodeDelta(dst []int64, b []byte, n int) (_ []int64, rest []byte, err error) {
	var head [3]uint64
	for i := range head {
		v, size := binary.Uvarint(b)
		if size <= 0 {
			return nil, nil, errDamaged
		}
		head[i], b = v, b[size:]
	}
	last, size := binary.Varint(b)
	if size <= 0 || head[0] != deltaBlock || head[1] != deltaBlock/deltaMini || head[2] != uint64(n) {
		return nil, nil, errDamaged
	}
	if b = b[size:]; n == 0 {
		return dst, b, nil
	}
	dst = append(dst, last)
	for n--; n > 0; {
		least, size := binary.Varint(b)
		if size <= 0 || len(b) < size+deltaBlock/deltaMini {
			return nil, nil, errDamaged
		}
		widths := b[size : size+deltaBlock/deltaMini]
		b = b[size+deltaBlock/deltaMini:]
		for _, width := range widths {
			if n == 0 {
				break
			}
			bytes := deltaMini * int(width) / 8
			if width > 64 || len(b) < bytes {
				return nil, nil, errDamaged
			}
			count := min(n, deltaMini)
			for i := range count {
				last += least + int64(unpack(b[:bytes], i*int(width), int(width)))
				dst = append(dst, last)
			}
			b = b[bytes:]
			n -= count
		}
	}
	return dst, b, nil
}

// unpack reads width bits from bit at on.
func unpack(b []byte, at, width int) uint64 {
	if width == 0 {
		return 0
	}
	var eight [9]byte
	copy(eight[:], b[at/8:])
	shift := at % 8
	v := binary.LittleEndian.Uint64(eight[:]) >> shift
	if shift > 0 {
		v |= uint64(eight[8]) << (64 - shift)
	}
	return v << (64 - width) >> (64 - width)
}
