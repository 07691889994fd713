package parquet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
)

// Signature names what lies in the job's folders without reading it: names,
// sizes and times of the manifests, and the times of the tables' folders,
// which change with every file that comes or goes. The files of a table are
// not looked at one by one: they are many more.
func (s *Sink) Signature(ctx context.Context, name string, generation int) (string, error) {
	if err := checkName("job", name); err != nil {
		return "", err
	}
	s.mu.Lock()
	l, in, err := s.layout(name, generation)
	s.mu.Unlock()
	if err != nil || in != nil {
		return "", err
	}
	for _, path := range []string{l.pending(), l.staging(), l.intent()} {
		if names, err := list(path); err != nil || len(names) > 0 {
			return "", nil // a crash has left something to do
		}
	}
	c, err := readTablesFile(l.tablesFile, name)
	if err != nil {
		return "", err
	}
	if c == nil || c.Generation != generation {
		return "", nil
	}
	h := sha256.New()
	paths := []string{l.tablesFile, l.manifests}
	for _, t := range c.Tables {
		paths = append(paths, l.table(t.Name))
	}
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if err := sign(h, path); err != nil {
			return "", explain(err, "look at %s", path)
		}
	}
	if err := signEach(h, l.manifests, func(fs.DirEntry) bool { return true }); err != nil {
		return "", explain(err, "look at the manifests of job %s", name)
	}
	for _, t := range c.Tables {
		if t.Partition == "" {
			continue
		}
		if err := signEach(h, l.table(t.Name), fs.DirEntry.IsDir); err != nil {
			return "", explain(err, "look at table %s", t.Name)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// signatureOf names the state of the files in a folder; it is never "".
func signatureOf(dir string) (string, error) {
	h := sha256.New()
	err := signEach(h, dir, func(fs.DirEntry) bool { return true })
	return hex.EncodeToString(h.Sum(nil)), err
}

// signEach signs what lies in a folder and is wanted.
func signEach(h hash.Hash, dir string, wanted func(fs.DirEntry) bool) error {
	names, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil
	}
	for _, e := range names {
		if !wanted(e) {
			continue
		}
		if err := sign(h, filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return err
}

// sign adds what the file system says of a path; nothing if it is not there.
func sign(h hash.Hash, path string) error {
	info, err := os.Lstat(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	size := info.Size()
	if info.IsDir() {
		size = 0
	}
	_, err = fmt.Fprintf(h, "%s %d %d %s\n", filepath.Base(path), size, info.ModTime().UnixNano(), info.Mode())
	return err
}
