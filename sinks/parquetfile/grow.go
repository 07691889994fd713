package parquetfile

import (
	"fmt"
	"io"
)

// fill adds nulls for leaf i, which row group g of a file does not have. A new
// column of its own is null in each row. A field that a struct has gained is
// null wherever the struct is there, and the struct, or the list it stands
// in, is as often there as its other leaves say.
func (w *Writer) fill(r *Reader, g int, at []int, i, rows int) error {
	leaf := w.layout.leaves[i]
	witness, shared := w.witness(at, i)
	if witness < 0 {
		for range rows {
			leaf.absent(0, 0)
			leaf.endFullPage(&w.s)
		}
		return nil
	}
	c, err := r.meta.RowGroup(g).ColumnChunk(at[witness])
	if err == nil {
		err = leaf.mirror(r.chunk(w.format, c, w.layout.leaves[witness]), shared, &w.s)
	}
	if err != nil {
		return fmt.Errorf("add column %s to row group %d: %w", leaf.path, g, err)
	}
	return nil
}

// witness finds the leaf of the file that shares the most ancestors with leaf
// i, and the last of these; -1 if there is none.
func (w *Writer) witness(at []int, i int) (best int, shared *node) {
	best = -1
	trail, most := w.layout.leaves[i].trail, 0
	for k, other := range w.layout.leaves {
		if at[k] < 0 {
			continue
		}
		n := 0
		for n < min(len(trail), len(other.trail)) && trail[n] == other.trail[n] {
			n++
		}
		if n > most {
			best, most, shared = k, n, trail[n-1]
		}
	}
	return best, shared
}

// mirror adds a null for each time that the shared ancestor is there, and
// what stands for it where it is not.
func (l *leaf) mirror(c *chunk, shared *node, s *scratch) error {
	for {
		err := c.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		p := &c.page
		for i := range p.levels {
			rep := 0
			if c.leaf.maxRep > 0 {
				rep = int(p.reps[i])
			}
			if rep == 0 {
				l.endFullPage(s)
			}
			if rep <= shared.within {
				l.absent(rep, min(int(p.defs[i]), shared.def))
			}
		}
	}
}
