package parquet

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// makeDir makes a folder and those above it, each durable in its parent.
func makeDir(path string) error {
	err := os.Mkdir(path, 0o777)
	switch {
	case err == nil:
		return syncDir(filepath.Dir(path))
	case errors.Is(err, fs.ErrExist):
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
		}
		return nil
	case errors.Is(err, fs.ErrNotExist):
		if err := makeDir(filepath.Dir(path)); err != nil {
			return err
		}
		return makeDir(path)
	}
	return err
}

// writeFile puts a file in place so that a reader sees all of it or what was
// there before, also after a crash.
func writeFile(path string, data []byte) error {
	tmp := path + ".tmp"
	if err := writeAndSync(tmp, data); err != nil {
		os.Remove(tmp)
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		os.Remove(tmp)
		return err
	}
	return syncDir(filepath.Dir(path))
}

func writeAndSync(path string, data []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncDir makes the names in a folder durable.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// syncDirs does so for several folders, each once.
func syncDirs(paths ...string) error {
	done := make(map[string]bool)
	for _, p := range paths {
		if done[p] {
			continue
		}
		done[p] = true
		if err := syncDir(p); err != nil {
			return err
		}
	}
	return nil
}

// link gives a file a second name, or copies it where a file system has no
// links. The copy is as durable as a link: it is when its folder is synced.
func link(from, to string) error {
	err := os.Link(from, to)
	if !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.ENOTSUP) && !errors.Is(err, syscall.EMLINK) {
		return err
	}
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	if err == nil {
		err = dst.Sync()
	}
	return errors.Join(err, dst.Close())
}

// symlink makes a link of that text. It gives false where the file system has
// no such links.
func symlink(text, path string) (bool, error) {
	err := os.Symlink(text, path)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.ENOSYS) {
		return false, nil
	}
	return err == nil, err
}

// exists tells whether something of that name is there.
func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) || isNotDir(err) {
		return false, nil
	}
	return err == nil, err
}

// inode identifies a file or folder whatever its name; 0 if it is not there.
func inode(path string) uint64 {
	info, err := os.Lstat(path)
	if err != nil {
		return 0
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Ino)
	}
	return 0
}

// list gives the names in a folder in order, none if it is not there.
func list(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

func isNotDir(err error) bool { return errors.Is(err, syscall.ENOTDIR) }
