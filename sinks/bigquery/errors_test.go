package bigquery_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"backstory/sinks/bigquery"
	"backstory/sinks/bigquery/bqtest"
	"backstory/sinks/sinktest"
	"backstory/source"

	client "cloud.google.com/go/bigquery"
)

// TestProblems checks that each problem of the project has its own words.
func TestProblems(t *testing.T) {
	tests := map[string]struct {
		prepare   func(*testing.T, *bqtest.Server, *bigquery.Options)
		cause     string
		hint      string
		transient bool
	}{
		"no right to make a dataset": {
			prepare: deny("bigquery.datasets.create"), cause: "create dataset test-project.shop: ", hint: "grant roles/bigquery.jobUser",
		},
		"no right to make tables": {prepare: deny("bigquery.tables.create"), cause: "create table test-project.shop.", hint: "grant roles/"},
		"no right to run jobs":    {prepare: deny("bigquery.jobs.create"), cause: "bigquery.jobs.create denied", hint: "grant roles/"},
		"another project": {
			prepare: func(_ *testing.T, _ *bqtest.Server, o *bigquery.Options) { o.Project = "nobodys-project" },
			cause:   "nobodys-project", hint: "check sink.project",
		},
		"another location": {
			prepare: func(t *testing.T, s *bqtest.Server, o *bigquery.Options) {
				if err := outsider(t, s).Dataset(dataset).Create(t.Context(), &client.DatasetMetadata{Location: "EU"}); err != nil {
					t.Fatal(err)
				}
				o.Location = "US"
			},
			cause: "use dataset test-project.shop: it is in EU and not in US", hint: "set sink.location to EU",
		},
		"a day's jobs": {
			prepare: func(_ *testing.T, s *bqtest.Server, _ *bigquery.Options) {
				s.Fail(bqtest.Rule{Method: "jobs.insert", Times: -1, Do: bqtest.QuotaExceeded})
			},
			cause: "Quota exceeded", hint: "is not loaded twice",
		},
		"an outage": {
			prepare: func(_ *testing.T, s *bqtest.Server, _ *bigquery.Options) {
				s.Fail(bqtest.Rule{Method: "jobs.insert", Times: -1, Do: bqtest.Status(503, "backendError")})
			},
			cause: "503", hint: "could not be reached", transient: true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := start(t, bqtest.Options{})
			o := options(server)
			test.prepare(t, server, &o)
			err := commit(t, open(t, o), sinktest.Window(0, 10), sinktest.Orders())
			if err == nil || !strings.Contains(err.Error(), test.cause) {
				t.Fatalf("got %v, want %q in it", err, test.cause)
			}
			if source.IsTransient(err) != test.transient {
				t.Errorf("transient: got %v, want %v", !test.transient, test.transient)
			}
			var h interface{ Hint() string }
			if errors.As(err, &h) != (test.hint != "") || test.hint != "" && !strings.Contains(h.Hint(), test.hint) {
				t.Errorf("hint: got %v, want %q in it", h, test.hint)
			}
		})
	}
}

func deny(permission string) func(*testing.T, *bqtest.Server, *bigquery.Options) {
	return func(_ *testing.T, s *bqtest.Server, _ *bigquery.Options) { s.Deny(permission) }
}

// TestCredentials checks that nothing of a key is shown.
func TestCredentials(t *testing.T) {
	t.Setenv("BIGQUERY_EMULATOR_HOST", "")
	path := filepath.Join(t.TempDir(), "key.json")
	for _, text := range []string{`{"private_key": "SECRET"`, `SECRET`, `{"type": "service_account", "private_key": "SECRET"}`, ""} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if text == "" {
			path = filepath.Join(t.TempDir(), "none.json")
		}
		_, err := bigquery.Open(t.Context(), bigquery.Options{Project: "some-project", Dataset: dataset, Credentials: path})
		if err == nil {
			t.Fatalf("open with key %q: got no error", text)
		}
		if strings.Contains(err.Error(), "SECRET") {
			t.Errorf("the error shows the key: %v", err)
		}
		expectHint(t, err)
	}
}

// TestAccess checks what is found without writing anything.
func TestAccess(t *testing.T) {
	server := start(t, bqtest.Options{})
	s := open(t, options(server))
	if err := s.Access(t.Context()); err != nil {
		t.Fatalf("an empty project: %v", err)
	}
	if err := commit(t, s, sinktest.Window(0, 10), sinktest.Orders()); err != nil {
		t.Fatal(err)
	}
	jobs := len(server.Jobs())
	if err := s.Access(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Deny("bigquery.jobs.create", "bigquery.tables.updateData")
	err := s.Access(t.Context())
	for _, want := range []string{"run jobs in project test-project", "missing bigquery.tables.updateData"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	expectHint(t, err)
	if len(server.Jobs()) != jobs {
		t.Errorf("got %d jobs, want none more than %d", len(server.Jobs()), jobs)
	}
}

// TestNeverQueries checks what loading asks of BigQuery.
func TestNeverQueries(t *testing.T) {
	server := start(t, bqtest.Options{})
	s := open(t, options(server))
	for i := range int64(3) {
		if err := commit(t, s, sinktest.Window(i*10, i*10+10), sinktest.Orders(), sinktest.Refunds()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Check(t.Context(), sinktest.Job, sinktest.Generation); err != nil {
		t.Fatal(err)
	}
	for _, j := range server.Jobs() {
		if j.Configuration.Load == nil {
			t.Errorf("job %s is no load job", j.JobReference.JobId)
		}
	}
	for method, n := range server.Requests() {
		if strings.Contains(method, "quer") {
			t.Errorf("%d requests %s", n, method)
		}
	}
}
