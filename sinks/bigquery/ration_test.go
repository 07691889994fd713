package bigquery_test

import (
	"strings"
	"testing"
	"time"

	"backstory/sinks"
	"backstory/sinks/bigquery"
	"backstory/sinks/bigquery/bqtest"
	"backstory/sinks/sinktest"
	"backstory/transform"
)

func ration(t *testing.T, s *bigquery.Sink, need sinks.Need) *sinks.Ration {
	t.Helper()
	r, err := s.Ration(t.Context(), sinktest.Job, sinktest.Generation, need)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRationFresh does the arithmetic for a dataset that is not there yet.
func TestRationFresh(t *testing.T) {
	begin := time.Date(2015, 1, 1, 5, 0, 0, 0, time.UTC)
	years := func(windows int64) sinks.Need {
		last := begin.AddDate(11, 0, -1)
		return sinks.Need{Windows: windows, Events: 1_000_000, Bytes: 50_000_000, First: begin, Last: last, Walk: last.Sub(begin)}
	}
	need := func(windows int64) sinks.Need { return sinks.Need{Windows: windows} }
	tests := map[string]struct {
		partition   string
		need        sinks.Need
		loads, days int64
		limit       string
		jobs        int64 // into the table
		changes     int64
		partitions  int64
	}{
		"one piece":            {"none", need(1440), 1470, 1, "1,500 load jobs a day into table orders", 1440, 0, 0},
		"too much for one":     {"none", need(2000), 1470, 2, "1,500 load jobs a day into table orders", 2000, 0, 0},
		"days of no known end": {"day", need(10), 29_400, 1, "30,000 changes of partitions a day of table orders", 10, 10, 1},
		"eleven years at once": {"day", years(1), 7, 1, "30,000 changes of partitions a day of table orders", 2, 4018, 4018},
		"eleven years by bits": {"day", years(1000), 5860, 1, "30,000 changes of partitions a day of table orders", 1000, 5017, 4018},
		"by month":             {"month", years(1), 222, 1, "30,000 changes of partitions a day of table orders", 1, 132, 132},
		"to and fro": {"day", sinks.Need{Windows: 100, First: begin, Last: begin.AddDate(0, 0, 999), Walk: 99_900 * 24 * time.Hour},
			29, 4, "30,000 changes of partitions a day of table orders", 100, 100_000, 1000},
		"more than there are": {"day", sinks.Need{Windows: 1, First: begin.AddDate(-100, 0, 0), Last: begin, Walk: 36525 * 24 * time.Hour},
			2, 1, "30,000 changes of partitions a day of table orders", 3, 10_000, 36526},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := start(t, bqtest.Options{})
			o := options(server)
			o.Partition = test.partition
			test.need.Tables = []*transform.Table{sinktest.Orders()}
			r := ration(t, open(t, o), test.need)
			got := r.Tables[0]
			if r.Loads != test.loads || r.Days != test.days || r.Limit != test.limit || got.Jobs != test.jobs || got.Changes != test.changes || got.Partitions != test.partitions {
				t.Errorf("got %+v, want %+v", r, test)
			}
			if r.Jobs != test.jobs+test.need.Windows || r.Used != 0 || r.Billed != 0 || r.JobsADay != 100_000 {
				t.Errorf("got %+v", r)
			}
			if r.Back.IsZero() != (r.Loads >= test.need.Windows) {
				t.Errorf("got back %s with %d of %d loads", r.Back, r.Loads, test.need.Windows)
			}
			if far := test.partitions > 10_000; far != (len(r.Problems) > 0) {
				t.Errorf("got problems %q", r.Problems)
			}
			for method := range server.Requests() {
				if method != "datasets.get" && method != "jobs.list" {
					t.Errorf("got requests %v", server.Requests())
				}
			}
		})
	}
}

// TestRationUsed counts what was loaded, failed jobs too, and tells when there
// is more.
func TestRationUsed(t *testing.T) {
	server := start(t, bqtest.Options{})
	s := open(t, options(server))
	bigquery.Allow(s, 10, 100, 1000)
	need := sinks.Need{Windows: 1, Tables: []*transform.Table{sinktest.Orders()}}
	for i := range int64(3) {
		if err := commit(t, s, sinktest.Window(i*10, i*10+10), sinktest.Orders()); err != nil {
			t.Fatal(err)
		}
	}
	if r := ration(t, s, need); r.Loads != 7 || r.Tables[0].JobsUsed != 3 || r.Used != 6 || !r.Back.IsZero() {
		t.Errorf("after three loads: got %+v", r)
	}
	server.Fail(bqtest.Rule{Method: "jobs.insert", Table: "orders", Times: 4, Do: bqtest.JobFails("backendError")})
	if err := commit(t, s, sinktest.Window(30, 40), sinktest.Orders()); err != nil {
		t.Fatal(err)
	}
	if r := ration(t, s, need); r.Loads != 2 || r.Tables[0].JobsUsed != 8 {
		t.Errorf("after four that failed: got %+v", r)
	}
	for i := range int64(2) {
		if err := commit(t, s, sinktest.Window(40+i*10, 50+i*10), sinktest.Orders()); err != nil {
			t.Fatal(err)
		}
	}
	// Another process, which has sent nothing, sees the same.
	s = open(t, options(server))
	bigquery.Allow(s, 10, 100, 1000)
	server.Deny("bigquery.jobs.list") // then only manifests can be counted
	if r := ration(t, s, need); r.Tables[0].JobsUsed != 6 {
		t.Errorf("where jobs may not be listed: got %+v", r)
	}
	server.Allow("bigquery.jobs.list")
	r := ration(t, s, need)
	if r.Loads != 0 || r.Limit != "10 load jobs a day into table orders" {
		t.Errorf("when all are used: got %+v", r)
	}
	if in := time.Until(r.Back); in < 23*time.Hour || in > 24*time.Hour {
		t.Errorf("there is more in %s, want about a day", in)
	}
	// A table that was not loaded today is not concerned.
	need.Tables = []*transform.Table{sinktest.Refunds()}
	if r := ration(t, s, need); r.Loads != 10 {
		t.Errorf("another table: got %+v", r)
	}
}

// TestRationTypical goes by what loads usually touch, not by one backfill.
func TestRationTypical(t *testing.T) {
	server := start(t, bqtest.Options{})
	o := options(server)
	o.Partition = "day"
	s := open(t, o)
	need := sinks.Need{Windows: 1, Tables: []*transform.Table{sinktest.Orders()}}
	for _, w := range []struct {
		window  [2]int64
		changes int64 // of the next
	}{{[2]int64{0, 200}, 18}, {[2]int64{200, 212}, 3}, {[2]int64{212, 224}, 3}} { // two hours apart
		if err := commit(t, s, sinktest.Window(w.window[0], w.window[1]), sinktest.Orders()); err != nil {
			t.Fatal(err)
		}
		if r := ration(t, s, need); r.Tables[0].Changes > w.changes || r.Tables[0].Changes < 1 || r.Tables[0].ChangesUsed < 17 {
			t.Errorf("after %v: got %+v, want about %d changes", w.window, r.Tables[0], w.changes)
		}
	}
}

// TestCheckRuns refuses a schedule that a day's quotas cannot follow.
func TestCheckRuns(t *testing.T) {
	for _, c := range []struct {
		sink  string
		table transform.Partition
		runs  int64
		want  string
	}{
		{"", transform.ByNone, 1440, ""},
		{"", transform.ByNone, 2880, "it is due 2,880 times a day, and BigQuery takes 1,500 load jobs a day into a table in one piece"},
		{"none", transform.ByDay, 2880, "a table in one piece"},
		{"", transform.ByDay, 2880, ""},
		{"day", transform.ByNone, 2880, ""},
		{"month", transform.ByNone, 86_400, "it is due 86,400 times a day, and BigQuery takes 30,000 changes of partitions a day"},
	} {
		config := bigquery.Config{Partition: c.sink}
		message, hint := config.CheckRuns(c.runs, c.table)
		if (message == "") != (c.want == "") || !strings.Contains(message, c.want) || (hint == "") != (message == "") {
			t.Errorf("%+v: got %q, hint %q", c, message, hint)
		}
	}
}

// TestRationAfterBackfill checks that the one backfill of a day is not taken
// for what is loaded every five minutes.
func TestRationAfterBackfill(t *testing.T) {
	o := options(start(t, bqtest.Options{}))
	o.Partition = "day"
	s := open(t, o)
	if err := commit(t, s, sinktest.Window(0, 6000), sinktest.Orders()); err != nil { // 500 days
		t.Fatal(err)
	}
	r := ration(t, s, sinks.Need{Windows: 288, Tables: []*transform.Table{sinktest.Orders()}})
	if r.Days != 1 || r.Tables[0].Changes != 288 || r.Tables[0].ChangesUsed < 400 {
		t.Errorf("got %+v, want one partition a load", r)
	}
}
