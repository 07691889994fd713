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

	"github.com/apache/arrow/go/v17/arrow"
)

// gather writes the folders of the tables, and the manifests, as they are to be.
func (b *bundle) gather(ctx context.Context, sw *swap) error {
	var olds, news []sinks.Manifest
	replaced := make(map[source.Window]bool)
	for _, l := range b.loads {
		olds, news = append(olds, *b.load(l.manifest.Window)), append(news, l.manifest)
		replaced[l.manifest.Window] = true
	}
	staged := b.staged()
	cuts := make(map[string]bool) // files that came of cutting one, which other loads name
	for _, name := range namesOf(append(news, olds...)...) {
		if err := ctx.Err(); err != nil {
			return err
		}
		t := b.job.tables.find(name)
		if t == nil {
			return fault("restore tables.json from a backup", "table %s is not known", name)
		}
		g := gathering{
			job: b.job, swap: sw, table: t, replaced: replaced,
			old: stretchesOf(loadsOf(b.all), t), new: stretchesOf(news, t), staged: staged, cuts: cuts,
		}
		if err := g.gather(ctx); err != nil {
			return fmt.Errorf("table %s: %w", name, err)
		}
	}
	for _, m := range news {
		*b.load(m.Window) = m
	}
	var changed []stored
	var keep []string
	for _, s := range b.all {
		if slices.ContainsFunc(s.loads, func(l sinks.Manifest) bool { return replaced[l.Window] || namesAny(l, cuts) }) {
			changed = append(changed, s)
		} else {
			keep = append(keep, s.name)
		}
	}
	share(loadsOf(b.all))
	if len(changed) == 1 {
		return sw.manifest(changed[0])
	}
	return sw.manifests(changed, keep)
}

// staged says where each new file lies until it is gathered.
func (b *bundle) staged() map[string]string {
	places := make(map[string]string)
	for _, l := range b.loads {
		n := 0
		for _, t := range l.manifest.Tables {
			for _, f := range t.Files {
				places[f.Path] = b.job.layout.staged(l.stem, n)
				n++
			}
		}
	}
	return places
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
func namesAny(l sinks.Manifest, paths map[string]bool) bool {
	for _, t := range l.Tables {
		if slices.ContainsFunc(t.Files, func(f sinks.File) bool { return paths[f.Path] }) {
			return true
		}
	}
	return false
}

// A stretch is what a load has in a file, which it may share with others.
type stretch struct {
	load *sinks.Manifest
	file *sinks.File // as the load names it, with the load's rows
}

// stretchesOf gives what loads have in a table, load by load.
func stretchesOf(loads []sinks.Manifest, t *transform.Table) []stretch {
	var all []stretch
	for i := range loads {
		if lt := tableOf(&loads[i], t); lt != nil {
			for n := range lt.Files {
				all = append(all, stretch{&loads[i], &lt.Files[n]})
			}
		}
	}
	return all
}

// gathering is a table's folder as it is to be.
type gathering struct {
	job      *job
	swap     *swap
	table    *transform.Table
	replaced map[source.Window]bool
	old, new []stretch         // of all loads, by window, and of those that take the place of some
	staged   map[string]string // where the new files lie
	cuts     map[string]bool   // is told which files came of cutting one
}

// gather cuts the files that lose rows, or have new ones come in their midst,
// puts the new ones beside them, and links those that stay as they are.
func (g *gathering) gather(ctx context.Context) error {
	j := g.job
	fresh, err := g.swap.table(g.table.Name)
	if err != nil {
		return err
	}
	gone := make(map[string]bool)
	for _, f := range g.shared() {
		if !slices.ContainsFunc(f, func(s stretch) bool { return g.replaced[s.load.Window] }) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		name := f[0].file.Path
		if err := g.cut(fresh, f); err != nil {
			return fmt.Errorf("cut %s: %w", name, err)
		}
		gone[name] = true
	}
	for _, s := range g.new {
		live := j.layout.file(s.file.Path)
		if there, err := exists(live); err != nil {
			return err
		} else if there {
			return foreign(live)
		}
		to, err := g.place(fresh, s.file.Path)
		if err != nil {
			return err
		}
		if err := os.Rename(g.staged[s.file.Path], to); err != nil {
			return err
		}
	}
	err = g.swap.linkOthers(j.layout.table(g.table.Name), fresh, func(rel string) bool { return gone[g.table.Name+"/"+rel] })
	if err != nil {
		return err
	}
	return g.swap.settle(fresh)
}

// shared gives the stretches of each file, in the order in which they lie in
// it: that of their windows. A load whose new rows come in the midst of a file
// in which it had none has an empty stretch there.
func (g *gathering) shared() [][]stretch {
	var files [][]stretch
	at := make(map[string]int)
	for _, s := range g.old {
		i, ok := at[s.file.Path]
		if !ok {
			i = len(files)
			at[s.file.Path] = i
			files = append(files, nil)
		}
		files[i] = append(files[i], s)
	}
	for i, f := range files {
		if len(f) == 1 {
			continue
		}
		dir := path.Dir(f[0].file.Path)
		for _, s := range g.new {
			if path.Dir(s.file.Path) != dir {
				continue
			}
			n, had := slices.BinarySearchFunc(f, *s.load, func(s stretch, l sinks.Manifest) int { return byWindow(*s.load, l) })
			if !had && n > 0 && n < len(f) {
				f = slices.Insert(f, n, stretch{s.load, &sinks.File{Path: f[0].file.Path}})
			}
		}
		files[i] = f
	}
	return files
}

// place gives the name that a file of the table has in the fresh folder.
func (g *gathering) place(fresh, file string) (string, error) {
	to := filepath.Join(fresh, filepath.FromSlash(strings.TrimPrefix(file, g.table.Name+"/")))
	return to, g.swap.sub(filepath.Dir(to))
}

// cut writes what stays of a file, each run of stretches, into a file of its
// own.
func (g *gathering) cut(fresh string, file []stretch) error {
	total, stays := int64(0), false
	for _, s := range file {
		total += s.file.Rows
		stays = stays || !g.replaced[s.load.Window]
	}
	if !stays {
		return nil
	}
	src, r, err := g.job.openWhole(*file[0].file)
	if err != nil {
		return err
	}
	defer src.Close()
	if r.Rows() != total {
		return fault("restore the file, or "+loadAgain, "it has %d rows, and its loads %d", r.Rows(), total)
	}
	if err := g.inOrder(r, file); err != nil {
		return err
	}
	row := int64(0)
	for len(file) > 0 {
		goes, n, from := g.replaced[file[0].load.Window], 0, row
		for n < len(file) && g.replaced[file[n].load.Window] == goes {
			row += file[n].file.Rows
			n++
		}
		if !goes {
			if err := g.write(fresh, file[:n], r, from, row); err != nil {
				return err
			}
		}
		file = file[n:]
	}
	return nil
}

// inOrder makes sure that each stretch has rows of its own window: others would
// else be lost with those that go.
func (g *gathering) inOrder(r *parquetfile.Reader, file []stretch) error {
	column := g.table.Column(transform.ColPosition)
	if column < 0 || file[0].load.Window.Through.Tx != 0 { // rows do not tell transactions
		return nil
	}
	n, left := 0, file[0].file.Rows
	return r.Records(g.table, []int{column}, func(rec arrow.Record) error {
		positions, ok := transform.CellsOf(rec, transform.ColPosition)
		for i := range int(rec.NumRows()) {
			for ; left == 0; left = file[n].file.Rows {
				n++
			}
			left--
			w := file[n].load.Window
			if at, known := positions.Int(i); !ok || !known || at <= w.After.Seq || at > w.Through.Seq {
				return fault("load all of it anew with backstory rebuild", "a row of position %d lies where those of %s should", at, w)
			}
		}
		return nil
	})
}

// write writes stretches that stay together, rows from until end of r, and has
// their loads name the new file.
func (g *gathering) write(fresh string, stretches []stretch, r *parquetfile.Reader, from, end int64) error {
	j, first, last := g.job, stretches[0], stretches[len(stretches)-1].load
	window := source.Window{After: first.load.Window.After, Through: last.Window.Through}
	name := path.Dir(first.file.Path) + "/" + stem(window) + j.layout.mark + ".parquet"
	to, err := g.place(fresh, name)
	if err != nil {
		return err
	}
	j.sink.step("write %s", name)
	load := sinks.Load{Job: j.name, Generation: j.generation, Window: window}
	content, err := j.writeFile(to, g.table, facts(load, last.Fingerprint, j.sink.version, g.table), func(w *parquetfile.Writer) error {
		return w.AppendRange(r, from, end)
	})
	if err != nil {
		return err
	}
	for _, s := range stretches {
		s.file.Path, s.file.Content = name, content
	}
	g.cuts[name] = true
	return nil
}
