package schedules_test

import (
	"testing"

	"backstory/schedules"
	"backstory/source"

	"pgregory.net/rapid"
)

// drawWindows draws windows of small positions, empty and inverted ones too.
func drawWindows(t *rapid.T, label string) []source.Window {
	ends := rapid.Custom(func(t *rapid.T) source.Position {
		return source.Position{Tx: rapid.Uint64Range(0, 1).Draw(t, "tx"), Seq: rapid.Int64Range(0, 12).Draw(t, "seq")}
	})
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) source.Window {
		return source.Window{After: ends.Draw(t, "after"), Through: ends.Draw(t, "through")}
	}), 0, 6).Draw(t, label)
}

func anyContains(windows []source.Window, p source.Position) bool {
	for _, w := range windows {
		if w.Contains(p) {
			return true
		}
	}
	return false
}

// eachPosition calls fn for every position that drawn windows may hold.
func eachPosition(fn func(p source.Position)) {
	for tx := range uint64(2) {
		for seq := range int64(14) {
			fn(source.Position{Tx: tx, Seq: seq})
		}
	}
}

// expectApart looks whether windows are in order, not empty, and do not touch
// unless they may.
func expectApart(t *rapid.T, windows []source.Window) {
	for i, w := range windows {
		if w.Empty() {
			t.Fatalf("%s is empty", w)
		}
		if i > 0 && windows[i-1].Through.Compare(w.After) >= 0 {
			t.Fatalf("%s and %s touch or are out of order", windows[i-1], w)
		}
	}
}

func TestUnion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		windows := drawWindows(t, "windows")
		got := schedules.Union(windows)
		expectApart(t, got)
		eachPosition(func(p source.Position) {
			if anyContains(got, p) != anyContains(windows, p) {
				t.Fatalf("the union of %v is %v: wrong at %s", windows, got, p)
			}
		})
	})
}

func TestSubtract(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, windows := drawWindows(t, "from"), drawWindows(t, "windows")
		for _, w := range from {
			got := schedules.Subtract(w, windows)
			expectApart(t, got)
			eachPosition(func(p source.Position) {
				if anyContains(got, p) != (w.Contains(p) && !anyContains(windows, p)) {
					t.Fatalf("%s without %v is %v: wrong at %s", w, windows, got, p)
				}
			})
		}
	})
}
