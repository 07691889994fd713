package parquet

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// flip is the part of an intent that has several tables change at one moment.
// Each table's folder steps behind a link of the text _backstory/<job>/swap/now/<table>,
// where now is a link to the folders that were; one rename makes now a link
// to those that are to come; then these step before their links. No step but
// that rename changes what readers see, so whatever a crash leaves is wholly
// old or wholly new.
type flip struct {
	// Fresh is the folder of those that are to come, relative to the root.
	Fresh  string      `json:"fresh"`
	Tables []swapTable `json:"tables"`
}

// swapTable is a table whose folder changes, comes or goes.
type swapTable struct {
	Name   string `json:"name"`
	Before bool   `json:"before"` // there is a folder
	After  bool   `json:"after"`  // there is to be one
}

// flipper carries out a flip.
type flipper struct {
	*flip
	sink   *Sink
	layout layout
}

func (j *job) flipper(f *flip) *flipper { return &flipper{f, j.sink, j.layout} }

func (f *flipper) live(t swapTable) string  { return f.layout.table(t.Name) }
func (f *flipper) fresh(t swapTable) string { return filepath.Join(f.freshDir(), t.Name) }
func (f *flipper) old(t swapTable) string   { return filepath.Join(f.oldDir(), t.Name) }
func (f *flipper) freshDir() string         { return filepath.Join(f.layout.path, filepath.FromSlash(f.Fresh)) }
func (f *flipper) oldDir() string           { return filepath.Join(f.layout.swap(), "old") }
func (f *flipper) now() string              { return filepath.Join(f.layout.swap(), "now") }
func (f *flipper) next() string             { return filepath.Join(f.layout.swap(), "next") }

// link is the text of a table's link, which leads from the root to now.
func (f *flipper) link(t swapTable) string { return filepath.Join(f.way(), t.Name) }

func (f *flipper) way() string {
	return filepath.Join(ownDir, filepath.Base(f.layout.control), "swap", "now")
}

// back is, seen from the fresh folders, where link leads from the root. There
// the root itself is to be found: a reader who has read the link just before
// it changed places with the fresh folder follows it from there.
func (f *flipper) back() string { return filepath.Join(f.freshDir(), f.way()) }

// target is the text of now once it is flipped.
func (f *flipper) target() (string, error) { return filepath.Rel(f.layout.swap(), f.freshDir()) }

// prepare makes all links, so that what may want for space or rights does so
// before the decision. It gives false where the file system has no links.
func (f *flipper) prepare() (bool, error) {
	if err := makeDir(f.oldDir()); err != nil {
		return false, err
	}
	if ok, err := f.sink.symlink("old", f.now()); err != nil || !ok {
		return false, err
	}
	if _, err := os.Stat(f.now()); err != nil {
		return false, nil // mounted so that links are not followed
	}
	target, err := f.target()
	if err != nil {
		return false, err
	}
	if err := f.ensure(target, f.next()); err != nil {
		return false, err
	}
	for _, t := range f.Tables {
		if err := f.ensure(f.link(t), f.old(t)); err != nil {
			return false, err
		}
	}
	if err := makeDir(filepath.Dir(f.back())); err != nil {
		return false, err
	}
	root, err := filepath.Rel(filepath.Dir(f.back()), f.layout.path)
	if err != nil {
		return false, err
	}
	if err := f.ensure(root, f.back()); err != nil {
		return false, err
	}
	return true, syncDirs(filepath.Dir(f.back()), f.freshDir(), f.oldDir(), f.layout.swap())
}

// unprepare removes what prepare has made outside of the swap's folder.
func (f *flipper) unprepare() error { return os.RemoveAll(filepath.Join(f.freshDir(), ownDir)) }

// carryOut does all of a decided flip, or what of it is not yet done.
func (f *flipper) carryOut() error {
	target, err := f.target()
	if err != nil {
		return err
	}
	now, err := os.Readlink(f.now())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault("restore the job's folder from a backup", "find out which tables readers see: %w", err)
	case err != nil:
		return explain(err, "find out which tables readers see")
	}
	if now != target {
		if err := f.turn(target); err != nil {
			return err
		}
	}
	for _, t := range f.Tables {
		if err := f.show(t); err != nil {
			return err
		}
	}
	f.sink.step("sync what is shown")
	return syncDirs(f.layout.path, f.freshDir())
}

// keep puts the folders that were into dir, which is the folder of the fresh
// ones under the name that it has from now on: a reader who is late in
// following a link finds nothing under the name it had, and not what was.
func (f *flipper) keep(dir string) error {
	for _, t := range f.Tables {
		if err := f.keepTable(t, filepath.Join(dir, t.Name)); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(filepath.Join(dir, ownDir)); err != nil {
		return err
	}
	f.sink.step("sync what is kept")
	return syncDirs(f.oldDir(), dir)
}

// turn hides all tables behind their links and then turns the link they lead
// to. That is the moment: readers see everything old before, new after it.
func (f *flipper) turn(target string) error {
	for _, t := range f.Tables {
		if err := f.hide(t); err != nil {
			return err
		}
	}
	if err := f.ensure(target, f.next()); err != nil {
		return err
	}
	f.sink.step("sync what is hidden")
	if err := syncDirs(f.layout.path, f.oldDir()); err != nil {
		return err
	}
	f.sink.step("flip")
	if err := os.Rename(f.next(), f.now()); err != nil {
		return err
	}
	f.sink.step("sync the flip")
	return syncDir(f.layout.swap())
}
