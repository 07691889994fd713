package parquetfile

import (
	"encoding/binary"
	"math/bits"
)

// hybrid encodes small integers as runs of one value and as bit-packed groups
// of eight: RLE in https://parquet.apache.org/docs/file-format/data-pages/encodings/.
type hybrid struct {
	width   int
	out     []byte
	value   uint32 // of the run that is open
	run     int
	literal []uint32 // values to pack; complete groups but for the last
}

// maxLiterals keeps the literals' memory small; it is a multiple of 8.
const maxLiterals = 504

// put adds v n times.
func (h *hybrid) put(v uint32, n int) {
	if v == h.value {
		h.run += n
		return
	}
	h.endRun()
	h.value, h.run = v, n
}

func (h *hybrid) endRun() {
	// A group that was begun must be filled before anything else.
	for h.run > 0 && len(h.literal)%8 != 0 {
		h.literal = append(h.literal, h.value)
		h.run--
	}
	if h.run >= 8 {
		h.endLiterals()
		h.out = binary.AppendUvarint(h.out, uint64(h.run)<<1)
		for v, w := h.value, h.width; w > 0; v, w = v>>8, w-8 {
			h.out = append(h.out, byte(v))
		}
		h.run = 0
		return
	}
	for ; h.run > 0; h.run-- {
		h.literal = append(h.literal, h.value)
	}
	if len(h.literal) >= maxLiterals && len(h.literal)%8 == 0 {
		h.endLiterals()
	}
}

func (h *hybrid) endLiterals() {
	if len(h.literal) == 0 {
		return
	}
	for len(h.literal)%8 != 0 {
		h.literal = append(h.literal, 0)
	}
	h.out = binary.AppendUvarint(h.out, uint64(len(h.literal)/8)<<1|1)
	var acc uint64
	filled := 0
	for _, v := range h.literal {
		acc |= uint64(v) << filled
		for filled += h.width; filled >= 8; filled -= 8 {
			h.out = append(h.out, byte(acc))
			acc >>= 8
		}
	}
	h.literal = h.literal[:0]
}

// end gives everything put since the last reset. It is valid until the next.
func (h *hybrid) end() []byte {
	h.endRun()
	h.endLiterals()
	return h.out
}

// reset begins anew with values of at most width bits.
func (h *hybrid) reset(width int) {
	h.width, h.value, h.run = width, 0, 0
	h.out, h.literal = h.out[:0], h.literal[:0]
}

// widthOf is the number of bits that hold the values 0 to max, at least one:
// some readers refuse a width of none.
func widthOf(max uint32) int { return bits.Len32(max | 1) }
