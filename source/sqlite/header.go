package sqlite

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"

	"backstory/source"
)

// magic begins every database file (https://sqlite.org/fileformat.html).
const magic = "SQLite format 3\x00"

// walVersion is what byte 18 of the file holds in WAL mode.
const walVersion = 2

// headers reads the headers of database files and keeps the files open: when
// a process closes a file, POSIX takes all its locks on that file away, those
// that SQLite holds for a reader too, who could then be written over
// (https://sqlite.org/howtocorrupt.html, 2.2). The zero headers is ready.
type headers struct {
	mu    sync.Mutex
	files []*os.File
}

// read gives the header of the file at path, of which info is known.
func (h *headers) read(path string, info os.FileInfo) ([100]byte, error) {
	var header [100]byte
	f, err := h.file(path, info)
	if errors.Is(err, fs.ErrPermission) {
		return header, source.Setup("give the user the right to read the file",
			"open store %s: permission denied", path)
	}
	if err != nil {
		return header, source.Setup("check path:", "open store: %w", err)
	}
	n, err := f.ReadAt(header[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return header, source.Transient(err)
	}
	// An empty file is a database without tables.
	if n > 0 && (n < len(header) || string(header[:len(magic)]) != magic) {
		return header, source.Setup("check path:", "open store %s: it is no SQLite database", path)
	}
	return header, nil
}

// file gives the file that info is about, opened once.
func (h *headers) file(path string, info os.FileInfo) (*os.File, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.files {
		if known, err := f.Stat(); err == nil && os.SameFile(known, info) {
			return f, nil
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	h.files = append(h.files, f)
	return f, nil
}

// close closes the files. No connection to them may be open.
func (h *headers) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.files {
		f.Close()
	}
	h.files = nil
}
