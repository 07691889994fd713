package parquetfile

import (
	"errors"
	"fmt"
	"io"
)

// AppendRange adds the rows of a file from from up to but not including to,
// counted from 0. Row groups that lie in the range as a whole are copied as
// they are, where they may be. The file must have all columns of the table.
func (w *Writer) AppendRange(r *Reader, from, to int64) (err error) {
	defer damaged(&err)
	at, err := r.match(w.layout)
	if err != nil {
		return err
	}
	for i, leaf := range w.layout.leaves {
		if at[i] < 0 {
			return fmt.Errorf("read column %s: the file does not have it", leaf.path)
		}
	}
	if from < 0 || to > r.Rows() || from > to {
		return errors.New("read rows: the file does not have as many")
	}
	start := int64(0)
	for g := range len(r.meta.RowGroups) {
		rows := r.meta.RowGroup(g).NumRows()
		first, last := max(from-start, 0), min(to-start, rows)
		switch start += rows; {
		case first >= last:
			continue
		case first == 0 && last == rows:
			err = w.appendGroup(r, g, at)
		default:
			err = w.cut(r, g, at, int(first), int(last))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// cut adds some of the rows of a row group to the open one.
func (w *Writer) cut(r *Reader, group int, at []int, first, last int) error {
	rg := r.meta.RowGroup(group)
	for i, leaf := range w.layout.leaves {
		c, err := rg.ColumnChunk(at[i])
		if err == nil {
			err = leaf.adoptSome(r.chunk(w.format, c, leaf), first, last, int(rg.NumRows()), &w.s)
		}
		if err != nil {
			return fmt.Errorf("copy row group %d: column %s: %w", group, leaf.path, err)
		}
	}
	w.open += last - first
	w.rows += int64(last - first)
	if w.open >= w.format.rows || w.Buffered() >= w.format.bytes {
		return w.endGroup()
	}
	return nil
}

// adoptSome adds the values of rows first to last of a column chunk, which is
// of so many rows. All pages are read, so that damage is found.
func (l *leaf) adoptSome(c *chunk, first, last, rows int, s *scratch) error {
	for at := 0; ; {
		err := c.next()
		if err == io.EOF {
			if at != rows {
				return errDamaged
			}
			return nil
		}
		if err != nil {
			return err
		}
		p, n := c.page.some(l, first-at, last-at)
		if at += n; p.levels == 0 {
			continue
		}
		if l.maxRep > 0 {
			l.adoptNested(&p, s)
		} else {
			l.adoptFlat(&p, s)
		}
	}
}

// some gives the part of a page that is of its rows first to last, which may
// lie outside, and the number of all its rows. It borrows from the page.
func (p *contents) some(l *leaf, first, last int) (part contents, rows int) {
	if l.maxRep == 0 {
		rows = p.levels
		first, last = min(max(first, 0), rows), min(max(last, 0), rows)
	} else {
		// The levels at which the rows begin.
		begin, end := p.levels, p.levels
		for i, rep := range p.reps {
			if rep > 0 {
				continue
			}
			if rows == max(first, 0) {
				begin = i
			}
			if rows == max(last, 0) {
				end = i
			}
			rows++
		}
		first, last = begin, end
	}
	if first >= last {
		return contents{}, rows
	}
	skip, take := first, last-first // values
	if l.maxDef > 0 {
		skip, take = l.there(p.defs[:first]), l.there(p.defs[first:last])
		part.defs = p.defs[first:last]
	}
	if l.maxRep > 0 {
		part.reps = p.reps[first:last]
	}
	part.levels = last - first
	switch {
	case len(p.ints) > 0:
		part.ints = p.ints[skip : skip+take]
	case len(p.bytes) > 0:
		part.bytes = p.bytes[skip : skip+take]
	case len(p.bools) > 0:
		part.bools = p.bools[skip : skip+take]
	}
	return part, rows
}

// there counts the levels at which there is a value.
func (l *leaf) there(defs []uint32) (n int) {
	for _, d := range defs {
		if int(d) == l.maxDef {
			n++
		}
	}
	return n
}
