package board

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"backstory/schedules"
	"backstory/source"
	"backstory/transform"
)

// windowsOfScene is how many windows the job shop has.
const windowsOfScene = 14_213

// scene is a page about a job that is held back and has events in quarantine,
// one that fails, one that has not run, and one whose ledger is gone. Names
// out of the store are as bad as they can be.
func scene(t *testing.T, o Options) *Board {
	t.Helper()
	now := time.Now()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	held := source.Watermark{Safe: at(9000), Head: at(9500), Holders: []source.Holder{
		{PID: 48122, Application: "<b>report</b>", User: "shop", State: "idle in transaction", Since: ago(47 * time.Minute)},
		{Prepared: "tx-17", Since: ago(time.Minute)},
	}}
	last := &schedules.Outcome{Job: "shop", Started: ago(10 * time.Minute), Ended: ago(9 * time.Minute), Report: &schedules.Report{
		Watermark: held, Held: true, Events: 120, FirstQuarantined: &source.EventError{
			Position: at(72), Stream: "customer-anna", Type: "Cart.<i>Added", Step: "upcast", Path: "price", Err: errors.New("payload 4711"),
		},
	}}
	failure := source.Setup("start it", "connect: <script>alert(1)</script> refused")
	failed := &schedules.Outcome{Job: "orders", Started: ago(2 * time.Hour), Ended: ago(2 * time.Hour), Err: failure, Retry: now.Add(time.Minute), Attempt: 2}
	shop := &schedules.State{
		Generation: 2, Loaded: []source.Window{{Through: at(8000)}}, Pending: []schedules.Planned{{Window: source.Window{After: at(8000), Through: at(9000)}, Events: 900}},
		Totals:      schedules.Totals{Windows: windowsOfScene, Events: 8000, Rows: 8100, Stored: 3 << 20, Quarantined: 27},
		Quarantined: []schedules.Quarantined{{Window: source.Window{After: at(70), Through: at(80)}, Events: 27}},
		Runs:        []schedules.Run{{Kind: "run", Started: ago(time.Hour), Finished: ago(59 * time.Minute), Events: 8000, Windows: 9}},
		Tables: []*transform.Table{
			{Name: "_quarantine", Version: 1, Columns: []transform.Column{{Name: "position", Type: transform.Type{Kind: transform.Int64}}}},
			{Name: "cart_added", Event: "Cart.<i>Added", Version: 2, Columns: []transform.Column{
				{Name: "position", Type: transform.Type{Kind: transform.Int64}},
				{Name: "sku", Type: transform.Type{Kind: transform.String}, Since: at(3)},
				{Name: "color\"><script>", Type: transform.Type{Kind: transform.String}, Since: at(600), Masked: true},
			}},
		},
	}
	o.Version = "1.2.3"
	o.Standings = func(context.Context) []schedules.Standing {
		return []schedules.Standing{
			schedules.Stand(schedules.JobState{Job: "shop", Schedule: "*/15 * * * *", Next: now.Add(5 * time.Minute), Last: last, Good: last, Running: &schedules.Outcome{Started: now}}, shop, nil),
			schedules.Stand(schedules.JobState{Job: "orders", Schedule: "@hourly", Next: now.Add(time.Minute), Last: failed, Failures: 3}, &schedules.State{Generation: 1}, nil),
			schedules.Stand(schedules.JobState{Job: "new"}, &schedules.State{Generation: 1}, nil),
			schedules.Stand(schedules.JobState{Job: "lost"}, nil, errors.New("read ledger: it is not a database")),
		}
	}
	if o.Windows == nil {
		o.Windows = func(_ context.Context, job string, fn func(schedules.WindowRecord) error) error {
			if job != "shop" {
				return nil
			}
			for i := range int64(windowsOfScene) {
				w := schedules.WindowRecord{Window: source.Window{After: at(i), Through: at(i + 1)}, Events: 1, Loaded: now.Add(-time.Duration(i) * time.Minute)}
				if i == 75 {
					w.Quarantined = 27
				}
				if err := fn(w); err != nil {
					return err
				}
			}
			return nil
		}
	}
	o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "up 1") })
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	b.Told(*last)
	b.Told(*failed)
	b.Step("shop", schedules.Step{Name: schedules.StepLock})
	b.Step("shop", schedules.Step{Name: schedules.StepPlanned, Events: 900})
	b.Step("shop", schedules.Step{Name: schedules.StepRead, Events: 200})
	return b
}

func read(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPages looks for what each page is to say, and for what none may.
func TestPages(t *testing.T) {
	b := scene(t, Options{})
	for target, wants := range map[string][]string{
		"/": {"4 jobs", "Events in quarantine", "Failing", "Nothing loaded yet", "Ledger out of reach", `href="/jobs/orders"`, `data-live="/live"`},
		"/jobs/shop": {
			"14,212 loaded", "1 loaded, with events in quarantine", "Loading: 200 of about 900 events", "Process 48122", "prepared transaction tx-17",
			"began 47 min", "The watermark of the last run is 9000, the store ended at 9500", "(70,80]", "Position 72", "failed at upcast of <code>price</code>",
			"backstory replay shop", "<code>*/15 * * * *</code>", "Generation 2", "· masked", "<td data-k=\"Position\" class=\"n\">600</td>", `data-live="/jobs/shop/live"`, "A cell is",
		},
		"/jobs/orders": {"The last 3 runs failed", "start it", "attempt 2: ", "tried again in", "No window is planned yet", "No run has ended well yet", "The first run finds the columns"},
		"/jobs/new":    {"It has no schedule", "No run yet"},
		"/jobs/lost":   {"it is not a database"},
	} {
		res := ask(t, b, "GET", target)
		page := read(t, res)
		if res.StatusCode != 200 || !strings.HasSuffix(strings.TrimSpace(page), "</html>") {
			t.Fatalf("%s: code %d, page\n%s", target, res.StatusCode, page)
		}
		for _, want := range wants {
			if !strings.Contains(page, want) {
				t.Errorf("%s does not say %q", target, want)
			}
		}
		for _, bad := range []string{"<script>alert", "<i>Added", "<b>report", "anna", "4711", " style=", "<style", "onclick", "ZgotmplZ", "&lt;nil", "0001-01-01"} {
			if strings.Contains(page, bad) {
				t.Errorf("%s has %q in it", target, bad)
			}
		}
		if inline := regexp.MustCompile(`<script[^>]*>[^<]`).FindString(page); inline != "" {
			t.Errorf("%s has a script of its own: %s", target, inline)
		}
		if len(page) > 150_000 {
			t.Errorf("%s has %d bytes", target, len(page))
		}
		live := "/live"
		if target != "/" {
			live = target + "/live"
		}
		part := read(t, ask(t, b, "GET", live))
		if strings.Contains(part, "<html") || !strings.Contains(page, `id="now"`) || !strings.Contains(part, wants[0]) {
			t.Errorf("%s is not what changes of %s", live, target)
		}
	}
	if code := ask(t, b, "GET", "/jobs/nobody").StatusCode; code != 404 {
		t.Errorf("a job that is none: code %d", code)
	}
	if text := read(t, ask(t, b, "GET", "/metrics")); text != "up 1\n" {
		t.Errorf("the metrics are %q", text)
	}
}

// TestJSON reads the page as a script would.
func TestJSON(t *testing.T) {
	var jobs []struct {
		Job        string
		State      string
		LagEvents  int64     `json:"lag_events"`
		LagSeconds *float64  `json:"lag_seconds"`
		NextRun    time.Time `json:"next_run"`
		Windows    map[string]int
		Grid       []struct{ After, Through source.Position }
		Runs       []struct{ Error, Hint string }
		Watermark  *source.Watermark
	}
	text := read(t, ask(t, scene(t, Options{}), "GET", "/jobs.json"))
	if err := json.Unmarshal([]byte(text), &jobs); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if len(jobs) != 4 {
		t.Fatalf("%d jobs", len(jobs))
	}
	shop, orders := jobs[0], jobs[1]
	if shop.State != "quarantine" || shop.LagEvents != 900+500 || shop.LagSeconds == nil || *shop.LagSeconds < 3000 || shop.NextRun.IsZero() || shop.Windows["quarantined"] != 1 ||
		len(shop.Grid) == 0 || len(shop.Grid) > maxCells || shop.Watermark.Holders[0].PID != 48122 {
		t.Errorf("shop is %+v", shop)
	}
	if orders.State != "failing" || orders.Runs[0].Hint != "start it" || orders.LagSeconds != nil {
		t.Errorf("orders is %+v", orders)
	}
	if strings.Contains(text, "anna") || strings.Contains(text, "4711") {
		t.Error("it tells of whom an event is, or what it says")
	}
}

// TestReady says why it is not, and is when a failure is young.
func TestReady(t *testing.T) {
	res := ask(t, scene(t, Options{}), "GET", "/readyz")
	want := "job orders: has failed for 2 h\njob lost: the ledger cannot be read\n"
	if got := read(t, res); res.StatusCode != 503 || got != want {
		t.Errorf("code %d, %q; want %q", res.StatusCode, got, want)
	}
	b := scene(t, Options{UnreadyAfter: 3 * time.Hour})
	b.Standings = func(ctx context.Context) []schedules.Standing {
		return []schedules.Standing{schedules.Stand(schedules.JobState{Job: "orders", Failures: 1, Last: &schedules.Outcome{Started: time.Now().Add(-2 * time.Hour)}}, &schedules.State{}, nil)}
	}
	if res := ask(t, b, "GET", "/readyz"); res.StatusCode != 200 || read(t, res) != "ready\n" {
		t.Errorf("a young failure: code %d", res.StatusCode)
	}
}

// TestManyWhoLook asks from many sides at once and counts how often the
// ledgers are read for it.
func TestManyWhoLook(t *testing.T) {
	var mu sync.Mutex
	reads := 0
	b := scene(t, Options{Windows: func(_ context.Context, _ string, fn func(schedules.WindowRecord) error) error {
		mu.Lock()
		defer mu.Unlock()
		reads++
		return fn(schedules.WindowRecord{Window: source.Window{Through: at(1)}, Loaded: time.Now()})
	}})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			read(t, ask(t, b, "GET", "/jobs/shop"))
			b.Step("shop", schedules.Step{Name: schedules.StepRead, Events: 1})
		})
	}
	wg.Wait()
	if reads > 3 { // one for each job that has a ledger
		t.Errorf("the windows were read %d times", reads)
	}
}

// TestServe serves on a real socket and ends with its context.
func TestServe(t *testing.T) {
	b := scene(t, Options{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Serve(ctx, l) }()
	res, err := http.Get("http://" + l.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	if text := read(t, res); text != "ok\n" {
		t.Errorf("health is %q", text)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("it ended with %v", err)
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("it still listens")
	}
}

// BenchmarkScan reads 300,000 windows into a grid and a chart.
func BenchmarkScan(b *testing.B) {
	b.ReportAllocs()
	now := time.Now()
	for b.Loop() {
		var g grid
		var done throughput
		for i := range int64(300_000) {
			w := schedules.WindowRecord{Window: source.Window{After: at(i), Through: at(i + 1)}, Events: 1, Loaded: now.Add(-time.Duration(i) * time.Minute)}
			g.add(w)
			done.add(w.Loaded, w.Events)
		}
		if len(g.cells) > maxCells {
			b.Fatal("too many cells")
		}
	}
	b.ReportMetric(300_000*float64(b.N)/b.Elapsed().Seconds(), "windows/s")
}
