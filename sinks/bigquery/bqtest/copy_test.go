package bqtest

import (
	"testing"

	"cloud.google.com/go/bigquery"
)

func (r *rig) copier(to string, from ...string) *bigquery.Copier {
	var sources []*bigquery.Table
	for _, name := range from {
		sources = append(sources, r.shop.Table(name))
	}
	c := r.shop.Table(to).CopierFrom(sources...)
	c.WriteDisposition = bigquery.WriteTruncate
	c.CreateDisposition = bigquery.CreateNever
	return c
}

func TestCopyReplacesATable(t *testing.T) {
	r := start(t, Options{})
	live, shadow := byDay(), byDay()
	live.Description, live.Labels = "live", map[string]string{"kept": "yes"}
	shadow.Schema = notedSchema
	r.create(t, "items", live)
	r.create(t, "items__g2", shadow)
	if _, err := run(t.Context(), r.loader("items", parquetOf(t, items("2025-01-01", "2025-01-02")), itemSchema)); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t.Context(), r.loader("items__g2", parquetOf(t, []noted{{item: item{7, day("2025-01-01")}}}), notedSchema)); err != nil {
		t.Fatal(err)
	}
	c := r.copier("items", "items__g2")
	c.JobID = "swap_1"
	if _, err := run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, r.ids(t, "items"), "7")
	md := r.Table("shop", "items")
	wantEqual(t, len(md.Schema.Fields), 3)
	wantEqual(t, md.Labels, map[string]string{"kept": "yes"})
	_, err := run(t.Context(), c)
	wantError(t, err, "409 duplicate", "")

	// What happens to the one afterwards is nothing to the other.
	if err := r.shop.Table("items__g2$20250101").Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, r.ids(t, "items__g2"), "")
	wantEqual(t, r.ids(t, "items"), "7")
	if err := r.shop.Table("items__g2").Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, r.ids(t, "items"), "7")
}

func TestCopyDispositions(t *testing.T) {
	r := start(t, Options{})
	for _, name := range []string{"a", "b"} {
		r.create(t, name, byDay())
		if _, err := run(t.Context(), r.loader(name, parquetOf(t, items("2025-01-01", "2025-01-02")), itemSchema)); err != nil {
			t.Fatal(err)
		}
	}
	c := r.copier("b", "a")
	c.WriteDisposition = bigquery.WriteEmpty
	_, err := run(t.Context(), c)
	wantError(t, err, "duplicate", "Already Exists")
	c.WriteDisposition = bigquery.WriteAppend
	if _, err := run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, r.ids(t, "b"), "1 2 1 2")
	if _, err := run(t.Context(), r.copier("b$20250101", "a$20250101")); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, r.ids(t, "b"), "2 2 1")

	c = r.copier("c", "a", "b")
	_, err = run(t.Context(), c)
	wantError(t, err, "notFound", "Not found: Table")
	c.CreateDisposition = bigquery.CreateIfNeeded
	if _, err := run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, r.ids(t, "c"), "1 2 2 2 1")
	wantEqual(t, r.Table("shop", "c").TimePartitioning.Field, "at")
	_, err = run(t.Context(), r.copier("b", "none"))
	wantError(t, err, "notFound", "shop.none")
}

func TestCopiesThatAreRefused(t *testing.T) {
	r := start(t, Options{})
	r.create(t, "whole", &bigquery.TableMetadata{Schema: itemSchema})
	r.create(t, "days", byDay())
	clustered := byDay()
	clustered.Clustering = &bigquery.Clustering{Fields: []string{"id"}}
	r.create(t, "clustered", clustered)
	r.create(t, "view", &bigquery.TableMetadata{ViewQuery: "SELECT 1"})
	for _, tt := range []struct{ to, from, part string }{
		{"whole", "days", "Incompatible table partitioning specification"},
		{"clustered", "days", "Incompatible table clustering specification"},
		{"days", "view", "its type: VIEW"},
		{"view", "whole", "currently a VIEW"},
	} {
		_, err := run(t.Context(), r.copier(tt.to, tt.from))
		wantError(t, err, "invalid", tt.part)
	}
	far := r.client.Dataset("far")
	if err := far.Create(t.Context(), &bigquery.DatasetMetadata{Location: "EU"}); err != nil {
		t.Fatal(err)
	}
	c := far.Table("days").CopierFrom(r.shop.Table("days"))
	_, err := run(t.Context(), c)
	wantError(t, err, "invalid", "Cannot read and write in different locations")
	wide := append(notedSchema[:3:3], col("more", "STRING"))
	r.create(t, "wide", &bigquery.TableMetadata{Schema: wide})
	c = r.copier("whole", "wide")
	c.WriteDisposition = bigquery.WriteAppend
	_, err = run(t.Context(), c)
	wantError(t, err, "invalid", "Cannot add fields")
	c = r.copier("whole", "wide")
	c.OperationType = bigquery.SnapshotOperation
	_, err = run(t.Context(), c)
	wantError(t, err, "501 notImplemented", "SNAPSHOT")
}
