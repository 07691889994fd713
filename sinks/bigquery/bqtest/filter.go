package bqtest

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	pq "github.com/parquet-go/parquet-go"

	bq "google.golang.org/api/bigquery/v2"
)

// mayFilter checks conditions against a table's columns, and that they say
// which partitions are wanted where the table asks for that.
func (t *table) mayFilter(where []condition) *apiError {
	for _, c := range where {
		f := field(t.fields(), c.column)
		if f == nil {
			return invalidQuery("Unrecognized name: %s", c.column)
		}
		fits := c.sign == "IS NULL"
		switch c.value.(type) {
		case int64:
			fits = f.Type == "INTEGER"
		case string:
			fits = f.Type == "STRING"
		case timestamp:
			fits = f.Type == "TIMESTAMP"
		}
		if !fits || f.Mode == repeated {
			return invalidQuery("No matching signature for operator %s for column %s of type %s", c.sign, f.Name, f.Type)
		}
	}
	if t.res.RequirePartitionFilter && len(t.prunes(where)) == 0 {
		return invalidQuery("Cannot query over table '%s' without a filter over column(s) '%s' that can be used for partition elimination",
			strings.ReplaceAll(t.name(), ":", "."), t.partitioning().Field)
	}
	return nil
}

// prunes gives the conditions by which partitions are left out.
func (t *table) prunes(where []condition) []condition {
	p := t.partitioning()
	if p == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(where), func(c condition) bool { return !strings.EqualFold(c.column, p.Field) })
}

// scanned is about how many bytes of a part a statement reads.
func (t *table) scanned(p *part, where []condition) (int64, *apiError) {
	in, _, err := t.divide(p, t.prunes(where))
	if in == nil || err != nil {
		return 0, err
	}
	_, bytes := in.counts()
	return bytes, nil
}

// divide parts the rows that meet all conditions from the others; nil is none.
func (t *table) divide(p *part, where []condition) (in, out *part, err *apiError) {
	rows, _ := p.counts()
	if len(where) == 0 || rows == 0 {
		return p, nil, nil
	}
	meets := make([]bool, p.file.rows())
	err = p.file.each(0, -1, func(row int, values []any) *apiError {
		values = align(t.fields(), p.file.fields, values)
		meets[row] = !slices.ContainsFunc(where, func(c condition) bool { return !c.met(t.fields(), values) })
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	keep := func(want bool) *part {
		q := p.pick(func(row int) bool { return meets[row] == want })
		if n, _ := q.counts(); n == 0 {
			return nil
		}
		return q
	}
	return keep(true), keep(false), nil
}

// met tells whether a row meets the condition; a comparison with null is never met.
func (c condition) met(fields []*bq.TableFieldSchema, values []any) bool {
	v := values[slices.IndexFunc(fields, func(f *bq.TableFieldSchema) bool { return strings.EqualFold(f.Name, c.column) })]
	if c.sign == "IS NULL" || v == nil {
		return c.sign == "IS NULL" && v == nil
	}
	var order int
	switch want := c.value.(type) {
	case int64:
		order = cmp.Compare(v.(int64), want)
	case timestamp:
		order = cmp.Compare(v.(int64), int64(want))
	case string:
		order = cmp.Compare(v.(string), want)
	}
	switch c.sign {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	}
	return order == 0
}

// valued makes a row of values, by way of a file as all rows come.
func (t *table) valued(s insertion, o Options) ([]*part, *apiError) {
	if len(s.values) != len(s.columns) {
		return nil, invalidQuery("Inserted row has wrong column count; Has %d, expected %d", len(s.values), len(s.columns))
	}
	group := pq.Group{}
	row := map[string]any{}
	for i, name := range s.columns {
		f := field(t.fields(), name)
		node, value := pq.Node(nil), s.values[i]
		switch v := s.values[i].(type) {
		case int64:
			node = pq.Int(64)
		case string:
			node = pq.String()
		case timestamp:
			node, value = pq.Timestamp(pq.Microsecond), int64(v)
		}
		if f.Mode == nullable {
			node = pq.Optional(node)
		}
		group[f.Name], row[f.Name] = node, value
	}
	var file bytes.Buffer
	w := pq.NewGenericWriter[map[string]any](&file, pq.NewSchema("row", group))
	if _, err := w.Write([]map[string]any{row}); err != nil {
		return nil, invalidQuery("Values cannot be inserted: %v", err)
	}
	if err := w.Close(); err != nil {
		return nil, invalidQuery("Values cannot be inserted: %v", err)
	}
	f, bad := readFile(file.Bytes(), &bq.JobConfigurationLoad{Schema: t.res.Schema}, o)
	if bad != nil {
		return nil, invalidQuery("Values cannot be inserted: %s", bad.message)
	}
	in, bad := (&part{segment: f.whole("")}).under(t.partitioning())
	return []*part{in}, bad
}
