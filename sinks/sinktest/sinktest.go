// Package sinktest is the conformance suite of sinks: what it tests is what
// the contracts in package sinks promise. A sink's own test calls Run and
// says how an outside reader sees its rows.
package sinktest

import (
	"testing"

	"backstory/sinks"
)

// Place is where a sink writes to. It outlives the sinks that are opened on
// it, as a disk does.
type Place struct {
	// Open opens the sink as after a restart. Step, if not nil, must be
	// called before each thing that a crash could leave half done, and at
	// the end of each operation.
	Open func(t *testing.T, step func(name string)) sinks.Sink
	// Rows reads a table as an outside reader sees it, each row as
	// memory.Line writes it, in any order.
	Rows func(t *testing.T, table string) []string
	// Poll reads a table as Rows does while it changes. An error that is
	// fs.ErrNotExist says that parts of it went away meanwhile: a reader
	// begins again. It is nil for sinks whose readers see nothing of this.
	Poll func(table string) ([]string, error)
	// Files gives the names of the columns of each of a table's files. It
	// is nil for sinks without files.
	Files func(t *testing.T, table string) [][]string
	// Leftovers lists what was not meant to stay: staged files and the like.
	Leftovers func(t *testing.T) []string
	// Intrude puts a file that no load wrote into a table, and Lose removes
	// one of its files. They are nil for sinks without files.
	Intrude, Lose func(t *testing.T, table string)
	// MayMiss says that readers may miss a whole table after a crash until
	// the sink is opened again.
	MayMiss bool
	// MayMix says that tables change one after the other: readers may find
	// some that are changed and some that are not, and after a crash until the
	// sink is opened again.
	MayMix bool
	// MayWait says that a change which can be repeated is finished only by
	// that, and not by whoever looks.
	MayWait bool
}

// Run runs the suite; empty makes an empty Place for each test.
func Run(t *testing.T, empty func(t *testing.T) Place) {
	tests := []struct {
		name string
		fn   func(*testing.T, Place)
	}{
		{"commit", testCommit},
		{"abort", testAbort},
		{"empty window", testEmptyWindow},
		{"no window", testNoWindow},
		{"overlap", testOverlap},
		{"parallel", testParallel},
		{"borrowed record", testBorrowed},
		{"other columns", testOtherColumns},
		{"evolve", testEvolve},
		{"inventory", testInventory},
		{"foreign file", testForeign},
		{"missing file", testMissing},
		{"compact", testCompact},
		{"generations", testGenerations},
		{"two processes", testTwoProcesses},
		{"readers", testReaders},
		{"readers of all tables", testAllTables},
		{"replace", testReplace},
		{"replace merged", testReplaceMerged},
		{"bundle", testBundle},
		{"bundle merged", testBundleMerged},
		{"rows", testRows},
		{"rows of what is damaged", testRowsDamaged},
		{"mend", testMend},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.fn(t, empty(t)) })
	}
	t.Run("crash", func(t *testing.T) { testCrashes(t, empty) })
}
