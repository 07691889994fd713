package bigquery_test

import (
	"fmt"
	"strings"
	"testing"

	"backstory/sinks/bigquery/bqtest"
	"backstory/sinks/sinktest"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// TestLargeRow refuses a row that BigQuery would not take before it is sent,
// and takes many that are as large together.
func TestLargeRow(t *testing.T) {
	table := &transform.Table{Name: "values", Version: 1, Columns: []transform.Column{
		{Name: "position", Type: kind(transform.Int64)}, {Name: "tags", Type: listOf(structOf("text", kind(transform.String)))},
	}}
	for name, c := range map[string]struct {
		rows, bytes int
		want        string
	}{
		"one":  {1, 50_000_001, "write to table values: the row has 50000009 bytes, and BigQuery takes 50000000 (event at position 7)"},
		"many": {6, 10_000_000, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := array.NewRecordBuilder(memory.DefaultAllocator, table.Schema())
			defer b.Release()
			text := strings.Repeat("x", c.bytes)
			for n := range c.rows {
				b.Field(0).(*array.Int64Builder).Append(int64(7 + n))
				list := b.Field(1).(*array.ListBuilder)
				list.Append(true)
				object := list.ValueBuilder().(*array.StructBuilder)
				object.Append(true)
				object.FieldBuilder(0).(*array.StringBuilder).Append(text)
			}
			r := b.NewRecord()
			defer r.Release()
			server := start(t, bqtest.Options{})
			txn, err := open(t, options(server)).Begin(t.Context(), sinktest.Load(sinktest.Window(0, 10)))
			if err != nil {
				t.Fatal(err)
			}
			defer txn.Abort()
			err = txn.Write(t.Context(), table, r)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q in it", err, c.want)
			}
			expectHint(t, err)
			if n := len(server.Jobs()); n > 0 {
				t.Errorf("%d jobs were sent", n)
			}
		})
	}
}

// TestManyColumns refuses a table of more columns than BigQuery takes.
func TestManyColumns(t *testing.T) {
	fields := make([]transform.Field, 5_000)
	for i := range fields {
		name := fmt.Sprint("f", i)
		fields[i] = transform.Field{Name: name, Member: name, Type: kind(transform.Int64)}
	}
	object := transform.Type{Kind: transform.Struct, Fields: fields}
	table := &transform.Table{Name: "values", Version: 1, Columns: []transform.Column{{Name: "a", Type: object}, {Name: "b", Type: object}}}
	server := start(t, bqtest.Options{})
	err := evolve(t, open(t, options(server)), table)
	if err == nil || !strings.Contains(err.Error(), "table values: it has 10002 columns, those of objects counted; BigQuery takes 10000") {
		t.Fatalf("got %v", err)
	}
	expectHint(t, err)
}
