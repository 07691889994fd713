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
	"backstory/transform"
)

// Manifests lists the committed loads. After a compaction several loads may
// name the same file: Rows are the load's own, Bytes are the file's. It
// changes nothing, and gives what is committed also beside another process;
// what a crash left to be finished is not counted before it is.
func (s *Sink) Manifests(ctx context.Context, name string, generation int) ([]sinks.Manifest, []*transform.Table, error) {
	const tries = 10
	for n := 1; ; n++ {
		loads, tables, stayed, err := s.list(name, generation)
		// Another process may have merged manifests, or swapped generations and
		// perhaps back, since they were looked for: what is wrong may be well.
		if err == nil && stayed || n == tries || ctx.Err() != nil {
			return loads, tables, errors.Join(err, ctx.Err())
		}
	}
}

// list reads the manifests and tables once, and tells whether they are still
// where they were looked for.
func (s *Sink) list(name string, generation int) ([]sinks.Manifest, []*transform.Table, bool, error) {
	j, err := s.look(name, generation)
	if err != nil {
		return nil, nil, false, err
	}
	loads, tables, err := j.list()
	return loads, tables, s.stayed(j), err
}

// list gives copies of the manifests and tables, the paths of files relative
// to the root.
func (j *job) list() ([]sinks.Manifest, []*transform.Table, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	all, err := j.manifests()
	if err != nil {
		return nil, nil, err
	}
	loads := loadsOf(all)
	if prefix := j.layout.prefix(); prefix != "" {
		for i := range loads {
			loads[i].Tables = below(prefix, loads[i].Tables)
		}
	}
	return loads, slices.Clone(j.tables.Tables), nil
}

// below gives the tables with their files' paths behind prefix.
func below(prefix string, tables []sinks.LoadedTable) []sinks.LoadedTable {
	tables = slices.Clone(tables)
	for i := range tables {
		files := slices.Clone(tables[i].Files)
		for k := range files {
			files[k].Path = prefix + files[k].Path
		}
		tables[i].Files = files
	}
	return tables
}

// Check compares the folders with the manifests, by names and sizes. It takes
// the job's lock as Hold does, so that nobody is in the middle of a change.
func (s *Sink) Check(ctx context.Context, name string, generation int) error {
	j, err := s.job(ctx, name, generation)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return explain(j.check(ctx), "check job %s", name)
}

func (j *job) check(ctx context.Context) error {
	all, err := j.manifests()
	if err != nil {
		return err
	}
	files, err := filesOf(loadsOf(all))
	if err != nil {
		return err
	}
	if err := j.checkFiles(ctx, files); err != nil {
		return err
	}
	return j.checkFolders(ctx, files)
}

// checkFiles looks for the files that the manifests name.
func (j *job) checkFiles(ctx context.Context, files map[string]sinks.Content) error {
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
			return fault("restore the file, or "+loadAgain,
				"file %s is missing", path)
		case err != nil:
			return err
		case !info.Mode().IsRegular():
			return fault("put the file back in its place", "%s is no file", path)
		case info.Size() != files[path].Bytes:
			return fault("restore the file, or "+loadAgain,
				"file %s has %d bytes and not %d", path, info.Size(), files[path].Bytes)
		}
	}
	return nil
}

// checkFolders looks for files that no manifest names.
func (j *job) checkFolders(ctx context.Context, files map[string]sinks.Content) error {
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
				return fault("move it out of the table's folder, or have backstory repair do so: readers take it for a part of the table",
					"no manifest knows of file %s", path)
			}
			return nil
		})
		if err != nil {
			return err
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
	if err := j.unclaimed(table); err != nil || j.generation == j.layout.live {
		return err
	}
	return j.noFiles(table, j.layout.table(table))
}

// unclaimed refuses a table whose folder at the live place is another job's,
// or holds files and is not one of the live tables.
func (j *job) unclaimed(table string) error {
	other, err := owner(j.layout.path, table, j.name)
	if err != nil {
		return err
	}
	if other != "" {
		return fault("give the table another name, or one of the jobs another sink.path",
			"use folder of table %s: it belongs to job %s", table, other)
	}
	err = j.noFiles(table, filepath.Join(j.layout.path, table))
	if err == nil {
		return nil
	}
	// Who loads the live generation names a table before it gets files.
	live, readErr := readTablesFile(layoutOf(j.layout.path, j.name, j.layout.live, j.layout.live).tablesFile, j.name)
	if readErr == nil && live != nil && live.find(table) != nil {
		return nil
	}
	return errors.Join(err, readErr)
}

// noFiles refuses a table's folder that holds files of others.
func (j *job) noFiles(table, dir string) error {
	return eachFile(dir, func(path string) error {
		return fault("move the folder away, restore _backstory beside it, or set another sink.path",
			"use folder of table %s: file %s was not written by job %s", table, path, j.name)
	})
}
