package schedules_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"backstory/schedules"
	"backstory/sinks/parquet"

	"pgregory.net/rapid"
)

// TestExactlyOnce lives through random histories: events are added whose
// shapes change, runs and backfills of any range crash anywhere or are
// cancelled, window sizes and workers change, and the ledger gets lost. In
// the end every event must be there once.
func TestExactlyOnce(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			r := newRig(t)
			l := &life{T: rt, t: t, rig: r, turns: 12}
			l.live()
			r.expectOnce(rt)
		})
	})
	t.Run("parquet", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			r := newRig(t)
			l := &life{T: rt, t: t, rig: r, turns: 6, out: filepath.Join(filepath.Dir(r.ledger), "out")}
			l.live()
			f, err := readFolder(l.out)
			if err != nil {
				rt.Fatal(err)
			}
			seen := make(map[string]int)
			for _, rows := range f.rows {
				for _, row := range rows {
					seen[row["n"]]++
				}
			}
			for n := 1; n <= r.events; n++ {
				if times := seen[fmt.Sprint(n)]; times != 1 {
					rt.Errorf("event %d is there %d times", n, times)
				}
			}
			if err := expectTidy(l.out); err != nil {
				rt.Error(err)
			}
		})
	})
}

// A life is one random history of a rig.
type life struct {
	*rapid.T
	t   *testing.T
	rig *rig
	// turns is how many things happen at most.
	turns int
	out   string // the folder, "" for a sink in memory
}

func (l *life) live() {
	for range rapid.IntRange(2, l.turns).Draw(l.T, "turns") {
		switch rapid.SampledFrom([]string{"append", "append", "run", "crash", "crash", "cancel", "lose"}).Draw(l.T, "turn") {
		case "append":
			l.append()
		case "run":
			l.work(l.t.Context(), func(*schedules.Job) {})
		case "crash":
			f := &fuse{left: rapid.IntRange(0, 60).Draw(l.T, "left"), late: rapid.Bool().Draw(l.T, "late")}
			l.work(l.t.Context(), f.wire)
		case "cancel":
			l.cancel()
		case "lose":
			if err := os.Remove(l.rig.ledger); err != nil && !errors.Is(err, fs.ErrNotExist) {
				l.Fatal(err)
			}
		}
	}
	l.finish()
}

func (l *life) append() {
	count := rapid.IntRange(1, 30).Draw(l.T, "events")
	kind := rapid.SampledFrom([]string{"A", "B", "C"}).Draw(l.T, "kind")
	member := rapid.SampledFrom([]string{"x", "y", "z"}).Draw(l.T, "member")
	l.rig.append(count, kind, member)
}

func (l *life) cancel() {
	var left atomic.Int64
	left.Store(rapid.Int64Range(1, 60).Draw(l.T, "steps"))
	ctx, cancel := context.WithCancel(l.t.Context())
	defer cancel()
	l.work(ctx, func(j *schedules.Job) {
		j.Watch = func(schedules.Step) {
			if left.Add(-1) == 0 {
				cancel()
			}
		}
	})
}

// work does a run, or a backfill of any range, that may be stopped.
func (l *life) work(ctx context.Context, change func(*schedules.Job)) {
	var rng schedules.Range
	if rapid.Bool().Draw(l.T, "backfill") {
		rng.After = at(rapid.Int64Range(0, int64(l.rig.events)).Draw(l.T, "after"))
		rng.Through = at(rapid.Int64Range(0, int64(l.rig.events)+3).Draw(l.T, "through"))
	}
	l.job(func(j *schedules.Job) {
		change(j)
		var err error
		if rng == (schedules.Range{}) {
			_, err = j.Run(ctx)
		} else {
			_, err = j.Backfill(ctx, rng)
		}
		if err != nil && !errors.Is(err, errDead) && !errors.Is(err, context.Canceled) {
			l.Fatalf("got %v", err)
		}
	})
}

// job makes a job as a new process would, and ends that process when use has
// returned.
func (l *life) job(use func(*schedules.Job)) {
	events := rapid.IntRange(1, 25).Draw(l.T, "window")
	workers := rapid.IntRange(1, 4).Draw(l.T, "workers")
	sample := rapid.SampledFrom([]int{-1, 1, 1000}).Draw(l.T, "sample")
	j := l.rig.job(l.t, func(j *schedules.Job) { j.WindowEvents, j.Workers, j.Sample = events, workers, sample })
	defer j.Ledger.Close()
	if l.out != "" {
		s, err := parquet.Open(l.t.Context(), parquet.Options{Path: l.out})
		if err != nil {
			l.Fatal(err)
		}
		defer s.Close()
		j.Sink = s
	}
	use(j)
}

// finish runs to the end and looks whether the ledger knows.
func (l *life) finish() {
	l.job(func(j *schedules.Job) {
		if _, err := j.Run(l.t.Context()); err != nil {
			l.Fatalf("the last run: %v", err)
		}
		rep, err := j.Run(l.t.Context())
		if err != nil || rep.Events != 0 || rep.Windows != 0 {
			l.Fatalf("one more: got %+v, %v", rep, err)
		}
		s, err := j.Ledger.State(l.t.Context(), jobName)
		if err != nil {
			l.Fatal(err)
		}
		// A range that a backfill was to end at may have no event there.
		if len(s.Pending) > 0 || s.Totals.Events != int64(l.rig.events) {
			l.Errorf("state: got %+v", s)
		}
	})
}
