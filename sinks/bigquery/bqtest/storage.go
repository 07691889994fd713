package bqtest

import (
	"maps"
	"slices"

	bq "google.golang.org/api/bigquery/v2"
)

// segment is one loaded file and the partitions of its rows. It never changes.
type segment struct {
	file  *file
	names []string // of partitions; "" where the table has none
	sizes []int    // rows of each name
	of    []int32  // of each row, its name's index; nil if all are names[0]
}

// whole is a segment whose rows are all of one name.
func (f *file) whole(name string) *segment {
	return &segment{file: f, names: []string{name}, sizes: []int{f.rows()}}
}

// part is what a table has of a segment: all but the partitions that were
// replaced or deleted. It does not change either, so that tables share parts.
type part struct {
	*segment
	gone map[string]bool
}

// each calls fn for the partitions that have rows. An unpartitioned table has
// none.
func (p *part) each(fn func(name string, rows int)) {
	for i, name := range p.names {
		if n := p.sizes[i]; name != "" && n > 0 && !p.gone[name] {
			fn(name, n)
		}
	}
}

// counts gives the rows that are left, and about their bytes.
func (p *part) counts() (rows int, bytes int64) {
	for i, name := range p.names {
		if !p.gone[name] {
			rows += p.sizes[i]
		}
	}
	if rows == 0 {
		return 0, 0
	}
	return rows, p.file.size * int64(rows) / int64(p.file.rows())
}

func (p *part) has(row int) bool { return len(p.gone) == 0 || !p.gone[p.names[p.index(row)]] }

// index is where the name of a row's partition is.
func (s *segment) index(row int) int32 {
	if s.of == nil {
		return 0
	}
	return s.of[row]
}

// deleted stands for the partition of rows that are not there any more.
const deleted = "\x00"

// pick gives the rows that are there and wanted.
func (p *part) pick(want func(row int) bool) *part {
	seg := &segment{file: p.file, names: append(slices.Clone(p.names), deleted), of: make([]int32, p.file.rows())}
	seg.sizes = make([]int, len(seg.names))
	for row := range seg.of {
		i := p.index(row)
		if !p.has(row) || !want(row) {
			i = int32(len(p.names))
		}
		seg.of[row] = i
		seg.sizes[i]++
	}
	return &part{segment: seg, gone: map[string]bool{deleted: true}}
}

// under gives the rows that are there as those of a table that is partitioned so.
func (p *part) under(by *bq.TimePartitioning) (*part, *apiError) {
	if by != nil && by.Field == "" {
		return nil, invalidQuery("Insertions into tables partitioned by the time of loading are not simulated")
	}
	seg, err := p.file.segment(by, "", nil)
	if err != nil {
		return nil, err
	}
	return (&part{segment: seg}).pick(p.has), nil
}

// partitionsOf gives the names of the partitions that have rows.
func partitionsOf(parts []*part) map[string]bool {
	names := map[string]bool{}
	for _, p := range parts {
		p.each(func(name string, _ int) { names[name] = true })
	}
	return names
}

// without gives the parts without a partition.
func without(parts []*part, name string) []*part {
	var out []*part
	for _, p := range parts {
		q := &part{segment: p.segment, gone: map[string]bool{name: true}}
		maps.Copy(q.gone, p.gone)
		if rows, _ := q.counts(); rows > 0 {
			out = append(out, q)
		}
	}
	return out
}

// only gives the rows of one partition.
func only(parts []*part, name string) []*part {
	for _, p := range parts {
		for _, other := range p.names {
			if other != name {
				parts = without(parts, other)
			}
		}
	}
	return parts
}

// drop deletes a partition.
func (t *table) drop(name string) { t.segments = without(t.segments, name) }

// hasRows tells whether the table, or the partition if one is named, has any.
func (t *table) hasRows(partition string) bool {
	found := false
	for _, p := range t.segments {
		if rows, _ := p.counts(); partition == "" && rows > 0 {
			return true
		}
		p.each(func(name string, _ int) { found = found || name == partition })
	}
	return found
}
