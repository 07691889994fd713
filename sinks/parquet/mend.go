package parquet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"backstory/sinks"
	"backstory/source"
)

// asideDir is where Mend puts files, below the job's own folder.
const asideDir = "foreign"

// Damage lists the files that are missing, of another size than their
// manifests say, or of nobody.
func (s *Sink) Damage(ctx context.Context, name string, generation int) ([]*sinks.DamageError, error) {
	j, err := s.look(name, generation)
	if err != nil {
		return nil, err
	}
	files, err := j.readable(sinks.Query{})
	if err != nil {
		return nil, explain(err, "look for what is damaged of job %s", name)
	}
	var found []*sinks.DamageError
	for _, f := range files {
		var damage *sinks.DamageError
		if err := f.look(); errors.As(err, &damage) {
			found = append(found, damage)
		} else if err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Shared gives the windows that have rows in the files of w's rows in a table.
func (s *Sink) Shared(ctx context.Context, name string, generation int, table string, w source.Window) ([]source.Window, []string, error) {
	j, err := s.look(name, generation)
	if err != nil {
		return nil, nil, err
	}
	files, err := j.readable(sinks.Query{Tables: []string{table}, Windows: []source.Window{w}})
	if err != nil {
		return nil, nil, explain(err, "look for the files of %s in table %s", w, table)
	}
	var windows []source.Window
	var names []string
	for _, f := range files {
		if !slices.Contains(f.windows, w) {
			continue
		}
		names = append(names, f.file)
		for _, v := range f.windows {
			if !slices.Contains(windows, v) {
				windows = append(windows, v)
			}
		}
	}
	return windows, names, ctx.Err()
}

// Mend takes files away from readers, and out of the manifests. They lie in
// _backstory/<job>/foreign/ from then on.
func (s *Sink) Mend(ctx context.Context, name string, generation int, files []string) ([]string, error) {
	j, err := s.job(ctx, name, generation)
	if err != nil || len(files) == 0 {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	moved, err := j.mend(ctx, files)
	return moved, explain(err, "mend the tables of job %s", name)
}

func (j *job) mend(ctx context.Context, files []string) ([]string, error) {
	all, err := j.change()
	if err != nil {
		return nil, err
	}
	moved := make([]string, len(files))
	gone := make(map[string]bool, len(files)) // by path as the manifests have it
	var tables []string
	for i, file := range files {
		rel, ok := strings.CutPrefix(file, j.layout.prefix())
		table, _, below := strings.Cut(rel, "/")
		if !ok || !below || j.tables.find(table) == nil || !filepath.IsLocal(filepath.FromSlash(rel)) {
			return nil, refuse("name a file as verify does", "mend %s: it is no file of a table of the job", file)
		}
		gone[rel] = true
		if moved[i], err = j.setAside(rel); err != nil {
			return nil, err
		}
		if !slices.Contains(tables, table) {
			tables = append(tables, table)
		}
	}
	sw, err := j.newSwap("mend")
	if err != nil {
		return nil, err
	}
	for _, table := range tables {
		if err := sw.tableWithout(ctx, table, gone); err != nil {
			return nil, errors.Join(fmt.Errorf("table %s: %w", table, err), sw.drop())
		}
	}
	var changed []stored
	var keep []string
	all = cloned(all)
	for _, s := range all {
		if forget(s.loads, gone) {
			changed = append(changed, s)
		} else {
			keep = append(keep, s.name)
		}
	}
	if len(changed) > 0 {
		share(loadsOf(all))
		if err := sw.manifests(changed, keep); err != nil {
			return nil, errors.Join(err, sw.drop())
		}
	}
	if err := sw.commit(); err != nil {
		return nil, err
	}
	return moved, j.refresh()
}

// tableWithout gathers a table's folder without some files.
func (s *swap) tableWithout(ctx context.Context, table string, gone map[string]bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	fresh, err := s.table(table)
	if err != nil {
		return err
	}
	err = s.linkOthers(s.job.layout.table(table), fresh, func(rel string) bool { return gone[table+"/"+rel] })
	if err != nil {
		return err
	}
	return s.settle(fresh)
}

// forget takes files out of what loads name, and tells whether any did.
func forget(loads []sinks.Manifest, gone map[string]bool) bool {
	changed := false
	for i := range loads {
		tables := loads[i].Tables
		for k := range tables {
			t := &tables[k]
			t.Files = slices.DeleteFunc(t.Files, func(f sinks.File) bool {
				if !gone[f.Path] {
					return false
				}
				t.Rows, changed = t.Rows-f.Rows, true
				return true
			})
		}
		loads[i].Tables = slices.DeleteFunc(tables, func(t sinks.LoadedTable) bool { return len(t.Files) == 0 })
	}
	return changed
}

// setAside gives a file a name that readers do not find, besides its own, and
// tells the new one, "" if there is no file.
func (j *job) setAside(rel string) (string, error) {
	from := j.layout.file(rel)
	info, err := os.Lstat(from)
	if errors.Is(err, fs.ErrNotExist) || isNotDir(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	base := filepath.Join(j.layout.control, asideDir, filepath.FromSlash(rel))
	if err := makeDir(filepath.Dir(base)); err != nil {
		return "", err
	}
	for n := 1; ; n++ {
		to := base
		if n > 1 {
			to = fmt.Sprintf("%s.%d", base, n)
		}
		there, err := os.Lstat(to)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			j.sink.step("set %s aside", rel)
			err = link(from, to)
			if err == nil {
				err = syncDir(filepath.Dir(to))
			}
		case err == nil && !os.SameFile(there, info):
			continue // another of the name
		}
		if err != nil {
			return "", err
		}
		name, err := filepath.Rel(j.layout.path, to)
		return filepath.ToSlash(name), err
	}
}
