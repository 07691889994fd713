package parquetfile

import (
	"fmt"
	"io"
	"strings"

	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// Own tells whether the file says that a Writer wrote it.
func (r *Reader) Own() bool { return strings.HasPrefix(r.meta.GetCreatedBy(), ownCreator) }

// ownCreator is what the files begin to say of who wrote them.
const ownCreator = "backstory"

// Records calls fn with the rows of the file, a row group at a time, and of
// them the columns of t whose indexes are given. The file must have exactly
// the columns of t, as a Writer wrote them: other files are errors, and so is
// all damage to pages. A record is borrowed until fn returns. It takes the
// memory of a row group.
func (r *Reader) Records(t *transform.Table, columns []int, fn func(arrow.Record) error) error {
	format, layout, at, err := r.readable(t)
	if err != nil {
		return err
	}
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = t.Schema().Field(c)
	}
	schema := arrow.NewSchema(fields, nil)
	for g := range len(r.meta.RowGroups) {
		rec, err := r.group(g, t, columns, schema, format, layout, at)
		if err != nil {
			return fmt.Errorf("read row group %d: %w", g, err)
		}
		err = fn(rec)
		rec.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// readable lays the table out, and finds its columns in the file.
func (r *Reader) readable(t *transform.Table) (f *Format, l *layout, at []int, err error) {
	defer damaged(&err)
	if f, err = NewFormat(Options{}); err != nil {
		return nil, nil, nil, err
	}
	if l, err = newLayout(f, t); err != nil {
		return nil, nil, nil, err
	}
	if at, err = r.match(l); err != nil {
		return nil, nil, nil, err
	}
	for i, leaf := range l.leaves {
		if at[i] < 0 {
			return nil, nil, nil, fmt.Errorf("read columns: the file has no column %s", leaf.path)
		}
	}
	return f, l, at, nil
}

// group reads the columns of a row group.
func (r *Reader) group(g int, t *transform.Table, columns []int, schema *arrow.Schema, f *Format, l *layout, at []int) (_ arrow.Record, err error) {
	defer damaged(&err)
	rg := r.meta.RowGroup(g)
	if rg.NumRows() < 0 || rg.NumColumns() != r.meta.Schema.NumColumns() {
		return nil, errDamaged
	}
	index := make(map[*leaf]int, len(l.leaves))
	for i, leaf := range l.leaves {
		index[leaf] = at[i]
	}
	arrays := make([]arrow.Array, 0, len(columns))
	defer func() {
		for _, a := range arrays {
			a.Release()
		}
	}()
	for _, i := range columns {
		decoded := make(map[*leaf]*column)
		for _, leaf := range l.columns[i].leaves() {
			chunk, err := rg.ColumnChunk(index[leaf])
			if err != nil {
				return nil, fmt.Errorf("column %s: %w", leaf.path, err)
			}
			c := &column{leaf: leaf}
			if err := c.read(r.chunk(f, chunk, leaf)); err != nil {
				return nil, fmt.Errorf("column %s: %w", leaf.path, err)
			}
			decoded[leaf] = c
		}
		a := assemble(l.columns[i], t.Columns[i].Type, decoded, 0)
		arrays = append(arrays, a)
		if int64(a.Len()) != rg.NumRows() {
			return nil, fmt.Errorf("column %s: %w", t.Columns[i].Name, errDamaged)
		}
	}
	return array.NewRecord(schema, arrays, rg.NumRows()), nil
}

// read decodes all pages of a chunk.
func (c *column) read(chunk *chunk) error {
	for {
		switch err := chunk.next(); err {
		case nil:
			if err := c.take(&chunk.page); err != nil {
				return err
			}
		case io.EOF:
			return nil
		default:
			return err
		}
	}
}

// leaves lists the leaves of a node.
func (n *node) leaves() []*leaf {
	if n.leaf != nil {
		return []*leaf{n.leaf}
	}
	var all []*leaf
	for _, c := range n.children {
		all = append(all, c.leaves()...)
	}
	return all
}
