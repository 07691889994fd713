package parquet

import (
	"errors"
	"os"

	"backstory/sinks"

	"golang.org/x/sys/unix"
)

// lockFile takes the lock of that file without waiting, or returns
// sinks.ErrHeld. The lock ends with the process or when the file is closed.
// On a file system without locks everybody gets it: then only the ledger's
// lease keeps workers apart.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		f.Close()
		return nil, sinks.ErrHeld
	case errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.ENOLCK), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EINVAL):
		return f, nil
	case err != nil:
		f.Close()
		return nil, err
	}
	return f, nil
}
