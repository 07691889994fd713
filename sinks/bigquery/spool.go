package bigquery

import (
	"bufio"
	"errors"
	"io"
	"os"
)

// spool is a file that is written once and may then be read any number of
// times. It has no name, so that it goes away with the process, however that
// ends.
type spool struct {
	file *os.File
	buf  *bufio.Writer
	n    int64
}

func newSpool() (*spool, error) {
	f, err := os.CreateTemp("", "backstory-*.parquet")
	if err != nil {
		return nil, refuse("free space for temporary files, or set TMPDIR to a folder that has some", "make temporary file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &spool{file: f, buf: bufio.NewWriterSize(f, 16<<10)}, nil
}

// Write appends.
func (s *spool) Write(b []byte) (int, error) {
	n, err := s.buf.Write(b)
	s.n += int64(n)
	if err != nil {
		err = refuse("free space for temporary files, or set TMPDIR to a folder that has some", "write temporary file: %w", err)
	}
	return n, err
}

// flush ends the writing.
func (s *spool) flush() error { return s.buf.Flush() }

// ReadAt reads what was flushed.
func (s *spool) ReadAt(b []byte, off int64) (int, error) { return s.file.ReadAt(b, off) }

// reader reads all of it. Several may be read at once.
func (s *spool) reader() io.Reader { return io.NewSectionReader(s, 0, s.n) }

func (s *spool) size() int64 { return s.n }

// Close gives the space back.
func (s *spool) Close() error { return s.file.Close() }
