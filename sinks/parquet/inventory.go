package parquet

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"
)

// Manifests lists the committed loads. After a compaction several loads may
// name the same file: Rows are the load's own, Bytes are the file's.
func (s *Sink) Manifests(ctx context.Context, name string, generation int) ([]sinks.Manifest, []*transform.Table, error) {
	j, done, err := s.job(ctx, name, generation, forReading)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	j.mu.Lock()
	defer j.mu.Unlock()
	all, err := readManifests(j.layout.manifests(), name, generation)
	if err != nil {
		return nil, nil, err
	}
	loads := loadsOf(all)
	if prefix := j.layout.prefix(); prefix != "" {
		for _, l := range loads {
			for _, t := range l.Tables {
				for i := range t.Files {
					t.Files[i].Path = prefix + t.Files[i].Path
				}
			}
		}
	}
	return loads, slices.Clone(j.tables.Tables), nil
}

// Check compares the manifests with want, window by window and table by
// table, and the folders with the manifests, by names and sizes. The files
// and sizes in want are not looked at, as Evolve and Compact change them. A
// nil want leaves the first comparison out.
func (s *Sink) Check(ctx context.Context, name string, generation int, want []sinks.Manifest) error {
	j, done, err := s.job(ctx, name, generation, forReading)
	if err != nil {
		return err
	}
	defer done()
	j.mu.Lock()
	defer j.mu.Unlock()
	err = j.check(ctx, want)
	if errors.Is(err, sinks.ErrDisagree) && !j.writable {
		// Another process has the lock: what looks wrong may be half of what
		// it is about to finish.
		return refuse("wait until it has finished", "check job %s: %w", name, sinks.ErrHeld)
	}
	return err
}

func (j *job) check(ctx context.Context, want []sinks.Manifest) error {
	all, err := readManifests(j.layout.manifests(), j.name, j.generation)
	if err != nil {
		return err
	}
	loads := loadsOf(all)
	if want != nil {
		if err := compareLoads(j.name, want, loads); err != nil {
			return err
		}
	}
	files, err := filesOf(loads)
	if err != nil {
		return err
	}
	if err := j.checkFiles(ctx, files); err != nil {
		return err
	}
	return j.checkFolders(ctx, files)
}

func compareLoads(job string, want, have []sinks.Manifest) error {
	held := make(map[source.Window]sinks.Manifest, len(have))
	for _, m := range have {
		held[m.Window] = m
	}
	for _, w := range want {
		m, ok := held[w.Window]
		if !ok {
			return fault("restore the folder as it was, or load the window again",
				"check job %s: window %s is counted as loaded and has no manifest", job, w.Window)
		}
		delete(held, w.Window)
		if got, want := rowsOf(m), rowsOf(w); !equalRows(got, want) {
			return fault("the folder or the ledger is older than the other, or of another run; restore the one that is wrong",
				"check job %s: window %s has the rows %v, and not %v", job, w.Window, got, want)
		}
	}
	for _, m := range have {
		if _, ok := held[m.Window]; ok {
			return fault("the ledger is older than the folder: rebuild it from the folder",
				"check job %s: window %s is in the folder and is not counted as loaded", job, m.Window)
		}
	}
	return nil
}

func rowsOf(m sinks.Manifest) map[string]int64 {
	rows := make(map[string]int64)
	for _, t := range m.Tables {
		if t.Rows > 0 {
			rows[t.Name] += t.Rows
		}
	}
	return rows
}

func equalRows(a, b map[string]int64) bool {
	if len(a) != len(b) {
		return false
	}
	for name, n := range a {
		if b[name] != n {
			return false
		}
	}
	return true
}

// checkFiles looks for the files that the manifests name.
func (j *job) checkFiles(ctx context.Context, files map[string]int64) error {
	paths := make([]string, 0, len(files))
	for path := range files {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return err
		}
		info, err := os.Lstat(j.layout.file(path))
		switch {
		case errors.Is(err, fs.ErrNotExist) || isNotDir(err):
			return fault("restore the file, or remove its manifest to load the window again",
				"check job %s: file %s is missing", j.name, path)
		case err != nil:
			return explain(err, "check job %s: file %s", j.name, path)
		case !info.Mode().IsRegular():
			return fault("put the file back in its place", "check job %s: %s is no file", j.name, path)
		case info.Size() != files[path]:
			return fault("restore the file, or remove it and its manifest to load the window again",
				"check job %s: file %s has %d bytes and not %d", j.name, path, info.Size(), files[path])
		}
	}
	return nil
}

// checkFolders looks for files that no manifest names.
func (j *job) checkFolders(ctx context.Context, files map[string]int64) error {
	for _, t := range j.tables.Tables {
		err := eachFile(j.layout.table(t.Name), func(path string) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			rel, err := filepath.Rel(j.layout.tables, path)
			if err != nil {
				return err
			}
			if _, ok := files[filepath.ToSlash(rel)]; !ok {
				return fault("move it out of the table's folder: readers take it for a part of the table",
					"check job %s: no manifest knows of file %s", j.name, path)
			}
			return nil
		})
		if err != nil {
			return explain(err, "check table %s", t.Name)
		}
	}
	return nil
}

// eachFile calls fn for each file below dir that readers see, in order.
func eachFile(dir string, fn func(path string) error) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case path == dir && errors.Is(err, fs.ErrNotExist):
			return filepath.SkipAll
		case err != nil:
			return err
		case path != dir && hidden(d.Name()):
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		}
		return fn(path)
	})
}

// mayOwn tells whether the job may write to a table's folder that it has not
// written to before.
func (j *job) mayOwn(table string) error {
	if err := checkName("table", table); err != nil {
		return err
	}
	for _, t := range j.tables.Tables {
		if t.Name != table && strings.EqualFold(t.Name, table) {
			return fault("rename one of them", "use folder of table %s: table %s differs only in case, and file systems may not tell them apart", table, t.Name)
		}
	}
	other, err := owner(j.layout.path, table, j.name)
	if err != nil {
		return err
	}
	if other != "" {
		return fault("give the table another name, or one of the jobs another sink.path",
			"use folder of table %s: it belongs to job %s", table, other)
	}
	return eachFile(j.layout.table(table), func(path string) error {
		return fault("move the folder away, restore _backstory beside it, or set another sink.path",
			"use folder of table %s: file %s was not written by job %s", table, path, j.name)
	})
}
