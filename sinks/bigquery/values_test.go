package bigquery_test

import (
	"strings"
	"testing"
	"time"

	"backstory/sinks/bigquery"
	"backstory/sinks/bigquery/bqtest"
	"backstory/sinks/sinktest"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
)

func kind(k transform.Kind) transform.Type { return transform.Type{Kind: k} }

func decimal(precision, scale int32) transform.Type {
	return transform.Type{Kind: transform.Decimal, Precision: precision, Scale: scale}
}

func listOf(t transform.Type) transform.Type { return transform.Type{Kind: transform.List, Elem: &t} }

func structOf(name string, t transform.Type) transform.Type {
	return transform.Type{Kind: transform.Struct, Fields: []transform.Field{{Name: name, Member: name, Type: t}}}
}

// TestTypes writes values of each type and reads them as BigQuery has them.
func TestTypes(t *testing.T) {
	tests := []struct {
		typ    transform.Type
		column string // its type and mode in BigQuery
		values string // as Arrow reads JSON
		want   []string
	}{
		{kind(transform.Bool), "BOOLEAN", `[true, false, null]`, []string{"true", "false", "null"}},
		{kind(transform.Int64), "INTEGER", `[9223372036854775807, -9223372036854775808, null]`, []string{"9223372036854775807", "-9223372036854775808", "null"}},
		{kind(transform.Float64), "FLOAT", `[0.1, 1e300, null]`, []string{"0.1", "1e+300", "null"}},
		{kind(transform.String), "STRING", `["ü\u0000x", "", null]`, []string{"\"ü\\u0000x\"", `""`, "null"}},
		{kind(transform.UUID), "STRING", `["6f1d1f0a-0000-4000-8000-000000000001", null]`, []string{`"6f1d1f0a-0000-4000-8000-000000000001"`, "null"}},
		{kind(transform.JSON), "STRING", `["{\"a\": [1, null]}", null]`, []string{`"{\"a\": [1, null]}"`, "null"}},
		{kind(transform.Timestamp), "TIMESTAMP", `["1969-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"]`,
			[]string{`"1969-12-31T23:59:59.999999Z"`, `"0001-01-01T00:00:00.000000Z"`, `"9999-12-31T23:59:59.999999Z"`}},
		{kind(transform.DateTime), "DATETIME", `["2025-03-30T02:30:00.000001", null]`, []string{`"2025-03-30T02:30:00.000001"`, "null"}},
		{decimal(18, 2), "NUMERIC", `["1234567890123456.78", "-0.01", null]`, []string{`"1234567890123456.78"`, `"-0.01"`, "null"}},
		{decimal(38, 9), "NUMERIC", `["12345678901234567890123456789.123456789"]`, []string{`"12345678901234567890123456789.123456789"`}},
		{decimal(38, 10), "BIGNUMERIC", `["-1.0123456789"]`, []string{`"-1.0123456789"`}},
		{decimal(38, 0), "BIGNUMERIC", `["99999999999999999999999999999999999999"]`, []string{`"99999999999999999999999999999999999999"`}},
		{decimal(38, 38), "BIGNUMERIC", `["0.00000000000000000000000000000000000001"]`, []string{`"0.00000000000000000000000000000000000001"`}},
		{listOf(kind(transform.String)), "REPEATED STRING", `[["a", "b"], [], null]`, []string{`["a", "b"]`, "[]", "[]"}},
		{listOf(decimal(20, 1)), "REPEATED NUMERIC", `[["1.5"]]`, []string{`["1.5"]`}},
		{listOf(structOf("n", kind(transform.Int64))), "REPEATED RECORD", `[[{"n": 1}, {"n": null}], null]`, []string{`[{"n": 1}, {"n": null}]`, "[]"}},
		{structOf("s", structOf("t", kind(transform.Timestamp))), "RECORD", `[{"s": {"t": "2025-01-31T12:00:00Z"}}, {"s": null}, null]`,
			[]string{`{"s": {"t": "2025-01-31T12:00:00.000000Z"}}`, `{"s": null}`, "null"}},
	}
	for _, test := range tests {
		t.Run(test.typ.String(), func(t *testing.T) {
			server := start(t, bqtest.Options{})
			table := &transform.Table{Name: "values", Version: 1, Columns: []transform.Column{{Name: "v", Type: test.typ}}}
			s := open(t, options(server))
			if err := load(t, s, table, test.values); err != nil {
				t.Fatal(err)
			}
			expectBack(t, s, table, test.values)
			rows, err := server.Rows(dataset, "values")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range rows {
				got = append(got, r.Get("v"))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
			f := server.Table(dataset, "values").Schema.Fields[0]
			if got := strings.TrimPrefix(f.Mode+" "+f.Type, "NULLABLE "); got != test.column {
				t.Errorf("column: got %s, want %s", got, test.column)
			}
		})
	}
}

// recordOf makes a record of values as Arrow reads JSON.
func recordOf(t *testing.T, table *transform.Table, values ...string) arrow.Record {
	t.Helper()
	var columns []arrow.Array
	rows := 0
	for i, text := range values {
		a, _, err := array.FromJSON(memory.DefaultAllocator, table.Columns[i].Type.Arrow(), strings.NewReader(text), array.WithUseNumber())
		if err != nil {
			t.Fatal(err)
		}
		defer a.Release()
		columns, rows = append(columns, a), a.Len()
	}
	return array.NewRecord(table.Schema(), columns, int64(rows))
}

// load loads one column's values in a window of their own.
func load(t *testing.T, s *bigquery.Sink, table *transform.Table, values ...string) error {
	t.Helper()
	r := recordOf(t, table, values...)
	defer r.Release()
	w := sinktest.Window(0, r.NumRows())
	txn, err := s.Begin(t.Context(), sinktest.Load(w))
	if err != nil {
		t.Fatal(err)
	}
	if err := txn.Write(t.Context(), table, r); err != nil {
		if e := txn.Abort(); e != nil {
			t.Error(e)
		}
		return err
	}
	return txn.Commit(t.Context(), sinktest.Summary(w))
}

// TestBadValues checks that values which BigQuery would refuse or change are
// refused before anything is sent.
func TestBadValues(t *testing.T) {
	tests := map[string]struct {
		columns []transform.Column
		values  []string
		want    string
	}{
		"null in a list": {
			[]transform.Column{{Name: "position", Type: kind(transform.Int64)}, {Name: "tags", Type: listOf(kind(transform.String))}},
			[]string{`[7, 8]`, `[["a"], ["a", null]]`},
			"write to table values: column tags: a list holds a null, which BigQuery's arrays cannot (event at position 8)",
		},
		"null in a list within": {
			[]transform.Column{{Name: "position", Type: kind(transform.Int64)}, {Name: "lines", Type: listOf(structOf("tags", listOf(kind(transform.Int64))))}},
			[]string{`[7, 8]`, `[[], [{"tags": [1]}, {"tags": [null]}]]`},
			"column lines.tags: a list holds a null, which BigQuery's arrays cannot (event at position 8)",
		},
		"object that is null in a list": {
			[]transform.Column{{Name: "lines", Type: listOf(structOf("n", kind(transform.Int64)))}},
			[]string{`[[{"n": 1}, null]]`}, "column lines: a list holds a null",
		},
		"time before all partitions": {
			[]transform.Column{{Name: "position", Type: kind(transform.Int64)}, {Name: "event_time", Type: kind(transform.Timestamp)}},
			[]string{`[7, 8]`, `["1960-01-01T00:00:00Z", "1959-12-31T23:59:59.999999Z"]`},
			"column event_time: it is 1959-12-31T23:59:59Z, and a partitioned table holds the years 1960 to 2159 (event at position 8)",
		},
		"time after all partitions": {
			[]transform.Column{{Name: "event_time", Type: kind(transform.Timestamp)}},
			[]string{`["2159-12-31T23:59:59.999999Z", "2160-01-01T00:00:00Z"]`}, "it is 2160-01-01T00:00:00Z",
		},
		"time after all times": {
			[]transform.Column{{Name: "at", Type: kind(transform.Timestamp)}},
			[]string{`["10000-01-01T00:00:00Z"]`}, "BigQuery holds the years 1 to 9999",
		},
		"reserved name": {
			[]transform.Column{{Name: "_PARTITIONDATE", Type: kind(transform.Int64)}}, []string{`[1]`}, "BigQuery keeps names that begin with _PARTITION for itself",
		},
		"names alike": {
			[]transform.Column{{Name: "sku", Type: kind(transform.Int64)}, {Name: "SKU", Type: kind(transform.Int64)}}, []string{`[1]`, `[1]`}, "two columns are named SKU, capitals or not",
		},
		"list of lists": {
			[]transform.Column{{Name: "v", Type: listOf(listOf(kind(transform.Int64)))}}, []string{`[[[1]]]`}, "BigQuery has no lists of lists",
		},
		"too deep": {[]transform.Column{{Name: "v", Type: deep(16)}}, []string{`[null]`}, "nested in more than 15 levels"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := start(t, bqtest.Options{})
			o := options(server)
			o.Partition = "day"
			table := &transform.Table{Name: "values", Version: 1, Columns: test.columns}
			if strings.HasPrefix(test.values[0], `["10000`) {
				test.values = nil
			}
			err := loadOrFar(t, open(t, o), table, test.values)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q in it", err, test.want)
			}
			expectHint(t, err)
			if n := len(server.Jobs()); n > 0 {
				t.Errorf("%d jobs were sent", n)
			}
		})
	}
}

// loadOrFar loads values, or a time that Arrow's JSON cannot say.
func loadOrFar(t *testing.T, s *bigquery.Sink, table *transform.Table, values []string) error {
	t.Helper()
	if values != nil {
		return load(t, s, table, values...)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, table.Schema())
	defer b.Release()
	b.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()))
	r := b.NewRecord()
	defer r.Release()
	txn, err := s.Begin(t.Context(), sinktest.Load(sinktest.Window(0, 1)))
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Abort()
	return txn.Write(t.Context(), table, r)
}

func deep(levels int) transform.Type {
	if levels == 0 {
		return kind(transform.Int64)
	}
	return structOf("o", deep(levels-1))
}
