package bqtest

import (
	"fmt"
	"strings"
	"time"

	pq "github.com/parquet-go/parquet-go"

	bq "google.golang.org/api/bigquery/v2"
)

// Where rows go whose time is null, or before 1960 or after 2159
// (https://cloud.google.com/bigquery/docs/partitioned-tables#date_timestamp_partitioned_tables).
const (
	nullPartition = "__NULL__"
	unpartitioned = "__UNPARTITIONED__"
)

// units are the layouts of the names of partitions.
var units = map[string]string{"HOUR": "2006010215", "DAY": "20060102", "MONTH": "200601", "YEAR": "2006"}

// partition checks the name of a partition behind a $.
func (t *table) partition(decorator string) (string, *apiError) {
	p := t.partitioning()
	if p == nil {
		return "", invalid("Cannot add storage to a non-partitioned table with a partition reference: %s$%s", t.name(), decorator)
	}
	if decorator == nullPartition || decorator == unpartitioned {
		return decorator, nil
	}
	at, err := time.Parse(units[p.Type], decorator)
	if err != nil || at.Year() < 1960 || at.Year() > 2159 {
		return "", invalid("Invalid partition reference %q of table %s, which is partitioned by %s", decorator, t.name(), p.Type)
	}
	return decorator, nil
}

func specText(p *bq.TimePartitioning) string {
	if p == nil {
		return "none"
	}
	return fmt.Sprintf("interval(type:%s,field:%s)", p.Type, p.Field)
}

// segment sorts the rows of a file into partitions.
func (f *file) segment(p *bq.TimePartitioning, decorator string, j *job) (*segment, *apiError) {
	switch {
	case p == nil:
		return f.whole(""), nil
	case p.Field == "" && decorator != "":
		return f.whole(decorator), nil
	case p.Field == "":
		return f.whole(time.UnixMilli(j.res.Statistics.CreationTime).UTC().Format(units[p.Type])), nil
	}
	seg, err := f.divide(p)
	if err != nil {
		return nil, err
	}
	for _, name := range seg.names {
		if decorator != "" && name != decorator {
			return nil, invalid("Some rows belong to different partitions rather than destination partition %s$%s", j.res.Configuration.Load.DestinationTable.TableId, decorator)
		}
	}
	return seg, nil
}

// divide finds the partition of each row by the column.
func (f *file) divide(p *bq.TimePartitioning) (*segment, *apiError) {
	var c *column
	for _, n := range f.nodes {
		if strings.EqualFold(n.field.Name, p.Field) {
			c = n.column
		}
	}
	if c == nil {
		return f.whole(nullPartition), nil
	}
	step := int64(1) // of a DATE, which is a number of days
	if c.typ != "DATE" {
		step = 3_600_000_000
	}
	seg := &segment{file: f, of: make([]int32, 0, f.rows())}
	known, byStep := map[string]int32{}, map[int64]int32{}
	index := func(name string) int32 {
		i, ok := known[name]
		if !ok {
			i = int32(len(seg.names))
			known[name] = i
			seg.names, seg.sizes = append(seg.names, name), append(seg.sizes, 0)
		}
		return i
	}
	add := func(i int32) {
		seg.of = append(seg.of, i)
		seg.sizes[i]++
	}
	err := f.leaf(c.first, func(v pq.Value) *apiError {
		if v.DefinitionLevel() < c.def {
			add(index(nullPartition))
			return nil
		}
		when, err := c.convert(v)
		if err != nil {
			return unreadable("column '%s': %v", p.Field, err)
		}
		n := floorDiv(when.(int64), step)
		i, ok := byStep[n]
		if !ok {
			i = index(partitionAt(n, step, p.Type))
			byStep[n] = i
		}
		add(i)
		return nil
	})
	return seg, err
}

// partitionAt names the partition of an hour or a day since 1970.
func partitionAt(n, step int64, unit string) string {
	seconds := n * 86400
	if step > 1 {
		seconds = n * 3600
	}
	at := time.Unix(seconds, 0).UTC()
	if at.Year() < 1960 || at.Year() > 2159 {
		return unpartitioned
	}
	return at.Format(units[unit])
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
