package parquetfile

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"

	"github.com/apache/arrow/go/v17/parquet"
)

// dictionary numbers distinct byte strings in the order they come. Its body
// is the dictionary page: each value behind its length, or bare where all
// values have one size.
type dictionary struct {
	limits  *limits
	fixed   int // the size of every value, 0 where sizes differ
	body    []byte
	starts  []uint32 // where each value begins in body
	slots   []slot   // open addressing; a power of two
	seed    maphash.Seed
	indices []uint32 // of the values of the page under way
	packed  hybrid

	judge  bool // give the dictionary up when values hardly repeat
	judged bool // they do not: never try again
	off    bool // given up for this chunk: the values that follow are plain
	pages  int  // of the chunk, that refer to the dictionary
}

type slot struct {
	hash  uint32
	entry uint32 // index+1; 0 is free
}

func newDictionary(l *limits, fixed int, judge bool) *dictionary {
	return &dictionary{limits: l, fixed: fixed, judge: judge, seed: maphash.MakeSeed()}
}

// add adds v to the page.
func (d *dictionary) add(v []byte) {
	// Values often repeat the one before.
	if n := len(d.indices); n > 0 {
		if last := d.indices[n-1]; bytes.Equal(d.value(last), v) {
			d.indices = append(d.indices, last)
			return
		}
	}
	d.indices = append(d.indices, d.index(v))
}

func (d *dictionary) index(v []byte) uint32 {
	if len(d.starts)*2 >= len(d.slots) {
		d.grow()
	}
	hash := uint32(maphash.Bytes(d.seed, v))
	mask := uint32(len(d.slots) - 1)
	for at := hash & mask; ; at = (at + 1) & mask {
		s := &d.slots[at]
		if s.entry == 0 {
			entry := uint32(len(d.starts))
			*s = slot{hash, entry + 1}
			d.starts = append(d.starts, uint32(len(d.body)))
			if d.fixed == 0 {
				d.body = binary.LittleEndian.AppendUint32(d.body, uint32(len(v)))
			}
			d.body = append(d.body, v...)
			return entry
		}
		if s.hash == hash && bytes.Equal(d.value(s.entry-1), v) {
			return s.entry - 1
		}
	}
}

func (d *dictionary) grow() {
	old := d.slots
	d.slots = make([]slot, max(64, 2*len(old)))
	mask := uint32(len(d.slots) - 1)
	for _, s := range old {
		if s.entry == 0 {
			continue
		}
		at := s.hash & mask
		for d.slots[at].entry != 0 {
			at = (at + 1) & mask
		}
		d.slots[at] = s
	}
}

// value gives the value of that index; it is valid until the next add.
func (d *dictionary) value(index uint32) []byte {
	start := int(d.starts[index])
	if d.fixed > 0 {
		return d.body[start : start+d.fixed]
	}
	size := int(binary.LittleEndian.Uint32(d.body[start:]))
	return d.body[start+4 : start+4+size]
}

// full tells whether the page should end so that the dictionary can be given
// up: it has grown too large, or values are seen not to repeat.
func (d *dictionary) full() bool {
	return len(d.body) >= d.limits.dictionaryBytes || len(d.starts) >= d.limits.dictionaryEntries ||
		len(d.indices) >= d.limits.judgedValues && d.fails()
}

func (d *dictionary) fails() bool {
	return d.judge && d.pages == 0 && len(d.starts)*2 > len(d.indices)
}

// size is about the bytes of the page under way.
func (d *dictionary) size() int {
	if d.full() {
		return d.limits.pageBytes
	}
	return len(d.indices) * d.width() / 8
}

// width is the number of bits of an index.
func (d *dictionary) width() int { return widthOf(uint32(max(len(d.starts), 1) - 1)) }

// appendPage appends the page under way: indices, or the values themselves
// where a first page shows that they hardly repeat.
func (d *dictionary) appendPage(dst []byte) ([]byte, parquet.Encoding) {
	if len(d.indices) == 0 {
		return dst, parquet.Encodings.Plain // nothing but nulls
	}
	if d.fails() {
		dst = d.appendPlain(dst)
		judged, full := len(d.indices) >= d.limits.judgedValues, d.full()
		d.reset()
		d.off = full
		if judged {
			*d = dictionary{limits: d.limits, fixed: d.fixed, off: true, judged: true}
		}
		return dst, parquet.Encodings.Plain
	}
	d.packed.reset(d.width())
	for _, i := range d.indices {
		d.packed.put(i, 1)
	}
	d.pages++
	d.off = d.full()
	d.indices = d.indices[:0]
	dst = append(dst, byte(d.packed.width))
	return append(dst, d.packed.end()...), parquet.Encodings.RLEDict
}

func (d *dictionary) appendPlain(dst []byte) []byte {
	for _, i := range d.indices {
		v := d.value(i)
		if d.fixed == 0 {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(len(v)))
		}
		dst = append(dst, v...)
	}
	return dst
}

// page gives the dictionary page, nothing if no page refers to it.
func (d *dictionary) page() ([]byte, int) {
	if d.pages == 0 {
		return nil, 0
	}
	return d.body, len(d.starts)
}

// reset empties the dictionary and keeps its memory. Once the values were
// judged not to repeat, it stays given up.
func (d *dictionary) reset() {
	if d.judged {
		return
	}
	clear(d.slots)
	d.body, d.starts, d.indices = d.body[:0], d.starts[:0], d.indices[:0]
	d.off, d.pages = false, 0
}

func (d *dictionary) held() int {
	return cap(d.body) + 4*cap(d.starts) + 8*len(d.slots) + 4*cap(d.indices)
}
