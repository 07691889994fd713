package bigquery_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"backstory/sinks"
	"backstory/sinks/bigquery"
	"backstory/sinks/bigquery/bqtest"
	"backstory/sinks/sinktest"
	"backstory/source"
	"backstory/transform"

	client "cloud.google.com/go/bigquery"
	"google.golang.org/api/googleapi"
)

func commit(t *testing.T, s *bigquery.Sink, w source.Window, tables ...*transform.Table) error {
	t.Helper()
	return sinktest.Commit(t.Context(), s, w, tables...)
}

// jobIDs are those of the jobs into a table, in their order, with how they ended.
func jobIDs(server *bqtest.Server, table string) (ids []string) {
	for _, j := range server.Jobs() {
		if l := j.Configuration.Load; l != nil && l.DestinationTable.TableId == table {
			end := "done"
			if j.Status.ErrorResult != nil {
				end = j.Status.ErrorResult.Reason
			}
			id := j.JobReference.JobId
			ids = append(ids, id[strings.LastIndex(id, "_a")+1:]+" "+end)
		}
	}
	return ids
}

// TestAttempts checks what follows from a job that failed, by its reason.
func TestAttempts(t *testing.T) {
	tests := map[string]struct {
		reasons []string
		want    string // how the jobs ended
		fails   string // what the error says, "" if there is none
	}{
		"passing":        {[]string{"backendError", "internalError", "rateLimitExceeded"}, "a1 backendError,a2 internalError,a3 rateLimitExceeded,a4 done", ""},
		"stopped":        {[]string{"stopped"}, "a1 stopped,a2 done", ""},
		"for good":       {[]string{"invalid"}, "a1 invalid", "load test-project.shop.orders"},
		"a day's quota":  {[]string{"quotaExceeded"}, "a1 quotaExceeded", "quotaExceeded"},
		"too large":      {[]string{"resourcesExceeded"}, "a1 resourcesExceeded", "resourcesExceeded"},
		"nobody knows":   {[]string{"somethingNew"}, "a1 somethingNew", "somethingNew"},
		"passing, never": {[]string{"backendError", "invalid"}, "a1 backendError,a2 invalid", "invalid"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := start(t, bqtest.Options{})
			for i, reason := range test.reasons {
				server.Fail(bqtest.Rule{Method: "jobs.insert", Table: "orders", Nth: i + 1, Do: bqtest.JobFails(reason)})
			}
			s := open(t, options(server))
			err := commit(t, s, sinktest.Window(0, 10), sinktest.Orders(), sinktest.Refunds())
			if got := strings.Join(jobIDs(server, "orders"), ","); got != test.want {
				t.Errorf("jobs: got %s, want %s", got, test.want)
			}
			if test.fails == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.fails) {
				t.Fatalf("got %v, want %q in it", err, test.fails)
			}
			if n := len(jobIDs(server, "_backstory_loads")); n != 0 {
				t.Fatalf("got %d manifests of what was not loaded", n)
			}
			// What kept it from working may have been mended.
			server.Mend()
			if err := commit(t, s, sinktest.Window(0, 10), sinktest.Orders(), sinktest.Refunds()); err != nil {
				t.Fatal(err)
			}
			p := place(server, nil)
			if n := len(p.Rows(t, "orders")) + len(p.Rows(t, "refunds")); n != 20 {
				t.Fatalf("got %d rows, want 20", n)
			}
		})
	}
}

// TestAttemptsOfMany checks that a load which has failed ever so often, as it
// does while a quota is used up, is done when nothing is in the way any more.
func TestAttemptsOfMany(t *testing.T) {
	server := start(t, bqtest.Options{})
	server.Fail(bqtest.Rule{Method: "jobs.insert", Table: "orders", Times: -1, Do: bqtest.JobFails("quotaExceeded")})
	for range 30 {
		if err := commit(t, open(t, options(server)), sinktest.Window(0, 10), sinktest.Orders()); err == nil {
			t.Fatal("a job that fails: got no error")
		}
	}
	server.Mend()
	if err := commit(t, open(t, options(server)), sinktest.Window(0, 10), sinktest.Orders()); err != nil {
		t.Fatal(err)
	}
	if ids := jobIDs(server, "orders"); ids[len(ids)-1] != "a31 done" {
		t.Errorf("got %v, want a31 done at the end", ids)
	}
}

// TestNotOurs checks that a job of our ID which does something else is no success.
func TestNotOurs(t *testing.T) {
	server := start(t, bqtest.Options{})
	s := open(t, options(server))
	if err := evolve(t, s, sinktest.Orders(), sinktest.Refunds()); err != nil {
		t.Fatal(err)
	}
	// Another process has loaded the window under other rules, and stopped
	// before its manifest.
	server.Fail(bqtest.Rule{Method: "jobs.insert", Table: "_backstory_loads", Do: bqtest.Status(403, "accessDenied")})
	if err := commit(t, s, sinktest.Window(0, 10), sinktest.Orders()); err == nil {
		t.Fatal("commit without a manifest: got no error")
	}
	txn, err := s.Begin(t.Context(), sinktest.Load(sinktest.Window(0, 10)))
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Abort()
	r := sinktest.Record(sinktest.Orders(), sinktest.Window(0, 10))
	defer r.Release()
	if err := txn.Write(t.Context(), sinktest.Orders(), r); err != nil {
		t.Fatal(err)
	}
	other := sinktest.Summary(sinktest.Window(0, 10))
	other.Fingerprint = "other"
	err = txn.Commit(t.Context(), other)
	if !errors.Is(err, sinks.ErrDisagree) || !strings.Contains(err.Error(), "made under other rules") {
		t.Fatalf("got %v, want ErrDisagree", err)
	}
	expectHint(t, err)
}

// TestMadeAnew checks that jobs which loaded into a table that was deleted
// since are not taken for ones that loaded into its successor.
func TestMadeAnew(t *testing.T) {
	w := sinktest.Window(0, 10)
	deletions := map[string]func(*testing.T, *client.Dataset, *bigquery.Sink) error{
		"dataset": func(t *testing.T, d *client.Dataset, _ *bigquery.Sink) error {
			return d.DeleteWithContents(t.Context())
		},
		"tables": func(t *testing.T, d *client.Dataset, _ *bigquery.Sink) error {
			return errors.Join(d.Table("orders").Delete(t.Context()), d.Table("_backstory_loads").Delete(t.Context()), d.Table("_backstory_tables").Delete(t.Context()))
		},
	}
	for name, deleteIt := range deletions {
		t.Run(name, func(t *testing.T) {
			server := start(t, bqtest.Options{})
			s := open(t, options(server))
			if err := commit(t, s, w, sinktest.Orders()); err != nil {
				t.Fatal(err)
			}
			if err := deleteIt(t, outsider(t, server).Dataset(dataset), s); err != nil {
				t.Fatal(err)
			}
			if err := commit(t, open(t, options(server)), w, sinktest.Orders()); err != nil {
				t.Fatal(err)
			}
			if n := len(place(server, nil).Rows(t, "orders")); n != 10 {
				t.Fatalf("got %d rows, want 10", n)
			}
		})
	}
	t.Run("generation", func(t *testing.T) {
		server := start(t, bqtest.Options{})
		s := open(t, options(server))
		if err := commit(t, s, w, sinktest.Orders()); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			txn, err := s.Begin(t.Context(), sinks.Load{Job: sinktest.Job, Generation: 2, Window: w})
			if err != nil {
				t.Fatal(err)
			}
			r := sinktest.Record(sinktest.Orders(), w)
			if err := txn.Write(t.Context(), sinktest.Orders(), r); err != nil {
				t.Fatal(err)
			}
			r.Release()
			if err := txn.Commit(t.Context(), sinktest.Summary(w)); err != nil {
				t.Fatal(err)
			}
			if n := server.Table(dataset, "orders__g2").NumRows; n != 10 {
				t.Fatalf("got %d rows, want 10", n)
			}
			if err := s.Drop(t.Context(), sinktest.Job, 2); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestUploadInParts sends a file in parts, of which some get lost.
func TestUploadInParts(t *testing.T) {
	for name, fault := range map[string]bqtest.Fault{
		"whole": {}, "session lost": bqtest.LoseSession(410), "part kept": bqtest.KeepPart(100_000), "answer lost": bqtest.DropResponseAfterAccept,
	} {
		t.Run(name, func(t *testing.T) {
			server := start(t, bqtest.Options{})
			o := options(server)
			o.ChunkSize = googleapi.MinUploadChunkSize
			s := open(t, o)
			bigquery.LimitUploads(s, time.Second)
			table := &transform.Table{Name: "orders", Version: 1, Columns: []transform.Column{{Name: "v", Type: kind(transform.String), Encoding: transform.Plain}}}
			var text bytes.Buffer
			x := uint64(1)
			text.WriteString(`["`)
			for range 100_000 { // nothing that could be compressed away
				x = x*6364136223846793005 + 1442695040888963407
				text.WriteString(string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"[x>>59]) + string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"[x>>54&31]) + string("0123456789ABCDEFGHIJKLMNOPQRSTUV"[x>>44&31]) +
					string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"[x>>39&31]) + string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"[x>>34&31]) + string("0123456789ABCDEFGHIJKLMNOPQRSTUV"[x>>30&31]))
			}
			text.WriteString(`"]`)
			if name != "whole" {
				server.Fail(bqtest.Rule{Method: "jobs.insert.chunk", Nth: 2, Do: fault})
			}
			if err := load(t, s, table, text.String()); err != nil {
				t.Fatal(err)
			}
			rows, err := server.Rows(dataset, "orders")
			if err != nil || len(rows) != 1 || len(rows[0].Get("v")) != 600_002 {
				t.Fatalf("got %d rows, %v", len(rows), err)
			}
			if n := server.Requests()["jobs.insert.chunk"]; n < 2 {
				t.Fatalf("got %d parts, want more", n)
			}
		})
	}
}
