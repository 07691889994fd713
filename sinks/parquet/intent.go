package parquet

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// swapFormat is the version of swap.json's layout.
const swapFormat = 3

// swapIntent is swap.json: what is complete beside what it replaces. Once it
// is there, the swap is finished by whoever works on the job next.
type swapIntent struct {
	Format     int    `json:"format"`
	Job        string `json:"job"`
	Generation int    `json:"generation"`
	// To is the generation that takes the place of Generation, which is kept;
	// 0 where the generation stays the same.
	To   int    `json:"to,omitempty"`
	What string `json:"what"`
	// Flip is what readers see of it if that is more than one table.
	Flip *flip `json:"flip,omitempty"`
	// Folders change places one after the other.
	Folders []swapFolder `json:"folders"`
}

// swapFolder is one folder, or file, to be replaced. Paths are relative to the root.
type swapFolder struct {
	Live  string `json:"live"`
	Fresh string `json:"fresh"`
	// Inode is that of what is at Fresh: it tells after a crash whether the
	// two have changed places.
	Inode uint64 `json:"inode"`
	// Away says that nothing is at Fresh: what is at Live, of which Inode then
	// is, goes there.
	Away bool `json:"away,omitempty"`
}

// places gives the two places of the n-th folder, and where what was live is
// for a moment if the two cannot be exchanged in one step.
func (in *swapIntent) places(l layout, n int) (live, fresh, old string) {
	f := in.Folders[n]
	live, fresh = filepath.Join(l.path, filepath.FromSlash(f.Live)), filepath.Join(l.path, filepath.FromSlash(f.Fresh))
	return live, fresh, filepath.Join(l.swap(), "old-"+strconv.Itoa(n))
}

// readIntent gives nil where there is none.
func readIntent(path, job string) (*swapIntent, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || isNotDir(err) {
		return nil, nil
	}
	if err != nil {
		return nil, explain(err, "read %s", path)
	}
	in := &swapIntent{}
	if err := json.Unmarshal(data, in); err != nil || in.Format != swapFormat || in.Job != job {
		return nil, fault("restore the job's folder from a backup", "read %s: it is damaged, or of another job or version", path)
	}
	return in, nil
}

// finishSwap carries out a swap that is decided, from wherever a crash has
// left it, and removes what is left of one that is not.
func (j *job) finishSwap() error {
	in, err := readIntent(j.layout.intent(), j.name)
	if err != nil {
		return err
	}
	if in == nil {
		return os.RemoveAll(j.layout.swap())
	}
	if in.Generation != j.generation && in.To != j.generation {
		return fault("restore the job's folder from a backup", "finish %s: it is of generation %d and not of generation %d", j.layout.intent(), in.Generation, j.generation)
	}
	return j.carryOut(in)
}

// carryOut does all that an intent says, or what of it is not yet done.
func (j *job) carryOut(in *swapIntent) error {
	done, err := in.isKept(j.layout)
	if err != nil {
		return err
	}
	if !done {
		if err := j.carryFolders(in); err != nil {
			return err
		}
	}
	if err := j.renameTables(); err != nil {
		return err
	}
	if in.To > 0 {
		if err := j.keep(in); err != nil {
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

// carryFolders has readers see what is to come, and then the manifests follow.
func (j *job) carryFolders(in *swapIntent) error {
	if in.Flip != nil {
		if err := j.flipper(in.Flip).carryOut(); err != nil {
			return err
		}
	}
	var dirs []string
	for i, f := range in.Folders {
		live, fresh, old := in.places(j.layout, i)
		var err error
		if f.Away {
			err = j.takeAway(live, fresh)
		} else {
			err = j.replace(f.Inode, live, fresh, old, in.To > 0)
		}
		if err != nil {
			return err
		}
		dirs = append(dirs, filepath.Dir(live), filepath.Dir(fresh))
	}
	j.sink.step("sync what was exchanged")
	return syncDirs(dirs...)
}

// renameTables puts a tables.json that a swap has gathered in its place.
func (j *job) renameTables() error {
	tables := filepath.Join(j.layout.swap(), "tables.json")
	if ok, err := exists(tables); err != nil || !ok {
		return err
	}
	j.sink.step("rename tables.json")
	if err := os.Rename(tables, j.layout.tablesFile); err != nil {
		return err
	}
	return syncDir(j.layout.control)
}

// takeAway has live go to another place. It may be repeated.
func (j *job) takeAway(live, to string) error {
	there, err := exists(live)
	if err != nil || !there {
		return err
	}
	j.sink.step("take %s away", filepath.Base(live))
	return os.Rename(live, to)
}

// replace has fresh, whose inode is id, and live change places in one step
// where the file system can. Elsewhere live goes to old first, and readers miss
// it for a moment; from there it goes where fresh was if it is to be kept. It
// may be repeated.
func (j *job) replace(id uint64, live, fresh, old string, keep bool) error {
	there, err := exists(live)
	if err != nil {
		return err
	}
	ready, err := exists(fresh)
	if err != nil {
		return err
	}
	switch {
	case there && (inode(live) == id || !ready && !keep):
		// They have changed places, but for what may still be at old.
	case !ready:
		return fault("restore the folder from a backup", "replace %s: what replaces it is gone", live)
	case there:
		j.sink.step("exchange %s", filepath.Base(live))
		if ok, err := j.sink.exchange(live, fresh); ok || err != nil {
			return err
		}
		if err := os.Rename(live, old); err != nil {
			return err
		}
		fallthrough
	default:
		j.sink.step("move %s", filepath.Base(live))
		if err := os.Rename(fresh, live); err != nil {
			return err
		}
	}
	if ok, err := exists(old); err != nil || !ok || !keep {
		return err
	}
	j.sink.step("keep %s", filepath.Base(live))
	return os.Rename(old, fresh)
}

// isKept tells whether the folder of what a generation replaced has its last
// name, and so nothing but its tables' folders may still have to come there.
func (in *swapIntent) isKept(l layout) (bool, error) {
	if in.To == 0 {
		return false, nil
	}
	there, err := exists(filepath.Join(l.control, besideName(in.To)))
	return !there, err
}

// keep renames the folder of the generation that is live now: it holds the one
// that was, but for the tables' folders if they were flipped.
func (j *job) keep(in *swapIntent) error {
	done, err := in.isKept(j.layout)
	if err != nil {
		return err
	}
	kept := filepath.Join(j.layout.control, besideName(in.Generation))
	if !done {
		if err := j.sink.discard(j.layout.control, in.Generation); err != nil { // made by mistake, if at all
			return err
		}
		j.sink.step("keep generation %d", in.Generation)
		if err := os.Rename(filepath.Join(j.layout.control, besideName(in.To)), kept); err != nil {
			return err
		}
		if err := syncDir(j.layout.control); err != nil {
			return err
		}
	}
	if in.Flip == nil {
		return nil
	}
	return j.flipper(in.Flip).keep(filepath.Join(kept, "tables"))
}

// follow gives the layout of a generation as it is while an intent is carried
// out, or after a crash, for one who only looks.
func (l layout) follow(in *swapIntent, generation int) layout {
	if in == nil || generation != in.Generation && generation != in.To {
		return l
	}
	live := layoutOf(l.path, in.Job, in.To, in.To)
	for n := range in.Folders {
		a, b, old := in.places(live, n)
		var at *string
		switch a {
		case live.manifests:
			at = &l.manifests
		case live.tablesFile:
			at = &l.tablesFile
		default:
			continue
		}
		if inode(a) == in.Folders[n].Inode {
			a, b = b, a
		}
		// What was is at a or old, what is to be at b, but for what has
		// its last place already, which is l's.
		for _, path := range []string{a, old} {
			if generation == in.To {
				path = b
			}
			if ok, err := exists(path); ok && err == nil {
				*at = path
				break
			}
		}
	}
	return l
}
