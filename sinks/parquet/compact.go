package parquet

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"backstory/sinks"
	"backstory/sinks/parquetfile"
	"backstory/source"
	"backstory/transform"
)

const (
	// defaultTarget is the size in bytes from which Compact leaves a file
	// alone, unless it is told another.
	defaultTarget = 128 << 20
	// loadsPerManifest is how many loads a manifest holds after Compact.
	loadsPerManifest = 1000
)

// Compact merges the files of adjacent loads that are smaller than the
// target, up to about the target's size, and the manifests along with them.
// Rows stay in the order of their positions. The last file of a table is
// merged again with what has come after it until it reaches the target.
func (s *Sink) Compact(ctx context.Context, name string, generation int, o sinks.CompactOptions) (sinks.CompactReport, error) {
	if o.TargetBytes <= 0 {
		o.TargetBytes = defaultTarget
	}
	j, err := s.job(ctx, name, generation)
	if err != nil {
		return sinks.CompactReport{}, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	report, err := j.compact(ctx, o)
	return report, explain(err, "merge files of job %s", name)
}

func (j *job) compact(ctx context.Context, o sinks.CompactOptions) (sinks.CompactReport, error) {
	var report sinks.CompactReport
	all, err := j.change()
	if err != nil {
		return report, err
	}
	loads := loadsOf(all)
	merges := make(map[string][]merge)
	for _, t := range j.tables.Tables {
		pieces := piecesOf(loads, t)
		merges[t.Name] = plan(pieces, o.TargetBytes, j.layout.mark)
		ct := sinks.CompactedTable{Name: t.Name, FilesBefore: len(pieces), FilesAfter: len(pieces)}
		for _, p := range pieces {
			ct.Bytes += p.file.Bytes
		}
		for _, m := range merges[t.Name] {
			ct.FilesAfter -= len(m.pieces) - 1
		}
		report.Tables = append(report.Tables, ct)
	}
	if o.DryRun {
		return report, nil
	}
	if err := j.merge(ctx, all, merges); err != nil {
		return report, err
	}
	return report, j.measure(&report)
}

// measure puts the tables' sizes as they are now into the report.
func (j *job) measure(report *sinks.CompactReport) error {
	all, err := j.manifests()
	if err != nil {
		return err
	}
	loads := loadsOf(all)
	for i, t := range j.tables.Tables {
		report.Tables[i].Bytes = 0
		for _, p := range piecesOf(loads, t) {
			report.Tables[i].Bytes += p.file.Bytes
		}
	}
	return nil
}

// piece is a file of a table.
type piece struct {
	file        sinks.File
	first, last source.Window // whose rows it holds
	run         int           // between files of one run no window is missing
	fingerprint string        // of the rules its rows were made with
}

// merge is a file that takes the place of several.
type merge struct {
	path   string
	pieces []piece
}

// piecesOf gives a table's files, by partition and then by window.
func piecesOf(loads []sinks.Manifest, t *transform.Table) []piece {
	var pieces []piece
	at := make(map[string]int)
	run := 0
	for i := range loads {
		if i > 0 && loads[i-1].Window.Through != loads[i].Window.After {
			run++
		}
		lt := tableOf(&loads[i], t)
		if lt == nil {
			continue
		}
		for _, f := range lt.Files {
			if k, ok := at[f.Path]; ok {
				pieces[k].last = loads[i].Window
				continue
			}
			at[f.Path] = len(pieces)
			pieces = append(pieces, piece{f, loads[i].Window, loads[i].Window, run, loads[i].Fingerprint})
		}
	}
	slices.SortStableFunc(pieces, func(a, b piece) int { return strings.Compare(path.Dir(a.file.Path), path.Dir(b.file.Path)) })
	return pieces
}

// plan groups adjacent small files of one partition whose rows were made
// with the same rules, so that a merged file can say which.
func plan(pieces []piece, target int64, mark string) []merge {
	var merges []merge
	var group []piece
	var size int64
	end := func() {
		if len(group) > 1 {
			name := stem(source.Window{After: group[0].first.After, Through: group[len(group)-1].last.Through})
			merges = append(merges, merge{path.Dir(group[0].file.Path) + "/" + name + mark + ".parquet", group})
		}
		group, size = nil, 0
	}
	for _, p := range pieces {
		if n := len(group); n > 0 && !group[n-1].adjoins(p) {
			end()
		}
		if p.file.Bytes >= target {
			end()
			continue
		}
		group = append(group, p)
		if size += p.file.Bytes; size >= target {
			end()
		}
	}
	end()
	return merges
}

// adjoins tells whether the rows of q may follow p's in one file.
func (p piece) adjoins(q piece) bool {
	return p.run == q.run && p.last.Through.Compare(q.first.After) <= 0 && p.fingerprint == q.fingerprint && path.Dir(p.file.Path) == path.Dir(q.file.Path)
}

// merge writes the merged files and the manifests that go with them, and
// swaps the folders.
func (j *job) merge(ctx context.Context, all []stored, merges map[string][]merge) error {
	merged := 0
	for _, m := range merges {
		merged += len(m)
	}
	if merged == 0 && slices.EqualFunc(all, chunk(loadsOf(all)), func(a, b stored) bool { return a.name == b.name }) {
		return nil
	}
	sw, err := j.newSwap("compact")
	if err != nil {
		return err
	}
	if err := j.gatherMerged(ctx, sw, all, merges); err != nil {
		return errors.Join(err, sw.drop())
	}
	if err := sw.commit(); err != nil {
		return err
	}
	return j.refresh()
}

func (j *job) gatherMerged(ctx context.Context, sw *swap, all []stored, merges map[string][]merge) error {
	became := make(map[string]sinks.File) // by the path of a file that was merged
	for _, t := range j.tables.Tables {
		if len(merges[t.Name]) == 0 {
			continue
		}
		if err := j.mergeTable(ctx, sw, t, merges[t.Name], became); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	loads := loadsOf(all)
	for i := range loads {
		for k := range loads[i].Tables {
			files := loads[i].Tables[k].Files
			for n, f := range files {
				if to, ok := became[f.Path]; ok {
					files[n].Path, files[n].Content = to.Path, to.Content
				}
			}
		}
	}
	share(loads)
	return sw.manifests(chunk(loads), nil)
}

// mergeTable writes a table's merged files into a fresh folder, where the
// others are linked.
func (j *job) mergeTable(ctx context.Context, sw *swap, t *transform.Table, merges []merge, became map[string]sinks.File) error {
	fresh, err := sw.table(t.Name)
	if err != nil {
		return err
	}
	for _, m := range merges {
		if err := ctx.Err(); err != nil {
			return err
		}
		to := filepath.Join(fresh, filepath.FromSlash(strings.TrimPrefix(m.path, t.Name+"/")))
		if err := sw.sub(filepath.Dir(to)); err != nil {
			return err
		}
		j.sink.step("merge %s", m.path)
		load := sinks.Load{Job: j.name, Generation: j.generation, Window: source.Window{After: m.pieces[0].first.After, Through: m.pieces[len(m.pieces)-1].last.Through}}
		content, err := j.writeFile(to, t, facts(load, m.pieces[0].fingerprint, j.sink.version, t), func(w *parquetfile.Writer) error {
			for _, p := range m.pieces {
				if err := j.appendFile(w, p.file); err != nil {
					return fmt.Errorf("append %s: %w", p.file.Path, err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, p := range m.pieces {
			became[p.file.Path] = sinks.File{Path: m.path, Content: content}
		}
	}
	return sw.linkOthers(j.layout.table(t.Name), fresh, func(rel string) bool {
		_, ok := became[t.Name+"/"+rel]
		return ok
	})
}

func (j *job) appendFile(w *parquetfile.Writer, f sinks.File) error {
	src, r, err := j.openWhole(f)
	if err != nil {
		return err
	}
	defer src.Close()
	return w.AppendRows(r)
}

// chunk lays loads out in manifests.
func chunk(loads []sinks.Manifest) []stored {
	var out []stored
	for part := range slices.Chunk(loads, loadsPerManifest) {
		name := stem(source.Window{After: part[0].Window.After, Through: part[len(part)-1].Window.Through})
		out = append(out, stored{name + ".json", part})
	}
	return out
}
