package schedules_test

import (
	"os"
	"path/filepath"
	"testing"
)

// everyRepair is from one step of a repair, which has some 400, to the next that
// is tried.
const everyRepair = 11

// TestCrashRepair kills a process that repairs at some of its steps: tables
// with a file that is lost, one of nobody, and one that holds rows of several
// windows and lacks some of them. Another repair mends all of it.
func TestCrashRepair(t *testing.T) {
	s := newStore(t, "sqlite")
	table, err := s.newTable(crashEvents)
	if err != nil {
		t.Fatal(err)
	}
	damaged := order{Driver: s.driver, Store: s.address, Table: table, Out: filepath.Join(scratch(t), "out"), WindowEvents: 40}
	if err := damaged.run(); err != nil {
		t.Fatal(err)
	}
	merge := damaged
	merge.Verb = "compact"
	if err := merge.run(); err != nil {
		t.Fatal(err)
	}
	if err := s.extend(table, crashEvents, moreEvents); err != nil {
		t.Fatal(err)
	}
	if err := damaged.run(); err != nil {
		t.Fatal(err)
	}
	damaged.plant(t)
	whole := damaged
	if err := whole.run(); err == nil {
		t.Fatal("a run with all of this finds nothing")
	}
	for n := int64(1); ; n += everyRepair * stride() {
		o := damaged
		o.Out = filepath.Join(scratch(t), "out")
		if err := os.CopyFS(o.Out, os.DirFS(damaged.Out)); err != nil {
			t.Fatal(err)
		}
		o.Verb, o.KillAt = "repair", n
		killed, err := o.start()
		if err != nil {
			t.Fatalf("killed at step %d: %v", n, err)
		}
		o.KillAt = 0
		if err := o.run(); err != nil {
			t.Fatalf("killed at step %d: the second repair: %v", n, err)
		}
		o.Verb, o.WindowEvents = "", otherWindow
		if err := o.finish(t, moreEvents); err != nil {
			t.Fatalf("killed at step %d: %v", n, err)
		}
		if err := os.RemoveAll(o.Out); err != nil {
			t.Fatal(err)
		}
		if !killed {
			t.Logf("a repair takes %d steps", n-1)
			return
		}
	}
}

// plant damages the tables of an order: of one, the merged file is overwritten;
// of another, the last file is removed, and a copy of the first is put beside.
func (o order) plant(t *testing.T) {
	t.Helper()
	files := func(table string) []string {
		found, err := filepath.Glob(filepath.Join(o.Out, table, "*.parquet"))
		if err != nil || len(found) < 2 {
			t.Fatalf("files of %s: got %q, %v, want two or more", table, found, err)
		}
		return found
	}
	opened, closed := files("cart_opened"), files("cart_closed")
	data, err := os.ReadFile(opened[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(opened[0]), "mine.parquet"), data, 0o666); err != nil {
		t.Fatal(err)
	}
	data[len(data)/3] ^= 0x5a
	if err := os.WriteFile(opened[0], data, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(closed[len(closed)-1]); err != nil {
		t.Fatal(err)
	}
}
