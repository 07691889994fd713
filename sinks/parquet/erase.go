package parquet

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// MayErase refuses while there are files that Mend has moved aside: they may
// hold rows, and it is for a person to say what becomes of them.
func (s *Sink) MayErase(_ context.Context, name string) error {
	if err := checkName("job", name); err != nil {
		return err
	}
	dir := filepath.Join(layoutOf(s.path, name, 0, 0).control, asideDir)
	names, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return explain(err, "look for what was moved aside")
	}
	if len(names) > 0 {
		return refuse("look at what lies there, which may tell of what is to be forgotten, and remove the folder; then forget again", "files that were moved aside by a repair lie in %s", dir)
	}
	return nil
}

// Erase has nothing to do: all that is kept of a generation goes when it is
// dropped.
func (s *Sink) Erase(context.Context, string, int) error { return nil }
