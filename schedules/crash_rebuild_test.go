package schedules_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"
)

// TestCrashRebuild kills a process that rebuilds at its first step, at its
// second, and so on. Events are added then, and runs go on under the new
// configuration, before and after another process finishes the rebuild. At
// every moment readers find each event once, and each table in one shape.
func TestCrashRebuild(t *testing.T) {
	for _, driver := range []string{"sqlite", "postgres"} {
		t.Run(driver, func(t *testing.T) {
			c := newCrashes(t, driver, order{Era: "old"})
			var g errgroup.Group
			g.SetLimit(2)
			var completed atomic.Int64
			for n := int64(1); completed.Load() < 3; n += stride() {
				if n > 2000 {
					t.Fatal("no rebuild completes")
				}
				g.Go(func() error {
					killed, err := c.rebuild(n)
					if err != nil {
						return fmt.Errorf("killed at step %d: %w", n, err)
					}
					if !killed && completed.Add(1) == 1 {
						t.Logf("a rebuild takes about %d steps", n)
					}
					return nil
				})
			}
			if err := g.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

// rebuild loads a history, kills a rebuild at its n-th step, and says what is
// wrong afterwards.
func (c *crashes) rebuild(n int64) (killed bool, err error) {
	o := c.order
	o.Out = filepath.Join(scratch(c.t), "out")
	s, table, err := c.table()
	if err != nil {
		return false, err
	}
	o.Store, o.Table = s.address, table
	if err := o.run(); err != nil {
		return false, fmt.Errorf("the first run: %w", err)
	}
	o.Era, o.Verb, o.KillAt, o.WindowEvents = "new", "rebuild", n, otherWindow
	if killed, err = o.start(); err != nil {
		return killed, err
	}
	if err := o.expectOldOrNew(crashEvents); err != nil {
		return killed, fmt.Errorf("after the crash: %w", err)
	}
	if err := s.extend(o.Table, crashEvents, moreEvents); err != nil {
		return killed, err
	}
	o.KillAt = 0
	if n%2 == 0 { // a run comes before the rebuild goes on
		o.Verb = ""
		if err := o.run(); err != nil {
			return killed, fmt.Errorf("a run in between: %w", err)
		}
		if err := o.expectOldOrNew(moreEvents); err != nil {
			return killed, fmt.Errorf("after a run in between: %w", err)
		}
	}
	o.Verb = "rebuild"
	if n%3 == 0 { // also what goes on may crash
		o.KillAt = 1 + n*7%61
		if _, err := o.start(); err != nil {
			return killed, err
		}
		o.KillAt = 0
	}
	if err := o.run(); err != nil {
		return killed, fmt.Errorf("the second rebuild: %w", err)
	}
	o.Verb = ""
	if err := o.finish(c.t, moreEvents); err != nil {
		return killed, err
	}
	return killed, os.RemoveAll(o.Out)
}

// expectOldOrNew looks for every event, once, as the old rules or the new
// ones make it.
func (o order) expectOldOrNew(through int64) error {
	f, err := readFolder(o.Out)
	if err != nil {
		return err
	}
	old := f.expectOnce(through, "old")
	if old == nil {
		return nil
	}
	if fresh := f.expectOnce(through, "new"); fresh != nil {
		return fmt.Errorf("neither the old rows (%w) nor the new ones (%w)", old, fresh)
	}
	return nil
}
