package sourcetest

import (
	"context"
	"errors"
	"testing"

	"backstory/source"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
)

func testEmpty(t *testing.T, open Open) {
	s, _ := store(t, open, nil)
	w, err := s.Watermark(t.Context())
	if err != nil || !w.Safe.IsZero() || !w.Head.IsZero() {
		t.Errorf("got watermark %+v (%v), want zero", w, err)
	}
	planned, n, err := s.Plan(t.Context(), source.Position{}, source.Position{Seq: 100}, 10)
	if err != nil || !planned.Empty() || n != 0 {
		t.Errorf("got window %s of %d events (%v), want an empty one", planned, n, err)
	}
	if got := read(t, s, window(0, 100)); len(got) > 0 {
		t.Errorf("got %d events, want none", len(got))
	}
}

func testRead(t *testing.T, open Open) {
	s, want := store(t, open, dense(50))
	if diff := cmp.Diff(want, read(t, s, window(0, 50))); diff != "" {
		t.Errorf("whole store (-want +got):\n%s", diff)
	}
	// After is not part of a window, Through is.
	if diff := cmp.Diff(want[10:20], read(t, s, window(10, 20))); diff != "" {
		t.Errorf("(10,20] (-want +got):\n%s", diff)
	}
}

func testReadAgain(t *testing.T, open Open) {
	s, _ := store(t, open, every(3, 100))
	first := read(t, s, window(17, 200))
	if diff := cmp.Diff(first, read(t, s, window(17, 200))); diff != "" {
		t.Errorf("the same window gave other events (-first +second):\n%s", diff)
	}
}

func testReadOne(t *testing.T, open Open) {
	s, want := store(t, open, every(5, 30))
	for i, e := range want {
		p := e.Position.Seq
		if diff := cmp.Diff(want[i:i+1], read(t, s, window(p-1, p))); diff != "" {
			t.Errorf("the event at %d (-want +got):\n%s", p, diff)
		}
	}
}

func testReadNothing(t *testing.T, open Open) {
	s, _ := store(t, open, every(10, 10))
	for _, w := range []source.Window{window(10, 19), window(100, 1000), window(50, 50), window(60, 20)} {
		if got := read(t, s, w); len(got) > 0 {
			t.Errorf("%s: got %d events, want none", w, len(got))
		}
	}
}

// testReadBorrowed does with an event what a callback may do, and sees that
// the events after it, and a second reading, do not suffer.
func testReadBorrowed(t *testing.T, open Open) {
	s, want := store(t, open, dense(300))
	for range 2 {
		var got []kept
		err := s.Read(t.Context(), window(0, 300), func(e *source.Event) error {
			got = append(got, keep(e))
			for _, b := range [][]byte{e.ID, e.Stream, e.Data, e.Meta} {
				for i := range b {
					b[i] = '#'
				}
				_ = append(b, "########"...)
			}
			*e = source.Event{Position: source.Position{Seq: -1}, Type: "#"}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("after a callback that overwrites its events (-want +got):\n%s", diff)
		}
	}
}

func testReadCallbackFail(t *testing.T, open Open) {
	s, want := store(t, open, dense(20))
	enough := errors.New("enough")
	n := 0
	err := s.Read(t.Context(), window(0, 20), func(*source.Event) error {
		if n++; n == 3 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || n != 3 {
		t.Errorf("got %v after %d events, want %v after 3", err, n, enough)
	}
	// The source is none the worse for it.
	if diff := cmp.Diff(want, read(t, s, window(0, 20))); diff != "" {
		t.Errorf("afterwards (-want +got):\n%s", diff)
	}
}

func testReadCanceled(t *testing.T, open Open) {
	s, want := store(t, open, dense(2000))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	err := s.Read(ctx, window(0, 2000), func(*source.Event) error {
		n++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("canceled on the way: got %v after %d events, want %v", err, n, context.Canceled)
	}
	calls := map[string]func() error{
		"Read": func() error {
			return s.Read(ctx, window(0, 2000), func(*source.Event) error {
				t.Error("got an event although the context was canceled")
				return nil
			})
		},
		"Plan": func() error {
			_, _, err := s.Plan(ctx, source.Position{}, source.Position{Seq: 2000}, 10)
			return err
		},
		"Watermark": func() error {
			_, err := s.Watermark(ctx)
			return err
		},
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: canceled before: got %v, want %v", name, err, context.Canceled)
		}
	}
	if diff := cmp.Diff(want, read(t, s, window(0, 2000))); diff != "" {
		t.Errorf("afterwards (-want +got):\n%s", diff)
	}
}

func testReadConcurrently(t *testing.T, open Open) {
	s, want := store(t, open, dense(1000))
	g, ctx := errgroup.WithContext(t.Context())
	for i := range 8 {
		g.Go(func() error {
			after := int64(i) * 100
			part := want[after : after+300]
			for range 5 {
				n := 0
				err := s.Read(ctx, window(after, after+300), func(e *source.Event) error {
					if got := keep(e); n >= len(part) || got != part[n] {
						t.Errorf("reader %d: got %+v as event %d of its window", i, got, n)
					}
					n++
					return nil
				})
				if err != nil {
					return err
				}
				if n != len(part) {
					t.Errorf("reader %d: got %d events, want %d", i, n, len(part))
				}
				if _, _, err := s.Plan(ctx, source.Position{}, source.Position{Seq: 1000}, 100); err != nil {
					return err
				}
				if _, err := s.Watermark(ctx); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

func testWatermark(t *testing.T, open Open) {
	s, _ := store(t, open, every(7, 10))
	w, err := s.Watermark(t.Context())
	if err != nil || w.Head.Seq != 70 || w.Safe != w.Head || len(w.Holders) > 0 {
		t.Errorf("got watermark %+v (%v), want 70 as safe and head of a store nobody writes to", w, err)
	}
}
