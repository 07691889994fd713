package schedules_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"sync/atomic"
	"testing"

	"backstory/sinks/bigquery/bqtest"

	"golang.org/x/sync/errgroup"
)

// A deed is what a process does that is killed, or loses a request.
type deed struct {
	name string
	// era is that of the rules before, and then of those after.
	before, era string
	// prepare is done first, if it is not nil.
	prepare func(context.Context, *warehouse) error
	order   func(*order)
	// every is how many requests one is lost of, 1 if it is 0: what makes the
	// same requests as another need not lose all.
	every int
	// apart is how many steps lie between two that a process is killed at, 1 if
	// it is 0.
	apart int
}

var deeds = []deed{
	{name: "run", order: func(*order) {}},
	{name: "backfill", order: func(o *order) { o.Verb = "backfill" }, every: 4},
	{
		name: "rebuild", before: "old", era: "new", order: func(o *order) { o.Verb = "rebuild" }, every: 4,
		prepare: func(ctx context.Context, w *warehouse) error { return w.do(ctx, func(*order) {}) },
	},
	{
		name: "replay", before: "strict", era: "mended", order: func(o *order) { o.Verb = "replay" }, every: 2,
		prepare: func(ctx context.Context, w *warehouse) error {
			if err := w.spoil(); err != nil {
				return err
			}
			return w.do(ctx, func(*order) {})
		},
	},
	{
		name: "repair", order: func(o *order) { o.Verb = "repair" }, every: 7, apart: 5,
		prepare: func(ctx context.Context, w *warehouse) error {
			if err := w.do(ctx, func(*order) {}); err != nil {
				return err
			}
			return w.tamper(ctx)
		},
	},
}

// ready makes a warehouse in which the deed can be done.
func (d deed) ready(t *testing.T) *warehouse {
	t.Helper()
	w := newWarehouse(t, order{Era: d.before})
	if d.prepare != nil {
		if err := d.prepare(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// now changes an order to be the deed.
func (d deed) now(o *order) {
	o.Era = d.era
	d.order(o)
}

// again completes a deed that was cut off, which a run does not always do.
func (d deed) again(ctx context.Context, w *warehouse) error {
	if d.prepare == nil {
		return nil
	}
	return w.do(ctx, d.now)
}

// TestCrashBigQuery kills a process that fills BigQuery at its first step, at
// its second, and so on, lets events be added, and then looks whether another
// process ends with every event exactly once.
func TestCrashBigQuery(t *testing.T) {
	t.Parallel() // with the next, which waits most of its time
	for _, d := range deeds {
		t.Run(d.name, func(t *testing.T) {
			ready := d.ready(t)
			var g errgroup.Group
			g.SetLimit(3)
			var completed atomic.Int64
			for n := int64(1); completed.Load() < 3; n += stride() * int64(max(d.apart, 1)) {
				if n > 1000 {
					t.Fatal("it never completes")
				}
				g.Go(func() error {
					killed, err := d.killAt(t, ready, n)
					if err != nil {
						return fmt.Errorf("killed at step %d: %w", n, err)
					}
					if !killed && completed.Add(1) == 1 {
						t.Logf("it takes about %d steps", n)
					}
					return nil
				})
			}
			if err := g.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

// killAt kills a process at its n-th step and says what is wrong afterwards.
func (d deed) killAt(t *testing.T, ready *warehouse, n int64) (killed bool, err error) {
	w, err := ready.fork(t)
	if err != nil {
		return false, err
	}
	defer w.Close()
	if killed, err = w.start(func(o *order) { d.now(o); o.KillAt = n }); err != nil {
		return killed, err
	}
	if err := w.store.extend(w.order.Table, crashEvents, moreEvents); err != nil {
		return killed, err
	}
	if n%4 == 1 { // also what mends a crash may crash
		if _, err := w.start(func(o *order) { d.now(o); o.KillAt = 1 + n*7%31 }); err != nil {
			return killed, err
		}
	}
	if err := d.again(t.Context(), w); err != nil {
		return killed, fmt.Errorf("once more: %w", err)
	}
	return killed, w.finish(t.Context(), moreEvents, d.era)
}

// TestLostBigQuery loses each request once, before anything was done or the
// answer to it. The process goes on, and every event is there once.
func TestLostBigQuery(t *testing.T) {
	t.Parallel()
	for _, d := range deeds {
		ready := d.ready(t)
		w, err := ready.fork(t)
		if err != nil {
			t.Fatal(err)
		}
		before := len(w.History())
		if err := w.do(t.Context(), d.now); err != nil {
			t.Fatal(err)
		}
		total := len(w.History()) - before
		t.Logf("%s makes %d requests", d.name, total)
		for name, fault := range map[string]bqtest.Fault{"request": bqtest.DropBefore, "answer": bqtest.DropResponseAfterAccept} {
			t.Run(d.name+"/"+name, func(t *testing.T) {
				var g errgroup.Group
				g.SetLimit(12)
				for n := 1; n <= total; n += d.stride() {
					g.Go(func() error {
						if err := d.lose(t, ready, n, fault); err != nil {
							return fmt.Errorf("%s %d lost: %w", name, n, err)
						}
						return nil
					})
				}
				if err := g.Wait(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func (d deed) stride() int { return max(d.every, 1) * int(stride()) }

func (d deed) lose(t *testing.T, ready *warehouse, n int, fault bqtest.Fault) error {
	w, err := ready.fork(t)
	if err != nil {
		return err
	}
	defer w.Close()
	w.Fail(bqtest.Rule{Nth: n, Do: fault})
	if err := w.do(t.Context(), d.now); err != nil {
		return err
	}
	w.Mend()
	return w.finish(t.Context(), crashEvents, d.era)
}

// TestCrashBigQueryWithoutPlan shows that TestCrashBigQuery would notice if
// windows were loaded before they are planned.
func TestCrashBigQueryWithoutPlan(t *testing.T) {
	d := deed{name: "run", order: func(o *order) { o.Forgetful = true }}
	ready := d.ready(t)
	for n := int64(1); ; n++ {
		killed, err := d.killAt(t, ready, n)
		if err != nil {
			t.Logf("at step %d: %v", n, err)
			return
		}
		if !killed {
			t.Fatalf("killed at %d steps, without a plan, and nothing was wrong", n-1)
		}
	}
}

// TestLostBigQueryWithOtherIDs shows that TestLostBigQuery would notice if a job
// had another ID each time that it is sent.
func TestLostBigQueryWithOtherIDs(t *testing.T) {
	w := newWarehouse(t, order{})
	var sent atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			rename(r, fmt.Sprintf("-%d", sent.Add(1)))
		}
		w.ServeHTTP(out, r)
	}))
	defer proxy.Close()
	w.order.Server = proxy.URL
	lost := w.Fail(bqtest.Rule{Method: "jobs.insert", Table: "cart_opened", Do: bqtest.DropResponseAfterAccept})
	err := w.do(t.Context(), func(*order) {})
	if err == nil {
		err = w.finish(t.Context(), crashEvents, "")
	}
	if err == nil || lost() != 1 {
		t.Fatalf("%d answers were lost, under other IDs, and nothing was wrong", lost())
	}
	t.Log(err)
	f, err := w.read()
	if err != nil {
		t.Fatal(err)
	}
	positions := make(map[string]int)
	for _, row := range f.rows["cart_opened"] {
		positions[row["position"]]++
	}
	if !slices.Contains(slices.Collect(maps.Values(positions)), 2) {
		t.Error("no event is there twice")
	}
}

var jobIDs = regexp.MustCompile(`"jobId":"[^"]*`)

// rename gives the job that a request makes another ID.
func rename(r *http.Request, suffix string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		body = nil // the server says what it thinks of that
	}
	if at := jobIDs.FindIndex(body); at != nil {
		body = slices.Concat(body[:at[1]], []byte(suffix), body[at[1]:])
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
}
