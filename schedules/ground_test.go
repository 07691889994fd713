package schedules_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"backstory/sinks/bigquery/bqtest"
)

// groundFolder is Parquet files.
type groundFolder struct{ *tale }

func newGroundFolder(l *tale) ground { return groundFolder{l} }

func (g groundFolder) read() (*folder, error) { return readFolder(g.order.Out) }

func (groundFolder) disturb() {}

// calm deletes what repairs have moved aside, as users are told to, since
// nothing is forgotten in it.
func (g groundFolder) calm() {
	if err := os.RemoveAll(filepath.Join(g.order.Out, "_backstory", jobName, "foreign")); err != nil {
		g.t.Fatal(err)
	}
}

// damage removes a file of a table, or changes a byte in it.
func (g groundFolder) damage() bool {
	files, err := filepath.Glob(filepath.Join(g.order.Out, "[a-z]*", "*.parquet"))
	if err != nil {
		g.t.Fatal(err)
	}
	if len(files) == 0 || g.tidy() != nil { // a commit is finished with the files as they were
		return false
	}
	file := files[g.IntN(len(files))]
	if g.IntN(2) == 0 {
		g.tell("%s is removed", filepath.Base(file))
		if err := os.Remove(file); err != nil {
			g.t.Fatal(err)
		}
		return true
	}
	data, err := os.ReadFile(file)
	if err != nil {
		g.t.Fatal(err)
	}
	data[g.IntN(len(data))] ^= 0x5a
	g.tell("%s is changed", filepath.Base(file))
	if err := errors.Join(os.Remove(file), os.WriteFile(file, data, 0o666)); err != nil { // not the file of an older generation too
		g.t.Fatal(err)
	}
	return true
}

func (g groundFolder) tidy() error { return expectTidy(g.order.Out) }

// groundWarehouse is a BigQuery, in which requests and answers get lost.
type groundWarehouse struct {
	l *tale
	w *warehouse
}

func newGroundWarehouse(l *tale) ground {
	w := &warehouse{Server: bqtest.Start(l.t, bqtest.Options{Limits: bqtest.Unlimited})}
	l.order.Server, l.order.Project = w.URL(), w.Project()
	return groundWarehouse{l, w}
}

func (g groundWarehouse) read() (*folder, error) {
	g.w.Settle() // jobs of processes that were killed
	return g.w.read()
}

func (g groundWarehouse) disturb() {
	if g.l.IntN(3) > 0 {
		return
	}
	rule := bqtest.Rule{Nth: 1 + g.l.IntN(60), Do: bqtest.DropBefore}
	if g.l.IntN(2) == 0 {
		rule.Do = bqtest.DropResponseAfterAccept
	}
	g.l.tell("request %d or its answer is to be lost", rule.Nth)
	g.w.Fail(rule)
}

func (g groundWarehouse) calm() { g.w.Mend() }

// damage deletes rows of a table or doubles them.
func (g groundWarehouse) damage() bool {
	f, err := g.read()
	if err != nil {
		g.l.t.Fatal(err)
	}
	tables := slices.Sorted(maps.Keys(f.rows))
	if len(tables) == 0 {
		return false
	}
	table := tables[g.l.IntN(len(tables))]
	if g.l.IntN(2) == 0 {
		g.l.tell("%s is doubled", table)
		err = g.w.double(g.l.t.Context(), table)
	} else {
		through := g.l.Int64N(g.l.through)
		g.l.tell("rows of %s up to %d are deleted", table, through)
		err = g.w.delete(g.l.t.Context(), table, through)
	}
	if err != nil {
		g.l.t.Fatal(err)
	}
	return true
}

// tidy allows staging tables that go away by themselves: who was killed and
// never came again has left them.
func (g groundWarehouse) tidy() error {
	for _, name := range g.w.staging() {
		if g.w.Table(dataset, name).ExpirationTime == 0 {
			return fmt.Errorf("table %s is left over", name)
		}
	}
	return nil
}
