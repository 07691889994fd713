package sqlite

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"backstory/source"
)

// fileState is what a connection knows of the file it was opened on.
type fileState struct {
	info os.FileInfo
	// wal says that the file is in WAL mode.
	wal bool
	// still says that the file is read as one that nobody writes to.
	still bool
}

// inspect looks at the file at path and decides how to read it.
//
// In WAL mode SQLite makes the files -wal and -shm even for a reader, and a
// reader cannot remove them. A guest leaves nothing behind: when they are not
// there nobody has the store open, and the file is read as it stands, which
// also works in a folder where we may not write. That somebody opens the
// store meanwhile does no harm, for what is new goes to -wal first; when it
// reaches the file, changed tells.
func inspect(path string, h *headers) (fileState, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fileState{}, source.Setup("check path: in a configuration, it is read from where that file lies",
			"open store %s: no such file", path)
	case errors.Is(err, fs.ErrPermission):
		return fileState{}, source.Setup("give the user the right to read the file and to enter its folder",
			"open store %s: permission denied", path)
	case err != nil:
		return fileState{}, source.Setup("check path:", "open store %s: %w", path, err)
	case info.IsDir():
		return fileState{}, source.Setup("name the database file in it", "open store %s: it is a folder", path)
	case !info.Mode().IsRegular():
		return fileState{}, source.Setup("name a database file", "open store %s: it is no regular file", path)
	}
	header, err := h.read(path, info)
	if err != nil {
		return fileState{}, err
	}
	state := fileState{info: info, wal: header[18] == walVersion}
	if state.wal && walSize(path) <= 0 {
		_, walErr := os.Stat(path + "-wal")
		_, shmErr := os.Stat(path + "-shm")
		state.still = walErr != nil || shmErr != nil
	}
	return state, nil
}

// walSize gives the size of the -wal beside the file, -1 if there is none.
func walSize(path string) int64 {
	info, err := os.Stat(path + "-wal")
	if err != nil {
		return -1
	}
	return info.Size()
}

// uri gives the name under which SQLite opens the file.
func (f fileState) uri(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	uri := "file:" + (&url.URL{Path: abs}).EscapedPath() + "?mode=ro"
	if f.still {
		uri += "&immutable=1"
	}
	return uri, nil
}

// changed tells that what was read since the file was inspected cannot be
// relied on: another file took its place, or it was written to although it
// was read as one that nobody writes to.
func (f fileState) changed(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !os.SameFile(f.info, info) {
		return true
	}
	return f.still && (info.Size() != f.info.Size() || !info.ModTime().Equal(f.info.ModTime()))
}

// outdated tells that a connection should not be used for what comes next:
// the file changed, or there is news in a -wal that is not looked at.
func (f fileState) outdated(path string) bool {
	return f.changed(path) || f.still && walSize(path) > 0
}
