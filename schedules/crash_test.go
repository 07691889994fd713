package schedules_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"backstory/schedules"

	"golang.org/x/sync/errgroup"
)

// The events of the crash tests, and how many to a window: before the crash
// and after it.
const (
	crashEvents, crashWindow = 430, 100
	moreEvents, otherWindow  = 560, 70
)

// TestCrash kills a process that loads a history at its first step, at its
// second, and so on, lets events be added, and then looks whether another
// process ends with every event exactly once.
func TestCrash(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { testCrashes(t, "sqlite", order{}) })
	t.Run("postgres", func(t *testing.T) { testCrashes(t, "postgres", order{}) })
	t.Run("sink that cannot tell", func(t *testing.T) { testCrashes(t, "sqlite", order{Blind: true}) })
}

// TestCrashWithoutPlan shows that the test above would notice if windows were
// loaded before they are planned.
func TestCrashWithoutPlan(t *testing.T) {
	c := newCrashes(t, "sqlite", order{Blind: true, Forgetful: true})
	for n := int64(1); ; n++ {
		killed, err := c.at(n, nil)
		if err != nil {
			t.Logf("at step %d: %v", n, err)
			return
		}
		if !killed {
			t.Fatalf("killed at %d steps, without a plan, and nothing was wrong", n-1)
		}
	}
}

func testCrashes(t *testing.T, driver string, o order) {
	c := newCrashes(t, driver, o)
	var again atomic.Int64
	if killed, err := c.at(0, &again); killed || err != nil {
		t.Fatalf("without a crash: %v", err)
	}
	if again.Load() == 0 {
		t.Error("no window was begun again: the sample has seen what was to be a surprise")
	}
	// Steps of windows that are loaded side by side come in any order, so
	// that runs differ in their number by a few.
	var g errgroup.Group
	g.SetLimit(2)
	var completed atomic.Int64
	for n := int64(1); completed.Load() < 3; n += stride() {
		if n > 2000 {
			t.Fatal("no run completes")
		}
		g.Go(func() error {
			killed, err := c.at(n, nil)
			if err != nil {
				return fmt.Errorf("killed at step %d: %w", n, err)
			}
			if !killed && completed.Add(1) == 1 {
				t.Logf("a run takes about %d steps", n)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

// stride is from one step to the next: the variable TEST_STRIDE, with which the
// slow race detector takes not all of them, or 1.
func stride() int64 {
	n, _ := strconv.ParseInt(os.Getenv("TEST_STRIDE"), 10, 64)
	return max(n, 1)
}

// TestCrashCompact kills a process that merges files at each of its steps.
func TestCrashCompact(t *testing.T) {
	s := newStore(t, "sqlite")
	table, err := s.newTable(crashEvents)
	if err != nil {
		t.Fatal(err)
	}
	loaded := order{Driver: s.driver, Store: s.address, Table: table, Out: filepath.Join(scratch(t), "out"), WindowEvents: 40}
	if err := loaded.run(); err != nil {
		t.Fatal(err)
	}
	if err := s.extend(table, crashEvents, moreEvents); err != nil {
		t.Fatal(err)
	}
	for n := int64(1); ; n++ {
		o := loaded
		o.Out = filepath.Join(scratch(t), "out")
		if err := os.CopyFS(o.Out, os.DirFS(loaded.Out)); err != nil {
			t.Fatal(err)
		}
		o.Verb, o.KillAt = "compact", n
		killed, err := o.start()
		if err != nil {
			t.Fatalf("compact: %v", err)
		}
		o.Verb, o.KillAt, o.WindowEvents = "", 0, otherWindow
		if err := o.finish(t, moreEvents); err != nil {
			t.Errorf("killed at step %d: %v", n, err)
		}
		if !killed {
			if n < 5 {
				t.Errorf("compact took %d steps: it has done nothing", n)
			}
			return
		}
	}
}

// crashes kills processes that load from a table and into a folder of their
// own each.
type crashes struct {
	t     *testing.T
	order order

	mu    sync.Mutex // for one to make a table at a time
	store *store
}

func newCrashes(t *testing.T, driver string, o order) *crashes {
	t.Helper()
	o.Driver, o.WindowEvents = driver, crashWindow
	return &crashes{t: t, store: newStore(t, driver), order: o}
}

// table makes a table for one process, in a file of its own where the store
// is a file.
func (c *crashes) table() (*store, string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.order.Driver == "sqlite" {
		c.store = newStore(c.t, "sqlite")
	}
	name, err := c.store.newTable(crashEvents)
	return c.store, name, err
}

// at kills a process at its n-th step and says what is wrong afterwards. It
// counts the windows that the process before began again, if it is to.
func (c *crashes) at(n int64, again *atomic.Int64) (killed bool, err error) {
	o := c.order
	o.Out = filepath.Join(scratch(c.t), "out")
	s, table, err := c.table()
	if err != nil {
		return false, err
	}
	o.Store, o.Table = s.address, table
	if again != nil {
		err = o.do(c.t.Context(), func(r *schedules.Report) { again.Store(r.Again) })
	} else {
		o.KillAt = n
		killed, err = o.start()
	}
	if err != nil {
		return killed, err
	}
	// Windows are cut elsewhere from now on, were they cut again.
	o.WindowEvents = otherWindow
	if err := s.extend(o.Table, crashEvents, moreEvents); err != nil {
		return killed, err
	}
	if o.KillAt%4 == 1 { // also what mends a crash may crash
		o.KillAt = 1 + n*7%31
		if _, err := o.start(); err != nil {
			return killed, err
		}
	}
	o.KillAt = 0
	if err := o.finish(c.t, moreEvents); err != nil {
		return killed, err
	}
	return killed, os.RemoveAll(o.Out)
}

// finish runs the job in this process, which knows nothing of the one before,
// and looks at the result.
func (o order) finish(t *testing.T, through int64) error {
	if err := o.do(t.Context(), func(*schedules.Report) {}); err != nil {
		return err
	}
	f, err := readFolder(o.Out)
	if err != nil {
		return err
	}
	return errors.Join(f.expectOnce(through, o.Era), expectTidy(o.Out))
}

// start runs the order in another process and tells whether that was killed.
func (o order) start() (killed bool, err error) {
	text, err := json.Marshal(o)
	if err != nil {
		return false, err
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"="+string(text))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signal() == syscall.SIGKILL {
			return true, nil
		}
		if exit.ExitCode() == exitRules {
			return false, &schedules.RulesError{Job: jobName}
		}
	}
	if err != nil {
		return false, fmt.Errorf("run in another process: %w\n%s", err, out)
	}
	return false, nil
}
