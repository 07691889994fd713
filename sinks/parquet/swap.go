package parquet

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"backstory/sinks"
	"backstory/transform"
)

// swap gathers what is to replace folders of a job. Nothing of it is visible
// before commit, which is the one way in which committed files ever change.
type swap struct {
	job     *job
	what    string
	to      int    // the generation that is live afterwards, 0 for the same
	fresh   string // the folder of the tables' new folders
	tables  []swapTable
	folders []swapFolder // that readers do not see
	dirs    []string     // to be synced
	decided bool         // the intent may be there
}

// newSwap begins a swap in an empty folder of its own.
func (j *job) newSwap(what string) (*swap, error) {
	j.sink.step("begin to %s", what)
	dir := j.layout.swap()
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	s := &swap{job: j, what: what, fresh: filepath.Join(dir, "new")}
	s.dirs = append(s.dirs, dir, s.fresh)
	return s, makeDir(s.fresh)
}

// drop removes what was gathered, after an error before commit.
func (s *swap) drop() error { return os.RemoveAll(s.job.layout.swap()) }

// table makes an empty folder that is to replace a table's.
func (s *swap) table(name string) (string, error) {
	fresh := filepath.Join(s.fresh, name)
	if err := makeDir(fresh); err != nil {
		return "", err
	}
	s.dirs = append(s.dirs, fresh)
	return fresh, s.change(name)
}

// change has a table's folder become the one among the fresh ones, if any.
func (s *swap) change(name string) error {
	live := s.job.layout.table(name)
	before, err := exists(live)
	if err != nil {
		return err
	}
	if text, err := os.Readlink(live); err == nil {
		return fault("put the folder itself in its place", "replace table %s: %s is a link to %s", name, live, text)
	}
	after, err := exists(filepath.Join(s.fresh, name))
	if err == nil && (before || after) {
		s.tables = append(s.tables, swapTable{name, before, after})
	}
	return err
}

// settle has a table taken away if the folder that replaces it, which was the
// last to be made, has come out empty.
func (s *swap) settle(fresh string) error {
	if names, err := list(fresh); err != nil || len(names) > 0 {
		return err
	}
	s.dirs = slices.DeleteFunc(s.dirs, func(dir string) bool { return dir == fresh })
	n := len(s.tables) - 1
	if s.tables[n].After = false; !s.tables[n].Before {
		s.tables = s.tables[:n]
	}
	return os.Remove(fresh)
}

// exchange has what lies at fresh change places with live.
func (s *swap) exchange(live, fresh string) error {
	f, err := s.folder(live, fresh)
	f.Inode = inode(fresh)
	s.folders = append(s.folders, f)
	return err
}

// folder gives the places of a folder relative to the root.
func (s *swap) folder(live, fresh string) (swapFolder, error) {
	live, err := filepath.Rel(s.job.layout.path, live)
	if err != nil {
		return swapFolder{}, err
	}
	fresh, err = filepath.Rel(s.job.layout.path, fresh)
	return swapFolder{Live: filepath.ToSlash(live), Fresh: filepath.ToSlash(fresh)}, err
}

// sub makes a folder inside of one that folder gave.
func (s *swap) sub(dir string) error {
	if ok, err := exists(dir); ok || err != nil {
		return err
	}
	s.dirs = append(s.dirs, dir)
	return makeDir(dir)
}

// linkOthers links the files below live that skip does not name, so that the
// fresh folder has all there is, but for what replaces them. Paths given to
// skip are relative to live.
func (s *swap) linkOthers(live, fresh string, skip func(rel string) bool) error {
	return filepath.WalkDir(live, func(path string, d fs.DirEntry, err error) error {
		if path == live && errors.Is(err, fs.ErrNotExist) {
			return filepath.SkipAll
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(live, path)
		if err != nil || rel == "." {
			return err
		}
		to := filepath.Join(fresh, rel)
		switch {
		case d.IsDir(), skip(filepath.ToSlash(rel)):
			return nil
		}
		if err := s.sub(filepath.Dir(to)); err != nil {
			return err
		}
		return link(path, to)
	})
}

// manifests gathers manifests that replace all of the job's. Those in keep
// are linked from the present folder.
func (s *swap) manifests(changed []stored, keep []string) error {
	fresh := filepath.Join(s.job.layout.swap(), "manifests")
	if err := makeDir(fresh); err != nil {
		return err
	}
	s.dirs = append(s.dirs, fresh)
	for _, name := range keep {
		if err := link(filepath.Join(s.job.layout.manifests, name), filepath.Join(fresh, name)); err != nil {
			return err
		}
	}
	for _, m := range changed {
		data, err := encodeManifest(m.loads)
		if err != nil {
			return err
		}
		if err := writeAndSync(filepath.Join(fresh, m.name), data); err != nil {
			return err
		}
	}
	return s.exchange(s.job.layout.manifests, fresh)
}

// manifest gathers one manifest that replaces the job's of that name.
func (s *swap) manifest(m stored) error {
	data, err := encodeManifest(m.loads)
	if err != nil {
		return err
	}
	fresh := filepath.Join(s.job.layout.swap(), m.name)
	if err := writeAndSync(fresh, data); err != nil {
		return err
	}
	return s.exchange(filepath.Join(s.job.layout.manifests, m.name), fresh)
}

// tablesFile gathers a tables.json that replaces the present one.
func (s *swap) tablesFile(c *tablesFile) error {
	data, err := c.encode()
	if err != nil {
		return err
	}
	return writeAndSync(filepath.Join(s.job.layout.swap(), "tables.json"), data)
}

// commit decides the swap and carries it out.
func (s *swap) commit() error {
	j := s.job
	in := &swapIntent{Format: swapFormat, Job: j.name, Generation: j.generation, To: s.to, What: s.what}
	if err := s.prepare(in); err != nil {
		return err
	}
	data, err := json.MarshalIndent(in, "", "  ")
	if err != nil {
		return err
	}
	j.sink.step("write intent to %s", s.what)
	s.decided = true
	if err := writeFile(j.layout.intent(), append(data, '\n')); err != nil {
		ok, statErr := exists(j.layout.intent())
		s.decided = ok || statErr != nil
		return err
	}
	return j.carryOut(in)
}

// prepare says in an intent what changes, and makes durable what is to come.
// What readers see of it is flipped if that is more than one table. Where the
// file system has no links the tables change one after the other.
func (s *swap) prepare(in *swapIntent) error {
	j := s.job
	j.sink.step("prepare to %s", s.what)
	if j.generation == j.layout.live && len(s.tables) > 1 {
		fresh, err := filepath.Rel(j.layout.path, s.fresh)
		if err != nil {
			return err
		}
		f := &flip{Fresh: filepath.ToSlash(fresh), Tables: s.tables}
		ok, err := j.flipper(f).prepare()
		if err != nil {
			return errors.Join(err, j.flipper(f).unprepare())
		}
		if ok {
			in.Flip = f
		}
	}
	if in.Flip == nil {
		for _, t := range s.tables {
			live, fresh := j.layout.table(t.Name), filepath.Join(s.fresh, t.Name)
			f, err := s.folder(live, fresh)
			if err != nil {
				return err
			}
			if f.Inode = inode(fresh); !t.After {
				f.Inode, f.Away = inode(live), true
			}
			in.Folders = append(in.Folders, f)
		}
	}
	in.Folders = append(in.Folders, s.folders...)
	j.sink.step("sync what is to %s", s.what)
	return syncDirs(s.dirs...)
}

// change prepares an operation that replaces committed files: no load may be
// under way, and everything is read from the disk anew. The manifests it
// gives are the caller's to change.
func (j *job) change() ([]stored, error) {
	if err := j.mayChange(); err != nil {
		return nil, err
	}
	j.last = reading{}
	if err := j.quiet(); err != nil {
		return nil, err
	}
	all := j.last.manifests
	j.last = reading{}
	return all, nil
}

// tableOf gives a load's part in a table, nil if it has none.
func tableOf(m *sinks.Manifest, t *transform.Table) *sinks.LoadedTable {
	for i := range m.Tables {
		if m.Tables[i].Name == t.Name {
			return &m.Tables[i]
		}
	}
	return nil
}
