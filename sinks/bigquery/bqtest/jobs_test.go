package bqtest

import (
	"testing"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/iterator"
)

func TestSameJobIDIsRefused(t *testing.T) {
	r := start(t, Options{})
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema})
	l := r.loader("items", parquetOf(t, items("2025-01-01")), itemSchema)
	l.JobID, l.Location = "load_1", "US"
	if _, err := run(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	l = r.loader("items", parquetOf(t, items("2025-01-01")), itemSchema)
	l.JobID, l.Location = "load_1", "US"
	_, err := l.Run(t.Context())
	wantError(t, err, "409 duplicate", "Already Exists: Job test-project:US.load_1")
	wantEqual(t, r.ids(t, "items"), "1")

	status, body, _ := r.ask(t, "POST", "/projects/test-project/jobs", `{"jobReference":{"jobId":"load_1"},"configuration":{"copy":{
		"sourceTable":{"projectId":"test-project","datasetId":"shop","tableId":"items"},
		"destinationTable":{"projectId":"test-project","datasetId":"shop","tableId":"other"}}}}`)
	wantEqual(t, status, 409)
	wantEqual(t, body, map[string]any{"error": map[string]any{
		"code": 409.0, "message": "Already Exists: Job test-project:US.load_1", "status": "ALREADY_EXISTS",
		"errors": []any{map[string]any{"message": "Already Exists: Job test-project:US.load_1", "domain": "global", "reason": "duplicate"}},
	}})
}

func TestFailedJobKeepsItsID(t *testing.T) {
	r := start(t, Options{})
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema})
	r.Fail(Rule{Method: "jobs.insert", Do: JobFails("backendError")})
	load := func() error {
		l := r.loader("items", parquetOf(t, items("2025-01-01")), itemSchema)
		l.JobID = "load_1"
		_, err := run(t.Context(), l)
		return err
	}
	wantError(t, load(), "backendError", "by script")
	wantEqual(t, r.ids(t, "items"), "")
	wantError(t, load(), "409 duplicate", "")
	wantEqual(t, r.ids(t, "items"), "")
}

func TestRefusedJobLeavesItsIDFree(t *testing.T) {
	r := start(t, Options{})
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema})
	for _, labels := range []map[string]string{{"a": "BAD"}, nil} {
		l := r.loader("items", parquetOf(t, items("2025-01-01")), itemSchema)
		l.JobID, l.Labels = "load_1", labels
		if _, err := run(t.Context(), l); (err != nil) != (labels != nil) {
			t.Fatalf("labels %v: got error %v", labels, err)
		}
	}
	wantEqual(t, r.ids(t, "items"), "1")
}

func TestJobsAreScopedByLocation(t *testing.T) {
	r := start(t, Options{})
	if err := r.client.Dataset("far").Create(t.Context(), &bigquery.DatasetMetadata{Location: "europe-west1"}); err != nil {
		t.Fatal(err)
	}
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema})
	if err := r.client.Dataset("far").Table("items").Create(t.Context(), &bigquery.TableMetadata{Schema: itemSchema}); err != nil {
		t.Fatal(err)
	}
	file := parquetOf(t, items("2025-01-01"))
	near := r.loader("items", file, itemSchema)
	near.JobID = "load_1"
	if _, err := run(t.Context(), near); err != nil {
		t.Fatal(err)
	}
	far := r.loader("items", file, itemSchema)
	far.Dst, far.JobID, far.Location = r.client.Dataset("far").Table("items"), "load_1", "europe-west1"
	if _, err := run(t.Context(), far); err != nil {
		t.Fatalf("the same ID in another location: %v", err)
	}
	far = r.loader("items", file, itemSchema)
	far.Dst, far.JobID, far.Location = r.client.Dataset("far").Table("items"), "load_2", "US"
	_, err := run(t.Context(), far)
	wantError(t, err, "404 notFound", "Dataset test-project:far was not found in location US")

	for location, want := range map[string]string{"US": "", "": "", "EU": "404 notFound"} {
		_, err := r.client.JobFromIDLocation(t.Context(), "load_1", location)
		if want == "" && err != nil || want != "" && reason(err) != want {
			t.Errorf("location %q: got error %v, want %q", location, err, want)
		}
	}
	if _, err := r.client.JobFromIDLocation(t.Context(), "load_1", "europe-west1"); err != nil {
		t.Error(err)
	}
}

func TestJobsTakeTime(t *testing.T) {
	r := start(t, Options{JobDelay: 2})
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema})
	l := r.loader("items", parquetOf(t, items("2025-01-01")), itemSchema)
	l.JobID = "load_1"
	job, err := l.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []bigquery.State{bigquery.Pending, bigquery.Running, bigquery.Done} {
		wantEqual(t, r.ids(t, "items"), "")
		status, err := job.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, status.State, want)
	}
	wantEqual(t, r.ids(t, "items"), "1")

	r.Fail(Rule{Do: Slow(100)})
	l = r.loader("items", parquetOf(t, items("2025-01-01", "2025-01-01")), itemSchema)
	if _, err = l.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, r.ids(t, "items"), "1")
	r.Settle()
	wantEqual(t, r.ids(t, "items"), "1 1 2")
}

func TestListAndCancelJobs(t *testing.T) {
	r := start(t, Options{})
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema})
	for _, id := range []string{"a", "b", "c"} {
		if id == "c" {
			r.Fail(Rule{Do: Slow(9)})
		}
		l := r.loader("items", parquetOf(t, items("2025-01-01")), itemSchema)
		l.JobID = id
		if _, err := l.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	list := func(state bigquery.State) string {
		it := r.client.Jobs(t.Context())
		it.State = state
		it.PageInfo().MaxSize = 1
		ids := ""
		for {
			job, err := it.Next()
			if err == iterator.Done {
				return ids
			}
			if err != nil {
				t.Fatal(err)
			}
			ids += job.ID()
		}
	}
	wantEqual(t, list(bigquery.StateUnspecified), "cba")
	wantEqual(t, list(bigquery.Done), "ba")
	wantEqual(t, list(bigquery.Pending), "c")
	job, err := r.client.JobFromID(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	if err := job.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	status, err := job.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, reason(status.Err()), "stopped")
	r.Settle()
	wantEqual(t, r.ids(t, "items"), "1 1")
}

func TestJobIDs(t *testing.T) {
	r := start(t, Options{})
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema})
	l := r.loader("items", parquetOf(t, items("2025-01-01")), itemSchema)
	l.JobID = "load.1"
	_, err := l.Run(t.Context())
	wantError(t, err, "400 invalid", "Invalid job ID")
}
