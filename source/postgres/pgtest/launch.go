package pgtest

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// Launch starts a server for a program that is no test, such as a benchmark.
// The cluster lies in folder data, is made where there is none, and stays
// when the server is closed; without data it is a temporary one. Settings are
// as in Start. Where the program runs as root, data must be within reach of
// the user postgres.
func Launch(data string, settings ...string) (_ *Server, err error) {
	if data == "" {
		return start(settings)
	}
	dir, err := os.MkdirTemp("/tmp", "pgtest")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	if data, err = filepath.Abs(data); err != nil {
		return nil, err
	}
	// PostgreSQL wants its own folder closed to others, and the way to it open.
	if err := errors.Join(os.MkdirAll(filepath.Dir(data), 0o755), os.MkdirAll(data, 0o700)); err != nil {
		return nil, err
	}
	if _, err := owner(data); err != nil {
		return nil, err
	}
	return startIn(dir, data, settings)
}

// Close stops the server and removes its temporary files.
func (s *Server) Close() error { return s.remove() }

// Bounce restarts the server: in order, so that sessions are ended and data is
// written, or as if it had crashed.
func (s *Server) Bounce(crash bool) error {
	how := syscall.SIGINT
	if crash {
		how = syscall.SIGQUIT
	}
	if err := s.end(how); err != nil {
		return err
	}
	return s.boot()
}

// Program gives the path of a program that came with the server, such as psql.
func (s *Server) Program(name string) string {
	return filepath.Join(filepath.Dir(s.program), name)
}
