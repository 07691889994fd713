package bigquery_test

import (
	"errors"
	"strings"
	"testing"

	"backstory/sinks/bigquery"
	"backstory/sinks/bigquery/bqtest"
	"backstory/sinks/sinktest"
	"backstory/source"

	client "cloud.google.com/go/bigquery"
)

// TestAccessProblems checks that each thing which keeps the sink from its
// dataset has its own words and its own hint, and that looking writes nothing.
func TestAccessProblems(t *testing.T) {
	refuseAll := func(code int, reason string) func(*testing.T, *bqtest.Server, *bigquery.Options) {
		return func(_ *testing.T, s *bqtest.Server, _ *bigquery.Options) {
			s.Fail(bqtest.Rule{Times: -1, Do: bqtest.Status(code, reason)})
		}
	}
	tests := map[string]struct {
		prepare     func(*testing.T, *bqtest.Server, *bigquery.Options)
		cause, hint string
	}{
		"credentials expired": {refuseAll(401, "authError"), "look at dataset test-project.shop", "the credentials were refused or have expired"},
		"API switched off":    {refuseAll(403, "accessNotConfigured"), "look at dataset test-project.shop", "gcloud services enable bigquery.googleapis.com"},
		"no billing":          {refuseAll(403, "billingNotEnabled"), "billingNotEnabled", "enable billing"},
		"quota exhausted":     {refuseAll(403, "quotaExceeded"), "Quota exceeded", "refills slowly"},
		"no right to look":    {deny("bigquery.datasets.get"), "bigquery.datasets.get denied", "roles/bigquery.dataEditor on the dataset"},
		"no right to run jobs": {
			deny("bigquery.jobs.create"), "run jobs in project test-project: ", "grant roles/bigquery.jobUser on project test-project",
		},
		"no right to change tables": {
			deny("bigquery.tables.updateData"), "change tables of dataset test-project.shop: missing bigquery.tables.updateData", "grant roles/bigquery.dataEditor on the dataset",
		},
		"no right to anything": {
			func(_ *testing.T, s *bqtest.Server, _ *bigquery.Options) {
				s.Deny("bigquery.jobs.create", "bigquery.tables.updateData")
			},
			"run jobs in project test-project: ", "grant roles/bigquery.jobUser on project test-project to whom backstory runs as; grant roles/bigquery.dataEditor on the dataset",
		},
		"another location": {
			func(_ *testing.T, _ *bqtest.Server, o *bigquery.Options) { o.Location = "EU" },
			"use dataset test-project.shop: it is in US and not in EU", "set sink.location to US",
		},
		"no such project": {
			func(_ *testing.T, _ *bqtest.Server, o *bigquery.Options) { o.Project = "nobodys-project" },
			"run jobs in project nobodys-project: ", "it is the project's ID",
		},
		"nothing": {func(*testing.T, *bqtest.Server, *bigquery.Options) {}, "", ""},
		"no dataset yet": {
			func(_ *testing.T, _ *bqtest.Server, o *bigquery.Options) { o.Dataset = "another" }, "", "",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := start(t, bqtest.Options{})
			o := options(server)
			if err := commit(t, open(t, o), sinktest.Window(0, 10), sinktest.Orders()); err != nil {
				t.Fatal(err)
			}
			jobs := len(server.Jobs())
			test.prepare(t, server, &o)
			err := open(t, o).Access(t.Context())
			if n := len(server.Jobs()); n != jobs {
				t.Errorf("%d jobs were run", n-jobs)
			}
			for method, n := range server.Requests() {
				if strings.HasSuffix(method, ".patch") || strings.HasSuffix(method, ".delete") {
					t.Errorf("%d requests %s", n, method)
				}
			}
			if test.cause == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.cause) {
				t.Fatalf("got %v, want %q in it", err, test.cause)
			}
			var setup *source.SetupError
			if !errors.As(err, &setup) || !strings.Contains(setup.Advice, test.hint) {
				t.Errorf("got hint %+v, want %q in it", setup, test.hint)
			}
		})
	}
}

// TestTableInTheWayAsView names a view that stands where a table belongs.
func TestTableInTheWayAsView(t *testing.T) {
	server := start(t, bqtest.Options{})
	d := outsider(t, server).Dataset(dataset)
	if err := d.Create(t.Context(), &client.DatasetMetadata{}); err != nil {
		t.Fatal(err)
	}
	if err := d.Table("_backstory_loads").Create(t.Context(), &client.TableMetadata{ViewQuery: "SELECT 1"}); err != nil {
		t.Fatal(err)
	}
	err := commit(t, open(t, options(server)), sinktest.Window(0, 10), sinktest.Orders())
	if err == nil || !strings.Contains(err.Error(), "_backstory_loads") {
		t.Fatalf("got %v", err)
	}
	expectHint(t, err)
}
