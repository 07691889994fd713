package schedules_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"backstory/schedules"
	"backstory/source"
	"backstory/transform"
)

// forget forgets streams of the rig's job.
func (r *rig) forget(tb testing.TB, o schedules.ForgetOptions) *schedules.Forgotten {
	tb.Helper()
	out, err := r.job(tb).Forget(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// What is forgotten may be gone from the store too, also where it was the first
// and the last that was loaded; but nothing else may stand in its place.
func TestForgottenAndGone(t *testing.T) {
	first, last := "s-1", "s-0"
	for _, before := range []bool{true, false} {
		t.Run(fmt.Sprintf("before=%t", before), func(t *testing.T) {
			r := newRig(t)
			r.append(30, "Added", "sku")
			r.run(t)
			whole := r.src
			gone := whole.Without(at(30)).Without(at(1))
			if before {
				r.src = gone
			}
			r.forget(t, schedules.ForgetOptions{Streams: []string{first, last}})
			r.src = gone
			r.run(t)
			if rep, err := r.job(t).Rebuild(t.Context(), schedules.RebuildOptions{}); err != nil || rep.Events != 28 {
				t.Errorf("rebuild: got %+v, %v", rep, err)
			}
			r.run(t)
			if seen := r.numbers(t); len(seen) != 10 {
				t.Errorf("got %d events, want those of one stream of three", len(seen))
			}
		})
	}
	r := newRig(t)
	r.append(30, "Added", "sku")
	r.run(t)
	r.forget(t, schedules.ForgetOptions{Streams: []string{last}})
	r.src = r.src.Without(at(30))
	r.src.Append(source.Event{ID: []byte("x"), Stream: []byte("another"), StreamVersion: 1, Type: "Added", SchemaVersion: 1, Data: []byte(`{}`)})
	var disagree *schedules.DisagreeError
	if _, err := r.job(t).Run(t.Context()); !errors.As(err, &disagree) {
		t.Errorf("another event in the place of what is gone: got %v, want a DisagreeError", err)
	}
}

// Nothing is forgotten by half beside a rebuild: who comes second changes and
// records nothing, and the rebuild can end.
func TestForgetBesideRebuild(t *testing.T) {
	r := newRig(t)
	r.append(30, "Added", "sku")
	r.run(t)
	runs := len(r.state(t).Runs)
	j := r.job(t)
	lease, err := j.Ledger.Next().Lock(t.Context(), jobName)
	if err != nil {
		t.Fatal(err)
	}
	o := schedules.ForgetOptions{Streams: []string{"s-1"}}
	if _, err := r.job(t).Forget(t.Context(), o); !errors.Is(err, schedules.ErrHeld) {
		t.Fatalf("got %v, want ErrHeld", err)
	}
	if s := r.state(t); len(s.Receipts) != 0 || len(s.Again) != 0 || len(s.Runs) != runs {
		t.Errorf("got %d receipts, %d windows to be loaded again and %d runs, want none and %d", len(s.Receipts), len(s.Again), len(s.Runs), runs)
	}
	r.expectOnce(t)
	if err := lease.Release(); err != nil {
		t.Fatal(err)
	}
	if out := r.forget(t, o); out.Rows != 10 {
		t.Errorf("afterwards: got %d rows, want 10", out.Rows)
	}
}

// Streams are found by what is in lists and in quarantine as bytes; a column
// that is misspelt chooses nothing; a row that names no stream is told of and
// is of no stream.
func TestForgetBySubject(t *testing.T) {
	r := newRig(t)
	r.rules.Options.Layout = transform.Both
	for i, data := range []string{`{"tags": ["x", "rosa"]}`, `{"tags": ["x"]}`, `{"tags": ["x"]}`} {
		r.src.Append(source.Event{ID: fmt.Append(nil, i), Stream: fmt.Append(nil, "listed-", i), StreamVersion: 1, Type: "Added", SchemaVersion: 1, Data: []byte(data)})
	}
	r.src.Append(
		source.Event{ID: []byte("b"), Stream: []byte("bytes"), StreamVersion: 1, Type: "Added", SchemaVersion: 1, Data: []byte("\xff{rosa")},
		source.Event{ID: []byte("c"), StreamVersion: 1, Type: "Added", SchemaVersion: 1, Data: []byte("\xff{nameless")},
		source.Event{ID: []byte("d"), StreamVersion: 1, Type: "Added", SchemaVersion: 1, Data: []byte("\xff{other")},
	)
	if _, err := r.job(t, func(j *schedules.Job) { j.Quarantine = 10 }).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	count := func(column, value string) *schedules.Forgotten {
		t.Helper()
		return r.forget(t, schedules.ForgetOptions{Column: column, Value: value, DryRun: true})
	}
	if out := count("tags", "rosa"); out.Streams != 2 || out.Rows != 3 || out.Nameless != 0 {
		t.Errorf("in a list and in bytes: got %+v, want 2 streams with 3 rows", out)
	}
	if out := count("TAGS", "rosa"); out.Streams != 2 {
		t.Errorf("a column in capitals: got %+v, want 2 streams", out)
	}
	if out := count("tags", "nameless"); out.Streams != 0 || out.Rows != 0 || out.Nameless != 1 {
		t.Errorf("of no stream: got %+v, want one nameless row", out)
	}
	var setup *source.SetupError
	if _, err := r.job(t).Forget(t.Context(), schedules.ForgetOptions{Column: "tegs", Value: "x", DryRun: true}); !errors.As(err, &setup) {
		t.Errorf("a column that there is not: got %v, want a setup error", err)
	}
}

// That the store deletes what was forgotten here too alarms nobody.
func TestForgottenGoesFromTheStore(t *testing.T) {
	r := newRig(t)
	r.append(30, "Added", "sku")
	r.run(t)
	r.forget(t, schedules.ForgetOptions{Streams: []string{"s-2"}})
	for _, n := range []int64{14, 17} { // of 11 to 20, these and 11 and 20 are of it
		r.src = r.src.Without(at(n))
	}
	if rep := r.run(t); rep.Late != nil {
		t.Errorf("run: got %+v", rep.Late)
	}
	for _, full := range []bool{false, true} {
		if p, err := r.job(t).Verify(t.Context(), schedules.VerifyOptions{Full: full}); err != nil || !p.Holds() {
			t.Errorf("verify, full %t: got %+v, %v", full, p, err)
		}
	}
	r.src = r.src.Without(at(12)).Without(at(13)).Without(at(15))
	if rep := r.run(t); rep.Late == nil || rep.Late.Gone != 5 {
		t.Errorf("more have gone than are forgotten: got %+v", rep.Late)
	}
}

// TestForgetAfterLedgerLost loses the ledger while some windows are without a
// stream and others still have it: the next run knows it by the former, and
// takes it out of the latter.
func TestForgetAfterLedgerLost(t *testing.T) {
	r := newRig(t)
	r.append(40, "A", "x")
	r.run(t)
	ctx, cancel := context.WithCancel(t.Context())
	begun := 0
	_, err := r.job(t, func(j *schedules.Job) {
		j.Watch = func(s schedules.Step) {
			if s.Name == schedules.StepBegin {
				if begun++; begun == 3 {
					cancel()
				}
			}
		}
	}).Forget(ctx, schedules.ForgetOptions{Streams: []string{"s-1"}}) // the last event is of it
	if !errors.Is(err, context.Canceled) || len(r.numbers(t)) != 40-4-3 {
		t.Fatalf("got %v, %d events, want those of two windows to be without the stream", err, len(r.numbers(t)))
	}
	if err := os.Remove(r.ledger); err != nil {
		t.Fatal(err)
	}
	r.run(t)
	if got := len(r.numbers(t)); got != 40-14 {
		t.Errorf("got %d events, want %d", got, 40-14)
	}
	if s := r.state(t); len(s.Receipts) != 1 || s.Receipts[0].Done.IsZero() || s.Last.Stream != "" {
		t.Errorf("got receipts %+v and a last event of stream %q", s.Receipts, s.Last.Stream)
	}
}
