package schedules_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"backstory/schedules"
	"backstory/source"
	"backstory/transform"

	"github.com/google/go-cmp/cmp"
)

func TestRunTwice(t *testing.T) {
	r := newRig(t)
	r.append(35, "A", "x")
	if rep := r.run(t); rep.Events != 35 || rep.Windows != 4 || rep.Rows != 35 {
		t.Errorf("first run: got %+v", rep)
	}
	if rep := r.run(t); rep.Events != 0 || rep.Windows != 0 {
		t.Errorf("second run: got %+v", rep)
	}
	r.append(3, "A", "x")
	if rep := r.run(t); rep.Events != 3 || rep.Windows != 1 {
		t.Errorf("third run: got %+v", rep)
	}
	r.expectOnce(t)
	s := r.state(t)
	if n := len(s.Runs); n != 2 { // the second had nothing to do
		t.Errorf("got %d runs", n)
	}
	if s.Totals.Events != 38 || s.Totals.Windows != 5 || s.Totals.Rows != 38 || s.Totals.Bytes == 0 {
		t.Errorf("totals: got %+v", s.Totals)
	}
}

// An empty store is not an error, and neither is one whose events upcasters drop.
func TestNothingToMakeTablesFor(t *testing.T) {
	r := newRig(t)
	if rep := r.run(t); rep.Events != 0 {
		t.Errorf("empty store: got %+v", rep)
	}
	r.append(12, "A", "x")
	drop := func(j *schedules.Job) {
		p, err := transform.Compile(r.rules, transform.WithUpcaster("A", 1,
			transform.UpcasterFunc(func(*transform.Envelope, transform.Emit) error { return nil })))
		if err != nil {
			t.Fatal(err)
		}
		j.Pipeline = p
	}
	if rep := r.run(t, drop); rep.Events != 12 || rep.Rows != 0 {
		t.Errorf("all events dropped: got %+v", rep)
	}
}

// A backfill of a later range that crashed before there were tables leaves
// windows behind that lie after those of the next run.
func TestPlansOutOfOrder(t *testing.T) {
	r := newRig(t)
	r.append(40, "A", "x")
	ctx, cancel := context.WithCancel(t.Context())
	j := r.job(t, func(j *schedules.Job) {
		j.Watch = func(s schedules.Step) {
			if s.Name == schedules.StepPlanned {
				cancel()
			}
		}
	})
	if _, err := j.Backfill(ctx, schedules.Range{After: at(30)}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if rep, err := r.job(t).Backfill(t.Context(), schedules.Range{Through: at(15)}); err != nil || rep.Events != 15 {
		t.Fatalf("backfill of another range: got %+v, %v", rep, err)
	}
	if rep := r.run(t); rep.Events != 25 {
		t.Errorf("run: got %+v", rep)
	}
	r.expectOnce(t)
}

func TestHeldWatermark(t *testing.T) {
	r := newRig(t)
	r.append(25, "A", "x")
	r.src.Hold(source.Watermark{Safe: at(0), Head: at(25), Holders: []source.Holder{{PID: 7}}})
	if rep := r.run(t); !rep.Held || rep.Events != 0 || len(rep.Watermark.Holders) != 1 {
		t.Errorf("no safe position: got %+v", rep)
	}
	r.src.Hold(source.Watermark{Safe: at(13), Head: at(25)})
	if rep := r.run(t); !rep.Held || rep.Events != 13 {
		t.Errorf("safe through 13: got %+v", rep)
	}
	if got := r.state(t).Loaded; !cmp.Equal(got, []source.Window{window(0, 13)}) {
		t.Errorf("loaded: got %v", got)
	}
	s, err := r.job(t).Status(t.Context(), true)
	if err != nil || !s.Held() {
		t.Errorf("status: got %+v, %v", s, err)
	}
	r.src.Release()
	if rep := r.run(t); rep.Held || rep.Events != 12 {
		t.Errorf("released: got %+v", rep)
	}
	r.expectOnce(t)
}

// What a source fails with for a moment costs a window begun again from its
// beginning, and nothing else.
func TestTransient(t *testing.T) {
	broken := errors.New("connection reset")
	t.Run("passes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.append(20, "A", "x")
			again := 0
			started := time.Now()
			j := r.job(t, func(j *schedules.Job) {
				j.Workers = 1
				j.Watch = func(s schedules.Step) {
					switch s.Name {
					case schedules.StepBegin:
						if again < 3 {
							r.src.FailAfter(5, source.Transient(broken))
						}
					case schedules.StepAgain:
						again++
					}
				}
			})
			rep, err := j.Run(t.Context())
			if err != nil || rep.Events != 20 {
				t.Fatalf("got %+v, %v", rep, err)
			}
			if slept := time.Since(started); again != 3 || slept < 3*time.Second {
				t.Errorf("begun again %d times in %s", again, slept)
			}
			r.expectOnce(t)
			j.Ledger.Close()
		})
	})
	t.Run("stays", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.append(20, "A", "x")
			tries := 0
			j := r.job(t, func(j *schedules.Job) {
				j.Workers = 1
				j.Watch = func(s schedules.Step) {
					if s.Name == schedules.StepBegin || s.Name == schedules.StepAgain && tries < 10 {
						tries++
						r.src.FailAfter(0, source.Transient(broken))
					}
				}
			})
			if _, err := j.Run(t.Context()); !errors.Is(err, broken) {
				t.Errorf("got %v", err)
			}
			if tries < 4 || tries > 20 {
				t.Errorf("tried %d times", tries)
			}
			if n := len(r.numbers(t)); n != 0 {
				t.Errorf("%d events are visible", n)
			}
			j.Ledger.Close()
		})
	})
	t.Run("is none", func(t *testing.T) {
		r := newRig(t)
		r.append(20, "A", "x")
		begun := 0
		j := r.job(t, func(j *schedules.Job) {
			j.Workers = 1
			j.Watch = func(s schedules.Step) {
				if s.Name == schedules.StepBegin {
					begun++
					r.src.FailAfter(5, broken)
				}
			}
		})
		if _, err := j.Run(t.Context()); !errors.Is(err, broken) || begun != 1 {
			t.Errorf("begun %d times, got %v", begun, err)
		}
	})
}

// An event that cannot be understood is put aside with all there is to know,
// and the rest is loaded.
func TestFailingEvent(t *testing.T) {
	r := newRig(t)
	r.append(24, "A", "x")
	r.src.Append(source.Event{Stream: []byte("cart-9"), StreamVersion: 4, Type: "A", SchemaVersion: 1, Data: []byte(`{"n": `)})
	r.append(3, "A", "x")
	rep := r.run(t, func(j *schedules.Job) { j.Sample = 1; j.Workers = 1 })
	if rep.Events != 28 || rep.Quarantined != 1 {
		t.Errorf("got %+v", rep)
	}
	rows := r.place.Rows(jobName, 1, transform.Quarantine)
	if len(rows) != 1 {
		t.Fatalf("quarantine: got %v", rows)
	}
	for _, want := range []string{`"position": 25`, `"stream_id": "cart-9"`, `"event_type": "A"`, `"step": "parse"`, `{\"n\": `} {
		if !strings.Contains(rows[0], want) {
			t.Errorf("quarantine: got %s, want %s in it", rows[0], want)
		}
	}
	r.expectOnce(t)
}

// A run that failed before it could begin is on record too.
func TestFailingSource(t *testing.T) {
	r := newRig(t)
	r.append(5, "A", "x")
	r.run(t)
	r.src.FailAfter(0, errors.New("permission denied"))
	if _, err := r.job(t).Run(t.Context()); err == nil {
		t.Fatal("got no error")
	}
	if runs := r.state(t).Runs; len(runs) != 2 || !strings.Contains(runs[0].Error, "permission denied") {
		t.Errorf("runs: got %+v", runs)
	}
}

// A run that is cancelled in the middle of windows leaves nothing of them.
func TestCancel(t *testing.T) {
	r := newRig(t)
	r.append(60, "A", "x")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var once sync.Once
	j := r.job(t, func(j *schedules.Job) {
		j.Workers = 3
		j.Watch = func(s schedules.Step) {
			if s.Name == schedules.StepCommit && s.Window.After.Seq >= 20 {
				once.Do(cancel)
			}
		}
	})
	if _, err := j.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	s := r.state(t)
	if n := int64(len(r.numbers(t))); n != s.Totals.Events && n != 10*int64(len(r.numbers(t))/10) {
		t.Errorf("%d events are visible, %d are counted", n, s.Totals.Events)
	}
	if s.Runs[0].Finished.IsZero() || s.Runs[0].Error == "" {
		t.Errorf("the run is not on record: %+v", s.Runs[0])
	}
	r.run(t)
	r.expectOnce(t)
}

// Several windows meet something new at once, again and again.
func TestSurprises(t *testing.T) {
	r := newRig(t)
	r.append(1000, "A", "x")
	// The sample looks at the first event of each of 64 parts: it can see a
	// few of these, but not all.
	for _, kind := range []string{"B", "C", "D", "E", "F"} {
		r.append(1, kind, "x")
		r.append(1, "A", "late_"+kind)
		r.append(200, "A", "x")
	}
	rep := r.run(t, func(j *schedules.Job) { j.Sample = 1; j.Workers = 3; j.WindowEvents = 40 })
	if rep.Again == 0 || rep.Again > 2 {
		t.Errorf("windows were begun again in %d rounds", rep.Again)
	}
	r.expectOnce(t)
	if n := len(rep.Tables); n != 6 {
		t.Errorf("got %d tables", n)
	}
}

// Two runs at once: the second is told who has the lease.
func TestTwoRuns(t *testing.T) {
	r := newRig(t)
	r.append(10, "A", "x")
	var second error
	r.run(t, func(j *schedules.Job) {
		j.Watch = func(s schedules.Step) {
			if s.Name == schedules.StepPlan {
				_, second = r.job(t).Run(t.Context())
			}
		}
	})
	if !errors.Is(second, schedules.ErrHeld) {
		t.Errorf("got %v", second)
	}
	r.expectOnce(t)
}
