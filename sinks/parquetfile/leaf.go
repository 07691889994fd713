package parquetfile

import (
	"encoding/binary"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/parquet"
)

// leaf is one column chunk under way: the pages that are encoded, and the one
// that is not yet full.
type leaf struct {
	path           string  // the names from the root, joined by dots
	trail          []*node // the lists and structs it stands in, outermost first
	vals           values
	maxDef, maxRep int

	def, rep hybrid
	levels   int // of the page: its values and nulls

	nulls  int64 // of the chunk
	total  int64 // values and nulls of the chunk's finished pages
	pages  []page
	paged  int64 // bytes of the finished pages
	format *Format
}

// page is a finished page: compressed, without its header.
type page struct {
	data     []byte
	raw      int // bytes before compression
	levels   int
	encoding parquet.Encoding
}

func newLeaf(f *Format, path string, vals values, maxDef, maxRep int) *leaf {
	l := &leaf{path: path, vals: vals, maxDef: maxDef, maxRep: maxRep, format: f}
	l.def.reset(widthOf(uint32(maxDef)))
	l.rep.reset(widthOf(uint32(maxRep)))
	return l
}

// writeFlat adds rows from to to of a column that is neither a list nor
// inside of a struct.
func (l *leaf) writeFlat(a arrow.Array, from, to int, s *scratch) {
	l.vals.bind(a)
	defer l.vals.unbind()
	if l.maxDef == 0 || a.NullN() == 0 {
		l.present(from, to, s)
		return
	}
	valid, offset := a.NullBitmapBytes(), a.Data().Offset()
	for i := from; i < to; {
		ok, start := bitutil.BitIsSet(valid, offset+i), i
		for i++; i < to && bitutil.BitIsSet(valid, offset+i) == ok; i++ {
		}
		if ok {
			l.present(start, i, s)
		} else {
			l.missing(i-start, s)
		}
	}
}

// present adds values of a flat column.
func (l *leaf) present(from, to int, s *scratch) {
	for i := from; i < to; {
		n := l.vals.fit(i, min(to-i, l.format.limits.pageLevels-l.levels))
		l.vals.take(i, n)
		if l.maxDef > 0 {
			l.def.put(1, n)
		}
		l.levels += n
		i += n
		l.endFullPage(s)
	}
}

// missing adds nulls of a flat column.
func (l *leaf) missing(n int, s *scratch) { l.missingAt(0, n, s) }

// missingAt adds nulls that are there up to level def.
func (l *leaf) missingAt(def, n int, s *scratch) {
	l.nulls += int64(n)
	for n > 0 {
		k := min(n, l.format.limits.pageLevels-l.levels)
		l.def.put(uint32(def), k)
		l.levels += k
		n -= k
		l.endFullPage(s)
	}
}

// put adds slot i of a nested column's array.
func (l *leaf) put(i int, rep int) {
	l.level(rep, l.maxDef)
	l.vals.take(i, 1)
}

// absent adds a null of a nested column, or what stands for an empty list.
func (l *leaf) absent(rep, def int) {
	l.level(rep, def)
	l.nulls++
}

func (l *leaf) level(rep, def int) {
	if l.maxRep > 0 {
		l.rep.put(uint32(rep), 1)
	}
	if l.maxDef > 0 {
		l.def.put(uint32(def), 1)
	}
	l.levels++
}

// endFullPage may only be called where a row ends.
func (l *leaf) endFullPage(s *scratch) {
	if l.levels >= l.format.limits.pageLevels || l.vals.size() >= l.format.limits.pageBytes {
		l.endPage(s)
	}
}

// endPage encodes and compresses the page under way.
func (l *leaf) endPage(s *scratch) {
	if l.levels == 0 {
		return
	}
	raw := s.raw[:0]
	if l.maxRep > 0 {
		raw = appendLevels(raw, &l.rep, l.maxRep)
	}
	if l.maxDef > 0 {
		raw = appendLevels(raw, &l.def, l.maxDef)
	}
	raw, encoding := l.vals.appendPage(raw)
	s.packed = l.format.compress(s.packed, raw)
	l.pages = append(l.pages, page{append([]byte(nil), s.packed...), len(raw), l.levels, encoding})
	l.paged += int64(len(s.packed))
	l.total += int64(l.levels)
	l.levels = 0
	s.keep(raw, 4*l.format.limits.pageBytes)
}

// appendLevels appends the levels behind their length, as version 1 of data
// pages has them, and begins the next page's.
func appendLevels(dst []byte, h *hybrid, max int) []byte {
	b := h.end()
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(b)))
	dst = append(dst, b...)
	h.reset(widthOf(uint32(max)))
	return dst
}

// reset begins the next chunk.
func (l *leaf) reset() {
	l.vals.reset()
	clear(l.pages)
	l.pages, l.paged, l.nulls, l.total = l.pages[:0], 0, 0, 0
}

// buffered is about the memory held, in bytes.
func (l *leaf) buffered() int64 {
	return l.paged + int64(l.vals.held()+cap(l.def.out)+cap(l.rep.out)+4*(cap(l.def.literal)+cap(l.rep.literal)))
}

// scratch is the memory that the leaves of a Writer share.
type scratch struct{ raw, packed []byte }

// keep keeps the memory of a raw page unless a huge value made it huge.
func (s *scratch) keep(raw []byte, most int) {
	s.raw = raw
	if cap(s.raw) > most {
		s.raw = nil
	}
	if cap(s.packed) > most {
		s.packed = nil
	}
}
