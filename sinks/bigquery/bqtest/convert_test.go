package bqtest

import (
	"bytes"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
	"cloud.google.com/go/civil"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
)

type line struct {
	SKU  string   `parquet:"sku"`
	Tags []string `parquet:"tags,list"`
}

type everything struct {
	Bool   bool              `parquet:"bool"`
	I32    int32             `parquet:"i32"`
	U32    uint32            `parquet:"u32"`
	U64    uint64            `parquet:"u64"`
	F32    float32           `parquet:"f32"`
	F64    float64           `parquet:"f64"`
	Text   string            `parquet:"text"`
	Enum   string            `parquet:"en,enum"`
	Bytes  []byte            `parquet:"bytes"`
	Date   int32             `parquet:"date,date"`
	At     time.Time         `parquet:"at,timestamp(microsecond)"`
	Millis time.Time         `parquet:"millis,timestamp(millisecond)"`
	Price  int64             `parquet:"price,decimal(2:18)"`
	Tags   []string          `parquet:"tags,list"`
	Lines  []line            `parquet:"lines,list"`
	Who    *line             `parquet:"who"`
	Map    map[string]string `parquet:"map"`
}

func one(t *testing.T, r *rig, table string) Row {
	t.Helper()
	rows, err := r.Rows("shop", table)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1 {
		t.Fatalf("got %d rows, want 1", len(rows))
	}
	return rows[0]
}

func TestConversions(t *testing.T) {
	at := time.Date(2025, 1, 31, 12, 30, 15, 123456000, time.UTC)
	file := parquetOf(t, []everything{{
		Bool: true, I32: -7, U32: math.MaxUint32, U64: math.MaxInt64, F32: 0.5, F64: 1e300, Text: "Käse", Enum: "RED", Bytes: []byte{0xff, 0},
		Date: 20_000, At: at, Millis: at, Price: -1250, Tags: []string{"a", "b"},
		Lines: []line{{"x", []string{"1", "2"}}, {"y", nil}, {"z", []string{"3"}}}, Who: nil, Map: map[string]string{"k": "v"},
	}})
	r := start(t, Options{})
	l := r.loader("all", file, nil)
	l.CreateDisposition = bigquery.CreateIfNeeded
	if _, err := run(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, one(t, r, "all").String(), `{"bool": true, "i32": -7, "u32": 4294967295, "u64": 9223372036854775807, "f32": 0.5, "f64": 1e+300, `+
		`"text": "Käse", "en": "RED", "bytes": "/wA=", "date": "2024-10-04", "at": "2025-01-31T12:30:15.123456Z", "millis": "2025-01-31T12:30:15.123000Z", `+
		`"price": "-12.5", "tags": ["a", "b"], "lines": [{"sku": "x", "tags": ["1", "2"]}, {"sku": "y", "tags": []}, {"sku": "z", "tags": ["3"]}], `+
		`"who": null, "map": {"key_value": [{"key": "k", "value": "v"}]}}`)

	var got []bigquery.Value
	if err := r.shop.Table("all").Read(t.Context()).Next(&got); err != nil {
		t.Fatal(err)
	}
	value := func(name string) bigquery.Value {
		for i, f := range r.Table("shop", "all").Schema.Fields {
			if f.Name == name {
				return got[i]
			}
		}
		return "missing"
	}
	wantEqual(t, value("at"), bigquery.Value(at))
	wantEqual(t, value("u64"), bigquery.Value(int64(math.MaxInt64)))
	wantEqual(t, value("date"), bigquery.Value(civil.Date{Year: 2024, Month: 10, Day: 4}))
	wantEqual(t, value("price").(*big.Rat).FloatString(2), "-12.50")
	wantEqual(t, value("bytes"), bigquery.Value([]byte{0xff, 0}))
	wantEqual(t, value("lines"), bigquery.Value([]bigquery.Value{
		[]bigquery.Value{"x", []bigquery.Value{"1", "2"}}, []bigquery.Value{"y", []bigquery.Value(nil)}, []bigquery.Value{"z", []bigquery.Value{"3"}},
	}))
	wantEqual(t, value("who"), nil)
}

func TestOldTimestamps(t *testing.T) {
	type row struct {
		At deprecated.Int96 `parquet:"at"`
	}
	// 1970-01-02 00:00:01.5: nanoseconds of the day, Julian day 2440589.
	r := start(t, Options{})
	l := r.loader("old", parquetOf(t, []row{{deprecated.Int96{1_500_000_000, 0, 2440589}}}), nil)
	l.CreateDisposition = bigquery.CreateIfNeeded
	if _, err := run(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, one(t, r, "old").String(), `{"at": "1970-01-02T00:00:01.500000Z"}`)
}

func TestListsWithoutInference(t *testing.T) {
	r := start(t, Options{})
	l := r.loader("lists", parquetOf(t, []line{{"x", []string{"1", "2"}}}), nil)
	l.CreateDisposition = bigquery.CreateIfNeeded
	l.Src.(*bigquery.ReaderSource).ParquetOptions = nil
	if _, err := run(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, one(t, r, "lists").String(), `{"sku": "x", "tags": {"list": [{"element": "1"}, {"element": "2"}]}}`)
}

func TestEnumIsBytes(t *testing.T) {
	type row struct {
		Enum string `parquet:"en,enum"`
	}
	r := start(t, Options{})
	l := r.loader("enums", parquetOf(t, []row{{"RED"}}), nil)
	l.CreateDisposition = bigquery.CreateIfNeeded
	l.Src.(*bigquery.ReaderSource).ParquetOptions = nil
	if _, err := run(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, one(t, r, "enums").String(), `{"en": "UkVE"}`)
}

func TestConversionsThatAreRefused(t *testing.T) {
	a := "a"
	tests := []struct {
		name string
		file []byte
		part string
	}{
		{"uint64", parquetOf(t, []struct {
			V uint64 `parquet:"v"`
		}{{1 << 63}}), "does not fit INT64"},
		{"nanoseconds", parquetOf(t, []struct {
			V time.Time `parquet:"v,timestamp(nanosecond)"`
		}{{time.Unix(0, 0)}}), "has no BigQuery type"},
		{"time", parquetOf(t, []struct {
			V time.Duration `parquet:"v,time(microsecond)"`
		}{{1}}), "has no BigQuery type"},
		{"time in milliseconds", parquetOf(t, []struct {
			V int32 `parquet:"v,time(millisecond)"`
		}{{1}}), "has no BigQuery type"},
		{"json", parquetOf(t, []struct {
			V string `parquet:"v,json"`
		}{{"{}"}}), "has no BigQuery type"},
		{"uuid", parquetOf(t, []struct {
			V [16]byte `parquet:"v,uuid"`
		}{{}}), "has no BigQuery type"},
		{"float16", float16File(t), "has no BigQuery type"},
		{"null element", parquetOf(t, []struct {
			V []*string `parquet:"v,list"`
		}{{[]*string{&a, nil}}}), "Null elements are not allowed in repeated field 'v'"},
		{"list of lists", listOfLists(t), "a list of lists cannot be loaded"},
		{"text that is none", parquetOf(t, []struct {
			V string `parquet:"v"`
		}{{"\xff"}}), "text is not UTF-8"},
		{"year 10000", parquetOf(t, []struct {
			V int64 `parquet:"v,timestamp(microsecond)"`
		}{{lastInstant + 1}}), "out of range"},
		{"period in a name", parquetOf(t, []struct {
			V string `parquet:"a.b"`
		}{{""}}), "Invalid field name"},
		{"no file", nil, "not in Parquet format"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := start(t, Options{})
			l := r.loader("odd", tt.file, nil)
			l.CreateDisposition = bigquery.CreateIfNeeded
			_, err := run(t.Context(), l)
			wantError(t, err, "invalid", tt.part)
			wantEqual(t, r.Tables("shop"), nil)
		})
	}
}

func float16File(t *testing.T) []byte {
	t.Helper()
	return arrowFile(t, arrow.FixedWidthTypes.Float16, `["1.5"]`)
}

func listOfLists(t *testing.T) []byte {
	t.Helper()
	return arrowFile(t, arrow.ListOf(arrow.ListOf(arrow.PrimitiveTypes.Int64)), `[[[1, 2], [3]]]`)
}

// arrowFile writes one column v as Arrow's writer does by default, with a
// root that is REPEATED.
func arrowFile(t *testing.T, typ arrow.DataType, values string) []byte {
	t.Helper()
	col, _, err := array.FromJSON(memory.DefaultAllocator, typ, strings.NewReader(values))
	if err != nil {
		t.Fatal(err)
	}
	defer col.Release()
	schema := arrow.NewSchema([]arrow.Field{{Name: "v", Type: typ, Nullable: true}}, nil)
	record := array.NewRecord(schema, []arrow.Array{col}, int64(col.Len()))
	defer record.Release()
	var b bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &b, nil, pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(record); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTargetsThatAreRefused(t *testing.T) {
	file := parquetOf(t, []line{{SKU: "{}"}})
	for typ, part := range map[bigquery.FieldType]string{
		"JSON": "Unsupported field type: JSON", "GEOGRAPHY": "Unsupported field type: GEOGRAPHY", "TIME": "Unsupported field type: TIME",
		"BYTES": "has type STRING which does not match",
	} {
		schema := bigquery.Schema{{Name: "sku", Type: typ, Required: true}, {Name: "tags", Type: "STRING", Repeated: true}}
		r := start(t, Options{})
		r.create(t, "odd", &bigquery.TableMetadata{Schema: schema})
		_, err := run(t.Context(), r.loader("odd", file, schema))
		wantError(t, err, "invalid", part)
	}
}

func TestDatetimes(t *testing.T) {
	local := arrowFile(t, &arrow.TimestampType{Unit: arrow.Microsecond}, `["2025-01-31 12:00:00"]`)
	zoned := arrowFile(t, arrow.FixedWidthTypes.Timestamp_us, `["2025-01-31 12:00:00"]`)
	for _, tt := range []struct {
		file []byte
		typ  bigquery.FieldType
		want string
	}{
		{local, "DATETIME", `{"v": "2025-01-31T12:00:00.000000"}`},
		{local, "TIMESTAMP", `{"v": "2025-01-31T12:00:00.000000Z"}`},
		{zoned, "TIMESTAMP", `{"v": "2025-01-31T12:00:00.000000Z"}`},
		{zoned, "DATETIME", ""},
	} {
		schema := bigquery.Schema{col("v", tt.typ)}
		r := start(t, Options{})
		r.create(t, "times", &bigquery.TableMetadata{Schema: schema})
		_, err := run(t.Context(), r.loader("times", tt.file, schema))
		if tt.want == "" {
			wantError(t, err, "invalid", "does not match the target type DATETIME")
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, one(t, r, "times").String(), tt.want)
	}
}

func TestDecimalTargets(t *testing.T) {
	both := []bigquery.DecimalTargetType{bigquery.NumericTargetType, bigquery.BigNumericTargetType}
	text := append(both, bigquery.StringTargetType)
	tests := []struct {
		precision, scale int32
		value            string
		targets          []bigquery.DecimalTargetType
		typ, want        string
	}{
		{18, 2, "12.50", both, "NUMERIC", "12.5"},
		{38, 9, "-12345678901234567890123456789.123456789", both, "NUMERIC", "-12345678901234567890123456789.123456789"},
		{38, 10, "0.1234567891", both, "BIGNUMERIC", "0.1234567891"},
		{38, 0, "12345678901234567890123456789012345678", both, "BIGNUMERIC", "12345678901234567890123456789012345678"},
		{38, 10, "0.1234567890", nil, "NUMERIC", "0.123456789"},
		{38, 10, "0.1234567891", nil, "NUMERIC", ""},
		{38, 0, "12345678901234567890123456789012345678", nil, "NUMERIC", ""},
		{38, 38, "0.00000000000000000000000000000000000001", both, "BIGNUMERIC", "0.00000000000000000000000000000000000001"},
		{38, 10, "7", text, "BIGNUMERIC", "7"},
		{38, 10, "7", []bigquery.DecimalTargetType{bigquery.StringTargetType}, "STRING", "7"},
	}
	for _, tt := range tests {
		r := start(t, Options{})
		l := r.loader("prices", arrowFile(t, &arrow.Decimal128Type{Precision: tt.precision, Scale: tt.scale}, `["`+tt.value+`"]`), nil)
		l.CreateDisposition, l.DecimalTargetTypes = bigquery.CreateIfNeeded, tt.targets
		_, err := run(t.Context(), l)
		if tt.want == "" {
			wantError(t, err, "invalid", "does not fit NUMERIC")
			continue
		}
		if err != nil {
			t.Fatalf("%+v: %v", tt, err)
		}
		wantEqual(t, r.Table("shop", "prices").Schema.Fields[0].Type, tt.typ)
		wantEqual(t, strings.TrimSuffix(one(t, r, "prices").Get("v"), ".0"), `"`+tt.want+`"`)
	}
}

func TestParameterizedDecimals(t *testing.T) {
	schema := bigquery.Schema{{Name: "v", Type: "NUMERIC", Precision: 5, Scale: 2}}
	for value, part := range map[string]string{"999.99": "", "1000.00": "does not fit the column's precision", "-999.99": ""} {
		r := start(t, Options{})
		r.create(t, "prices", &bigquery.TableMetadata{Schema: schema})
		_, err := run(t.Context(), r.loader("prices", arrowFile(t, &arrow.Decimal128Type{Precision: 18, Scale: 2}, `["`+value+`"]`), schema))
		if part != "" {
			wantError(t, err, "invalid", part)
		} else if err != nil {
			t.Error(err)
		}
	}
}

func TestUnknownColumnsMayBeIgnored(t *testing.T) {
	type inner struct {
		A string   `parquet:"a"`
		B []string `parquet:"b,list"`
		C int64    `parquet:"c"`
	}
	type row struct {
		X  int64   `parquet:"x"`
		In []inner `parquet:"in,list"`
	}
	schema := bigquery.Schema{{Name: "in", Type: "RECORD", Repeated: true, Schema: bigquery.Schema{{Name: "c", Type: "INTEGER", Required: true}}}}
	r := start(t, Options{})
	r.create(t, "rows", &bigquery.TableMetadata{Schema: schema})
	l := r.loader("rows", parquetOf(t, []row{{1, []inner{{"p", []string{"1", "2"}, 7}, {"q", nil, 8}}}}), schema)
	l.Src.(*bigquery.ReaderSource).IgnoreUnknownValues = true
	if _, err := run(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, one(t, r, "rows").String(), `{"in": [{"c": 7}, {"c": 8}]}`)
}

func TestPages(t *testing.T) {
	r := start(t, Options{})
	r.create(t, "items", byDay())
	for range 3 {
		if _, err := run(t.Context(), r.loader("items", parquetOf(t, items("2025-01-02", "2025-01-01", "2025-01-01"), pq.MaxRowsPerRowGroup(2)), itemSchema)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.shop.Table("items$20250102").Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	for size := range 7 {
		for from := range 7 {
			it := r.shop.Table("items").Read(t.Context())
			it.PageInfo().MaxSize = size
			it.StartIndex = uint64(from)
			var got []any
			var row []bigquery.Value
			for it.Next(&row) == nil {
				got = append(got, row[0])
			}
			var want []any
			for _, id := range []int64{2, 3, 2, 3, 2, 3}[min(from, 6):] {
				want = append(want, id)
			}
			wantEqual(t, got, want)
		}
	}
}
