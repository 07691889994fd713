package bqtest

import (
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
)

func TestDailyModifications(t *testing.T) {
	c := &clock{now: day("2025-06-01")}
	r := start(t, Options{Clock: c.Now, Limits: Limits{TableModifications: 2, Updates: -1}})
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema})
	load := func(file []byte) error {
		_, err := run(t.Context(), r.loader("items", file, itemSchema))
		return err
	}
	good := parquetOf(t, items("2025-01-01"))
	wantError(t, load([]byte("bad")), "invalid", "") // it counts all the same
	if err := load(good); err != nil {
		t.Fatal(err)
	}
	wantError(t, load(good), "quotaExceeded", "Your table exceeded quota for imports or query appends per table")
	wantEqual(t, r.Budget("shop", "items").Jobs, 2)
	// A table of the same name is no way around it.
	if err := r.shop.Table("items").Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema})
	wantError(t, load(good), "quotaExceeded", "")
	c.now = c.now.Add(24 * time.Hour)
	if err := load(good); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, r.Budget("shop", "items"), Budget{Jobs: 1, Updates: 1})
	wantEqual(t, r.Budget("", "").Jobs, 1)
}

func TestPartitionLimits(t *testing.T) {
	c := &clock{now: day("2025-06-01")}
	r := start(t, Options{Clock: c.Now, Limits: Limits{PartitionModifications: 6, PartitionsPerJob: 3, PartitionsPerTable: 4, TableModifications: 1}})
	r.create(t, "items", byDay())
	load := func(days ...string) error {
		_, err := run(t.Context(), r.loader("items", parquetOf(t, items(days...)), itemSchema))
		return err
	}
	wantError(t, load("2025-01-01", "2025-01-02", "2025-01-03", "2025-01-04"), "invalid", "Too many partitions produced by load, allowed 3")
	if err := load("2025-01-01", "2025-01-02", "2025-01-03"); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, r.Budget("shop", "items").Partitions, 4) // the job that failed touched one
	wantError(t, load("2025-01-04", "2025-01-05"), "quotaExceeded", "would have 5 partitions")
	if err := load("2025-01-01"); err != nil {
		t.Fatal(err)
	}
	wantError(t, load("2025-01-01"), "quotaExceeded", "partition modifications")
	wantEqual(t, r.ids(t, "items"), "1 2 3 1")
}

func TestJobsThatFailMakeNoTables(t *testing.T) {
	r := start(t, Options{Limits: Limits{PartitionsPerJob: 1}})
	l := r.loader("items", parquetOf(t, items("2025-01-01", "2025-01-02")), itemSchema)
	l.CreateDisposition, l.TimePartitioning = bigquery.CreateIfNeeded, &bigquery.TimePartitioning{Field: "at"}
	_, err := run(t.Context(), l)
	wantError(t, err, "invalid", "Too many partitions")
	wantEqual(t, r.Tables("shop"), nil)
}

func TestProjectJobs(t *testing.T) {
	r := start(t, Options{Limits: Limits{ProjectJobs: 1}})
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema})
	for _, want := range []string{"", "403 quotaExceeded"} {
		_, err := run(t.Context(), r.loader("items", parquetOf(t, items("2025-01-01")), itemSchema))
		if want != "" {
			wantError(t, err, want, "Your project exceeded quota for load jobs")
		} else if err != nil {
			t.Fatal(err)
		}
	}
	wantEqual(t, len(r.Jobs()), 1)
}

func TestUpdatesInTenSeconds(t *testing.T) {
	c := &clock{now: day("2025-06-01")}
	r := start(t, Options{Clock: c.Now})
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema})
	patch := func() (int, map[string]any) {
		status, body, _ := r.ask(t, "PATCH", "/projects/test-project/datasets/shop/tables/items", `{"description":"x"}`)
		return status, body
	}
	for range 4 {
		if status, body := patch(); status != 200 {
			t.Fatalf("got %d %v", status, body)
		}
	}
	if _, err := run(t.Context(), r.loader("items", parquetOf(t, items("2025-01-01")), itemSchema)); err != nil {
		t.Fatal(err)
	}
	status, body := patch()
	wantEqual(t, status, 403)
	wantEqual(t, body["error"].(map[string]any)["errors"].([]any)[0].(map[string]any)["reason"], any("rateLimitExceeded"))
	_, err := run(t.Context(), r.loader("items", parquetOf(t, items("2025-01-01")), itemSchema))
	wantError(t, err, "rateLimitExceeded", "too many table update operations for this table")
	c.now = c.now.Add(10 * time.Second)
	if status, body := patch(); status != 200 {
		t.Fatalf("got %d %v", status, body)
	}
}

func TestRowBytes(t *testing.T) {
	r := start(t, Options{Limits: Limits{RowBytes: 16}})
	r.create(t, "items", &bigquery.TableMetadata{Schema: notedSchema})
	note := "0123456789"
	for text, want := range map[string]string{"": "", note: "resourcesExceeded"} {
		row := noted{item: item{1, day("2025-01-01")}}
		if text != "" {
			row.Note = &text
		}
		_, err := run(t.Context(), r.loader("items", parquetOf(t, []noted{row}), notedSchema))
		if want == "" && text == "" {
			wantError(t, err, "resourcesExceeded", "a row of 24 bytes")
			continue
		}
		wantError(t, err, want, "a row of 28 bytes")
	}
	free := start(t, Options{Limits: Unlimited})
	free.create(t, "items", &bigquery.TableMetadata{Schema: notedSchema})
	for range 6 {
		if _, err := run(t.Context(), free.loader("items", parquetOf(t, []noted{{item: item{1, day("2025-01-01")}, Note: &note}}), notedSchema)); err != nil {
			t.Fatal(err)
		}
	}
}
