package bqtest

import (
	"bytes"
	"errors"
	"io"
	"strings"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	bq "google.golang.org/api/bigquery/v2"
)

// file is an uploaded Parquet file that may be loaded under a schema.
type file struct {
	parquet *pq.File
	size    int64
	fields  []*bq.TableFieldSchema // the job's schema, or what the file says
	nodes   []*node                // of the fields
	few     [][]any                // the rows, where there are so few that they are kept
}

// fewRows is how many rows of a file are kept as values: those of the sink's
// own tables, which are read again and again.
const fewRows = 128

// node is a field of the schema and what the file has for it.
type node struct {
	field   *bq.TableFieldSchema
	column  *column // nil where the file has nothing
	members []*node
}

// readFile opens a file and checks all that a load job refuses without
// knowing the table. What fails here fails the job and not its insertion.
func readFile(media []byte, l *bq.JobConfigurationLoad, o Options) (out *file, bad *apiError) {
	defer func() {
		if r := recover(); r != nil { // the reader's way to refuse some damaged files
			out, bad = nil, unreadable("%v", r)
		}
	}()
	f, err := pq.OpenFile(bytes.NewReader(media), int64(len(media)), pq.SkipPageIndex(true), pq.SkipBloomFilters(true))
	if err != nil {
		return nil, unreadable("Input file is not in Parquet format: %v", err)
	}
	if bad := checkFooter(f.Metadata().Schema); bad != nil {
		return nil, bad
	}
	columns, bad := shapeOf(l).columns(f.Root(), "", 0, 0)
	if bad != nil {
		return nil, bad
	}
	out = &file{parquet: f, size: int64(len(media))}
	if l.Schema != nil {
		out.fields = l.Schema.Fields
	} else {
		inferred := &bq.TableSchema{}
		for _, c := range columns {
			inferred.Fields = append(inferred.Fields, c.field())
		}
		if inferred, bad = normal(inferred); bad != nil {
			return nil, bad
		}
		out.fields = inferred.Fields
	}
	if out.nodes, bad = match(out.fields, columns, "", l.IgnoreUnknownValues); bad != nil {
		return nil, bad
	}
	if o.Skim {
		bad = out.skim(out.nodes, "")
	} else {
		bad = out.each(0, -1, func(_ int, values []any) *apiError {
			if out.rows() <= fewRows {
				out.few = append(out.few, values)
			}
			if n := weight(values); over(n, o.Limits.RowBytes) {
				return fail(400, "resourcesExceeded", "Resources exceeded: a row of %d bytes is over the limit of %d", n, o.Limits.RowBytes)
			}
			return nil
		})
	}
	return out, bad
}

// checkFooter refuses the types that the reader shows as bare bytes.
func checkFooter(elements []format.SchemaElement) *apiError {
	for _, e := range elements {
		switch e.LogicalType.Value.(type) {
		case *format.Float16Type, *format.VariantType, *format.GeometryType, *format.GeographyType:
			return unreadable("Parquet column '%s' of type %v has no BigQuery type", e.Name, e.LogicalType.Value)
		}
		if e.ConvertedType.Valid && e.ConvertedType.V == deprecated.Interval {
			return unreadable("Parquet column '%s' of type INTERVAL has no BigQuery type", e.Name)
		}
	}
	return nil
}

func (f *file) rows() int { return int(f.parquet.NumRows()) }

// match finds the columns of the fields. Every column must have a field.
func match(fields []*bq.TableFieldSchema, columns []*column, path string, ignoreUnknown bool) ([]*node, *apiError) {
	nodes := make([]*node, len(fields))
	for i, f := range fields {
		n := &node{field: f}
		for _, c := range columns {
			if strings.EqualFold(c.name, f.Name) {
				n.column = c
			}
		}
		if err := n.fits(path, ignoreUnknown); err != nil {
			return nil, err
		}
		nodes[i] = n
	}
	for _, c := range columns {
		if field(fields, c.name) == nil && !ignoreUnknown {
			return nil, unreadable("Parquet column '%s%s' is not in the schema: No such field: %s%s.", path, c.name, path, c.name)
		}
	}
	return nodes, nil
}

// fits compares a field with its column.
func (n *node) fits(path string, ignoreUnknown bool) *apiError {
	f, c := n.field, n.column
	name := path + f.Name
	switch f.Type {
	case "JSON", "GEOGRAPHY", "TIME", "INTERVAL", "RANGE":
		return unreadable("Unsupported field type: %s (field '%s', source format PARQUET)", f.Type, name)
	}
	if c == nil {
		if f.Mode == required {
			return unreadable("Required column '%s' is missing in the file", name)
		}
		return nil
	}
	datetime := f.Type == "DATETIME" && c.typ == "TIMESTAMP" && c.local
	if c.typ != f.Type && !datetime {
		return unreadable("Parquet column '%s' has type %s which does not match the target type %s", name, c.typ, f.Type)
	}
	if c.mode != f.Mode {
		// The service says so of NULLABLE in the schema and REQUIRED in the
		// file as well (https://github.com/googleapis/java-bigquery/issues/13).
		return invalid("Error while reading data, error message: Provided schema is not compatible with the file. Field '%s' is specified as %s in provided schema which does not match %s as specified in the file.", name, f.Mode, c.mode)
	}
	var err *apiError
	if c.typ == "RECORD" {
		n.members, err = match(f.Fields, c.members, name+".", ignoreUnknown)
	}
	return err
}

// each gives the rows from one on, limit of them or all if it is negative,
// as values of the fields.
func (f *file) each(from, limit int, fn func(row int, values []any) *apiError) *apiError {
	if f.rows() == len(f.few) {
		for row := from; row < len(f.few) && (limit < 0 || row < from+limit); row++ {
			if bad := fn(row, f.few[row]); bad != nil {
				return bad
			}
		}
		return nil
	}
	r := &rowReader{columns: make([][]pq.Value, len(f.parquet.Schema().Columns()))}
	at := 0
	for _, group := range f.parquet.RowGroups() {
		if n := int(group.NumRows()); from >= at+n {
			at += n
			continue
		}
		rows := group.Rows()
		if from > at {
			if err := rows.SeekToRow(int64(from - at)); err != nil {
				return unreadable("%v", errors.Join(err, rows.Close()))
			}
			at = from
		}
		err := f.group(rows, r, &at, from, limit, fn)
		if closeErr := rows.Close(); err == nil && closeErr != nil {
			err = unreadable("%v", closeErr)
		}
		if err != nil || limit >= 0 && at >= from+limit {
			return err
		}
	}
	return nil
}

func (f *file) group(rows pq.Rows, r *rowReader, at *int, from, limit int, fn func(int, []any) *apiError) *apiError {
	var buffer [64]pq.Row
	for {
		n, err := rows.ReadRows(buffer[:])
		for _, row := range buffer[:n] {
			if limit >= 0 && *at >= from+limit {
				return nil
			}
			values, bad := r.read(row, f.nodes)
			if bad == nil {
				bad = fn(*at, values)
			}
			if bad != nil {
				return bad
			}
			*at++
		}
		if errors.Is(err, io.EOF) || n == 0 && err == nil {
			return nil
		}
		if err != nil {
			return unreadable("%v", err)
		}
	}
}

// weight is about how many bytes a row is.
func weight(v any) int {
	switch v := v.(type) {
	case string:
		return len(v) + 2
	case []byte:
		return len(v)
	case []any:
		n := 0
		for _, e := range v {
			n += weight(e)
		}
		return n
	}
	return 8
}
