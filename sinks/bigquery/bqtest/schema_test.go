package bqtest

import (
	"testing"

	"cloud.google.com/go/bigquery"
)

type noted struct {
	item
	Note *string `parquet:"note"`
}

var notedSchema = append(itemSchema[:len(itemSchema):len(itemSchema)], col("note", "STRING"))

func TestLoadsWithOtherSchemas(t *testing.T) {
	narrow, wide := parquetOf(t, items("2025-01-01")), parquetOf(t, []noted{{item: item{1, day("2025-01-01")}}})
	loose := bigquery.Schema{col("id", "INTEGER"), itemSchema[1]}
	tests := []struct {
		name          string
		table, schema bigquery.Schema
		file          []byte
		options       []string
		reason, part  string
		columns       int
	}{
		{"the table has more", notedSchema, itemSchema, narrow, nil, "", "", 3},
		{"the job has more", itemSchema, notedSchema, wide, nil, "invalid", "Cannot add fields (field: note)", 2},
		{"the job may add", itemSchema, notedSchema, wide, []string{"ALLOW_FIELD_ADDITION"}, "", "", 3},
		{"the file has more", itemSchema, itemSchema, wide, nil, "invalid", "'note' is not in the schema", 2},
		{"the file has less", notedSchema, notedSchema, narrow, nil, "", "", 3},
		{"the file lacks a required one", itemSchema, itemSchema, parquetOf(t, []struct {
			ID int64 `parquet:"id"`
		}{{1}}), nil, "invalid", "Required column 'at' is missing", 2},
		{"the job lacks a required one", itemSchema, itemSchema[:1], parquetOf(t, []struct {
			ID int64 `parquet:"id"`
		}{{1}}), nil, "invalid", "Field at is missing in new schema", 2},
		{"another type", itemSchema, bigquery.Schema{{Name: "id", Type: "STRING", Required: true}, itemSchema[1]}, narrow, nil, "invalid", "'id' has type INTEGER which does not match", 2},
		{"nullable but required in the file", loose, loose, narrow, nil, "invalid", "specified as NULLABLE in provided schema which does not match REQUIRED", 2},
		{"no schema", itemSchema, nil, narrow, nil, "", "", 2},
		{"no schema, and the table is looser", loose, nil, narrow, nil, "invalid", "changed mode from NULLABLE to REQUIRED", 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := start(t, Options{})
			r.create(t, "items", &bigquery.TableMetadata{Schema: tt.table})
			l := r.loader("items", tt.file, tt.schema)
			l.SchemaUpdateOptions = tt.options
			_, err := run(t.Context(), l)
			want := "1"
			if tt.reason != "" {
				wantError(t, err, tt.reason, tt.part)
				want = ""
			} else if err != nil {
				t.Fatal(err)
			}
			wantEqual(t, r.ids(t, "items"), want)
			wantEqual(t, len(r.Table("shop", "items").Schema.Fields), tt.columns)
		})
	}
}

func TestRelaxation(t *testing.T) {
	type loose struct {
		ID *int64 `parquet:"id"`
	}
	schema := bigquery.Schema{col("id", "INTEGER")}
	r := start(t, Options{})
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema[:1]})
	l := r.loader("items", parquetOf(t, []loose{{nil}}), schema)
	_, err := run(t.Context(), l)
	wantError(t, err, "invalid", "changed mode from REQUIRED to NULLABLE")
	l = r.loader("items", parquetOf(t, []loose{{nil}}), schema)
	l.SchemaUpdateOptions = []string{"ALLOW_FIELD_RELAXATION"}
	if _, err := run(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, r.ids(t, "items"), "null")
}

func TestUpdateOptionsNeedADisposition(t *testing.T) {
	r := start(t, Options{})
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema, TimePartitioning: &bigquery.TimePartitioning{Field: "at"}})
	for table, want := range map[string]string{"items": "400 invalid", "items$20250101": ""} {
		l := r.loader(table, parquetOf(t, []noted{{item: item{1, day("2025-01-01")}}}), notedSchema)
		l.WriteDisposition, l.SchemaUpdateOptions = bigquery.WriteTruncate, []string{"ALLOW_FIELD_ADDITION"}
		_, err := run(t.Context(), l)
		if want != "" {
			wantError(t, err, want, "Schema update options should only be specified")
		} else if err != nil {
			t.Error(err)
		}
	}
}

func TestRowsLoadedBeforeAColumn(t *testing.T) {
	r := start(t, Options{})
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema})
	if _, err := run(t.Context(), r.loader("items", parquetOf(t, items("2025-01-01")), itemSchema)); err != nil {
		t.Fatal(err)
	}
	tags := &bigquery.FieldSchema{Name: "tags", Type: "STRING", Repeated: true}
	if _, err := r.shop.Table("items").Update(t.Context(), bigquery.TableMetadataToUpdate{Schema: append(notedSchema, tags)}, ""); err != nil {
		t.Fatal(err)
	}
	rows, err := r.Rows("shop", "items")
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, rows[0].String(), `{"id": 1, "at": "2025-01-01T00:00:00.000000Z", "note": null, "tags": []}`)
}
