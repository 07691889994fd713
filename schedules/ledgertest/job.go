package ledgertest

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"backstory/schedules"
	"backstory/source"
	"backstory/transform"

	"github.com/google/go-cmp/cmp"
)

func testUnknownJob(t *testing.T, p Place) {
	expect(t, p.open(t), &schedules.State{Job: "never", Generation: 1})
}

func testLock(t *testing.T, p Place) {
	l, other := p.open(t), p.open(t)
	s, err := l.Lock(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string]schedules.Ledger{"same": l, "other": other} {
		_, err := from.Lock(t.Context(), job)
		if !errors.Is(err, schedules.ErrHeld) {
			t.Errorf("lock a held job through the %s ledger: got %v", name, err)
		}
		var hint interface{ Hint() string }
		if !errors.As(err, &hint) || hint.Hint() == "" {
			t.Errorf("lock a held job: got no hint with %v", err)
		}
		if !strings.Contains(err.Error(), "since") {
			t.Errorf("lock a held job: got %v, which does not say who has it since when", err)
		}
	}
	if free, err := other.Lock(t.Context(), "another"); err != nil {
		t.Errorf("lock another job: %v", err)
	} else if err := free.Release(); err != nil {
		t.Error(err)
	}
	if err := s.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := other.Lock(t.Context(), job)
	if err != nil {
		t.Fatalf("lock a job that was given back: %v", err)
	}
	if err := again.Release(); err != nil {
		t.Error(err)
	}
}

func testOtherProcess(t *testing.T, p Place) {
	kill := p.Hold(t, job)
	l := p.open(t)
	if _, err := l.Lock(t.Context(), job); !errors.Is(err, schedules.ErrHeld) {
		t.Errorf("lock a job that another process holds: got %v", err)
	}
	kill()
	died := time.Now()
	for { // the lease of the dead becomes free
		s, err := l.Lock(t.Context(), job)
		if err == nil {
			if err := s.Release(); err != nil {
				t.Error(err)
			}
			return
		}
		if !errors.Is(err, schedules.ErrHeld) || time.Since(died) > p.Patience+time.Minute || p.Patience == 0 {
			t.Fatalf("lock a job whose holder is dead: %v", err)
		}
		time.Sleep(p.Patience / 50)
	}
}

// Zero members change nothing.
func testNothing(t *testing.T, p Place) {
	l := p.open(t)
	s := lease(t, l, job)
	save(t, s, schedules.Change{Fingerprint: "rules", Signature: "signed", Tables: someTables(), Plan: []schedules.Planned{planned(window(0, 3))}})
	want := state(t, l, job)
	if want.Fingerprint != "rules" || want.Signature != "signed" {
		t.Errorf("fingerprint and signature: got %q and %q", want.Fingerprint, want.Signature)
	}
	save(t, s, schedules.Change{})
	if diff := cmp.Diff(want, state(t, l, job), equal); diff != "" {
		t.Errorf("state after an empty change (-want +got):\n%s", diff)
	}
}

// someTables use everything that a table can say.
func someTables() []*transform.Table {
	text := transform.Type{Kind: transform.String}
	return []*transform.Table{{
		Name: "cart_opened", Event: "Cart.Opened", Version: 3, Partition: transform.ByDay,
		Columns: []transform.Column{
			{Name: "position", Type: transform.Type{Kind: transform.Int64}, Required: true, Encoding: transform.Delta},
			{Name: "lines", Path: []string{"lines"}, Since: at(12), Marker: "money", Closed: true,
				Type: transform.Type{Kind: transform.List, Elem: &transform.Type{Kind: transform.Struct,
					Fields: []transform.Field{{Name: "sku", Member: "SKU <&>", Type: text}}}}},
			{Name: "user", Path: []string{"user", "é"}, Meta: true, Type: transform.Type{Kind: transform.Decimal, Precision: 18, Scale: 2}},
			{Name: "_extra", Type: transform.Type{Kind: transform.JSON}},
		},
	}, {
		Name: "cart_opened_lines", Event: "Cart.Opened", Explode: []string{"lines"}, Version: 1,
		Columns: []transform.Column{{Name: "position", Type: text}},
	}}
}

func testTables(t *testing.T, p Place) {
	l := p.open(t)
	s := lease(t, l, job)
	check := func(want []*transform.Table) {
		t.Helper()
		save(t, s, schedules.Change{Tables: want})
		got := state(t, p.open(t), job).Tables
		if diff := cmp.Diff(want, got, equal); diff != "" {
			t.Errorf("tables (-want +got):\n%s", diff)
		}
	}
	check(someTables())
	check(someTables()[1:])
	check([]*transform.Table{})
}

func testRuns(t *testing.T, p Place) {
	l := p.open(t)
	s := lease(t, l, job)
	start := time.Date(2026, 1, 31, 23, 59, 59, 123456789, time.UTC)
	first := schedules.Run{Kind: "run", Started: start}
	save(t, s, schedules.Change{Begin: &first})
	second := schedules.Run{Kind: "backfill", Started: start.Add(time.Hour)}
	save(t, s, schedules.Change{Begin: &second})
	if first.ID == 0 || second.ID <= first.ID {
		t.Fatalf("ids of two runs: got %d and %d", first.ID, second.ID)
	}
	second.Finished, second.Windows, second.Events = start.Add(2*time.Hour), 3, 4000
	second.Error = "load (0,4]: read event 3: no such thing"
	save(t, s, schedules.Change{End: &second})
	third := schedules.Run{Kind: "run", Started: start, Finished: start, Error: "begun and ended at once"}
	save(t, s, schedules.Change{Begin: &third, End: &third})
	if diff := cmp.Diff([]schedules.Run{third, second, first}, state(t, l, job).Runs); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	for range 30 {
		save(t, s, schedules.Change{Begin: &schedules.Run{Kind: "run", Started: start}})
	}
	runs := state(t, l, job).Runs
	if len(runs) < 5 || len(runs) > 30 || runs[0].ID <= runs[len(runs)-1].ID {
		t.Errorf("runs of a long life: got %d from id %d to %d", len(runs), runs[0].ID, runs[len(runs)-1].ID)
	}
}

func testApart(t *testing.T, p Place) {
	l := p.open(t)
	a, b := lease(t, l, "a"), lease(t, l, "b")
	save(t, a, schedules.Change{Finish: []schedules.Loaded{loaded(window(0, 10))}, Fingerprint: "a", Begin: &schedules.Run{Kind: "run"}})
	save(t, b, schedules.Change{Finish: []schedules.Loaded{loaded(window(5, 20))}, Fingerprint: "b"})
	for name, want := range map[string]source.Window{"a": window(0, 10), "b": window(5, 20)} {
		s := state(t, l, name)
		if diff := cmp.Diff([]source.Window{want}, s.Loaded); diff != "" || s.Fingerprint != name || s.Totals.Windows != 1 {
			t.Errorf("job %s: got %+v", name, s)
		}
	}
	if n := len(state(t, l, "b").Runs); n != 0 {
		t.Errorf("job b has %d runs of job a", n)
	}
}

// Windows are finished by several goroutines while others look.
func testAtOnce(t *testing.T, p Place) {
	l, other := p.open(t), p.open(t)
	s := lease(t, l, job)
	var wg sync.WaitGroup
	for worker := range int64(4) {
		wg.Go(func() {
			for i := range int64(8) {
				w := window(10*(8*worker+i), 10*(8*worker+i+1))
				if err := s.Save(t.Context(), schedules.Change{Finish: []schedules.Loaded{loaded(w)}}); err != nil {
					t.Errorf("finish %s: %v", w, err)
				}
			}
		})
		wg.Go(func() {
			for range 8 {
				if _, err := other.State(t.Context(), job); err != nil {
					t.Errorf("look: %v", err)
				}
			}
		})
	}
	wg.Wait()
	got := state(t, other, job)
	if diff := cmp.Diff([]source.Window{window(0, 320)}, got.Loaded); diff != "" || got.Totals.Windows != 32 {
		t.Errorf("state: got %d windows, loaded (-want +got):\n%s", got.Totals.Windows, diff)
	}
}
