package parquet

import (
	"errors"
	"io/fs"
	"os"
)

// The steps of a flip that concern one table. Each looks at what is there
// before it does anything, and so may be repeated after any crash.

// hide puts a table's link in the place of its folder. Where the two cannot be
// exchanged, readers miss the table for a moment.
func (f *flipper) hide(t swapTable) error {
	live, old, link := f.live(t), f.old(t), f.link(t)
	at, err := f.at(live, link)
	if err != nil {
		return err
	}
	aside, err := f.at(old, link)
	if err != nil {
		return err
	}
	switch {
	case at == itsLink:
		return nil
	case at == other && !t.Before:
		return fault("move it away", "put table %s in place: %s has come there meanwhile", t.Name, live)
	case at == nothing && aside != other && t.Before:
		return fault("restore the folder from a backup", "replace table %s: its folder is gone", t.Name)
	case at == nothing && aside != other:
		if err := f.ensure(link, old); err != nil {
			return err
		}
		f.sink.step("announce %s", t.Name)
		return os.Rename(old, live)
	case at == other:
		if err := f.ensure(link, old); err != nil {
			return err
		}
		f.sink.step("hide %s", t.Name)
		if ok, err := f.sink.exchange(live, old); ok || err != nil {
			return err
		}
		if err := os.Remove(old); err != nil {
			return err
		}
		if err := os.Rename(live, old); err != nil {
			return err
		}
	}
	f.sink.step("link %s", t.Name)
	return f.ensure(link, live)
}

// show puts a table's fresh folder in the place of its link, or removes the
// link of a table that is to be no more.
func (f *flipper) show(t swapTable) error {
	live, fresh, link := f.live(t), f.fresh(t), f.link(t)
	at, err := f.at(live, link)
	if err != nil || at == other || at == nothing && !t.After {
		return err
	}
	if !t.After {
		f.sink.step("take %s away", t.Name)
		return os.Remove(live)
	}
	if ready, err := f.at(fresh, link); err != nil {
		return err
	} else if ready != other {
		return fault("restore the folder from a backup", "replace table %s: what replaces it is gone", t.Name)
	}
	if at == itsLink {
		f.sink.step("show %s", t.Name)
		if ok, err := f.sink.exchange(live, fresh); ok || err != nil {
			return err
		}
		if err := os.Remove(live); err != nil {
			return err
		}
	}
	f.sink.step("move %s", t.Name)
	return os.Rename(fresh, live)
}

// keepTable puts the folder that was at a path where its link may be.
func (f *flipper) keepTable(t swapTable, path string) error {
	if at, err := f.at(path, f.link(t)); err != nil {
		return err
	} else if at == itsLink {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	if at, err := f.at(f.old(t), f.link(t)); err != nil || at != other {
		return err
	}
	f.sink.step("keep %s", t.Name)
	return os.Rename(f.old(t), path)
}

// What may be at a path.
const (
	nothing = iota
	itsLink // a table's link
	other   // a folder
)

// at tells what is at a path where a link of that text may be.
func (f *flipper) at(path, link string) (int, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || isNotDir(err):
		return nothing, nil
	case err != nil:
		return nothing, err
	case info.Mode().Type() != fs.ModeSymlink:
		return other, nil
	}
	text, err := os.Readlink(path)
	if err != nil || text != link {
		return other, err
	}
	return itsLink, nil
}

// ensure makes sure that a link of that text is at a path.
func (f *flipper) ensure(text, path string) error {
	if at, err := f.at(path, text); err != nil || at == itsLink {
		return err
	}
	ok, err := f.sink.symlink(text, path)
	if err == nil && !ok {
		err = &os.LinkError{Op: "symlink", Old: text, New: path, Err: errors.ErrUnsupported}
	}
	return err
}
