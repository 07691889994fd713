//go:build unix

package sqlite

import (
	"errors"
	"os"
	"strings"

	"backstory/schedules/ledgersql"
	"backstory/source"

	"golang.org/x/sys/unix"
)

// A lockFile is an open file under an exclusive flock. The system gives the
// lock up when the process ends, so that nobody waits for the dead.
type lockFile struct{ file *os.File }

func takeLock(path, holder string) (*lockFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, source.Setup("make the ledger's folder writable for this user, or put the ledger elsewhere with state:", "lock %s: %w", path, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, &ledgersql.HeldError{Holder: readHolder(f)}
		}
		return nil, source.Setup("put the ledger on a file system with locks", "lock %s: %w", path, err)
	}
	if err := errors.Join(f.Truncate(0), writeAt(f, holder+"\n")); err != nil {
		f.Close()
		return nil, source.Setup("the disk may be full: make room, and run again", "lock %s: %w", path, err)
	}
	return &lockFile{f}, nil
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

func readHolder(f *os.File) string {
	buf := make([]byte, 256)
	n, _ := f.ReadAt(buf, 0)
	return strings.TrimSpace(string(buf[:n]))
}

// release gives the lock up. The file stays: removing it could take it from
// under one who is just about to lock it. Closing alone would leave it locked
// for as long as a process that was forked meanwhile has not begun another
// program.
func (l *lockFile) release() error {
	return errors.Join(unix.Flock(int(l.file.Fd()), unix.LOCK_UN), l.file.Close())
}
