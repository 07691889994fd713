package parquet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"
)

// Rows gives the rows of all files that a reader of the tables sees, file by
// file, those of nobody among them. A file is read if its pages are whole:
// one that is not, that is missing, or that has other columns than its table
// is a *sinks.DamageError. It takes the memory of a row group.
func (s *Sink) Rows(ctx context.Context, name string, generation int, q sinks.Query, fn func(*transform.Table, transform.Record) error) error {
	j, err := s.look(name, generation)
	if err != nil {
		return err
	}
	files, err := j.readable(q)
	if err != nil {
		return explain(err, "read rows of job %s", name)
	}
	var damaged []error
	for _, f := range files {
		err := f.read(ctx, q, fn)
		if damage := (*sinks.DamageError)(nil); errors.As(err, &damage) {
			damaged = append(damaged, damage)
		} else if err != nil {
			return err
		}
	}
	return explain(errors.Join(damaged...), "read rows of job %s", name)
}

// A tableFile is a file of a table, there or not.
type tableFile struct {
	table   *transform.Table
	columns []int // of the table that are wanted
	place   string
	file    string        // relative to the sink's root
	content sinks.Content // as the manifests say, where windows do
	rows    int64
	windows []source.Window // of the loads that have rows in it; none if it is of nobody
}

// readable lists the files of the tables and windows that are wanted, in
// order, with those that should be there and are not.
func (j *job) readable(q sinks.Query) ([]*tableFile, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	all, err := j.manifests()
	if err != nil {
		return nil, err
	}
	known := make(map[string]*tableFile)
	loads := loadsOf(all)
	var files []*tableFile
	for _, t := range j.tables.Tables {
		columns := q.Of(t)
		if columns == nil {
			continue
		}
		of := j.filesOf(t, loads)
		clear(known)
		for _, f := range of {
			f.columns = columns
			known[f.place] = f
		}
		err := eachFile(j.layout.table(t.Name), func(place string) error {
			if known[place] != nil {
				return nil
			}
			rel, err := filepath.Rel(j.layout.path, place)
			of = append(of, &tableFile{table: t, columns: columns, place: place, file: filepath.ToSlash(rel)})
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, f := range of {
			if len(f.windows) == 0 || q.Wants(f.windows...) {
				files = append(files, f)
			}
		}
	}
	return files, nil
}

// filesOf lists the files that loads have rows of a table in, by path.
func (j *job) filesOf(t *transform.Table, loads []sinks.Manifest) []*tableFile {
	known := make(map[string]*tableFile)
	var files []*tableFile
	for i := range loads {
		lt := tableOf(&loads[i], t)
		if lt == nil {
			continue
		}
		for _, f := range lt.Files {
			file := known[f.Path]
			if file == nil {
				file = &tableFile{table: t, place: j.layout.file(f.Path), file: j.layout.prefix() + f.Path, content: f.Content}
				known[f.Path], files = file, append(files, file)
			}
			if file.content.Checksum == 0 {
				file.content.Checksum = f.Checksum
			}
			file.windows = append(file.windows, loads[i].Window)
			file.rows += f.Rows
		}
	}
	slices.SortFunc(files, func(a, b *tableFile) int { return strings.Compare(a.file, b.file) })
	return files
}

// mended is what to do about a file that is damaged.
const mended = "backstory repair loads its windows again; backstory verify --full tells all that is wrong"

// damage makes an error about the file.
func (f *tableFile) damage(format string, args ...any) error {
	return &sinks.DamageError{Table: f.table.Name, File: f.file, Windows: f.windows, Err: fmt.Errorf(format, args...), Advice: mended}
}

// look compares the file's name and size with what the manifests say.
func (f *tableFile) look() error {
	info, err := os.Lstat(f.place)
	switch {
	case errors.Is(err, fs.ErrNotExist) || isNotDir(err):
		return f.damage("it is missing")
	case err != nil:
		return explain(err, "look at %s", f.place)
	case !info.Mode().IsRegular():
		return f.damage("it is no file")
	case len(f.windows) == 0:
		return f.damage("no load has written it, and readers take it for a part of the table")
	case info.Size() != f.content.Bytes:
		return f.damage("it has %d bytes and not %d", info.Size(), f.content.Bytes)
	}
	return nil
}

// partition is the folder that the file stands in, "" for the table's own.
func (f *tableFile) partition() string {
	dir := path.Base(path.Dir(f.file))
	if !strings.HasPrefix(dir, f.table.Partition.Column()+"=") || f.table.Partition == transform.ByNone {
		return ""
	}
	return dir
}
