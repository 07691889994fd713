package parquet

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"

	"backstory/sinks"
	"backstory/sinks/parquetfile"
	"backstory/transform"

	"golang.org/x/sync/errgroup"
)

// syncsAtOnce is how many files are made durable side by side.
const syncsAtOnce = 8

// Commit makes the load visible, or complete if it is one of a bundle: see the
// package's comment for the order.
func (t *txn) Commit(ctx context.Context, s sinks.Summary) error {
	if err := t.commit(ctx, s); err != nil {
		return explain(err, "commit load %s of job %s", t.load.Window, t.load.Job)
	}
	t.done = true
	t.order, t.parts = nil, nil // a bundle may live long
	switch {
	case t.bundle == nil:
		t.job.end(t.load.Window, true)
	case t.alone:
		t.bundle.end()
	default:
		return nil
	}
	t.job.sink.step("committed")
	return nil
}

func (t *txn) commit(ctx context.Context, s sinks.Summary) error {
	if t.done || t.decided {
		return errors.New("the load is over")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	j := t.job
	j.sink.step("stage files")
	files, err := t.finish(s)
	if err != nil {
		return err
	}
	m := sinks.Manifest{Load: t.load, Summary: s, Version: j.sink.version, Tables: files}
	data, err := encodeManifest([]sinks.Manifest{m})
	if err != nil {
		return err
	}
	if err := j.record(); err != nil {
		return err
	}
	if b := t.bundle; b != nil {
		err := b.add(t.stem, m)
		if err == nil && t.alone {
			t.decided, err = b.commit(ctx)
		}
		return err
	}
	// What can fail for want of space or rights should fail before the decision.
	if err := j.prepare(m); err != nil {
		return err
	}
	j.sink.step("write pending manifest")
	t.decided = true
	if err := writeFile(j.layout.pendingOf(t.stem), data); err != nil {
		ok, statErr := exists(j.layout.pendingOf(t.stem))
		t.decided = ok || statErr != nil
		return err
	}
	return j.publish(t.stem)
}

// Stored counts the bytes of the load's files.
func (t *txn) Stored() int64 { return t.stored }

// finish completes all files and makes them durable.
func (t *txn) finish(s sinks.Summary) ([]sinks.LoadedTable, error) {
	var tables []sinks.LoadedTable
	index := make(map[string]int)
	for _, p := range t.order {
		if err := p.writer.Describe(facts(t.load, s.Fingerprint, t.job.sink.version, p.table)...); err != nil {
			return nil, err
		}
		if err := errors.Join(p.writer.Close(), p.file.rest()); err != nil {
			return nil, err
		}
		i, ok := index[p.table.Name]
		if !ok {
			i = len(tables)
			index[p.table.Name] = i
			tables = append(tables, sinks.LoadedTable{Name: p.table.Name})
		}
		f := sinks.File{Path: filePath(p.table.Name, p.partition, t.file), Rows: p.writer.Rows(), Content: contentOf(p.writer)}
		lt := &tables[i]
		lt.Rows += f.Rows
		lt.Bytes += f.Bytes
		t.stored += f.Bytes
		lt.Files = append(lt.Files, f)
	}
	if err := t.number(tables); err != nil {
		return nil, err
	}
	var g errgroup.Group
	g.SetLimit(syncsAtOnce)
	for _, p := range t.order {
		g.Go(p.file.sync)
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if len(t.order) == 0 {
		return nil, nil
	}
	return tables, syncDir(t.job.layout.stagingOf(t.stem))
}

// number gives the files their numbers in the manifest, which has them table
// by table, while they were begun as rows came.
func (t *txn) number(tables []sinks.LoadedTable) error {
	numbers := make(map[string]int)
	for _, lt := range tables {
		for _, f := range lt.Files {
			numbers[f.Path] = len(numbers)
		}
	}
	for _, p := range t.order {
		to := t.job.layout.staged(t.stem, numbers[filePath(p.table.Name, p.partition, t.file)])
		if err := os.Rename(p.file.path, to); err != nil {
			return err
		}
		p.file.path = to
	}
	return nil
}

// Names of the facts in a file's key-value metadata.
const (
	factJob          = "backstory.job"
	factGeneration   = "backstory.generation"
	factWindow       = "backstory.window"
	factFingerprint  = "backstory.fingerprint"
	factVersion      = "backstory.version"
	factTable        = "backstory.table"
	factTableVersion = "backstory.table_version"
)

// facts is what a file says of itself.
func facts(l sinks.Load, fingerprint, version string, t *transform.Table) []parquetfile.Pair {
	return []parquetfile.Pair{
		{Key: factJob, Value: l.Job},
		{Key: factGeneration, Value: strconv.Itoa(l.Generation)},
		{Key: factWindow, Value: l.Window.String()},
		{Key: factFingerprint, Value: fingerprint},
		{Key: factVersion, Value: version},
		{Key: factTable, Value: t.Name},
		{Key: factTableVersion, Value: strconv.Itoa(t.Version)},
	}
}

// prepare makes the folders that publish needs, and refuses names that are
// taken by files which no manifest knows.
func (j *job) prepare(m sinks.Manifest) error {
	dirs := map[string]bool{j.layout.pending(): true, j.layout.manifests: true}
	for _, t := range m.Tables {
		for _, f := range t.Files {
			path := j.layout.file(f.Path)
			if ok, err := exists(path); err != nil {
				return err
			} else if ok {
				return foreign(path)
			}
			dirs[filepath.Dir(path)] = true
		}
	}
	for dir := range dirs {
		if err := makeDir(dir); err != nil {
			return err
		}
	}
	return nil
}

func foreign(path string) error {
	return fault("move the file away, or restore the manifest that names it",
		"file %s is there already and no manifest knows of it", path)
}

// publish finishes a load whose pending manifest exists. It may be repeated.
func (j *job) publish(stem string) error {
	loads, err := readManifest(j.layout.pendingOf(stem), j.name, j.generation)
	if err != nil {
		return err
	}
	dirs, n := []string{}, 0
	for _, t := range loads[0].Tables {
		for _, f := range t.Files {
			if err := j.place(stem, n, f); err != nil {
				return err
			}
			dirs = append(dirs, filepath.Dir(j.layout.file(f.Path)))
			n++
		}
	}
	j.sink.step("sync tables")
	if err := syncDirs(dirs...); err != nil {
		return err
	}
	j.sink.step("rename manifest")
	if err := makeDir(j.layout.manifests); err != nil {
		return err
	}
	if err := os.Rename(j.layout.pendingOf(stem), j.layout.manifest(stem)); err != nil {
		return err
	}
	j.sink.step("sync manifests")
	if err := syncDirs(j.layout.manifests, j.layout.pending()); err != nil {
		return err
	}
	j.sink.step("remove staging")
	return os.RemoveAll(j.layout.stagingOf(stem))
}

// place gives the n-th staged file its final name, if it does not have it yet.
func (j *job) place(stem string, n int, f sinks.File) error {
	from, to := j.layout.staged(stem, n), j.layout.file(f.Path)
	staged, err := exists(from)
	if err != nil {
		return err
	}
	info, err := os.Lstat(to)
	switch {
	case err == nil && !staged && info.Size() == f.Bytes:
		return nil
	case err == nil:
		return foreign(to)
	case !staged:
		return fault("remove the manifest "+j.layout.pendingOf(stem)+" to load its window again",
			"file %s is gone before it got its name", from)
	}
	if err := makeDir(filepath.Dir(to)); err != nil {
		return err
	}
	j.sink.step("rename %s", f.Path)
	return os.Rename(from, to)
}
