package parquet

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"backstory/sinks"
	"backstory/transform"
)

// swapFormat is the version of swap.json's layout.
const swapFormat = 1

// swapIntent is swap.json: folders that are complete beside the ones they
// replace. Once it is there, the swap is finished by whoever works on the job next.
type swapIntent struct {
	Format     int          `json:"format"`
	Job        string       `json:"job"`
	Generation int          `json:"generation"`
	What       string       `json:"what"`
	Folders    []swapFolder `json:"folders"`
}

// swapFolder is one folder to be replaced. Paths are relative to the root.
type swapFolder struct {
	Live  string `json:"live"`
	Fresh string `json:"fresh"`
	// Inode is the fresh folder's: it tells after a crash whether the
	// folders have changed places.
	Inode uint64 `json:"inode,omitempty"`
}

// swap gathers what is to replace folders of a job. Nothing of it is visible
// before commit, which is the one way in which committed files ever change.
type swap struct {
	job     *job
	what    string
	folders []swapFolder
	dirs    []string // to be synced
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
	relLive, err := filepath.Rel(s.job.layout.path, live)
	if err != nil {
		return "", err
	}
	relFresh, err := filepath.Rel(s.job.layout.path, fresh)
	if err != nil {
		return "", err
	}
	s.folders = append(s.folders, swapFolder{Live: filepath.ToSlash(relLive), Fresh: filepath.ToSlash(relFresh), Inode: inode(fresh)})
	return fresh, nil
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
		case d.IsDir():
			return s.sub(to)
		case skip(filepath.ToSlash(rel)):
			return nil
		}
		return link(path, to)
	})
}

// manifests gathers manifests that replace all of the job's. Those in keep
// are linked from the present folder.
func (s *swap) manifests(changed []stored, keep []string) error {
	fresh, err := s.folder(s.job.layout.manifests())
	if err != nil {
		return err
	}
	for _, name := range keep {
		if err := link(filepath.Join(s.job.layout.manifests(), name), filepath.Join(fresh, name)); err != nil {
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
	data, err := json.MarshalIndent(swapIntent{swapFormat, j.name, j.generation, s.what, s.folders}, "", "  ")
	if err != nil {
		return err
	}
	j.sink.step("write intent to %s", s.what)
	if err := writeFile(j.layout.intent(), append(data, '\n')); err != nil {
		return err
	}
	return j.finishSwap()
}

// finishSwap carries out a swap that is decided, from wherever a crash has
// left it, and removes what is left of one that is not.
func (j *job) finishSwap() error {
	data, err := os.ReadFile(j.layout.intent())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return os.RemoveAll(j.layout.swap())
	case err != nil:
		return err
	}
	var in swapIntent
	if err := json.Unmarshal(data, &in); err != nil || in.Format != swapFormat || in.Job != j.name || in.Generation != j.generation {
		return fault("restore the job's folder from a backup", "read %s: it is damaged, or of another job or version", j.layout.intent())
	}
	return j.carryOut(in)
}

func (j *job) carryOut(in swapIntent) error {
	root := j.layout.path
	for i, f := range in.Folders {
		live, fresh := filepath.Join(root, filepath.FromSlash(f.Live)), filepath.Join(root, filepath.FromSlash(f.Fresh))
		if err := j.replace(live, fresh, filepath.Join(j.layout.swap(), "old-"+strconv.Itoa(i)), f.Inode); err != nil {
			return err
		}
		if err := syncDirs(filepath.Dir(live), filepath.Dir(fresh)); err != nil {
			return err
		}
	}
	tables := filepath.Join(j.layout.swap(), "tables.json")
	if ok, err := exists(tables); err != nil {
		return err
	} else if ok {
		j.sink.step("rename tables.json")
		if err := os.Rename(tables, j.layout.tablesFile()); err != nil {
			return err
		}
		if err := syncDir(j.layout.control); err != nil {
			return err
		}
	}
	j.sink.step("remove intent to %s", in.What)
	if err := os.Remove(j.layout.intent()); err != nil {
		return err
	}
	if err := syncDir(j.layout.control); err != nil {
		return err
	}
	j.sink.step("remove what was replaced")
	return os.RemoveAll(j.layout.swap())
}

// replace puts fresh in live's place, in one step where the file system can.
// Elsewhere live goes to old first, and readers miss it for a moment. It may
// be repeated.
func (j *job) replace(live, fresh, old string, id uint64) error {
	there, err := exists(live)
	if err != nil {
		return err
	}
	ready, err := exists(fresh)
	if err != nil {
		return err
	}
	switch {
	case there && id != 0 && inode(live) == id:
		return nil // they have changed places already
	case there && !ready:
		return nil // fresh was moved
	case !ready:
		return fault("restore the folder from a backup", "replace %s: it and what replaces it are gone", live)
	case there:
		j.sink.step("exchange %s", filepath.Base(live))
		if ok, err := j.sink.exchange(live, fresh); ok || err != nil {
			return err
		}
		if err := os.Rename(live, old); err != nil {
			return err
		}
		j.sink.step("move %s", filepath.Base(live))
	}
	if err := makeDir(filepath.Dir(live)); err != nil {
		return err
	}
	return os.Rename(fresh, live)
}

// change prepares an operation that replaces committed files: no load may be
// under way, and everything is read from the disk anew. The manifests it
// gives are the caller's to change.
func (j *job) change() ([]stored, error) {
	if len(j.underway) > 0 {
		return nil, refuse("wait until they have finished", "%d of its loads are under way", len(j.underway))
	}
	j.last = reading{}
	if err := j.recover(); err != nil {
		return nil, err
	}
	if err := j.refresh(); err != nil {
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
