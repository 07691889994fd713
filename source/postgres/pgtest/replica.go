package pgtest

import (
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// Replica starts a server that follows s by streaming. It is stopped when the
// test ends.
func (s *Server) Replica(tb testing.TB) *Server {
	tb.Helper()
	r, err := s.replica()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := r.remove(); err != nil {
			tb.Error(err)
		}
	})
	return r
}

func (s *Server) replica() (_ *Server, err error) {
	dir, err := os.MkdirTemp("/tmp", "pgtest")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	if _, err := owner(dir); err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	backup := exec.Command(s.Program("pg_basebackup"), "-D", data, "-h", s.dir, "-U", "postgres",
		"--write-recovery-conf", "--checkpoint=fast", "--no-sync")
	backup.Dir, backup.SysProcAttr = dir, &syscall.SysProcAttr{Credential: s.as}
	if out, err := backup.CombinedOutput(); err != nil {
		return nil, errors.Join(err, errors.New(string(out)))
	}
	return startIn(dir, data, nil)
}

// Of gives the URL of a database of another server on this one.
func (s *Server) Of(database string) string {
	u, err := url.Parse(database)
	if err != nil {
		return database
	}
	q := u.Query()
	q.Set("host", s.dir)
	u.RawQuery = q.Encode()
	return u.String()
}
