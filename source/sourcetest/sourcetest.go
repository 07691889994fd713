// Package sourcetest is the conformance suite for event stores: what every
// source.Source must do, whatever stands behind it.
package sourcetest

import (
	"fmt"
	"testing"

	"backstory/source"
)

// Open makes a store that holds the given events, which are in order, and
// opens it. The store need not be writable, and is closed by the suite.
//
// Streams are UUIDs with dashes, types are short words, data is JSON as
// PostgreSQL's jsonb spells it, and positions are unique. Members that are not set (ID, Meta, Time) need not
// be kept.
type Open func(t *testing.T, events []source.Event) source.Source

// Run runs the suite.
func Run(t *testing.T, open Open) {
	for name, test := range map[string]func(*testing.T, Open){
		"Empty":            testEmpty,
		"Read":             testRead,
		"ReadAgain":        testReadAgain,
		"ReadOne":          testReadOne,
		"ReadNothing":      testReadNothing,
		"ReadBorrowed":     testReadBorrowed,
		"ReadCallbackFail": testReadCallbackFail,
		"ReadCanceled":     testReadCanceled,
		"ReadConcurrently": testReadConcurrently,
		"Watermark":        testWatermark,
		"PlanTiles":        testPlanTiles,
		"PlanThrough":      testPlanThrough,
		"PlanSparse":       testPlanSparse,
		"PlanEdges":        testPlanEdges,
		"Count":            testCount,
	} {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}

// kept is what must come back of an event.
type kept struct {
	Position      source.Position
	Stream        string
	StreamVersion int64
	Type          string
	Data          string
}

func keep(e *source.Event) kept {
	return kept{e.Position, string(e.Stream), e.StreamVersion, e.Type, string(e.Data)}
}

// history makes an event for each position.
func history(positions []int64) []source.Event {
	events := make([]source.Event, len(positions))
	for i, p := range positions {
		events[i] = source.Event{
			Position:      source.Position{Seq: p},
			Stream:        fmt.Appendf(nil, "00000000-0000-4000-8000-%012x", i%7),
			StreamVersion: int64(i/7 + 1),
			Type:          []string{"Opened", "Changed", "Closed"}[i%3],
			Data:          fmt.Appendf(nil, `{"n": %d, "text": "é%d"}`, i, p),
		}
	}
	return events
}

// dense gives the positions 1 to n.
func dense(n int64) []int64 { return every(1, n) }

// every gives n positions, step apart.
func every(step, n int64) []int64 {
	positions := make([]int64, n)
	for i := range positions {
		positions[i] = int64(i+1) * step
	}
	return positions
}

// store opens a store of the events at positions.
func store(t *testing.T, open Open, positions []int64) (source.Source, []kept) {
	t.Helper()
	events := history(positions)
	want := make([]kept, len(events))
	for i := range events {
		want[i] = keep(&events[i])
	}
	s := open(t, events)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s, want
}

func window(after, through int64) source.Window {
	return source.Window{After: source.Position{Seq: after}, Through: source.Position{Seq: through}}
}

// read gives the events of w.
func read(t *testing.T, s source.Source, w source.Window) []kept {
	t.Helper()
	var got []kept
	err := s.Read(t.Context(), w, func(e *source.Event) error {
		if e.Err != nil {
			t.Errorf("event %s: %v", e.Position, e.Err)
		}
		got = append(got, keep(e))
		return nil
	})
	if err != nil {
		t.Fatalf("read %s: %v", w, err)
	}
	return got
}
