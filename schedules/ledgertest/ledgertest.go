// Package ledgertest is the conformance suite of ledgers: what it tests is
// what the contract schedules.Ledger promises. A ledger's own test calls Run.
package ledgertest

import (
	"testing"
	"time"

	"backstory/schedules"
)

// Place is where a ledger lies. It outlives the ledgers opened on it.
type Place struct {
	// Open opens the ledger as a process does that starts anew.
	Open func(tb testing.TB) schedules.Ledger
	// Hold takes the lease of a job in another process, and gives a function
	// that kills that process.
	Hold func(t *testing.T, job string) (kill func())
	// Patience is how long the lease of a dead process lives on, 0 where the
	// system takes it back at once.
	Patience time.Duration
}

// Run runs the suite; empty makes an empty Place for each test.
func Run(t *testing.T, empty func(tb testing.TB) Place) {
	tests := []struct {
		name string
		fn   func(*testing.T, Place)
	}{
		{"unknown job", testUnknownJob},
		{"lock", testLock},
		{"lock in another process", testOtherProcess},
		{"plan and finish", testPlanAndFinish},
		{"finish unplanned", testUnplanned},
		{"finish twice", testTwice},
		{"finish overlapping", testOverlapping},
		{"atomic", testAtomic},
		{"cancelled", testCancelled},
		{"nothing", testNothing},
		{"tables", testTables},
		{"runs", testRuns},
		{"jobs apart", testApart},
		{"at once", testAtOnce},
		{"next generation", testNext},
		{"promote", testPromote},
		{"reset", testReset},
		{"generation", testGeneration},
		{"rules", testRules},
		{"replace", testReplace},
		{"again", testAgain},
		{"receipts", testReceipts},
		{"numbers", testNumbers},
		{"fencing", testFencing},
		{"windows", testWindows},
		{"lock at once", testLockAtOnce},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.fn(t, empty(t)) })
	}
	t.Run("any order", func(t *testing.T) { testAnyOrder(t, empty) })
	t.Run("export and import", func(t *testing.T) { testPortable(t, empty(t), empty(t)) })
	t.Run("import refused", func(t *testing.T) { testImportRefused(t, empty(t)) })
}

// open opens the ledger of a place until the test ends.
func (p Place) open(tb testing.TB) schedules.Ledger {
	tb.Helper()
	l := p.Open(tb)
	tb.Cleanup(func() {
		if err := l.Close(); err != nil {
			tb.Errorf("close ledger: %v", err)
		}
	})
	return l
}

// lease takes the lease of a job until the test ends.
func lease(tb testing.TB, l schedules.Ledger, job string) schedules.Lease {
	tb.Helper()
	s, err := l.Lock(tb.Context(), job)
	if err != nil {
		tb.Fatalf("lock job %s: %v", job, err)
	}
	tb.Cleanup(func() {
		if err := s.Release(); err != nil {
			tb.Errorf("release job %s: %v", job, err)
		}
	})
	return s
}

func save(tb testing.TB, l schedules.Lease, c schedules.Change) {
	tb.Helper()
	if err := l.Save(tb.Context(), c); err != nil {
		tb.Fatalf("save: %v", err)
	}
}

func state(tb testing.TB, l schedules.Ledger, job string) *schedules.State {
	tb.Helper()
	s, err := l.State(tb.Context(), job)
	if err != nil {
		tb.Fatalf("state of job %s: %v", job, err)
	}
	return s
}

// Bench measures what a window costs: the question whether the lease is held,
// and the change that marks the window as loaded.
func Bench(b *testing.B, p Place) {
	l := p.open(b)
	s := lease(b, l, job)
	n := int64(0)
	for b.Loop() {
		if err := s.Held(b.Context()); err != nil {
			b.Fatal(err)
		}
		save(b, s, schedules.Change{Finish: []schedules.Loaded{loaded(window(10*n, 10*(n+1)))}})
		n++
	}
}
