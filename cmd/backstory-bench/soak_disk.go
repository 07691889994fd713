package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// diskSize is that of the file system for the tables, in bytes.
const diskSize = 512 << 20

// disk is where the tables lie: a small file system of its own where this
// program may mount one, so that it can be filled.
type disk struct {
	path    string
	limited bool
}

func newDisk(path string) (*disk, error) {
	if err := os.Mkdir(path, 0o755); err != nil {
		return nil, err
	}
	err := syscall.Mount("soak", path, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0755", diskSize))
	return &disk{path: path, limited: err == nil}, nil
}

func (d *disk) ballast() string { return filepath.Join(d.path, "ballast") }

// fill leaves that many bytes free.
func (d *disk) fill(left int64) (err error) {
	f, err := os.Create(d.ballast())
	if err != nil && !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var stat syscall.Statfs_t
	if err := syscall.Statfs(d.path, &stat); err != nil {
		return err
	}
	size := int64(stat.Bavail)*stat.Bsize - left
	if size <= 0 {
		return nil
	}
	if err := syscall.Fallocate(int(f.Fd()), 0, 0, size); err != nil && !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return nil
}

func (d *disk) free() error { return os.Remove(d.ballast()) }

// close unmounts the disk. What is on it is kept beside it when something is
// wrong.
func (d *disk) close(wrong bool) error {
	if !d.limited {
		return nil
	}
	if err := os.Remove(d.ballast()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var kept error
	if wrong {
		kept = exec.Command("cp", "-a", d.path, d.path+"-as-it-was").Run()
	}
	return errors.Join(kept, syscall.Unmount(d.path, 0))
}
