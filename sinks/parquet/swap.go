package parquet

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"backstory/sinks"
	"backstory/transform"
)

// swap gathers what is to replace folders of a job. Nothing of it is visible
// before commit, which is the one way in which committed files ever change.
type swap struct {
	job     *job
	what    string
	to      int // the generation that is live afterwards, 0 for the same
	folders []swapFolder
	dirs    []string // to be synced
	decided bool     // the intent may be there
}

// newSwap begins a swap in an empty folder of its own.
func (j *job) newSwap(what string) (*swap, error) {
	j.sink.step("begin to %s", what)
	if err := os.RemoveAll(j.layout.swap()); err != nil {
		return nil, err
	}
	return &swap{job: j, what: what}, makeDir(j.layout.swap())
}

// drop removes what was gathered, after an error before commit.
func (s *swap) drop() error { return os.RemoveAll(s.job.layout.swap()) }

// folder makes an empty folder that is to replace live.
func (s *swap) folder(live string) (string, error) {
	fresh := filepath.Join(s.job.layout.swap(), strconv.Itoa(len(s.folders)))
	if err := makeDir(fresh); err != nil {
		return "", err
	}
	s.dirs = append(s.dirs, fresh)
	return fresh, s.exchange(live, fresh)
}

// exchange has what lies at fresh change places with live.
func (s *swap) exchange(live, fresh string) error {
	return s.add(swapFolder{Inode: inode(fresh)}, live, fresh)
}

// takeAway has live go to another place, and nothing come in its own.
func (s *swap) takeAway(live, to string) error {
	return s.add(swapFolder{Inode: inode(live), Away: true}, live, to)
}

func (s *swap) add(f swapFolder, live, fresh string) error {
	live, err := filepath.Rel(s.job.layout.path, live)
	if err != nil {
		return err
	}
	fresh, err = filepath.Rel(s.job.layout.path, fresh)
	if err != nil {
		return err
	}
	f.Live, f.Fresh = filepath.ToSlash(live), filepath.ToSlash(fresh)
	s.folders = append(s.folders, f)
	return nil
}

// settle has live taken away if the folder that replaces it, which was the
// last to be made, has come out empty.
func (s *swap) settle(live, fresh string) error {
	if names, err := list(fresh); err != nil || len(names) > 0 {
		return err
	}
	n := len(s.folders) - 1
	s.folders = s.folders[:n]
	s.dirs = slices.DeleteFunc(s.dirs, func(dir string) bool { return dir == fresh })
	if err := os.Remove(fresh); err != nil {
		return err
	}
	if there, err := exists(live); err != nil || !there {
		return err
	}
	return s.takeAway(live, fresh)
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
	fresh, err := s.folder(s.job.layout.manifests)
	if err != nil {
		return err
	}
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
	return nil
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
	j.sink.step("sync what is to %s", s.what)
	if err := syncDirs(append(s.dirs, j.layout.swap())...); err != nil {
		return err
	}
	in := &swapIntent{Format: swapFormat, Job: j.name, Generation: j.generation, To: s.to, What: s.what, Folders: s.folders}
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
