package bqtest

import (
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
)

func TestLoadAppends(t *testing.T) {
	r := start(t, Options{})
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema, Labels: map[string]string{"job": "shop"}})
	l := r.loader("items", parquetOf(t, items("2025-01-01", "2025-01-02")), itemSchema)
	l.JobID, l.Location, l.Labels = "load_1", "US", map[string]string{"window": "0-2"}
	status, err := run(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	st := status.Statistics.Details.(*bigquery.LoadStatistics)
	wantEqual(t, st.OutputRows, int64(2))
	if st.InputFileBytes == 0 || st.InputFiles != 1 {
		t.Errorf("got statistics %+v, want the file's bytes", st)
	}
	rows, err := r.Rows("shop", "items")
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, rows[1].String(), `{"id": 2, "at": "2025-01-02T00:00:00.000000Z"}`)
	md, err := r.shop.Table("items").Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, md.NumRows, uint64(2))
	wantEqual(t, md.Labels, map[string]string{"job": "shop"})
	wantEqual(t, r.Jobs()[0].Configuration.Labels, map[string]string{"window": "0-2"})

	if _, err := run(t.Context(), r.loader("items", parquetOf(t, items("2025-01-03")), itemSchema)); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, r.ids(t, "items"), "1 2 1")
}

func TestWriteDispositions(t *testing.T) {
	wide := append(itemSchema[:len(itemSchema):len(itemSchema)], &bigquery.FieldSchema{Name: "note", Type: bigquery.StringFieldType})
	type wideItem struct {
		item
		Note *string `parquet:"note"`
	}
	tests := []struct {
		name    string
		do      bigquery.TableWriteDisposition
		ids     string
		columns int
		reason  string
	}{
		{"append", bigquery.WriteAppend, "1 2 3", 2, ""},
		{"empty", bigquery.WriteEmpty, "1 2 3", 2, "duplicate"},
		{"truncate", bigquery.WriteTruncate, "7", 3, ""},
		{"truncate data", bigquery.WriteTruncateData, "7", 2, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := start(t, Options{})
			r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema})
			if _, err := run(t.Context(), r.loader("items", parquetOf(t, items("2025-01-01", "2025-01-01", "2025-01-01")), itemSchema)); err != nil {
				t.Fatal(err)
			}
			file, schema := parquetOf(t, []item{{7, day("2025-01-02")}}), itemSchema
			if tt.do == bigquery.WriteTruncate {
				file, schema = parquetOf(t, []wideItem{{item: item{7, day("2025-01-02")}}}), wide
			}
			l := r.loader("items", file, schema)
			l.WriteDisposition = tt.do
			_, err := run(t.Context(), l)
			if tt.reason != "" {
				wantError(t, err, tt.reason, "Already Exists: Table")
			} else if err != nil {
				t.Fatal(err)
			}
			if tt.do == bigquery.WriteAppend {
				tt.ids += " 7"
			}
			wantEqual(t, r.ids(t, "items"), tt.ids)
			wantEqual(t, len(r.Table("shop", "items").Schema.Fields), tt.columns)
		})
	}
}

func TestCreateDispositions(t *testing.T) {
	r := start(t, Options{})
	file := parquetOf(t, items("2025-01-01"))
	_, err := run(t.Context(), r.loader("items", file, itemSchema))
	wantError(t, err, "notFound", "Not found: Table test-project:shop.items")

	l := r.loader("items", file, itemSchema)
	l.CreateDisposition = bigquery.CreateIfNeeded
	l.TimePartitioning = &bigquery.TimePartitioning{Type: bigquery.MonthPartitioningType, Field: "at"}
	if _, err := run(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, r.Table("shop", "items").TimePartitioning.Type, "MONTH")

	_, err = run(t.Context(), r.client.Dataset("other").Table("items").LoaderFrom(l.Src))
	wantError(t, err, "404 notFound", "Not found: Dataset test-project:other")

	l = r.loader("bad", []byte("not parquet"), nil)
	l.CreateDisposition = bigquery.CreateIfNeeded
	_, err = run(t.Context(), l)
	wantError(t, err, "invalid", "not in Parquet format")
	if r.Table("shop", "bad") != nil {
		t.Error("a job that failed made its table")
	}
}

func TestLoadIntoView(t *testing.T) {
	r := start(t, Options{})
	r.create(t, "seen", &bigquery.TableMetadata{ViewQuery: "SELECT 1"})
	_, err := run(t.Context(), r.loader("seen", parquetOf(t, items("2025-01-01")), itemSchema))
	wantError(t, err, "invalid", "currently a VIEW")
}

func TestLoadMakesNoQueries(t *testing.T) {
	r := start(t, Options{})
	_, err := r.client.Query("SELECT 1").Run(t.Context())
	wantError(t, err, "400 invalid", "Queries are not simulated")
	status, body, _ := r.ask(t, "POST", "/bigquery/v2/projects/test-project/queries", "{}")
	if status != 400 || body["error"] == nil {
		t.Errorf("got %d %v, want 400", status, body)
	}
}

func TestLoadRefusesWhatItCannotCheck(t *testing.T) {
	r := start(t, Options{})
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema})
	src := bigquery.NewReaderSource(nil)
	src.SourceFormat = bigquery.CSV
	_, err := run(t.Context(), r.shop.Table("items").LoaderFrom(bigquery.NewGCSReference("gs://b/o")))
	wantError(t, err, "501 notImplemented", "Source format")

	l := r.loader("items", parquetOf(t, items("2025-01-01")), itemSchema)
	l.Labels = map[string]string{"Window": "(0,2]"}
	_, err = run(t.Context(), l)
	wantError(t, err, "400 invalid", "Label key")
	l.Labels = map[string]string{"window": "(0,2]"}
	_, err = run(t.Context(), l)
	wantError(t, err, "400 invalid", "Label value")
	wantEqual(t, len(r.Jobs()), 0)
}

func TestSkimFindsWhatItMust(t *testing.T) {
	type row struct {
		N    uint64    `parquet:"n"`
		At   time.Time `parquet:"at,timestamp(microsecond)"`
		Tags []*string `parquet:"tags,list"`
	}
	schema := bigquery.Schema{
		{Name: "n", Type: bigquery.IntegerFieldType, Required: true}, itemSchema[1],
		{Name: "tags", Type: bigquery.StringFieldType, Repeated: true},
	}
	r := start(t, Options{Skim: true})
	r.create(t, "rows", &bigquery.TableMetadata{Schema: schema, TimePartitioning: &bigquery.TimePartitioning{Field: "at"}})
	a := "a"
	if _, err := run(t.Context(), r.loader("rows", parquetOf(t, []row{{1, day("2025-01-01"), []*string{&a}}}), schema)); err != nil {
		t.Fatal(err)
	}
	_, err := run(t.Context(), r.loader("rows", parquetOf(t, []row{{1 << 63, day("2025-01-01"), nil}}), schema))
	wantError(t, err, "invalid", "9223372036854775808 does not fit")
	_, err = run(t.Context(), r.loader("rows", parquetOf(t, []row{{1, day("2025-01-01"), []*string{nil}}}), schema))
	wantError(t, err, "invalid", "Null elements")
	wantEqual(t, r.Table("shop", "rows").NumRows, uint64(1))
	rows, err := r.Rows("shop", "rows")
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, rows[0].String(), `{"n": 1, "at": "2025-01-01T00:00:00.000000Z", "tags": ["a"]}`)
}
