package parquetfile

import (
	"encoding/binary"
	"math/bits"
)

// The shape of a block that all writers use and some readers insist on.
const (
	deltaBlock = 128
	deltaMini  = 32
)

// delta encodes integers by their differences: DELTA_BINARY_PACKED in
// https://parquet.apache.org/docs/file-format/data-pages/encodings/.
// Differences wrap around, as the format wants it.
type delta struct {
	count       int
	first, last int64
	block       [deltaBlock]int64
	filled      int
	out         []byte // the finished blocks
}

func (d *delta) add(vals []int64) {
	if len(vals) == 0 {
		return
	}
	if d.count == 0 {
		d.first, d.last = vals[0], vals[0]
		d.count, vals = 1, vals[1:]
	}
	d.count += len(vals)
	last := d.last
	for len(vals) > 0 {
		n := min(len(vals), deltaBlock-d.filled)
		block := d.block[d.filled : d.filled+n]
		for i, v := range vals[:n] {
			block[i] = v - last
			last = v
		}
		vals = vals[n:]
		if d.filled += n; d.filled == deltaBlock {
			d.endBlock()
		}
	}
	d.last = last
}

func (d *delta) endBlock() {
	deltas := d.block[:d.filled]
	least := deltas[0]
	for _, v := range deltas {
		least = min(least, v)
	}
	d.out = binary.AppendVarint(d.out, least)
	widths := len(d.out)
	d.out = append(d.out, 0, 0, 0, 0)
	for i := 0; i*deltaMini < len(deltas); i++ {
		mini := deltas[i*deltaMini : min((i+1)*deltaMini, len(deltas))]
		var all uint64
		for _, v := range mini {
			all |= uint64(v - least)
		}
		width := bits.Len64(all)
		d.out[widths+i] = byte(width)
		d.out = packMini(d.out, mini, least, width)
	}
	d.filled = 0
}

// packMini appends 32 differences of width bits each; those that are missing
// count as zero.
func packMini(out []byte, deltas []int64, least int64, width int) []byte {
	end := len(out) + deltaMini*width/8
	var acc uint64
	filled := 0
	for _, v := range deltas {
		u := uint64(v - least)
		acc |= u << filled
		if filled += width; filled >= 64 {
			out = binary.LittleEndian.AppendUint64(out, acc)
			filled -= 64
			acc = u >> (width - filled)
		}
	}
	for ; filled > 0; filled -= 8 {
		out = append(out, byte(acc))
		acc >>= 8
	}
	for len(out) < end {
		out = append(out, 0)
	}
	return out
}

// appendPage appends what was added since the last call, and begins anew.
func (d *delta) appendPage(dst []byte) []byte {
	if d.filled > 0 {
		d.endBlock()
	}
	dst = binary.AppendUvarint(dst, deltaBlock)
	dst = binary.AppendUvarint(dst, deltaBlock/deltaMini)
	dst = binary.AppendUvarint(dst, uint64(d.count))
	dst = binary.AppendVarint(dst, d.first)
	dst = append(dst, d.out...)
	d.count, d.first, d.out = 0, 0, d.out[:0]
	return dst
}
