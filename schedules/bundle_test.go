package schedules_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"

	"backstory/schedules"
	"backstory/sinks/parquet"
	"backstory/source"
)

// growing is a source whose event at a position has got a member more.
type growing struct {
	source.Source
	position int64
}

func (g growing) Read(ctx context.Context, w source.Window, fn func(*source.Event) error) error {
	return g.Source.Read(ctx, w, func(e *source.Event) error {
		if e.Position.Seq == g.position {
			grown := *e
			grown.Data = append([]byte(`{"late": 1, `), e.Data[1:]...)
			e = &grown
		}
		return fn(e)
	})
}

// TestBundles loads more windows again than readers are shown at once, in one
// of which there is something new.
func TestBundles(t *testing.T) {
	const events = 520
	r := newRig(t)
	r.append(events, "A", "x")
	var shown atomic.Int64
	out := scratch(t)
	place, err := parquet.Open(t.Context(), parquet.Options{Path: out, Step: func(name string) {
		if name == "committed" {
			shown.Add(1)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer place.Close()
	change := func(j *schedules.Job) { j.Sink, j.WindowEvents = place, 1 }
	r.run(t, change)
	shown.Store(0)
	rep, err := r.job(t, change, func(j *schedules.Job) { j.Source = growing{r.src, 300} }).Again(t.Context(), schedules.Range{})
	if err != nil {
		t.Fatal(err)
	}
	// 250, those up to the new column, and the rest with it; more often on a machine
	// that takes minutes for them.
	if rep.Windows != events || rep.Events != events || rep.Again != 1 || shown.Load() < 3 || shown.Load() > events/10 {
		t.Errorf("got %+v, shown %d times", rep, shown.Load())
	}
	if s := r.state(t); len(s.Again) > 0 || s.Totals.Events != events || s.Totals.Rows != events {
		t.Errorf("ledger: got %+v", s)
	}
	f, err := readFolder(out)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, row := range f.rows["a"] {
		seen[row["n"]] = true
		if got, want := row["late"], map[bool]string{true: "1"}[row["n"] == "300"]; got != want {
			t.Errorf("event %s: late is %q, want %q", row["n"], got, want)
		}
	}
	for n := 1; n <= events; n++ {
		if !seen[strconv.Itoa(n)] {
			t.Errorf("event %d is gone", n)
		}
	}
	if len(f.rows["a"]) != events {
		t.Errorf("got %d rows, want %d", len(f.rows["a"]), events)
	}
}
