package bqtest

import (
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
)

func byDay() *bigquery.TableMetadata {
	return &bigquery.TableMetadata{Schema: itemSchema, TimePartitioning: &bigquery.TimePartitioning{Type: bigquery.DayPartitioningType, Field: "at"}}
}

func TestPartitionDecorators(t *testing.T) {
	tests := []struct {
		name, table  string
		unit         bigquery.TimePartitioningType
		days         []string
		do           bigquery.TableWriteDisposition
		reason, part string
		ids          string
	}{
		{"replace a day", "items$20250102", bigquery.DayPartitioningType, []string{"2025-01-02"}, bigquery.WriteTruncate, "", "", "1 3 1"},
		{"append to a day", "items$20250102", bigquery.DayPartitioningType, []string{"2025-01-02"}, bigquery.WriteAppend, "", "", "1 2 3 1"},
		{"empty a day", "items$20250102", bigquery.DayPartitioningType, nil, bigquery.WriteTruncate, "", "", "1 3"},
		{"a full day must be empty", "items$20250102", bigquery.DayPartitioningType, []string{"2025-01-02"}, bigquery.WriteEmpty, "duplicate", "", "1 2 3"},
		{"an empty day is empty", "items$20250105", bigquery.DayPartitioningType, []string{"2025-01-05"}, bigquery.WriteEmpty, "", "", "1 2 3 1"},
		{"rows of another day", "items$20250102", bigquery.DayPartitioningType, []string{"2025-01-02", "2025-01-03"}, bigquery.WriteTruncate, "invalid", "Some rows belong to different partitions", "1 2 3"},
		{"a month of days", "items$202501", bigquery.DayPartitioningType, []string{"2025-01-02"}, bigquery.WriteTruncate, "invalid", "Invalid partition reference", "1 2 3"},
		{"replace a month", "items$202501", bigquery.MonthPartitioningType, []string{"2025-01-20"}, bigquery.WriteTruncate, "", "", "3 1"},
		{"no partitions", "items$20250102", "", []string{"2025-01-02"}, bigquery.WriteTruncate, "invalid", "Cannot add storage to a non-partitioned table", "1 2 3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := start(t, Options{})
			md := byDay()
			md.TimePartitioning.Type = tt.unit
			if tt.unit == "" {
				md.TimePartitioning = nil
			}
			r.create(t, "items", md)
			if _, err := run(t.Context(), r.loader("items", parquetOf(t, items("2025-01-01", "2025-01-02", "2025-02-03")), itemSchema)); err != nil {
				t.Fatal(err)
			}
			l := r.loader(tt.table, parquetOf(t, items(tt.days...)), itemSchema)
			l.WriteDisposition = tt.do
			_, err := run(t.Context(), l)
			if tt.reason != "" {
				wantError(t, err, tt.reason, tt.part)
			} else if err != nil {
				t.Fatal(err)
			}
			wantEqual(t, r.ids(t, "items"), tt.ids)
		})
	}
}

func TestPartitionsOfStrangeTimes(t *testing.T) {
	type loose struct {
		ID int64  `parquet:"id"`
		At *int64 `parquet:"at,optional,timestamp(microsecond)"`
	}
	micros := func(text string) *int64 { n := day(text).UnixMicro(); return &n }
	schema := bigquery.Schema{itemSchema[0], col("at", "TIMESTAMP")}
	r := start(t, Options{})
	md := byDay()
	md.Schema = schema
	r.create(t, "items", md)
	late := day("1969-12-31").Add(23*time.Hour + 30*time.Minute).UnixMicro()
	rows := []loose{{1, nil}, {2, micros("1959-12-31")}, {3, micros("2160-01-01")}, {4, micros("1960-01-01")}, {5, &late}, {6, micros("2159-12-31")}}
	if _, err := run(t.Context(), r.loader("items", parquetOf(t, rows), schema)); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, r.Table("shop", "items").NumPartitions, 5)
	for _, decorator := range []string{"__NULL__", "__UNPARTITIONED__", "19691231"} {
		if err := r.shop.Table("items$" + decorator).Delete(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wantEqual(t, r.ids(t, "items"), "4 6")
}

func TestPartitionsByIngestion(t *testing.T) {
	c := &clock{now: day("2025-06-01")}
	r := start(t, Options{Clock: c.Now})
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema, TimePartitioning: &bigquery.TimePartitioning{}})
	for range 2 {
		if _, err := run(t.Context(), r.loader("items", parquetOf(t, items("2020-01-01")), itemSchema)); err != nil {
			t.Fatal(err)
		}
		c.now = c.now.Add(24 * time.Hour)
	}
	wantEqual(t, r.Table("shop", "items").NumPartitions, 2)
	if err := r.shop.Table("items$20250601").Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, r.ids(t, "items"), "1")
}

func TestPartitioningCannotBeChangedByALoad(t *testing.T) {
	r := start(t, Options{})
	r.create(t, "items", byDay())
	l := r.loader("items", parquetOf(t, items("2025-01-01")), itemSchema)
	l.TimePartitioning = &bigquery.TimePartitioning{Type: bigquery.MonthPartitioningType, Field: "at"}
	_, err := run(t.Context(), l)
	wantError(t, err, "invalid", "Incompatible table partitioning specification")
	l = r.loader("items", parquetOf(t, items("2025-01-01")), itemSchema)
	l.Clustering = &bigquery.Clustering{Fields: []string{"id"}}
	_, err = run(t.Context(), l)
	wantError(t, err, "invalid", "Incompatible table clustering specification")
	l = r.loader("items$20250101", parquetOf(t, items("2025-01-01")), itemSchema)
	l.WriteDisposition = bigquery.WriteTruncateData
	_, err = run(t.Context(), l)
	wantError(t, err, "invalid", "WRITE_TRUNCATE_DATA is not allowed on a partition")
}
