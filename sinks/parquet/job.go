package parquet

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sort"
	"sync"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"
)

// job is one generation of a job, as it is known while its lock is held.
type job struct {
	sink       *Sink
	name       string
	generation int
	layout     layout

	mu       sync.Mutex      // guards what follows, and the folders while they change
	windows  []source.Window // committed, in order
	tables   *tablesFile
	recorded bool // tables.json says what tables says
	underway map[source.Window]bool
	last     reading
	alone    bool // loads are under way, or about to be, that let no other begin
	over     bool // the generation has changed its place: open it again
}

// newJob makes a job that knows nothing yet.
func (s *Sink) newJob(name string, generation int, l layout) *job {
	return &job{sink: s, name: name, generation: generation, layout: l, underway: make(map[source.Window]bool)}
}

// recover finishes what has been decided and removes what has not.
func (j *job) recover() error {
	if err := j.finishSwap(); err != nil {
		return explain(err, "finish a change of job %s", j.name)
	}
	stems, err := j.pendingStems()
	if err != nil {
		return err
	}
	for _, stem := range stems {
		if err := j.publish(stem); err != nil {
			return explain(err, "finish load %s of job %s", stem, j.name)
		}
	}
	if err := errors.Join(os.RemoveAll(j.layout.staging()), removeAside(j.layout.control)); err != nil {
		return explain(err, "remove what a load left behind")
	}
	return nil
}

func (j *job) pendingStems() ([]string, error) {
	names, err := list(j.layout.pending())
	if err != nil {
		return nil, explain(err, "list pending loads of job %s", j.name)
	}
	var stems []string
	for _, name := range names {
		if ext := filepath.Ext(name); ext == ".json" {
			stems = append(stems, name[:len(name)-len(ext)])
		} else {
			os.Remove(filepath.Join(j.layout.pending(), name)) // never became a manifest
		}
	}
	return stems, nil
}

// refresh reads the tables and the committed windows from the disk.
func (j *job) refresh() error {
	c, err := readTablesFile(j.layout.tablesFile, j.name)
	if err != nil {
		return err
	}
	j.recorded = c != nil
	if c != nil && c.Generation != j.generation {
		return fault("restore the job's folder from a backup", "read %s: it is of generation %d and not of generation %d", j.layout.tablesFile, c.Generation, j.generation)
	}
	if c == nil {
		c = &tablesFile{Format: tablesFormat, Job: j.name, Generation: j.generation}
	}
	j.tables = c
	all, err := j.manifests()
	if err != nil {
		return err
	}
	j.windows = j.windows[:0]
	for _, l := range loadsOf(all) {
		j.windows = append(j.windows, l.Window)
	}
	return nil
}

// begin checks a load against those that are committed or under way.
func (j *job) begin(l sinks.Load) (sinks.Txn, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.mayChange(); err != nil {
		return nil, err
	}
	if len(j.underway) == 0 {
		if there, err := exists(j.layout.intent()); err != nil {
			return nil, explain(err, "begin load %s of job %s", l.Window, l.Job)
		} else if there { // a change that failed half way
			if err := j.quiet(); err != nil {
				return nil, err
			}
		}
	}
	j.last = reading{} // loads make it old, and it may be large
	name := stem(l.Window)
	if ok, err := exists(j.layout.pendingOf(name)); err != nil {
		return nil, explain(err, "begin load %s of job %s", l.Window, l.Job)
	} else if ok && !j.underway[l.Window] { // a commit that failed half way
		if err := j.publish(name); err != nil {
			return nil, explain(err, "finish load %s of job %s", l.Window, l.Job)
		}
		j.windows = insert(j.windows, l.Window)
	}
	if v, ok := overlapping(j.windows, l.Window); ok {
		if v == l.Window {
			return nil, sinks.ErrCommitted
		}
		return nil, fault("ledger and folder are of different runs: remove the ledger, and run again to rebuild it from the folder, or set sink.path to an empty folder",
			"begin load %s of job %s: window %s is committed and overlaps it", l.Window, l.Job, v)
	}
	if j.alone {
		return nil, refuse("wait until they are", "begin load %s of job %s: windows are being loaded again", l.Window, l.Job)
	}
	for v := range j.underway {
		if v.Overlaps(l.Window) {
			return nil, refuse("load windows that do not overlap",
				"begin load %s of job %s: window %s is being loaded and overlaps it", l.Window, l.Job, v)
		}
	}
	if err := os.RemoveAll(j.layout.stagingOf(name)); err != nil {
		return nil, explain(err, "begin load %s of job %s", l.Window, l.Job)
	}
	j.underway[l.Window] = true
	return &txn{job: j, load: l, stem: name, file: name + j.layout.mark, parts: make(map[partKey]*part)}, nil
}

// mayChange refuses to change a generation that was replaced.
func (j *job) mayChange() error {
	if j.over || j.generation < j.layout.live {
		return replaced("load", j.name, j.generation, j.layout.live)
	}
	return nil
}

// idle refuses what must not go on beside a load.
func (j *job) idle() error {
	if n := len(j.underway); n > 0 {
		return refuse("wait until they have finished", "%d loads of generation %d are under way", n, j.generation)
	}
	if j.alone {
		return refuse("wait until they have finished", "loads of generation %d are being replaced", j.generation)
	}
	return nil
}

// quiet makes sure that no load is under way and nothing is half done.
func (j *job) quiet() error {
	if err := j.idle(); err != nil {
		return err
	}
	if err := j.recover(); err != nil {
		return err
	}
	return j.refresh()
}

// end forgets a load that is no longer under way.
func (j *job) end(w source.Window, committed bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.underway, w)
	if committed {
		j.windows = insert(j.windows, w)
	}
}

// claim makes sure that the rows of t may be written: the folder belongs to
// the job, and the committed files have t's columns.
func (j *job) claim(t *transform.Table) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	known := j.tables.find(t.Name)
	if known == t {
		return nil
	}
	if known != nil {
		if diff := known.Difference(t); diff != "" {
			return refuse("evolve the job's tables before loading",
				"write to table %s: its files are of version %d and the rows of version %d: %s", t.Name, known.Version, t.Version, diff)
		}
		return nil
	}
	if err := j.mayOwn(t.Name); err != nil {
		return err
	}
	j.tables.set(t)
	j.recorded = false
	return nil
}

// record writes tables.json if it does not say what is known.
func (j *job) record() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.recorded {
		return nil
	}
	return j.replaceTables(j.tables)
}

// replaceTables writes tables.json, and knows the tables from then on.
func (j *job) replaceTables(c *tablesFile) error {
	data, err := c.encode()
	if err != nil {
		return err
	}
	if old, err := os.ReadFile(j.layout.tablesFile); err != nil || !bytes.Equal(old, data) {
		j.sink.step("write tables")
		if err := makeDir(j.layout.control); err != nil {
			return err
		}
		if err := writeFile(j.layout.tablesFile, data); err != nil {
			return err
		}
	}
	j.tables, j.recorded = c, true
	return nil
}

// position is the index of the first window that does not end before w begins.
func position(windows []source.Window, w source.Window) int {
	return sort.Search(len(windows), func(i int) bool { return windows[i].Through.Compare(w.After) > 0 })
}

func overlapping(windows []source.Window, w source.Window) (source.Window, bool) {
	if i := position(windows, w); i < len(windows) && windows[i].Overlaps(w) {
		return windows[i], true
	}
	return source.Window{}, false
}

// insert adds w to windows, which stay in order.
func insert(windows []source.Window, w source.Window) []source.Window {
	i := position(windows, w)
	windows = append(windows, source.Window{})
	copy(windows[i+1:], windows[i:])
	windows[i] = w
	return windows
}
