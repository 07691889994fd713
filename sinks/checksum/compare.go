package checksum

import (
	"cmp"
	"fmt"
	"slices"

	"backstory/transform"
)

// Print is the hash of a row, and what else is needed to find it again.
type Print struct {
	Row, Key Hash
	Position int64
}

// keys are the columns that tell rows of a table apart.
var keys = []string{transform.ColPosition, transform.ColEventID, transform.ColSubIndex, transform.ColListIndex}

// Prints appends a Print of each row of a record.
func (h *Hasher) Prints(dst []Print, r transform.Record) ([]Print, error) {
	rows, positions, err := h.Rows(r)
	if err != nil {
		return dst, err
	}
	if positions == nil && len(rows) > 0 {
		return dst, fmt.Errorf("hash rows: they have no column %s", transform.ColPosition)
	}
	key := h.borrow(len(rows))
	defer h.giveBack()
	for i, c := range r.Columns() {
		if slices.Contains(keys, r.ColumnName(i)) {
			if err := h.add(key, c, 0, h.columns[i]); err != nil {
				return dst, fmt.Errorf("hash column %s: %w", r.ColumnName(i), err)
			}
		}
	}
	for i, row := range rows {
		dst = append(dst, Print{row, key[i], positions[i]})
	}
	return dst, nil
}

// Difference is how the rows that are there differ from those that should be.
type Difference struct {
	// Missing are not there, Extra should not be, Doubled are there more often
	// than they should, and Altered have other values.
	Missing, Extra, Doubled, Altered int64
	// Positions are the first positions at which rows differ, in order.
	Positions []int64
}

// Compare tells how rows differ; it sorts both. At most most positions are told.
func Compare(want, got []Print, most int) Difference {
	slices.SortFunc(want, byPrint)
	slices.SortFunc(got, byPrint)
	var d Difference
	// By hash first: what remains has no equal on the other side.
	var lacking, over []Print
	for i, k := 0, 0; i < len(want) || k < len(got); {
		c := -1
		if i == len(want) {
			c = 1
		} else if k < len(got) {
			c = byPrint(want[i], got[k])
		}
		switch {
		case c < 0:
			lacking = append(lacking, want[i])
			i++
		case c > 0:
			over = append(over, got[k])
			k++
		default:
			i, k = i+1, k+1
		}
	}
	altered := make(map[Hash]int, len(lacking))
	for _, p := range lacking {
		altered[p.Key]++
	}
	for _, p := range over {
		if altered[p.Key] > 0 {
			altered[p.Key]--
			d.Altered++
		} else if _, there := slices.BinarySearchFunc(want, p, byPrint); there {
			d.Doubled++
		} else {
			d.Extra++
		}
	}
	d.Missing = int64(len(lacking)) - d.Altered
	for _, p := range slices.Concat(lacking, over) {
		d.Positions = append(d.Positions, p.Position)
	}
	slices.Sort(d.Positions)
	d.Positions = slices.Compact(d.Positions)
	d.Positions = slices.Clone(d.Positions[:min(most, len(d.Positions))])
	return d
}

// byPrint orders by position, and then in any one way.
func byPrint(a, b Print) int {
	return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.Row.hi, b.Row.hi), cmp.Compare(a.Row.lo, b.Row.lo))
}
