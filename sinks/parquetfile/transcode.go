package parquetfile

import (
	"fmt"
	"io"
)

// transcode adds the rows of a row group to the open one, leaf by leaf: the
// levels stay what they are, so that nested values need not be put together.
func (w *Writer) transcode(r *Reader, group int, at []int) error {
	rg := r.meta.RowGroup(group)
	rows := int(rg.NumRows())
	for i, leaf := range w.layout.leaves {
		if at[i] < 0 {
			if err := w.fill(r, group, at, i, rows); err != nil {
				return err
			}
			continue
		}
		c, err := rg.ColumnChunk(at[i])
		if err == nil {
			err = leaf.adopt(r.chunk(w.format, c, leaf), rows, &w.s)
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

// adopt adds all values of a column chunk, which are of so many rows.
func (l *leaf) adopt(c *chunk, rows int, s *scratch) error {
	for {
		err := c.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		p := &c.page
		if l.maxRep > 0 {
			rows -= l.adoptNested(p, s)
			continue
		}
		rows -= p.levels
		l.adoptFlat(p, s)
	}
	if rows != 0 {
		return errDamaged
	}
	return nil
}

// adoptFlat adds a page run by run.
func (l *leaf) adoptFlat(p *contents, s *scratch) {
	if l.maxDef == 0 {
		l.adoptRun(p, 0, p.levels, 0, s)
		return
	}
	value := 0
	for i := 0; i < p.levels; {
		def, start := p.defs[i], i
		for i++; i < p.levels && p.defs[i] == def; i++ {
		}
		if int(def) < l.maxDef {
			l.missingAt(int(def), i-start, s)
			continue
		}
		l.adoptRun(p, value, i-start, int(def), s)
		value += i - start
	}
}

// adoptRun adds n values from value on, none of them null.
func (l *leaf) adoptRun(p *contents, value, n, def int, s *scratch) {
	for n > 0 {
		k := p.fit(value, min(n, l.format.limits.pageLevels-l.levels), l.format.limits.pageBytes/2)
		p.give(l.vals, value, k)
		if l.maxDef > 0 {
			l.def.put(uint32(def), k)
		}
		l.levels += k
		value += k
		n -= k
		l.endFullPage(s)
	}
}

// adoptNested adds a page level by level, and gives the number of its rows.
// It ends pages only between rows.
func (l *leaf) adoptNested(p *contents, s *scratch) (rows int) {
	value := 0
	for i := range p.levels {
		rep, def := int(p.reps[i]), l.maxDef
		if l.maxDef > 0 {
			def = int(p.defs[i])
		}
		if rep == 0 {
			rows++
			l.endFullPage(s)
		}
		if def < l.maxDef {
			l.absent(rep, def)
			continue
		}
		l.level(rep, def)
		p.give(l.vals, value, 1)
		value++
	}
	return rows
}

// fit gives how many of n values from i on to add at once, at least one.
func (p *contents) fit(i, n, most int) int {
	n = min(n, 1024)
	if len(p.bytes) == 0 {
		return n
	}
	size := 0
	for k, b := range p.bytes[i : i+n] {
		if size += len(b); size > most && k > 0 {
			return k
		}
	}
	return n
}

// give adds n values from i on to v.
func (p *contents) give(v values, i, n int) {
	switch v := v.(type) {
	case *integers:
		v.add(p.ints[i : i+n])
	case *texts:
		for _, x := range p.bytes[i : i+n] {
			v.put(x)
		}
	case *decimals:
		for _, x := range p.bytes[i : i+n] {
			v.add(v.parse(x))
		}
	case *booleans:
		for _, x := range p.bools[i : i+n] {
			v.add(x)
		}
	}
}
