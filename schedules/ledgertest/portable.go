package ledgertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"backstory/schedules"
	"backstory/source"
	"backstory/transform"

	"github.com/google/go-cmp/cmp"
)

// Fill puts something of everything into an empty ledger, of two jobs, and
// gives the number of the last lease of the first.
func Fill(tb testing.TB, l schedules.Ledger) (number int64) {
	tb.Helper()
	start := time.Date(2026, 1, 31, 23, 59, 59, 123456789, time.UTC)
	s, next := lease(tb, l, job), lease(tb, l.Next(), job)
	a, b, c := loaded(window(0, 10)), loaded(window(10, 20)), loaded(window(30, 40))
	b.Quarantined, b.Discarded, b.Duration = 3, 2, 1250*time.Millisecond
	failed, later := schedules.Run{Kind: "run", Started: start}, schedules.Run{Kind: "replay", Started: start.Add(time.Hour)}
	save(tb, s, schedules.Change{
		Generation: 3, Finish: []schedules.Loaded{a, b, c}, Again: []source.Window{c.Window}, Tables: someTables(),
		Plan:        []schedules.Planned{planned(window(40, 50)), {Window: source.Window{After: at(50), Through: source.Position{Tx: 1 << 40, Seq: 1<<62 + 1}}}},
		Fingerprint: "rules <&> ü", Rules: json.RawMessage(`{"upcasters":[{"event":"Cart <&> ü"}],"n":12345678901234567890}`),
		Superseded: []string{"older"}, Signature: "signed", Begin: &failed,
		Forget: &schedules.Receipt{Asked: start, Streams: []transform.Digest{"1:2"}, Rows: 7, Windows: 2},
	})
	failed.Finished, failed.Windows, failed.Events, failed.Error = start.Add(time.Second), 3, 30, "read event 3: \x00 no\nsuch <thing>"
	save(tb, s, schedules.Change{End: &failed, Begin: &later})
	save(tb, next, schedules.Change{Plan: []schedules.Planned{planned(window(0, 40))}, Finish: []schedules.Loaded{loaded(window(40, 44))}, Fingerprint: "new"})
	save(tb, lease(tb, l, "other job"), schedules.Change{Finish: []schedules.Loaded{loaded(window(5, 9))}, Begin: &schedules.Run{Kind: "run", Started: start}})
	return next.Number()
}

// Export gives a ledger's lines.
func Export(tb testing.TB, l schedules.Ledger) string {
	tb.Helper()
	var out bytes.Buffer
	if err := l.(schedules.Portable).Export(tb.Context(), &out); err != nil {
		tb.Fatalf("export: %v", err)
	}
	return out.String()
}

// What is exported of one ledger makes another that knows the same.
func testPortable(t *testing.T, from, to Place) {
	l, other := from.open(t), to.open(t)
	number := Fill(t, l)
	text := Export(t, l)
	if err := other.(schedules.Portable).Import(t.Context(), strings.NewReader(text)); err != nil {
		t.Fatalf("import: %v", err)
	}
	if diff := cmp.Diff(text, Export(t, other)); diff != "" {
		t.Errorf("what was imported, exported (-want +got):\n%s", diff)
	}
	other = to.open(t)
	for _, name := range []string{job, "other job", "never"} {
		for _, of := range [][2]schedules.Ledger{{l, other}, {l.Next(), other.Next()}} {
			if diff := cmp.Diff(state(t, of[0], name), state(t, of[1], name), equal); diff != "" {
				t.Errorf("state of job %s (-want +got):\n%s", name, diff)
			}
			if diff := cmp.Diff(records(t, of[0], name), records(t, of[1], name)); diff != "" {
				t.Errorf("windows of job %s (-want +got):\n%s", name, diff)
			}
		}
	}
	s := lease(t, other, job)
	if s.Number() <= number {
		t.Errorf("number of a lease after an import: got %d after %d", s.Number(), number)
	}
	run := schedules.Run{Kind: "run"}
	save(t, s, schedules.Change{Begin: &run, Finish: []schedules.Loaded{loaded(window(40, 50))}})
	if run.ID != 3 || len(state(t, other, job).Runs) != 3 {
		t.Errorf("the run after an import: got id %d of %d", run.ID, len(state(t, other, job).Runs))
	}
}

func records(tb testing.TB, l schedules.Ledger, name string) (all []schedules.WindowRecord) {
	tb.Helper()
	err := l.Windows(tb.Context(), name, source.Position{}, func(w schedules.WindowRecord) error {
		all = append(all, w)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// A ledger that knows something takes nothing in, and of a bad file nothing.
func testImportRefused(t *testing.T, p Place) {
	l := p.open(t)
	lines := `{"backstory":"ledger","format":3}
{"job":{"name":"shop","generation":1}}
{"generation":{"job":"shop","number":1,"windows":1,"events":9,"row_count":9,"bytes":0,"stored":0,"extra":0,"quarantined":0,"discarded":0}}
{"loaded":{"job":"shop","generation":1,"after_tx":0,"after_seq":"x","through_tx":0,"through_seq":9}}
{"end":3}
`
	err := l.(schedules.Portable).Import(t.Context(), strings.NewReader(lines))
	var wrong *schedules.LineError
	if !errors.As(err, &wrong) || wrong.Line != 4 || wrong.Hint() == "" {
		t.Errorf("import a bad line: got %v", err)
	}
	expect(t, l, &schedules.State{Job: job, Generation: 1})
	good := strings.Replace(lines, `"x"`, `0`, 1)
	if err := l.(schedules.Portable).Import(t.Context(), strings.NewReader(good)); err != nil {
		t.Fatalf("import: %v", err)
	}
	var setup *source.SetupError
	if err := l.(schedules.Portable).Import(t.Context(), strings.NewReader(good)); !errors.As(err, &setup) {
		t.Errorf("import into a ledger that is not empty: got %v", err)
	}
	if got := state(t, l, job).Loaded; len(got) != 1 {
		t.Errorf("loaded: got %v", got)
	}
}
