package sourcetest

import (
	"testing"

	"backstory/source"
)

// testCount counts the events of windows that end at events and between them,
// of a store whose positions lie close together and far apart.
func testCount(t *testing.T, open Open) {
	positions := dense(700)
	positions = append(positions, every(90_000, 40)[1:]...)
	s, _ := store(t, open, positions)
	c, ok := s.(source.Counter)
	if !ok {
		return
	}
	for _, w := range []source.Window{
		window(0, 0), window(0, 1), window(0, 700), window(3, 17), window(650, 180_000), window(700, 90_000),
		window(0, positions[len(positions)-1]), window(89_999, 3_600_000), window(5_000_000, 6_000_000),
	} {
		var want int64
		if err := s.Read(t.Context(), w, func(*source.Event) error { want++; return nil }); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Count(t.Context(), w); err != nil || got != want {
			t.Errorf("count %s: got %d, %v, want %d", w, got, err, want)
		}
	}
}
