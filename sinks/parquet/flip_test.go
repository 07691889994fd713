package parquet_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"backstory/sinks/parquet"
	"backstory/sinks/sinktest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
)

// stopped is what a step panics with where a test stops a sink.
type stopped struct{}

// stopSwap builds a second generation, and stops its swap before a step whose
// name begins so. Refunds goes and returns comes with it, orders changes.
func stopSwap(t *testing.T, root, step string) {
	t.Helper()
	found := false
	s := open(t, parquet.Options{Path: root, Step: func(name string) {
		if strings.HasPrefix(name, step) {
			found = true
			panic(stopped{})
		}
	}})
	defer s.Close()
	w := sinktest.Window(0, 20)
	commit(t, s, w, sinktest.Orders(), sinktest.Refunds())
	load(t, s, second(w), sinktest.Orders(), sinktest.Returns())
	func() {
		defer func() {
			if r := recover(); r != nil && r != any(stopped{}) {
				panic(r)
			}
		}()
		if err := s.Swap(t.Context(), sinktest.Job, 2); err != nil {
			t.Fatal(err)
		}
	}()
	if !found {
		t.Fatalf("the swap has no step %q", step)
	}
}

// visible lists the tables' files as a reader finds them who looks for
// */*.parquet.
func visible(t *testing.T, root string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "*", "*.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	for i, path := range paths {
		paths[i], _ = filepath.Rel(root, path)
	}
	return paths
}

// TestFlip shows what readers find right before and after the moment at which
// several tables change.
func TestFlip(t *testing.T) {
	const name = "00000000000000000001-00000000000000000020"
	for step, want := range map[string][]string{
		"flip":          {"orders/" + name + ".parquet", "refunds/" + name + ".parquet"},
		"sync the flip": {"orders/" + name + ".g2.parquet", "returns/" + name + ".g2.parquet"},
	} {
		root := scratch(t)
		stopSwap(t, root, step)
		if diff := cmp.Diff(want, visible(t, root)); diff != "" {
			t.Errorf("files at step %q (-want +got):\n%s", step, diff)
		}
		for _, table := range []string{"orders", "refunds", "returns"} {
			text, err := os.Readlink(filepath.Join(root, table))
			if want := "_backstory/shop/swap/now/" + table; err != nil || text != want {
				t.Errorf("table %s at step %q: got a link %q, %v, want %q", table, step, text, err, want)
			}
		}
	}
}

// TestLateReader follows the links as one who has read them right before they
// changed places with the folders they led to.
func TestLateReader(t *testing.T) {
	root := scratch(t)
	stopSwap(t, root, "sync what is shown")
	for _, table := range []string{"orders", "returns"} {
		late, err := os.Stat(filepath.Join(root, "_backstory/shop/swap/now", table))
		if err != nil {
			t.Fatal(err)
		}
		if now, err := os.Stat(filepath.Join(root, table)); err != nil || !os.SameFile(late, now) {
			t.Errorf("table %s: who is late comes to another folder, %v", table, err)
		}
	}
}

// TestNeverMissing looks for tables that are in both generations over and
// over while these change places. Only who is very late may once find nothing.
func TestNeverMissing(t *testing.T) {
	root := scratch(t)
	s := open(t, parquet.Options{Path: root})
	defer s.Close()
	w := sinktest.Window(0, 20)
	commit(t, s, w, sinktest.Orders(), sinktest.Refunds())
	load(t, s, second(w), sinktest.Orders(), sinktest.Refunds())
	var over atomic.Bool
	var g errgroup.Group
	g.Go(func() error {
		defer over.Store(true)
		for range 100 {
			if err := errors.Join(s.Swap(t.Context(), sinktest.Job, 2), s.Swap(t.Context(), sinktest.Job, 1)); err != nil {
				return err
			}
		}
		return nil
	})
	for _, table := range []string{"orders", "refunds"} {
		g.Go(func() error {
			for missed := 0; !over.Load(); {
				_, err := os.Stat(filepath.Join(root, table))
				if err == nil {
					missed = 0
				} else if missed++; missed > 1 {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

// TestFlipInTheWay has somebody put a folder where a table is about to come,
// and then take it away again.
func TestFlipInTheWay(t *testing.T) {
	root := scratch(t)
	stopSwap(t, root, "hide")
	theirs := filepath.Join(root, "returns")
	if err := os.Mkdir(theirs, 0o777); err != nil {
		t.Fatal(err)
	}
	s := open(t, parquet.Options{Path: root})
	defer s.Close()
	expectError(t, s.Hold(t.Context(), sinktest.Job, 2), theirs, "has come there meanwhile")
	expectNoLinks(t, s, root, func() error { return os.Remove(theirs) })
}

// TestFlipGone has what is to come go away while it is waited for.
func TestFlipGone(t *testing.T) {
	root := scratch(t)
	stopSwap(t, root, "show")
	fresh, aside := filepath.Join(root, "_backstory/shop/generation-2/tables/orders"), filepath.Join(root, "aside")
	if err := os.Rename(fresh, aside); err != nil {
		t.Fatal(err)
	}
	s := open(t, parquet.Options{Path: root})
	defer s.Close()
	expectError(t, s.Hold(t.Context(), sinktest.Job, 2), "table orders", "what replaces it is gone")
	expectNoLinks(t, s, root, func() error { return os.Rename(aside, fresh) })
}

// expectNoLinks has the second generation be taken in once what was in the way
// is mended.
func expectNoLinks(t *testing.T, s *parquet.Sink, root string, mend func() error) {
	t.Helper()
	ctx := t.Context()
	if err := errors.Join(mend(), s.Hold(ctx, sinktest.Job, 2), s.Check(ctx, sinktest.Job, 2), s.Check(ctx, sinktest.Job, 1)); err != nil {
		t.Fatal(err)
	}
	const name = "00000000000000000001-00000000000000000020"
	if diff := cmp.Diff([]string{"orders/" + name + ".g2.parquet", "returns/" + name + ".g2.parquet"}, visible(t, root)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	for _, table := range []string{"orders", "refunds", "returns"} {
		if text, err := os.Readlink(filepath.Join(root, table)); err == nil {
			t.Errorf("table %s is still a link to %s", table, text)
		}
	}
	kept, err := os.ReadDir(filepath.Join(root, "_backstory/shop/generation-1/tables"))
	if err != nil || len(kept) != 2 {
		t.Errorf("tables of the generation that is kept: got %v, %v, want two", kept, err)
	}
	if left := leftovers(t, root); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// TestLinkedFolder refuses to change a table whose folder somebody has moved
// elsewhere and linked.
func TestLinkedFolder(t *testing.T) {
	root := scratch(t)
	s := open(t, parquet.Options{Path: root})
	defer s.Close()
	w := sinktest.Window(0, 20)
	commit(t, s, w, sinktest.Orders(), sinktest.Refunds())
	load(t, s, second(w), sinktest.Orders(), sinktest.Refunds())
	orders, elsewhere := filepath.Join(root, "orders"), filepath.Join(root, "elsewhere")
	if err := errors.Join(os.Rename(orders, elsewhere), os.Symlink("elsewhere", orders)); err != nil {
		t.Fatal(err)
	}
	expectError(t, s.Swap(t.Context(), sinktest.Job, 2), "table orders", orders, "is a link to elsewhere")
	if err := errors.Join(os.Remove(orders), os.Rename(elsewhere, orders), s.Swap(t.Context(), sinktest.Job, 2)); err != nil {
		t.Fatal(err)
	}
}

// TestLinksNotFollowed swaps where links can be made but lead nowhere.
func TestLinksNotFollowed(t *testing.T) {
	root := scratch(t)
	s := open(t, parquet.Options{Path: root})
	defer s.Close()
	parquet.WithLinks(s, func(_, path string) (bool, error) { return true, os.Symlink("nowhere", path) })
	w := sinktest.Window(0, 20)
	commit(t, s, w, sinktest.Orders(), sinktest.Refunds())
	load(t, s, second(w), sinktest.Orders(), sinktest.Refunds())
	if err := errors.Join(s.Swap(t.Context(), sinktest.Job, 2), s.Check(t.Context(), sinktest.Job, 2), s.Check(t.Context(), sinktest.Job, 1)); err != nil {
		t.Fatal(err)
	}
	if got := len(visible(t, root)); got != 2 {
		t.Fatalf("got %d files, want 2", got)
	}
}
