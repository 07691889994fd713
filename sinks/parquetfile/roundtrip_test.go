package parquetfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"backstory/sinks/memory"
	"backstory/sinks/parquetfile"
	"backstory/sinks/sinktest/readback"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	arrowmemory "github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestRoundTrip writes random tables with every type and encoding, and reads
// them with another reader; then it copies the file in both ways and reads
// the copies, and a copy of some rows.
func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		table := drawTable(t)
		format := newFormat(t, parquetfile.Options{
			Codec:        rapid.SampledFrom([]string{parquetfile.Zstd, parquetfile.Snappy, parquetfile.None}).Draw(t, "codec"),
			RowGroupRows: rapid.IntRange(1, 300).Draw(t, "row group"),
		})
		grown := *table
		grown.Columns = slices.Clone(table.Columns)
		for i := range grown.Columns {
			grown.Columns[i].Type = grow(t, grown.Columns[i].Type)
		}
		grown.Columns = append(grown.Columns, transform.Column{Name: "later", Type: drawType(t, 2)})
		var want, wantGrown []string
		path := filepath.Join(dir, "a.parquet")
		write(t, path, format, table, func(w *parquetfile.Writer) error {
			for range rapid.IntRange(0, 4).Draw(t, "records") {
				r := drawRecord(t, table)
				defer r.Release()
				rows := int(r.NumRows())
				from := rapid.IntRange(0, rows).Draw(t, "from")
				to := rapid.IntRange(from, rows).Draw(t, "to")
				if err := w.WriteRows(r, from, to); err != nil {
					return err
				}
				aligned := align(t, r, &grown)
				defer aligned.Release()
				for i := from; i < to; i++ {
					want = append(want, memory.Line(r, i))
					line := memory.Line(aligned, i)
					wantGrown = append(wantGrown, line[:len(line)-1]+`, "later": null}`)
				}
				scribble(r)
				if rapid.Bool().Draw(t, "flush") {
					if err := w.Flush(); err != nil {
						return err
					}
				}
			}
			if int(w.Rows()) != len(want) {
				t.Fatalf("rows: got %d, want %d", w.Rows(), len(want))
			}
			return nil
		})
		expectRows(t, path, want)
		expectRecords(t, path, table, want)

		for name, copyFile := range copies {
			to := filepath.Join(dir, "b.parquet")
			copyTo(t, path, to, format, &grown, copyFile)
			if expectRows(t, to, wantGrown); t.Failed() {
				t.Fatalf("copied by %s", name)
			}
			expectRecords(t, to, &grown, wantGrown)
		}

		from := rapid.IntRange(0, len(want)).Draw(t, "cut from")
		to := rapid.IntRange(from, len(want)).Draw(t, "cut to")
		cut := filepath.Join(dir, "c.parquet")
		copyTo(t, path, cut, format, table, func(w *parquetfile.Writer, r *parquetfile.Reader) error {
			return errors.Join(w.AppendRange(r, int64(from), int64(to)), w.AppendRange(r, 0, int64(from)))
		})
		expectRows(t, cut, slices.Concat(want[from:to], want[:from]))
	})
}

// grow adds fields to some of the structs in a type, behind those they have.
func grow(t *rapid.T, typ transform.Type) transform.Type {
	switch typ.Kind {
	case transform.List:
		elem := grow(t, *typ.Elem)
		typ.Elem = &elem
	case transform.Struct:
		typ.Fields = slices.Clone(typ.Fields)
		for i := range typ.Fields {
			typ.Fields[i].Type = grow(t, typ.Fields[i].Type)
		}
		for i := range rapid.IntRange(0, 2).Draw(t, "new fields") {
			name := fmt.Sprint("later", i)
			typ.Fields = append(typ.Fields, transform.Field{Name: name, Member: name, Type: drawType(t, 2)})
		}
	}
	return typ
}

// align gives a record as it looks in the grown table, without the columns
// that the record does not have.
func align(t *rapid.T, r arrow.Record, grown *transform.Table) arrow.Record {
	var columns []arrow.Array
	var fields []arrow.Field
	for i, a := range r.Columns() {
		c := grown.Columns[i]
		aligned, err := transform.AlignColumn(a, c.Type, arrowmemory.DefaultAllocator)
		if err != nil {
			t.Fatal(err)
		}
		defer aligned.Release()
		columns = append(columns, aligned)
		fields = append(fields, arrow.Field{Name: c.Name, Type: aligned.DataType(), Nullable: true})
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, r.NumRows())
}

var copies = map[string]func(*parquetfile.Writer, *parquetfile.Reader) error{
	"CopyGroups": (*parquetfile.Writer).CopyGroups,
	"AppendRows": (*parquetfile.Writer).AppendRows,
}

type tb interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func newFormat(t tb, o parquetfile.Options) *parquetfile.Format {
	t.Helper()
	f, err := parquetfile.NewFormat(o)
	if err != nil {
		t.Fatal(err)
	}
	parquetfile.Small(f)
	return f
}

func write(t tb, path string, f *parquetfile.Format, table *transform.Table, fill func(*parquetfile.Writer) error) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w, err := f.NewWriter(file, table)
	if err != nil {
		t.Fatal(err)
	}
	if err := fill(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := file.Stat(); err != nil || info.Size() != w.Bytes() {
		t.Fatalf("size of the file: got %d, %v, Bytes gives %d", info.Size(), err, w.Bytes())
	}
}

func copyTo(t tb, from, to string, f *parquetfile.Format, table *transform.Table, copyFile func(*parquetfile.Writer, *parquetfile.Reader) error) {
	t.Helper()
	src, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	r, err := parquetfile.NewReader(src, fileSize(t, src))
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, f, table, func(w *parquetfile.Writer) error { return copyFile(w, r) })
}

func expectRows(t tb, path string, want []string) {
	t.Helper()
	got, err := readback.Rows(path)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Equal(want, got) {
		return // as it mostly is; Diff is slow
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("rows of %s (-want +got):\n%s", filepath.Base(path), diff)
	}
}

// scribble overwrites a record's memory, as a builder does that uses it again.
func scribble(r arrow.Record) {
	for _, c := range r.Columns() {
		scribbleData(c.Data())
	}
}

func scribbleData(d arrow.ArrayData) {
	for _, b := range d.Buffers() {
		if b != nil {
			for i := range b.Buf() {
				b.Buf()[i] = 0xee
			}
		}
	}
	for _, c := range d.Children() {
		scribbleData(c)
	}
}

func drawTable(t *rapid.T) *transform.Table {
	table := &transform.Table{Name: "t", Version: 1}
	for i := range rapid.IntRange(1, 5).Draw(t, "columns") {
		table.Columns = append(table.Columns, transform.Column{
			Name:     fmt.Sprintf("c%d", i),
			Type:     drawType(t, 3),
			Required: rapid.Bool().Draw(t, "required"),
			Encoding: rapid.SampledFrom([]transform.Encoding{"", transform.Dictionary, transform.Plain, transform.Delta}).Draw(t, "encoding"),
		})
	}
	return table
}

func drawType(t *rapid.T, depth int) transform.Type {
	kinds := []transform.Kind{
		transform.Bool, transform.Int64, transform.Float64, transform.Decimal, transform.String,
		transform.UUID, transform.Timestamp, transform.DateTime, transform.JSON,
	}
	if depth > 0 {
		kinds = append(kinds, transform.List, transform.Struct)
	}
	k := transform.Type{Kind: rapid.SampledFrom(kinds).Draw(t, "kind")}
	switch k.Kind {
	case transform.Decimal:
		k.Precision = rapid.Int32Range(1, transform.MaxPrecision).Draw(t, "precision")
		k.Scale = rapid.Int32Range(0, k.Precision).Draw(t, "scale")
	case transform.List:
		elem := drawType(t, depth-1)
		k.Elem = &elem
	case transform.Struct:
		for i := range rapid.IntRange(1, 3).Draw(t, "fields") {
			name := fmt.Sprintf("f%d", i)
			k.Fields = append(k.Fields, transform.Field{Name: name, Member: name, Type: drawType(t, depth-1)})
		}
	}
	return k
}

func drawRecord(t *rapid.T, table *transform.Table) arrow.Record {
	b := array.NewRecordBuilder(arrowmemory.DefaultAllocator, table.Schema())
	defer b.Release()
	rows := rapid.IntRange(0, 150).Draw(t, "rows")
	for i, c := range table.Columns {
		few := rapid.Bool().Draw(t, "few values")
		nulls := rapid.SampledFrom([]int{0, 2, 10}).Draw(t, "nulls")
		d := drawer{t: t, few: few, nulls: nulls}
		for range rows {
			d.append(b.Field(i), c.Type, !c.Required)
		}
	}
	return b.NewRecord()
}

// drawer draws values, of which every nulls-th is null.
type drawer struct {
	t     *rapid.T
	few   bool
	nulls int
}

func (d drawer) append(b array.Builder, k transform.Type, nullable bool) {
	if nullable && d.nulls > 0 && rapid.IntRange(0, d.nulls-1).Draw(d.t, "null") == 0 {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(rapid.Bool().Draw(d.t, "bool"))
	case *array.Int64Builder:
		b.Append(d.integer())
	case *array.Float64Builder:
		b.Append(rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1.5, -2e300, math.Inf(1), math.Inf(-1), math.NaN(), 5e-324}).Draw(d.t, "float"))
	case *array.Decimal128Builder:
		b.Append(d.decimal(k.Precision))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(rapid.Int64Range(-62_135_596_800_000_000, 253_402_300_799_999_999).Draw(d.t, "time")))
	case *array.StringBuilder:
		if d.few {
			b.Append(rapid.SampledFrom([]string{"", "a", "bb"}).Draw(d.t, "text"))
		} else {
			b.Append(rapid.StringN(0, 40, -1).Draw(d.t, "text"))
		}
	case *array.ListBuilder:
		b.Append(true)
		for range rapid.IntRange(0, 3).Draw(d.t, "elements") {
			d.append(b.ValueBuilder(), *k.Elem, true)
		}
	case *array.StructBuilder:
		b.Append(true)
		for i, f := range k.Fields {
			d.append(b.FieldBuilder(i), f.Type, true)
		}
	}
}

func (d drawer) integer() int64 {
	if d.few {
		return rapid.Int64Range(0, 3).Draw(d.t, "int")
	}
	return rapid.Int64().Draw(d.t, "int")
}

func (d drawer) decimal(precision int32) decimal128.Num {
	num := decimal128.GetMaxValue(precision)
	if rapid.Bool().Draw(d.t, "extreme") {
		if rapid.Bool().Draw(d.t, "negative") {
			return num.Negate()
		}
		return num
	}
	return decimal128.FromI64(rapid.Int64Range(-9, 9).Draw(d.t, "decimal"))
}

// TestTail checks that a file which was not closed is not taken for one.
func TestTail(t *testing.T) {
	var b bytes.Buffer
	w, err := newFormat(t, parquetfile.Options{}).NewWriter(&b, shopTable())
	if err != nil {
		t.Fatal(err)
	}
	r := shopRecord(shopTable(), 1, 100)
	defer r.Release()
	if err := w.Write(r); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if b.Len() == 0 {
		t.Fatal("nothing was written")
	}
	if _, err := parquetfile.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len())); err == nil {
		t.Fatal("read a file without a footer: got no error")
	}
}

func fileSize(t tb, f *os.File) int64 {
	t.Helper()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
