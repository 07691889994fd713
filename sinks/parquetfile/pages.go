package parquetfile

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/apache/arrow/go/v17/parquet/metadata"
)

// CheckPages reads all pages of a file, whoever wrote it, without decoding
// them: their headers must make sense, their checksums be right where there
// are any, and their values be as many as the footer says. Libraries take all of
// this for granted, and are not to be let loose on a file where it is not so.
func (r *Reader) CheckPages() (err error) {
	defer damaged(&err)
	var in bufio.Reader
	for g := range len(r.meta.RowGroups) {
		rg := r.meta.RowGroup(g)
		if rg.NumRows() < 0 || rg.NumColumns() != r.meta.Schema.NumColumns() {
			return fmt.Errorf("read row group %d: %w", g, errDamaged)
		}
		for i := range rg.NumColumns() {
			c, err := rg.ColumnChunk(i)
			if err == nil {
				flat := r.meta.Schema.Column(i).MaxRepetitionLevel() == 0
				if flat && c.NumValues() != rg.NumRows() {
					err = errDamaged
				} else {
					err = r.checkChunk(&in, c)
				}
			}
			if err != nil {
				return fmt.Errorf("read row group %d: column %s: %w", g, r.meta.Schema.Column(i).Path(), err)
			}
		}
	}
	return nil
}

// checkChunk reads the pages of one column chunk.
func (r *Reader) checkChunk(in *bufio.Reader, c *metadata.ColumnChunkMetaData) error {
	section, _ := r.section(c)
	in.Reset(section)
	h := thrift{in: in, left: c.TotalCompressedSize()}
	for values := c.NumValues(); ; {
		if h.left == 0 {
			if values != 0 {
				return errDamaged
			}
			return nil
		}
		p, err := h.pageHeader()
		if err != nil {
			return noEOF(err)
		}
		if p.packed < 0 || p.raw < 0 || int64(p.packed) > h.left {
			return errDamaged
		}
		h.left -= int64(p.packed)
		if p.kind != pageTypeDictionary {
			values -= int64(p.values)
		}
		if p.values < 0 || values < 0 {
			return errDamaged
		}
		sum := crc32.NewIEEE()
		if _, err := io.CopyN(sum, in, int64(p.packed)); err != nil {
			return noEOF(err)
		}
		if p.checked && sum.Sum32() != p.crc {
			return errDamaged
		}
	}
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// anyPageHeader is what the header of a page says, whoever wrote it.
type anyPageHeader struct {
	kind, raw, packed int
	crc               uint32
	checked           bool // it has a checksum
	values            int
}

// thrift reads structs of the compact protocol without knowing all of them.
type thrift struct {
	in   *bufio.Reader
	left int64 // bytes that may be read
}

const maxThriftDepth = 8

// pageHeader reads a page's header. The fields 5, 7 and 8 are the headers of
// the kinds of pages, whose first field is the number of values.
func (t *thrift) pageHeader() (h anyPageHeader, err error) {
	err = t.structure(func(id int16, kind byte) (bool, error) {
		var v int64
		switch {
		case kind == thriftI32 && id >= 1 && id <= 4:
			if v, err = t.varint(); err != nil {
				return false, err
			}
			switch id {
			case 1:
				h.kind = int(v)
			case 2:
				h.raw = int(v)
			case 3:
				h.packed = int(v)
			case 4:
				h.crc, h.checked = uint32(v), true
			}
			return true, nil
		case kind == thriftStruct && (id == 5 || id == 7 || id == 8):
			return true, t.structure(func(id int16, kind byte) (bool, error) {
				if id != 1 || kind != thriftI32 {
					return false, nil
				}
				v, err := t.varint()
				h.values = int(v)
				return true, err
			})
		}
		return false, nil
	})
	return h, err
}

// structure reads a struct; field gives false for what it has not read.
func (t *thrift) structure(field func(id int16, kind byte) (bool, error)) error {
	id := int16(0)
	for {
		b, err := t.ReadByte()
		if err != nil || b == thriftStop {
			return err
		}
		if delta := b >> 4; delta != 0 {
			id += int16(delta)
		} else {
			v, err := t.varint()
			if err != nil {
				return err
			}
			id = int16(v)
		}
		done, err := field(id, b&0x0f)
		if err == nil && !done {
			err = t.skip(b&0x0f, 0)
		}
		if err != nil {
			return err
		}
	}
}

// skip passes over a field's value.
func (t *thrift) skip(kind byte, depth int) error {
	if depth > maxThriftDepth {
		return errDamaged
	}
	switch kind {
	case 1, 2: // a bool, which is in the kind
		return nil
	case 3:
		return t.discard(1)
	case 4, 5, 6:
		_, err := t.varint()
		return err
	case 7:
		return t.discard(8)
	case 8:
		n, err := binary.ReadUvarint(t)
		if err != nil || n > uint64(t.left) {
			return noEOF(orDamaged(err))
		}
		return t.discard(int64(n))
	case 9, 10:
		b, err := t.ReadByte()
		if err != nil {
			return err
		}
		n := uint64(b >> 4)
		if n == 15 {
			if n, err = binary.ReadUvarint(t); err != nil {
				return err
			}
		}
		for ; n > 0; n-- {
			if b&0x0f <= 2 { // bools in lists take a byte
				err = t.discard(1)
			} else {
				err = t.skip(b&0x0f, depth+1)
			}
			if err != nil {
				return err
			}
		}
		return nil
	case thriftStruct:
		return t.structure(func(_ int16, kind byte) (bool, error) { return true, t.skip(kind, depth+1) })
	}
	return errDamaged
}

func orDamaged(err error) error {
	if err == nil {
		return errDamaged
	}
	return err
}

func (t *thrift) varint() (int64, error) { return binary.ReadVarint(t) }

// ReadByte reads a byte of the struct.
func (t *thrift) ReadByte() (byte, error) {
	if t.left == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	t.left--
	return t.in.ReadByte()
}

func (t *thrift) discard(n int64) error {
	if n > t.left {
		return errDamaged
	}
	t.left -= n
	_, err := t.in.Discard(int(n))
	return err
}
