package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"backstory/schedules"
	"backstory/sinks"
	"backstory/source"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// scrape serves the figures as Prometheus would be served, and reads them with
// its own parser.
func scrape(t *testing.T, m *Metrics) (map[string]*dto.MetricFamily, string) {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	text, err := io.ReadAll(w.Body)
	if err != nil || w.Code != 200 {
		t.Fatalf("scrape: code %d: %v\n%s", w.Code, err, text)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(text)))
	if err != nil {
		t.Fatalf("parse what was scraped: %v\n%s", err, text)
	}
	return families, string(text)
}

// value gives one figure of the job shop; labels are name and value by turns.
func value(t *testing.T, families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	t.Helper()
	f := families[name]
	if f == nil {
		t.Fatalf("there is no %s", name)
	}
	want := map[string]string{"job_name": "shop"}
	for i := 0; i < len(labels); i += 2 {
		want[labels[i]] = labels[i+1]
	}
	for _, m := range f.Metric {
		got := map[string]string{}
		for _, l := range m.Label {
			got[l.GetName()] = l.GetValue()
		}
		if cmp.Equal(got, want) {
			switch {
			case m.Counter != nil:
				return m.Counter.GetValue()
			case m.Gauge != nil:
				return m.Gauge.GetValue()
			case m.Histogram != nil:
				return m.Histogram.GetSampleSum()
			}
		}
	}
	t.Fatalf("%s has no series %v", name, want)
	return 0
}

func window(after, through int64) source.Window {
	return source.Window{After: source.Position{Seq: after}, Through: source.Position{Seq: through}}
}

// TestStepSeconds takes a run of two windows side by side under a clock that
// only moves when told, one of which is begun again.
func TestStepSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Options{Standings: func(context.Context) []schedules.Standing { return nil }})
		m.Know("shop")
		a, b := window(0, 100), window(100, 200)
		for _, s := range []struct {
			step schedules.Step
			then time.Duration
		}{
			{schedules.Step{Name: schedules.StepLock}, 1 * time.Second},
			{schedules.Step{Name: schedules.StepCheck}, 2 * time.Second},
			{schedules.Step{Name: schedules.StepWatermark}, 30 * time.Second},
			{schedules.Step{Name: schedules.StepAgain}, 0}, // the source was away for a moment
			{schedules.Step{Name: schedules.StepPlan}, 1 * time.Second},
			{schedules.Step{Name: schedules.StepPlan}, 2 * time.Second},
			{schedules.Step{Name: schedules.StepPlanned}, time.Hour},
			{schedules.Step{Name: schedules.StepDiscover}, 5 * time.Second},
			{schedules.Step{Name: schedules.StepBegin, Window: a}, 4 * time.Second},
			{schedules.Step{Name: schedules.StepBegin, Window: b}, 4 * time.Second},
			{schedules.Step{Name: schedules.StepRead, Window: a, Events: 90, Bytes: 900}, 0},
			{schedules.Step{Name: schedules.StepAgain, Window: b}, 0},
			{schedules.Step{Name: schedules.StepCommit, Window: a}, 3 * time.Second},
			{schedules.Step{Name: schedules.StepCommitted, Window: a}, 1 * time.Second},
			{schedules.Step{Name: schedules.StepFinished, Window: a}, 10 * time.Second},
			{schedules.Step{Name: schedules.StepEvolve}, 6 * time.Second},
			{schedules.Step{Name: schedules.StepBegin, Window: b}, 10 * time.Second},
			{schedules.Step{Name: schedules.StepCommit, Window: b}, 1 * time.Second},
			{schedules.Step{Name: schedules.StepCommitted, Window: b}, 1 * time.Second},
			{schedules.Step{Name: schedules.StepFinished, Window: b}, time.Minute},
			{schedules.Step{Name: schedules.StepLock}, 1 * time.Second}, // the next run, which fails in its check
			{schedules.Step{Name: schedules.StepCheck}, 1 * time.Second},
		} {
			m.Step("shop", s.step)
			time.Sleep(s.then) // of the bubble's clock
		}
		m.Told(schedules.Outcome{Job: "shop", Started: time.Now(), Ended: time.Now(), Err: errors.New("no")})
		time.Sleep(time.Hour)
		m.Step("shop", schedules.Step{Name: schedules.StepLock})
		families, _ := scrape(t, m)
		for step, want := range map[string]float64{
			"lock": 1 + 1, "check": 2 + 1, "watermark": 30, "plan": 3, "discover": 5, "evolve": 6, "swap": 0,
			"load": 8 + 4 + 10, "commit": 3 + 1, "finish": 1 + 1,
		} {
			if got := value(t, families, "backstory_step_seconds_total", "step", step); got != want {
				t.Errorf("step %s took %g s, want %g", step, got, want)
			}
		}
		for name, want := range map[string]float64{
			"backstory_source_seconds_total": 30 + 3 + 5 + 22, "backstory_fence_wait_seconds": 30,
			"backstory_window_duration_seconds": 12 + 12, "backstory_windows_loaded_total": 2,
			"backstory_retries_total": 2, "backstory_events_read_total": 90, "backstory_payload_read_bytes_total": 900,
		} {
			if got := value(t, families, name); got != want {
				t.Errorf("%s is %g, want %g", name, got, want)
			}
		}
	})
}

// TestRuns counts runs by how they ended and what they loaded.
func TestRuns(t *testing.T) {
	m := New(Options{Standings: func(context.Context) []schedules.Standing { return nil }})
	m.Know("shop")
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ran := func(attempt int, rep *schedules.Report, err error) {
		o := schedules.Outcome{Job: "shop", Started: began, Attempt: attempt}
		m.Told(o)
		o.Ended, o.Report, o.Err = began.Add(2*time.Second), rep, err
		m.Told(o)
	}
	ran(1, &schedules.Report{Events: 5, Rows: 6, Bytes: 70, Stored: 80, Extra: 9, Quarantined: 1, Discarded: 2}, nil)
	ran(1, &schedules.Report{Events: 1}, errors.New("disk full"))
	ran(2, nil, fmt.Errorf("open: %w", schedules.ErrHeld))
	ran(3, nil, &schedules.DisagreeError{Reason: "gone"})
	ran(1, nil, fmt.Errorf("check: %w", sinks.ErrDisagree))
	ran(1, nil, context.Canceled)
	ran(1, &schedules.Report{}, fmt.Errorf("run: %w", lostEvents(3)))
	families, _ := scrape(t, m)
	for outcome, want := range map[string]float64{"ok": 1, "failed": 1, "quarantined": 1, "held": 1, "disagree": 2, "interrupted": 1} {
		if got := value(t, families, "backstory_runs_total", "outcome", outcome); got != want {
			t.Errorf("%g runs ended %s, want %g", got, outcome, want)
		}
	}
	for name, want := range map[string]float64{
		"backstory_run_retries_total": 2, "backstory_run_duration_seconds": 14, "backstory_events_loaded_total": 6, "backstory_rows_loaded_total": 6,
		"backstory_payload_loaded_bytes_total": 70, "backstory_stored_bytes_total": 80, "backstory_extra_values_total": 9,
		"backstory_events_quarantined_total": 1, "backstory_events_discarded_total": 2,
	} {
		if got := value(t, families, name); got != want {
			t.Errorf("%s is %g, want %g", name, got, want)
		}
	}
}

// lostEvents is an error as of a run that put events into quarantine.
type lostEvents int64

func (lostEvents) Error() string        { return "events went to quarantine" }
func (e lostEvents) Quarantined() int64 { return int64(e) }

// full are figures with every series there is.
func full(t *testing.T) *Metrics {
	t.Helper()
	now := time.Now()
	mark := source.Watermark{Safe: source.Position{Seq: 10}, Head: source.Position{Seq: 40},
		Holders: []source.Holder{{PID: 1, Since: now.Add(-time.Minute)}}}
	good := &schedules.Outcome{Job: "shop", Started: now.Add(-2 * time.Minute), Ended: now.Add(-time.Minute), Report: &schedules.Report{Watermark: mark, Held: true}}
	state := &schedules.State{
		Generation: 3, Loaded: []source.Window{window(0, 10)}, Totals: schedules.Totals{Windows: 4, Events: 10, Quarantined: 2},
		Quarantined: []schedules.Quarantined{{Window: window(0, 5), Events: 2}},
		Runs:        []schedules.Run{{Kind: "run", Started: now.Add(-time.Hour), Finished: now.Add(-time.Hour)}},
	}
	m := New(Options{Version: "1.2.3", Standings: func(context.Context) []schedules.Standing {
		return []schedules.Standing{
			schedules.Stand(schedules.JobState{Job: "shop", Next: now.Add(time.Minute), Last: good, Good: good, Failures: 2}, state, nil),
			schedules.Stand(schedules.JobState{Job: "lost"}, nil, errors.New("no such file")),
		}
	}})
	m.Know("shop")
	m.Know("lost")
	return m
}

// TestStandings shows how jobs stand, one of them without its ledger.
func TestStandings(t *testing.T) {
	families, text := scrape(t, full(t))
	for _, tc := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"backstory_lag_events", nil, 30},
		{"backstory_job_consecutive_failures", nil, 2},
		{"backstory_job_running", nil, 0},
		{"backstory_ledger_up", nil, 1},
		{"backstory_generation", nil, 3},
		{"backstory_quarantined_events", nil, 2},
		{"backstory_windows", []string{"state", "loaded"}, 4},
		{"backstory_windows", []string{"state", "quarantined"}, 1},
		{"backstory_windows", []string{"state", "planned"}, 0},
	} {
		if got := value(t, families, tc.name, tc.labels...); got != tc.want {
			t.Errorf("%s%v is %g, want %g", tc.name, tc.labels, got, tc.want)
		}
	}
	if got := value(t, families, "backstory_lag_seconds"); got < 3600 || got > 3700 {
		t.Errorf("the lag is %g s, want that of the last run that nothing held back, an hour", got)
	}
	if got := value(t, families, "backstory_watermark_held_seconds"); got < 60 || got > 90 {
		t.Errorf("the watermark is held for %g s, want a minute", got)
	}
	for _, want := range []string{`backstory_ledger_up{job_name="lost"} 0`, `version="1.2.3"`, "process_cpu_seconds_total", "go_goroutines"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, `backstory_lag_seconds{job_name="lost"}`) {
		t.Error("a lag is told that nobody knows")
	}
}

// TestLint holds names and helps to Prometheus's own conventions.
func TestLint(t *testing.T) {
	_, text := scrape(t, full(t))
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	if bad, _ := promlint.New(strings.NewReader("# TYPE camelCase counter\ncamelCase 1\n")).Lint(); len(bad) == 0 {
		t.Error("the linter finds nothing in a bad name")
	}
}

// TestWatchFromWindows tells steps from several goroutines at once, while it is
// scraped.
func TestWatchFromWindows(t *testing.T) {
	m := full(t)
	var wg sync.WaitGroup
	for i := range int64(4) {
		wg.Go(func() {
			for n := range int64(100) {
				w := window(1000*i+n, 1000*i+n+1)
				for _, s := range []schedules.StepName{schedules.StepBegin, schedules.StepRead, schedules.StepCommit, schedules.StepCommitted, schedules.StepFinished} {
					m.Step("shop", schedules.Step{Name: s, Window: w, Events: 1})
				}
			}
		})
	}
	scrape(t, m)
	wg.Wait()
	families, _ := scrape(t, m)
	if got := value(t, families, "backstory_windows_loaded_total"); got != 400 {
		t.Errorf("%g windows, want 400", got)
	}
}
