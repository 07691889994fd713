package parquetfile

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
	"slices"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/metadata"
)

// chunk reads the pages of a column chunk that a Writer wrote. It compares
// each with its checksum, and does not trust what it decodes.
type chunk struct {
	r      *bufio.Reader
	left   int64 // bytes
	values int64 // that are still to come, nulls among them
	raws   int64 // bytes that are still to come, decompressed
	format *Format
	meta   *metadata.ColumnChunkMetaData
	leaf   *leaf

	packed, raw []byte
	dict        contents // of the dictionary page
	page        contents // of the page that next decoded
}

// contents is what a page holds: its levels, and values of one of the types.
// The values that are bytes are borrowed from the page.
type contents struct {
	levels     int
	defs, reps []uint32
	indices    []uint32
	ints       []int64
	bytes      [][]byte
	bools      []bool
}

// chunk begins to read the column chunk c into the leaf l.
func (r *Reader) chunk(f *Format, c *metadata.ColumnChunkMetaData, l *leaf) *chunk {
	src, _ := r.section(c)
	return &chunk{r: bufio.NewReaderSize(src, 64<<10), left: c.TotalCompressedSize(), values: c.NumValues(), raws: c.TotalUncompressedSize(), format: f, meta: c, leaf: l}
}

// header reads the next page's header, and its bytes into packed.
func (c *chunk) header() (pageHeader, error) {
	counted := byteCounter{r: c.r}
	h, err := readHeader(&counted)
	if err != nil {
		return h, err
	}
	if c.left -= counted.n; h.packed < 0 || int64(h.packed) > c.left || h.raw < 0 || h.values < 0 {
		return h, errDamaged
	}
	if h.kind == pageTypeData && !slices.Contains(c.meta.Encodings(), h.encoding) || h.kind == pageTypeDictionary && (!c.meta.HasDictionaryPage() || h.encoding != parquet.Encodings.Plain) {
		return h, errDamaged
	}
	c.left -= int64(h.packed)
	c.raws -= counted.n + int64(h.raw)
	if cap(c.packed) < h.packed {
		c.packed = make([]byte, h.packed)
	}
	c.packed = c.packed[:h.packed]
	if _, err := io.ReadFull(c.r, c.packed); err != nil {
		return h, err
	}
	if crc32.ChecksumIEEE(c.packed) != h.crc {
		return h, errDamaged
	}
	if h.kind == pageTypeData {
		c.values -= int64(h.values)
	}
	return h, nil
}

// verify reads all pages, and decodes none but a dictionary.
func (c *chunk) verify() error {
	for c.left > 0 {
		h, err := c.header()
		if err == nil && h.kind == pageTypeDictionary {
			err = c.dictionary(h)
		}
		if err != nil {
			return err
		}
	}
	return c.end()
}

// end checks that the pages were what the footer says.
func (c *chunk) end() error {
	if c.left != 0 || c.values != 0 || c.raws != 0 {
		return errDamaged
	}
	return nil
}

// next decodes the next data page; io.EOF tells that there is none.
func (c *chunk) next() error {
	for {
		if c.left == 0 {
			if err := c.end(); err != nil {
				return err
			}
			return io.EOF
		}
		h, err := c.header()
		if err != nil {
			return err
		}
		switch h.kind {
		case pageTypeData:
			return c.decode(h)
		case pageTypeDictionary:
			if err := c.dictionary(h); err != nil {
				return err
			}
		default:
			return errDamaged
		}
	}
}

// unpack decompresses the page that header read.
func (c *chunk) unpack(h pageHeader, dst []byte) ([]byte, error) {
	raw, err := c.format.decompress(c.meta.Compression(), dst, c.packed)
	if err == nil && len(raw) != h.raw {
		err = errDamaged
	}
	return raw, err
}

// dictionary decodes the dictionary, from which the values of all pages borrow.
func (c *chunk) dictionary(h pageHeader) error {
	body, err := c.unpack(h, nil)
	if err != nil {
		return err
	}
	return c.dict.plain(c.leaf.vals, bytes.Clone(body), h.values)
}

// decode decodes a data page.
func (c *chunk) decode(h pageHeader) (err error) {
	if c.raw, err = c.unpack(h, c.raw); err != nil {
		return err
	}
	p, b := &c.page, c.raw
	p.levels = h.values
	if p.reps, b, err = levelsOf(p.reps, b, c.leaf.maxRep, h.values); err != nil {
		return err
	}
	if p.defs, b, err = levelsOf(p.defs, b, c.leaf.maxDef, h.values); err != nil {
		return err
	}
	n := h.values
	if c.leaf.maxDef > 0 {
		n = 0
		for _, d := range p.defs {
			if int(d) == c.leaf.maxDef {
				n++
			}
		}
	}
	switch h.encoding {
	case parquet.Encodings.Plain:
		return p.plain(c.leaf.vals, b, n)
	case parquet.Encodings.DeltaBinaryPacked:
		p.ints, _, err = decodeDelta(p.ints[:0], b, n)
		return err
	case parquet.Encodings.DeltaLengthByteArray:
		return p.deltaLength(c.leaf.vals, b, n)
	case parquet.Encodings.RLEDict:
		return p.lookUp(&c.dict, b, n)
	}
	return errDamaged
}

// levelsOf decodes levels behind their length.
func levelsOf(dst []uint32, b []byte, most, n int) ([]uint32, []byte, error) {
	if most == 0 {
		return dst[:0], b, nil
	}
	if len(b) < 4 {
		return nil, nil, errDamaged
	}
	size := int(binary.LittleEndian.Uint32(b))
	if b = b[4:]; size > len(b) {
		return nil, nil, errDamaged
	}
	dst, err := decodeHybrid(dst[:0], b[:size], widthOf(uint32(most)), n)
	if err != nil {
		return nil, nil, err
	}
	for _, level := range dst {
		if int(level) > most {
			return nil, nil, errDamaged
		}
	}
	return dst, b[size:], nil
}

// lookUp decodes n indices and looks their values up.
func (p *contents) lookUp(dict *contents, b []byte, n int) (err error) {
	if len(b) == 0 {
		return errDamaged
	}
	if p.indices, err = decodeHybrid(p.indices[:0], b[1:], int(b[0]), n); err != nil {
		return err
	}
	p.ints, p.bytes = p.ints[:0], p.bytes[:0]
	for _, i := range p.indices {
		switch {
		case int(i) < len(dict.ints):
			p.ints = append(p.ints, dict.ints[i])
		case int(i) < len(dict.bytes):
			p.bytes = append(p.bytes, dict.bytes[i])
		default:
			return errDamaged
		}
	}
	return nil
}

// plain decodes n values of v's type.
func (p *contents) plain(v values, b []byte, n int) error {
	p.ints, p.bytes, p.bools = p.ints[:0], p.bytes[:0], p.bools[:0]
	switch v := v.(type) {
	case *integers:
		if len(b) != 8*n {
			return errDamaged
		}
		for ; len(b) > 0; b = b[8:] {
			p.ints = append(p.ints, int64(binary.LittleEndian.Uint64(b)))
		}
	case *texts:
		for range n {
			if len(b) < 4 {
				return errDamaged
			}
			size := binary.LittleEndian.Uint32(b)
			if b = b[4:]; size > math.MaxInt32 || int(size) > len(b) {
				return errDamaged
			}
			p.bytes = append(p.bytes, b[:size])
			b = b[size:]
		}
		if len(b) > 0 {
			return errDamaged
		}
	case *decimals:
		if len(b) != v.width*n {
			return errDamaged
		}
		for ; len(b) > 0; b = b[v.width:] {
			p.bytes = append(p.bytes, b[:v.width])
		}
	case *booleans:
		if len(b) != (n+7)/8 {
			return errDamaged
		}
		for i := range n {
			p.bools = append(p.bools, b[i/8]>>(i%8)&1 == 1)
		}
	}
	return nil
}

// deltaLength decodes n texts behind all of their lengths.
func (p *contents) deltaLength(v values, b []byte, n int) (err error) {
	if _, ok := v.(*texts); !ok {
		return errDamaged
	}
	if p.ints, b, err = decodeDelta(p.ints[:0], b, n); err != nil {
		return err
	}
	p.bytes = p.bytes[:0]
	for _, size := range p.ints {
		if size < 0 || size > int64(len(b)) {
			return errDamaged
		}
		p.bytes = append(p.bytes, b[:size])
		b = b[size:]
	}
	if p.ints = p.ints[:0]; len(b) > 0 {
		return errDamaged
	}
	return nil
}

// byteCounter counts what is read.
type byteCounter struct {
	r io.ByteReader
	n int64
}

func (c *byteCounter) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}
