package parquetfile

import (
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
)

// batchLevels is how many levels are decoded at once.
const batchLevels = 1024

// batch is what was decoded of a column chunk: levels, and values of one of
// the types. The values are borrowed from the page they are in.
type batch struct {
	size       int64 // levels to decode next
	defs, reps [batchLevels]int16
	ints       [batchLevels]int64
	floats     [batchLevels]float64
	texts      [batchLevels]parquet.ByteArray
	fixed      [batchLevels]parquet.FixedLenByteArray
	bools      [batchLevels]bool
}

// transcode adds the rows of a row group to the open one, leaf by leaf: the
// levels stay what they are, so that nested values need not be put together.
func (w *Writer) transcode(r *Reader, group int, at []int) error {
	rg := r.file.RowGroup(group)
	rows := int(rg.NumRows())
	b := new(batch)
	for i, leaf := range w.layout.leaves {
		if at[i] < 0 {
			leaf.fill(rows, &w.s)
			continue
		}
		b.size = w.batchSize(r, group, at[i])
		c, err := rg.Column(at[i])
		if err == nil {
			err = leaf.adopt(c, b, &w.s)
		}
		if err != nil {
			return fmt.Errorf("copy row group %d: column %s: %w", group, leaf.path, err)
		}
	}
	w.open += rows
	w.rows += int64(rows)
	if w.open >= w.format.rows || w.Buffered() >= w.format.bytes {
		return w.endGroup()
	}
	return nil
}

// batchSize keeps what is decoded at once near a page's size, however large
// the values are.
func (w *Writer) batchSize(r *Reader, group, column int) int64 {
	c, err := r.meta.RowGroup(group).ColumnChunk(column)
	if err != nil || c.NumValues() == 0 {
		return 1
	}
	each := max(1, c.TotalUncompressedSize()/c.NumValues())
	return min(batchLevels, max(1, int64(w.format.limits.pageBytes)/each))
}

// adopt adds all values of a column chunk.
func (l *leaf) adopt(c file.ColumnChunkReader, b *batch, s *scratch) error {
	for c.HasNext() {
		levels, values, err := b.read(c)
		if err != nil {
			return err
		}
		if levels == 0 {
			break
		}
		if l.maxRep > 0 {
			l.adoptNested(b, levels, s)
			continue
		}
		if l.maxDef > 0 {
			for _, d := range b.defs[:levels] {
				l.def.put(uint32(d), 1)
			}
		}
		l.nulls += int64(levels - values)
		b.take(l.vals, 0, values)
		l.levels += levels
		l.endFullPage(s)
	}
	return c.Err()
}

// adoptNested ends pages only between rows.
func (l *leaf) adoptNested(b *batch, levels int, s *scratch) {
	value := 0
	for i := range levels {
		if b.reps[i] == 0 {
			l.endFullPage(s)
		}
		if int(b.defs[i]) == l.maxDef {
			l.level(int(b.reps[i]), l.maxDef)
			b.take(l.vals, value, 1)
			value++
		} else {
			l.absent(int(b.reps[i]), int(b.defs[i]))
		}
	}
}

// read decodes the next levels and values.
func (b *batch) read(c file.ColumnChunkReader) (levels, values int, err error) {
	var n int64
	switch c := c.(type) {
	case *file.Int64ColumnChunkReader:
		n, values, err = c.ReadBatch(b.size, b.ints[:], b.defs[:], b.reps[:])
	case *file.Float64ColumnChunkReader:
		n, values, err = c.ReadBatch(b.size, b.floats[:], b.defs[:], b.reps[:])
		for i, f := range b.floats[:values] {
			b.ints[i] = int64(math.Float64bits(f))
		}
	case *file.ByteArrayColumnChunkReader:
		n, values, err = c.ReadBatch(b.size, b.texts[:], b.defs[:], b.reps[:])
	case *file.FixedLenByteArrayColumnChunkReader:
		n, values, err = c.ReadBatch(b.size, b.fixed[:], b.defs[:], b.reps[:])
	case *file.BooleanColumnChunkReader:
		n, values, err = c.ReadBatch(b.size, b.bools[:], b.defs[:], b.reps[:])
	default:
		return 0, 0, fmt.Errorf("its type %s is not known", c.Type())
	}
	return int(n), values, err
}

// take adds n values from the i-th on.
func (b *batch) take(v values, i, n int) {
	switch v := v.(type) {
	case *integers:
		v.add(b.ints[i : i+n])
	case *texts:
		for _, x := range b.texts[i : i+n] {
			if v.dict != nil && !v.dict.off {
				v.dict.add(x)
			} else {
				v.add(x)
			}
		}
	case *decimals:
		for _, x := range b.fixed[i : i+n] {
			v.add(v.parse(x))
		}
	case *booleans:
		for _, x := range b.bools[i : i+n] {
			v.add(x)
		}
	}
}
