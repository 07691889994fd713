package source_test

import (
	"math"
	"testing"

	"backstory/source"
)

func at(seq int64) source.Position { return source.Position{Seq: seq} }

func TestPositionText(t *testing.T) {
	for _, p := range []source.Position{{}, at(120), at(math.MaxInt64), {Tx: 77, Seq: 120}, {Tx: math.MaxUint64, Seq: 1}} {
		got, err := source.ParsePosition(p.String())
		if err != nil || got != p {
			t.Errorf("got %v (%v) from %q, want %v", got, err, p.String(), p)
		}
	}
	for _, s := range []string{"", "x", "1.", ".1", "0.1", "1.2.3", "-1.2", "9223372036854775808"} {
		if p, err := source.ParsePosition(s); err == nil {
			t.Errorf("got %v from %q, want an error", p, s)
		}
	}
}

func TestPositionOrder(t *testing.T) {
	order := []source.Position{{}, at(1), at(2), {Tx: 1}, {Tx: 1, Seq: 9}, {Tx: 2, Seq: 1}}
	for i, p := range order {
		for j, q := range order {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := p.Compare(q); got != want {
				t.Errorf("compare %s with %s: got %d, want %d", p, q, got, want)
			}
		}
	}
}

func TestWindow(t *testing.T) {
	w := source.Window{After: at(10), Through: at(20)}
	for p, want := range map[int64]bool{9: false, 10: false, 11: true, 20: true, 21: false} {
		if got := w.Contains(at(p)); got != want {
			t.Errorf("%s contains %d: got %v", w, p, got)
		}
	}
	for v, want := range map[source.Window]bool{
		{After: at(0), Through: at(10)}:  false,
		{After: at(20), Through: at(30)}: false,
		{After: at(0), Through: at(11)}:  true,
		{After: at(19), Through: at(30)}: true,
		{After: at(12), Through: at(15)}: true,
		{After: at(15), Through: at(15)}: false,
		w:                                true,
	} {
		if w.Overlaps(v) != want || v.Overlaps(w) != want {
			t.Errorf("%s overlaps %s: want %v both ways", w, v, want)
		}
	}
	if w.Empty() || !(source.Window{After: at(5), Through: at(5)}).Empty() || w.String() != "(10,20]" {
		t.Errorf("got %s", w)
	}
}

func FuzzParsePosition(f *testing.F) {
	f.Add("120")
	f.Add("77.120")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := source.ParsePosition(s)
		if err != nil {
			return
		}
		var q source.Position
		text, err := p.MarshalText()
		if err == nil {
			err = q.UnmarshalText(text)
		}
		if err != nil || p != q {
			t.Errorf("got %v back for %v from %q (%v)", q, p, s, err)
		}
	})
}
