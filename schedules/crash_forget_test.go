package schedules_test

import (
	"bytes"
	"errors"
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
	o := order{Driver: "sqlite", Store: filepath.Join(scratch(t), "store.db"), Out: filepath.Join(scratch(t), "out"), WindowEvents: crashWindow}
	s := openStore(t, o.Driver, o.Store)
	var err error
	if o.Table, err = s.newTable(crashEvents); err != nil {
		t.Fatal(err)
	}
	for _, o.Verb = range []string{"", "rebuild", "compact"} {
		if err := o.run(); err != nil {
			t.Fatalf("before: %s: %v", o.Verb, err)
		}
	}
	if traces(o.Out) == "" {
		t.Fatal("there are no traces of the stream before it is forgotten")
	}
	var g errgroup.Group
	g.SetLimit(2)
	var completed atomic.Int64
	for n := int64(1); completed.Load() < 3; n += stride() {
		if n > 2000 {
			t.Fatal("nothing is ever forgotten")
		}
		g.Go(func() error {
			killed, err := o.forget(t, n)
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

// forget kills a process that works on copies of the order's store and folder.
func (o order) forget(t *testing.T, n int64) (killed bool, err error) {
	dir := scratch(t)
	store, out := filepath.Join(dir, "store.db"), filepath.Join(dir, "out")
	data, err := os.ReadFile(o.Store)
	if err != nil {
		return false, err
	}
	if err := errors.Join(os.WriteFile(store, data, 0o666), os.CopyFS(out, os.DirFS(o.Out))); err != nil {
		return false, err
	}
	o.Store, o.Out = store, out
	s := openStore(t, o.Driver, o.Store)
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
	return killed, errors.Join(s.db.Close(), os.RemoveAll(dir))
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
