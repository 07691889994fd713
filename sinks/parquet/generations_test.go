package parquet_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"backstory/sinks"
	"backstory/sinks/parquet"
	"backstory/sinks/sinktest"
	"backstory/source"
	"backstory/transform"

	"github.com/google/go-cmp/cmp"
)

// load commits a window of a job's generation.
func load(t *testing.T, s sinks.Sink, l sinks.Load, tables ...*transform.Table) {
	t.Helper()
	txn, err := s.Begin(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	write(t, txn, l.Window, tables...)
	if err := txn.Commit(t.Context(), sinktest.Summary(l.Window)); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, txn sinks.Txn, rows source.Window, tables ...*transform.Table) {
	t.Helper()
	for _, table := range tables {
		r := sinktest.Record(table, rows)
		defer r.Release()
		if err := txn.Write(t.Context(), table, r); err != nil {
			t.Fatal(err)
		}
	}
}

func second(w source.Window) sinks.Load {
	return sinks.Load{Job: sinktest.Job, Generation: 2, Window: w}
}

// TestSwapLayout shows where the files of two generations are before and
// after they change places. Their names differ, so that a reader who listed
// the folder before does not read a mixture.
func TestSwapLayout(t *testing.T) {
	root := scratch(t)
	s := open(t, parquet.Options{Path: root})
	defer s.Close()
	w := sinktest.Window(0, 20)
	commit(t, s, w, sinktest.Orders(), sinktest.Refunds())
	load(t, s, second(w), sinktest.Grown())
	const name = "00000000000000000001-00000000000000000020"
	want := []string{
		"_backstory/shop/generation-2/manifests/" + name + ".json",
		"_backstory/shop/generation-2/tables/orders/" + name + ".g2.parquet",
		"_backstory/shop/generation-2/tables.json",
		"_backstory/shop/manifests/" + name + ".json",
		"_backstory/shop/tables.json",
		"orders/" + name + ".parquet",
		"refunds/" + name + ".parquet",
	}
	if diff := cmp.Diff(want, tree(t, root)); diff != "" {
		t.Fatalf("files before (-want +got):\n%s", diff)
	}
	if err := s.Swap(t.Context(), sinktest.Job, 2); err != nil {
		t.Fatal(err)
	}
	want = []string{
		"_backstory/shop/generation-1/manifests/" + name + ".json",
		"_backstory/shop/generation-1/tables/orders/" + name + ".parquet",
		"_backstory/shop/generation-1/tables/refunds/" + name + ".parquet",
		"_backstory/shop/generation-1/tables.json",
		"_backstory/shop/manifests/" + name + ".json",
		"_backstory/shop/tables.json",
		"orders/" + name + ".g2.parquet",
	}
	if diff := cmp.Diff(want, tree(t, root)); diff != "" {
		t.Fatalf("files after (-want +got):\n%s", diff)
	}
	_, err := s.Begin(t.Context(), sinktest.Load(sinktest.Window(20, 30)))
	expectError(t, err, "generation 1 was replaced by generation 2")
	m, _, err := s.Manifests(t.Context(), sinktest.Job, 1)
	if err != nil || len(m) != 1 {
		t.Fatalf("manifests of the generation that is kept: got %v, %v", m, err)
	}
	for _, lt := range m[0].Tables {
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(lt.Files[0].Path))); err != nil {
			t.Error(err)
		}
	}
	expectError(t, s.Drop(t.Context(), sinktest.Job, 2), "the one that readers see")
	expectError(t, s.Swap(t.Context(), sinktest.Job, 3), "generation 3 is not there")
}

// TestSwapTaken has another job take the name of a table while a generation
// that has it is being built.
func TestSwapTaken(t *testing.T) {
	root := scratch(t)
	s := open(t, parquet.Options{Path: root})
	defer s.Close()
	w := sinktest.Window(0, 20)
	commit(t, s, w, sinktest.Orders())
	load(t, s, second(w), sinktest.Orders(), sinktest.Refunds())
	load(t, s, sinks.Load{Job: "other", Generation: 1, Window: w}, sinktest.Refunds())
	before := tree(t, root)
	expectError(t, s.Swap(t.Context(), sinktest.Job, 2), "refunds", "belongs to job other")
	if diff := cmp.Diff(before, tree(t, root)); diff != "" {
		t.Fatalf("files after a swap that was refused (-want +got):\n%s", diff)
	}
	commit(t, s, sinktest.Window(20, 30), sinktest.Orders()) // it goes on

	// The live generation and the other job know the table by now.
	_, err := s.Begin(t.Context(), sinks.Load{Job: "other", Generation: 1, Window: sinktest.Window(20, 30)})
	if err != nil {
		t.Fatal(err)
	}
	theirs := filepath.Join(root, "returns")
	if err := errors.Join(os.Mkdir(theirs, 0o777), os.WriteFile(filepath.Join(theirs, "theirs.parquet"), nil, 0o666)); err != nil {
		t.Fatal(err)
	}
	txn, err := s.Begin(t.Context(), second(sinktest.Window(20, 30)))
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Abort()
	r := sinktest.Record(sinktest.Returns(), sinktest.Window(20, 30))
	defer r.Release()
	expectError(t, txn.Write(t.Context(), sinktest.Returns(), r), "theirs.parquet", "was not written by job shop")
}

// TestHalfWay lets each exchange of folders fail in turn, and goes on with
// the same sink: what was decided is finished before anything else.
func TestHalfWay(t *testing.T) {
	windows := []source.Window{sinktest.Window(0, 20), sinktest.Window(20, 30)}
	changes := map[string]struct {
		do    func(*parquet.Sink) error
		again sinks.Load
	}{
		"evolve": {func(s *parquet.Sink) error {
			return s.Evolve(t.Context(), sinktest.Job, 1, []*transform.Table{sinktest.Grown()})
		}, sinktest.Load(windows[1])},
		"swap": {func(s *parquet.Sink) error { return s.Swap(t.Context(), sinktest.Job, 2) }, second(windows[1])},
	}
	for name, change := range changes {
		for fails := 1; ; fails++ {
			root := scratch(t)
			s := open(t, parquet.Options{Path: root})
			commit(t, s, windows[0], sinktest.Orders())
			load(t, s, second(windows[0]), sinktest.Grown())
			n := 0
			parquet.WithExchange(s, func(a, b string) (bool, error) {
				if n++; n == fails {
					return false, errors.New("the disk is gone")
				}
				return parquet.Exchange(a, b)
			})
			err := change.do(s)
			if err == nil {
				if fails < 3 {
					t.Errorf("%s: got %d exchanges, want more", name, fails-1)
				}
				s.Close()
				break
			}
			t.Run(fmt.Sprint(name, fails), func(t *testing.T) {
				load(t, s, change.again, sinktest.Grown())
				if got := readTable(t, root, "orders"); len(got) != 30 {
					t.Fatalf("got %d rows, want 30", len(got))
				}
				if err := errors.Join(s.Check(t.Context(), sinktest.Job, change.again.Generation), change.do(s), s.Close()); err != nil {
					t.Fatal(err)
				}
				if left := leftovers(t, root); len(left) > 0 {
					t.Fatalf("left over: %v", left)
				}
			})
		}
	}
}

// TestDroppedAside checks that what a crash left of a generation that was
// being dropped is cleared away by who works on the job.
func TestDroppedAside(t *testing.T) {
	root := scratch(t)
	s := open(t, parquet.Options{Path: root})
	commit(t, s, sinktest.Window(0, 20), sinktest.Orders())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	aside := filepath.Join(root, "_backstory/shop/dropped-2/tables/orders")
	if err := errors.Join(os.MkdirAll(aside, 0o777), os.WriteFile(filepath.Join(aside, "a.parquet"), nil, 0o666)); err != nil {
		t.Fatal(err)
	}
	s = open(t, parquet.Options{Path: root})
	defer s.Close()
	if err := s.Hold(t.Context(), sinktest.Job, 1); err != nil {
		t.Fatal(err)
	}
	if left := leftovers(t, root); len(left) > 0 {
		t.Fatalf("left over: %v", left)
	}
}

// TestOnlyLooked looks at a folder that is not there, and leaves it so.
func TestOnlyLooked(t *testing.T) {
	root := filepath.Join(scratch(t), "a", "b")
	s := open(t, parquet.Options{Path: root})
	ctx := t.Context()
	_, _, err := s.Manifests(ctx, sinktest.Job, 1)
	_, err2 := s.Live(ctx, sinktest.Job)
	_, err3 := s.Signature(ctx, sinktest.Job, 1)
	if err := errors.Join(err, err2, err3, s.Drop(ctx, sinktest.Job, 2), s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(root)); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the folder was made: %v", err)
	}
	s = open(t, parquet.Options{Path: root})
	defer s.Close()
	commit(t, s, sinktest.Window(0, 20), sinktest.Orders())
}

// TestQuarantine treats the table of failed events as any other.
func TestQuarantine(t *testing.T) {
	root := scratch(t)
	s := open(t, parquet.Options{Path: root})
	defer s.Close()
	small, grown := sinktest.Orders(), sinktest.Grown()
	small.Name, grown.Name = transform.Quarantine, transform.Quarantine
	first, next := sinktest.Window(0, 20), sinktest.Window(20, 30)
	commit(t, s, first, small)
	if err := s.Evolve(t.Context(), sinktest.Job, 1, []*transform.Table{grown}); err != nil {
		t.Fatal(err)
	}
	commit(t, s, next, grown)
	if _, err := s.Compact(t.Context(), sinktest.Job, 1, sinks.CompactOptions{}); err != nil {
		t.Fatal(err)
	}
	if n := len(tableFiles(t, root, transform.Quarantine)); n != 1 {
		t.Fatalf("got %d files, want one", n)
	}
	if got := readTable(t, root, transform.Quarantine); len(got) != 30 {
		t.Fatalf("got %d rows, want 30", len(got))
	}
	load(t, s, second(first), small)
	if err := errors.Join(s.Swap(t.Context(), sinktest.Job, 2), s.Check(t.Context(), sinktest.Job, 2), s.Check(t.Context(), sinktest.Job, 1)); err != nil {
		t.Fatal(err)
	}
	if got := readTable(t, root, transform.Quarantine); len(got) != 20 {
		t.Fatalf("after the swap: got %d rows, want 20", len(got))
	}
	txn, err := s.Replace(t.Context(), second(first))
	if err != nil {
		t.Fatal(err)
	}
	write(t, txn, first, sinktest.Orders())
	if err := txn.Commit(t.Context(), sinktest.Summary(first)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, transform.Quarantine)); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the table that has lost all rows: got %v, want it gone", err)
	}
}

// TestReplaceFiles shows what becomes of a file whose middle is loaded again,
// row groups of which are copied whole and in part.
func TestReplaceFiles(t *testing.T) {
	root := scratch(t)
	s := open(t, parquet.Options{Path: root, RowGroupRows: 16})
	defer s.Close()
	windows := []source.Window{sinktest.Window(0, 50), sinktest.Window(50, 75), sinktest.Window(75, 150)}
	for _, w := range windows {
		commit(t, s, w, sinktest.Orders())
	}
	if _, err := s.Compact(t.Context(), sinktest.Job, 1, sinks.CompactOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, w := range []source.Window{sinktest.Window(50, 60), sinktest.Window(150, 160)} {
		_, err := s.Replace(t.Context(), sinktest.Load(w))
		expectError(t, err, w.String(), "no such load is committed")
	}
	for range 2 {
		txn, err := s.Replace(t.Context(), sinktest.Load(windows[1]))
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Begin(t.Context(), sinktest.Load(sinktest.Window(150, 160)))
		expectError(t, err, "windows are being loaded again")
		write(t, txn, sinktest.Window(60, 70), sinktest.Orders())
		if err := txn.Commit(t.Context(), sinktest.Summary(windows[1])); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"orders/00000000000000000001-00000000000000000050.parquet",
		"orders/00000000000000000051-00000000000000000075.r2.parquet",
		"orders/00000000000000000076-00000000000000000150.parquet",
	}
	files := tree(t, root)
	if diff := cmp.Diff(want, files[len(files)-3:]); diff != "" {
		t.Fatalf("files (-want +got):\n%s", diff)
	}
	var lines []string
	for _, w := range []source.Window{windows[0], sinktest.Window(60, 70), windows[2]} {
		lines = append(lines, sinktest.Lines(sinktest.Orders(), w)...)
	}
	if got := readTable(t, root, "orders"); !slices.Equal(got, lines) {
		t.Fatalf("got %d rows, want %d, or in another order", len(got), len(lines))
	}
	taken := filepath.Join(root, "orders", "00000000000000000051-00000000000000000075.r3.parquet")
	if err := os.WriteFile(taken, []byte("theirs"), 0o666); err != nil {
		t.Fatal(err)
	}
	txn, err := s.Replace(t.Context(), sinktest.Load(windows[1]))
	if err != nil {
		t.Fatal(err)
	}
	write(t, txn, windows[1], sinktest.Orders())
	expectError(t, txn.Commit(t.Context(), sinktest.Summary(windows[1])), taken)
	if err := errors.Join(txn.Abort(), os.Remove(taken), s.Check(t.Context(), sinktest.Job, 1)); err != nil {
		t.Fatal(err)
	}
	if left := leftovers(t, root); len(left) > 0 {
		t.Fatalf("left over: %v", left)
	}
}

// TestReplaceOutOfOrder cuts nothing out of a file whose rows lie elsewhere
// than the manifests say.
func TestReplaceOutOfOrder(t *testing.T) {
	root := scratch(t)
	s := open(t, parquet.Options{Path: root})
	windows := []source.Window{sinktest.Window(0, 50), sinktest.Window(50, 75), sinktest.Window(75, 150)}
	for _, w := range windows {
		commit(t, s, w, sinktest.Orders())
	}
	if _, err := s.Compact(t.Context(), sinktest.Job, 1, sinks.CompactOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(root, "_backstory/shop/manifests/*.json"))
	if err != nil || len(found) != 1 {
		t.Fatalf("manifests: got %q, %v", found, err)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.NewReplacer(`"rows":50`, `"rows":51`, `"rows":25`, `"rows":24`).Replace(string(text)))
	if err := os.WriteFile(found[0], text, 0o666); err != nil {
		t.Fatal(err)
	}
	s = open(t, parquet.Options{Path: root})
	defer s.Close()
	txn, err := s.Replace(t.Context(), sinktest.Load(windows[2]))
	if err != nil {
		t.Fatal(err)
	}
	write(t, txn, windows[2], sinktest.Orders())
	err = txn.Commit(t.Context(), sinktest.Summary(windows[2]))
	expectError(t, err, "a row of position 51 lies where those of (0,50] should")
	if err := txn.Abort(); err != nil {
		t.Fatal(err)
	}
}
