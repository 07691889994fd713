package schedules_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"
)

// forgottenStream has one event in each seven, so that every window must be
// loaded again, and the first and last events are of it too.
const forgottenStream = "cart-1"

// TestCrashForget kills a process that forgets a stream at its first step, at
// its second, and so on, on tables that were rebuilt and merged before. Each
// other event stays, once, all the time; and once that it was to be forgotten
// is saved, the next run leaves no byte of it.
func TestCrashForget(t *testing.T) {
	c := newCrashes(t, "sqlite", order{})
	var g errgroup.Group
	g.SetLimit(2)
	var completed atomic.Int64
	for n := int64(1); completed.Load() < 3; n += stride() {
		if n > 2000 {
			t.Fatal("nothing is ever forgotten")
		}
		g.Go(func() error {
			killed, err := c.forget(n)
			if err != nil {
				return fmt.Errorf("killed at step %d: %w", n, err)
			}
			if !killed && completed.Add(1) == 1 {
				t.Logf("to forget takes about %d steps", n)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

func (c *crashes) forget(n int64) (killed bool, err error) {
	o := c.order
	o.Out = filepath.Join(scratch(c.t), "out")
	s, table, err := c.table()
	if err != nil {
		return false, err
	}
	o.Store, o.Table = s.address, table
	for _, o.Verb = range []string{"", "rebuild", "compact"} {
		if err := o.run(); err != nil {
			return false, fmt.Errorf("before: %s: %w", o.Verb, err)
		}
	}
	if traces(o.Out) == "" {
		return false, fmt.Errorf("there are no traces of the stream before it is forgotten")
	}
	o.Verb, o.Stream, o.KillAt = "forget", forgottenStream, n
	if killed, err = o.start(); err != nil {
		return killed, err
	}
	if err := s.extend(o.Table, crashEvents, moreEvents); err != nil {
		return killed, err
	}
	if n%3 == 0 { // also what mends a crash may crash
		o.Verb, o.KillAt = "", 1+n*7%61
		if _, err := o.start(); err != nil {
			return killed, err
		}
	}
	o.Verb, o.KillAt, o.WindowEvents = "", 0, otherWindow
	if err := o.run(); err != nil {
		return killed, fmt.Errorf("the next run: %w", err)
	}
	f, err := readFolder(o.Out)
	if err != nil {
		return killed, err
	}
	if intact := f.expectOnce(moreEvents, ""); intact == nil && killed {
		o.Verb = "forget" // the crash came before it was saved
		if err := o.run(); err != nil {
			return killed, fmt.Errorf("forget again: %w", err)
		}
		if f, err = readFolder(o.Out); err != nil {
			return killed, err
		}
	}
	if err := f.expectOnceWithout(moreEvents, "", forgottenStream); err != nil {
		return killed, err
	}
	if left := traces(o.Out); left != "" {
		return killed, fmt.Errorf("%s still tells of the stream", left)
	}
	if err := expectTidy(o.Out); err != nil {
		return killed, err
	}
	o.Verb, o.Era = "rebuild", "new"
	if err := o.run(); err != nil {
		return killed, fmt.Errorf("rebuild: %w", err)
	}
	if f, err = readFolder(o.Out); err != nil {
		return killed, err
	}
	if err := f.expectOnceWithout(moreEvents, "new", forgottenStream); err != nil {
		return killed, fmt.Errorf("after a rebuild: %w", err)
	}
	if left := traces(o.Out); left != "" {
		return killed, fmt.Errorf("after a rebuild %s tells of the stream", left)
	}
	return killed, os.RemoveAll(o.Out)
}

// traces gives a file that holds the stream's name, "" if there is none. Names
// are short enough for zstd to keep them as they are: the pages' statistics
// and the control files have them in any case.
func traces(root string) (found string) {
	filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil && bytes.Contains(text, []byte(forgottenStream)) {
			found = path
		}
		return err
	})
	return found
}
