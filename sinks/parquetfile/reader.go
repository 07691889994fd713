package parquetfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"backstory/transform"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/metadata"
)

// Reader reads a file that a Writer wrote, for another Writer to copy.
type Reader struct {
	src  io.ReaderAt
	meta *metadata.FileMetaData
}

// NewReader reads the footer of a file. It does not take r over.
func NewReader(r io.ReaderAt, size int64) (_ *Reader, err error) {
	defer damaged(&err)
	const tail = 4 + len(magic)
	if size < int64(tail+len(magic)) {
		return nil, fmt.Errorf("read footer: the file has %d bytes", size)
	}
	var end [tail]byte
	if _, err := r.ReadAt(end[:], size-int64(tail)); err != nil {
		return nil, fmt.Errorf("read footer: %w", err)
	}
	length := int64(binary.LittleEndian.Uint32(end[:]))
	if string(end[4:]) != magic || length > size-int64(tail+len(magic)) {
		return nil, errors.New("read footer: there is none; the file is damaged or not of Parquet")
	}
	data := make([]byte, length)
	if _, err := r.ReadAt(data, size-int64(tail)-length); err != nil {
		return nil, fmt.Errorf("read footer: %w", err)
	}
	meta, err := metadata.NewFileMetaData(data, nil)
	if err != nil {
		return nil, fmt.Errorf("read footer: %w", err)
	}
	return &Reader{src: r, meta: meta}, nil
}

// damaged makes an error of the panics with which the library meets files
// that are not as they should be.
func damaged(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("read file: it is damaged: %v", p)
	}
}

// Rows is the number of rows of the file.
func (r *Reader) Rows() int64 { return r.meta.NumRows }

// Facts is the file's key-value metadata.
func (r *Reader) Facts() []Pair {
	kv := r.meta.KeyValueMetadata()
	facts := make([]Pair, 0, kv.Len())
	for i, key := range kv.Keys() {
		facts = append(facts, Pair{key, kv.Values()[i]})
	}
	return facts
}

// Fits tells whether the file has exactly the columns of t, by name.
func (r *Reader) Fits(t *transform.Table) (bool, error) {
	l, err := newLayout(&Format{}, t)
	if err != nil {
		return false, err
	}
	at, err := r.match(l)
	if err != nil {
		return false, err
	}
	for _, i := range at {
		if i < 0 {
			return false, nil
		}
	}
	return true, nil
}

// match gives for each leaf of l the index of the file's column, -1 if the
// file does not have it. A column of the file that l does not have, or has
// otherwise, is an error.
func (r *Reader) match(l *layout) ([]int, error) {
	byPath := make(map[string]int)
	for i := range r.meta.Schema.NumColumns() {
		byPath[r.meta.Schema.Column(i).Path()] = i
	}
	at := make([]int, len(l.leaves))
	found := 0
	for k, leaf := range l.leaves {
		i, ok := byPath[leaf.path]
		if !ok {
			at[k] = -1
			continue
		}
		c := r.meta.Schema.Column(i)
		if int(c.MaxDefinitionLevel()) != leaf.maxDef || int(c.MaxRepetitionLevel()) != leaf.maxRep || !holds(leaf.vals, c.PhysicalType()) {
			return nil, fmt.Errorf("read column %s: the file has it as %s with levels %d and %d, not as the table does",
				leaf.path, c.PhysicalType(), c.MaxDefinitionLevel(), c.MaxRepetitionLevel())
		}
		at[k] = i
		found++
	}
	if found < len(byPath) {
		return nil, fmt.Errorf("read columns: the file has %d, of which the table knows %d", len(byPath), found)
	}
	return at, nil
}

// holds tells whether a file's physical type is the one that v writes.
func holds(v values, t parquet.Type) bool {
	switch v := v.(type) {
	case *integers:
		return t == parquet.Types.Double && v.float || t == parquet.Types.Int64 && !v.float
	case *texts:
		return t == parquet.Types.ByteArray
	case *decimals:
		return t == parquet.Types.FixedLenByteArray
	case *booleans:
		return t == parquet.Types.Boolean
	}
	return false
}

// section is the bytes of a column chunk as they lie in the file.
func (r *Reader) section(c *metadata.ColumnChunkMetaData) (io.Reader, int64) {
	start := c.DataPageOffset()
	if c.HasDictionaryPage() {
		start = min(start, c.DictionaryPageOffset())
	}
	return io.NewSectionReader(r.src, start, c.TotalCompressedSize()), start
}
