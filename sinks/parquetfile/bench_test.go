package parquetfile_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"backstory/sinks/parquetfile"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// shopTable is a table as a shop's would be: the envelope, six columns of
// payload, and _extra. The encodings are those that discovery chooses.
func shopTable() *transform.Table {
	return &transform.Table{Name: "cart_item_added", Event: "Cart.ItemAdded", Version: 1, Columns: []transform.Column{
		{Name: transform.ColPosition, Type: transform.Type{Kind: transform.Int64}, Required: true, Encoding: transform.Delta},
		{Name: transform.ColSubIndex, Type: transform.Type{Kind: transform.Int64}, Required: true},
		{Name: transform.ColStreamID, Type: transform.Type{Kind: transform.String}, Required: true, Encoding: transform.Plain},
		{Name: transform.ColStreamVersion, Type: transform.Type{Kind: transform.Int64}, Required: true},
		{Name: transform.ColEventID, Type: transform.Type{Kind: transform.String}},
		{Name: transform.ColEventType, Type: transform.Type{Kind: transform.String}, Required: true, Encoding: transform.Dictionary},
		{Name: transform.ColSchemaVersion, Type: transform.Type{Kind: transform.Int64}, Required: true},
		{Name: transform.ColEventTime, Type: transform.Type{Kind: transform.Timestamp}, Required: true, Encoding: transform.Delta},
		{Name: "sku", Type: transform.Type{Kind: transform.String}},
		{Name: "country", Type: transform.Type{Kind: transform.String}, Encoding: transform.Dictionary},
		{Name: "price", Type: transform.Type{Kind: transform.Decimal, Precision: 18, Scale: 2}},
		{Name: "quantity", Type: transform.Type{Kind: transform.Int64}},
		{Name: "shipped_at", Type: transform.Type{Kind: transform.Timestamp}},
		{Name: "tags", Type: transform.Type{Kind: transform.List, Elem: &transform.Type{Kind: transform.String}}},
		{Name: transform.ColExtra, Type: transform.Type{Kind: transform.JSON}},
	}}
}

// shopRecord makes rows of shopTable; the same arguments give the same rows.
func shopRecord(t *transform.Table, first, rows int) arrow.Record {
	b := array.NewRecordBuilder(memory.DefaultAllocator, t.Schema())
	defer b.Release()
	r := rand.New(rand.NewPCG(7, uint64(first)))
	const start = 1_700_000_000_000_000
	for i := range rows {
		pos := int64(first + i)
		at := start + pos*250_000 + r.Int64N(250_000)
		b.Field(0).(*array.Int64Builder).Append(pos)
		b.Field(1).(*array.Int64Builder).Append(0)
		b.Field(2).(*array.StringBuilder).Append(fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", r.Uint32(), r.Uint32N(1<<16), r.Uint32N(1<<16), r.Uint32N(1<<16), r.Uint64N(1<<48)))
		b.Field(3).(*array.Int64Builder).Append(r.Int64N(20))
		b.Field(4).AppendNull()
		b.Field(5).(*array.StringBuilder).Append("Cart.ItemAdded")
		b.Field(6).(*array.Int64Builder).Append(1 + r.Int64N(2))
		b.Field(7).(*array.TimestampBuilder).Append(arrow.Timestamp(at))
		b.Field(8).(*array.StringBuilder).Append(fmt.Sprintf("SKU-%05d", r.IntN(5000)))
		b.Field(9).(*array.StringBuilder).Append([]string{"DE", "FR", "US", "NL", "GB"}[r.IntN(5)])
		b.Field(10).(*array.Decimal128Builder).Append(decimal128.FromI64(100 + r.Int64N(50_000)))
		b.Field(11).(*array.Int64Builder).Append(1 + r.Int64N(5))
		if r.IntN(4) == 0 {
			b.Field(12).AppendNull()
		} else {
			b.Field(12).(*array.TimestampBuilder).Append(arrow.Timestamp(at + r.Int64N(86_400_000_000)))
		}
		tags := b.Field(13).(*array.ListBuilder)
		if r.IntN(10) == 0 {
			tags.AppendNull()
		} else {
			tags.Append(true)
			for range r.IntN(4) {
				tags.ValueBuilder().(*array.StringBuilder).Append([]string{"new", "sale", "gift", "b2b"}[r.IntN(4)])
			}
		}
		b.Field(14).AppendNull()
	}
	return b.NewRecord()
}

func BenchmarkWriter(b *testing.B) {
	for _, codec := range []string{parquetfile.Zstd, parquetfile.Snappy, parquetfile.None} {
		b.Run(codec, func(b *testing.B) { benchmarkWriter(b, parquetfile.Options{Codec: codec}) })
	}
}

func benchmarkWriter(b *testing.B, o parquetfile.Options) {
	table := shopTable()
	record := shopRecord(table, 1, 16_384)
	defer record.Release()
	f, err := parquetfile.NewFormat(o)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var size int64
	rows := 0
	w, err := f.NewWriter(io.Discard, table)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := w.Write(record); err != nil {
			b.Fatal(err)
		}
		rows += int(record.NumRows())
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	size = w.Bytes()
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows), "ns/row")
	b.ReportMetric(float64(size)/float64(rows), "bytes/row")
	b.ReportMetric(0, "ns/op")
}
