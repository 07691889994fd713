package parquet

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"backstory/sinks"
	"backstory/sinks/parquetfile"
	"backstory/transform"
)

// Evolve rewrites the files of tables that have new columns, without decoding
// the columns they have. All tables change at once for readers.
// Tables of the job that are not among tables stay as they are.
func (s *Sink) Evolve(ctx context.Context, name string, generation int, tables []*transform.Table) error {
	j, err := s.job(ctx, name, generation)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.evolve(ctx, tables); err != nil {
		return explain(err, "evolve job %s", name)
	}
	return nil
}

func (j *job) evolve(ctx context.Context, tables []*transform.Table) error {
	all, err := j.change()
	if err != nil {
		return err
	}
	next := *j.tables
	var grown []*transform.Table
	for _, t := range tables {
		known := next.find(t.Name)
		switch {
		case known == nil:
			if err := j.mayOwn(t.Name); err != nil {
				return err
			}
		case !holdsRows(all, t):
			// Nobody has read the columns yet: rules may have changed them.
		default:
			added, err := additions(known, t)
			if err != nil {
				return err
			}
			if added > 0 {
				grown = append(grown, t)
			}
		}
		next.set(t)
	}
	if len(grown) == 0 {
		return j.replaceTables(&next)
	}
	sw, err := j.newSwap("evolve")
	if err != nil {
		return err
	}
	if err := j.gather(ctx, sw, all, grown, &next); err != nil {
		return errors.Join(err, sw.drop())
	}
	if err := sw.commit(); err != nil {
		return err
	}
	return j.refresh()
}

// gather writes the grown tables' folders, and the manifests that go with them.
func (j *job) gather(ctx context.Context, sw *swap, all []stored, grown []*transform.Table, next *tablesFile) error {
	contents := make(map[string]sinks.Content) // of the files that were rewritten
	for _, t := range grown {
		if err := j.growTable(ctx, sw, loadsOf(all), t, contents); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	var changed []stored
	var keep []string
	for _, s := range all {
		if renew(s.loads, contents) {
			changed = append(changed, s)
		} else {
			keep = append(keep, s.name)
		}
	}
	if len(changed) > 0 {
		share(loadsOf(all))
		if err := sw.manifests(changed, keep); err != nil {
			return err
		}
	}
	return sw.tablesFile(next)
}

// growTable writes a table's files with its new columns beside the old ones.
func (j *job) growTable(ctx context.Context, sw *swap, loads []sinks.Manifest, t *transform.Table, contents map[string]sinks.Content) error {
	rewritten := make(map[string]bool)
	fresh := ""
	for i := range loads {
		lt := tableOf(&loads[i], t)
		if lt == nil {
			continue
		}
		for _, f := range lt.Files {
			if rewritten[f.Path] {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if fresh == "" {
				var err error
				if fresh, err = sw.table(t.Name); err != nil {
					return err
				}
			}
			rel := strings.TrimPrefix(f.Path, t.Name+"/")
			to := filepath.Join(fresh, filepath.FromSlash(rel))
			if err := sw.sub(filepath.Dir(to)); err != nil {
				return err
			}
			j.sink.step("rewrite %s", f.Path)
			content, err := j.growFile(f, to, t)
			if err != nil {
				return fmt.Errorf("rewrite %s: %w", f.Path, err)
			}
			rewritten[f.Path] = true
			contents[f.Path] = content
		}
	}
	if fresh == "" {
		return nil
	}
	return sw.linkOthers(j.layout.table(t.Name), fresh, func(rel string) bool { return rewritten[t.Name+"/"+rel] })
}

// growFile writes a file with the columns of t, or links it if it has them.
func (j *job) growFile(f sinks.File, to string, t *transform.Table) (sinks.Content, error) {
	from := j.layout.file(f.Path)
	src, r, err := open(from)
	if err != nil {
		return sinks.Content{}, spoilt(f, err)
	}
	defer src.Close()
	fits, err := r.Fits(t)
	if err != nil {
		return sinks.Content{}, spoilt(f, err)
	}
	if fits {
		return f.Content, link(from, to)
	}
	if err := intact(src, f); err != nil {
		return sinks.Content{}, err
	}
	return j.writeFile(to, t, r.Facts(), func(w *parquetfile.Writer) error { return w.CopyGroups(r) })
}

// writeFile writes a durable file of t with what fill adds.
func (j *job) writeFile(path string, t *transform.Table, facts []parquetfile.Pair, fill func(*parquetfile.Writer) error) (sinks.Content, error) {
	file := &stagedFile{path: path}
	w, err := j.sink.format.NewWriter(file, t)
	if err != nil {
		return sinks.Content{}, err
	}
	for i := range facts {
		if facts[i].Key == factTableVersion {
			facts[i].Value = strconv.Itoa(t.Version)
		}
	}
	err = fill(w)
	if err == nil {
		err = w.Describe(facts...)
	}
	if err == nil {
		err = w.Close()
	}
	if err = errors.Join(err, file.rest()); err != nil {
		return sinks.Content{}, err
	}
	return contentOf(w), file.sync()
}

// holdsRows tells whether any load has rows of the table.
func holdsRows(all []stored, t *transform.Table) bool {
	for _, s := range all {
		for i := range s.loads {
			if tableOf(&s.loads[i], t) != nil {
				return true
			}
		}
	}
	return false
}

// additions counts the columns that t has beyond those of known, or that have
// gained fields, and refuses every other change: committed rows cannot follow it.
func additions(known, t *transform.Table) (int, error) {
	const rebuild = "set sink.path to an empty folder and load everything anew"
	if known.Partition != t.Partition {
		return 0, fault(rebuild, "table %s: it is partitioned by %q and not by %q", t.Name, known.Partition, t.Partition)
	}
	i, added := 0, 0
	for _, c := range t.Columns {
		if i < len(known.Columns) && known.Columns[i].Name == c.Name {
			old := known.Columns[i]
			if !c.Type.GrownFrom(old.Type) || old.Required != c.Required {
				return 0, fault(rebuild, "table %s: column %s is %s and cannot become %s", t.Name, c.Name, describe(old), describe(c))
			}
			if !old.Type.Equal(c.Type) {
				added++
			}
			i++
			continue
		}
		if known.Column(c.Name) >= 0 {
			return 0, fault(rebuild, "table %s: column %s is in another place, or written otherwise", t.Name, c.Name)
		}
		if c.Required {
			return 0, fault("make the column nullable, or "+rebuild, "table %s: new column %s is required, and older rows have no value for it", t.Name, c.Name)
		}
		added++
	}
	if i < len(known.Columns) {
		return 0, fault(rebuild, "table %s: column %s is gone or in another place", t.Name, known.Columns[i].Name)
	}
	return added, nil
}

func describe(c transform.Column) string {
	if c.Required {
		return "required " + c.Type.String()
	}
	return c.Type.String()
}
