//go:build unix

package parquet

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// errLocked tells that another process holds the lock.
var errLocked = errors.New("another process is working on the job")

// lockFile takes the lock of that file without waiting. The lock ends with
// the process or when the file is closed. On a file system without locks it
// is taken by all: then only the ledger's lease keeps workers apart.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		f.Close()
		return nil, errLocked
	case errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.ENOLCK), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EINVAL):
		return f, nil
	case err != nil:
		f.Close()
		return nil, err
	}
	return f, nil
}
