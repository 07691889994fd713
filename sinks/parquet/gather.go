package parquet

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"backstory/sinks"
	"backstory/sinks/parquetfile"
	"backstory/source"
	"backstory/transform"
)

// gather writes the folders of the tables, and the manifests, as they are to be.
func (t *txn) gather(ctx context.Context, sw *swap, all []stored, m sinks.Manifest) error {
	i, k := find(all, t.load.Window)
	if i < 0 {
		return fault("restore the manifests from a backup", "the manifest of what is to be replaced is gone")
	}
	old := all[i].loads[k]
	var cuts []string // files that came of cutting one, which other loads name
	staged := 0
	for _, name := range namesOf(m, old) {
		if err := ctx.Err(); err != nil {
			return err
		}
		g := gathering{txn: t, swap: sw, table: t.job.tables.find(name), loads: loadsOf(all)}
		if g.table == nil {
			return fault("restore tables.json from a backup", "table %s is not known", name)
		}
		if lt := tableOf(&old, g.table); lt != nil {
			g.old = lt.Files
		}
		if lt := tableOf(&m, g.table); lt != nil {
			g.new = lt.Files
		}
		if err := g.gather(staged); err != nil {
			return fmt.Errorf("table %s: %w", name, err)
		}
		staged += len(g.new)
		cuts = append(cuts, g.cuts...)
	}
	var changed []stored
	var keep []string
	for n, s := range all {
		if n != i && !slices.ContainsFunc(s.loads, func(l sinks.Manifest) bool { return namesAny(l, cuts) }) {
			keep = append(keep, s.name)
			continue
		}
		changed = append(changed, s)
	}
	all[i].loads[k] = m
	share(loadsOf(all))
	if len(changed) == 1 {
		return sw.manifest(changed[0])
	}
	return sw.manifests(changed, keep)
}

// namesOf gives the names of the tables that loads have rows in; those of the
// first come first.
func namesOf(loads ...sinks.Manifest) []string {
	var names []string
	for _, l := range loads {
		for _, t := range l.Tables {
			if !slices.Contains(names, t.Name) {
				names = append(names, t.Name)
			}
		}
	}
	return names
}

// namesAny tells whether a load names any of the files.
func namesAny(l sinks.Manifest, paths []string) bool {
	for _, t := range l.Tables {
		for _, f := range t.Files {
			if slices.Contains(paths, f.Path) {
				return true
			}
		}
	}
	return false
}

// gathering is a table's folder as it is to be.
type gathering struct {
	txn      *txn
	swap     *swap
	table    *transform.Table
	loads    []sinks.Manifest // all, by window
	old, new []sinks.File
	cuts     []string // files that came of cutting one
}

// gather links the files that stay, puts the new ones beside them, whose
// numbers begin at first, and cuts the old rows out of files they share.
func (g *gathering) gather(first int) error {
	j, live := g.txn.job, g.txn.job.layout.table(g.table.Name)
	gone := make(map[string]bool)
	for _, f := range g.old {
		gone[f.Path] = true
	}
	fresh, err := g.swap.table(g.table.Name)
	if err != nil {
		return err
	}
	for _, f := range g.old {
		if err := g.cut(fresh, f); err != nil {
			return fmt.Errorf("cut %s: %w", f.Path, err)
		}
	}
	for n, f := range g.new {
		if there, err := exists(j.layout.file(f.Path)); err != nil {
			return err
		} else if there {
			return foreign(j.layout.file(f.Path))
		}
		to, err := g.place(fresh, f.Path)
		if err != nil {
			return err
		}
		if err := os.Rename(j.layout.staged(g.txn.stem, first+n), to); err != nil {
			return err
		}
	}
	err = g.swap.linkOthers(live, fresh, func(rel string) bool { return gone[g.table.Name+"/"+rel] })
	if err != nil {
		return err
	}
	return g.swap.settle(fresh)
}

// place gives the name that a file of the table has in the fresh folder.
func (g *gathering) place(fresh, file string) (string, error) {
	to := filepath.Join(fresh, filepath.FromSlash(strings.TrimPrefix(file, g.table.Name+"/")))
	return to, g.swap.sub(filepath.Dir(to))
}

// cut writes what other loads have in a file, those before and those behind,
// into files of their own.
func (g *gathering) cut(fresh string, file sinks.File) error {
	var before, behind []*sinks.File
	var sides [2]source.Window // of the loads before and behind
	var rows [2]int64
	fingerprint := ""
	for i := range g.loads {
		l := &g.loads[i]
		lt := tableOf(l, g.table)
		if lt == nil || l.Window == g.txn.load.Window {
			continue
		}
		for n := range lt.Files {
			if lt.Files[n].Path != file.Path {
				continue
			}
			side, list := 0, &before
			if l.Window.After.Compare(g.txn.load.Window.After) > 0 {
				side, list = 1, &behind
			}
			if len(*list) == 0 {
				sides[side].After = l.Window.After
			}
			sides[side].Through = l.Window.Through
			rows[side] += lt.Files[n].Rows
			*list = append(*list, &lt.Files[n])
			fingerprint = l.Fingerprint
		}
	}
	if len(before)+len(behind) == 0 {
		return nil
	}
	j := g.txn.job
	src, r, err := open(j.layout.file(file.Path))
	if err != nil {
		return err
	}
	defer src.Close()
	total := rows[0] + file.Rows + rows[1]
	if r.Rows() != total {
		return fault("restore the file, or "+loadAgain, "it has %d rows, and its loads %d", r.Rows(), total)
	}
	for side, loads := range [][]*sinks.File{before, behind} {
		if len(loads) == 0 {
			continue
		}
		name := path.Dir(file.Path) + "/" + stem(sides[side]) + j.layout.mark + ".parquet"
		to, err := g.place(fresh, name)
		if err != nil {
			return err
		}
		from, end := int64(0), rows[0]
		if side == 1 {
			from, end = rows[0]+file.Rows, total
		}
		j.sink.step("write %s", name)
		load := sinks.Load{Job: j.name, Generation: j.generation, Window: sides[side]}
		size, err := j.writeFile(to, g.table, facts(load, fingerprint, j.sink.version, g.table), func(w *parquetfile.Writer) error {
			return w.AppendRange(r, from, end)
		})
		if err != nil {
			return err
		}
		for _, f := range loads {
			f.Path, f.Bytes = name, size
		}
		g.cuts = append(g.cuts, name)
	}
	return nil
}
