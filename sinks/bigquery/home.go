package bigquery

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"
)

// home is a generation of a job that this sink works on, as far as it knows.
type home struct {
	sink       *Sink
	name       string
	generation int

	mu       sync.Mutex
	known    bool // what follows was read, and is true but for what others do
	live     int
	build    int
	number   int // of the last row about the generation
	tables   []*transform.Table
	recorded bool            // tables are in tablesTable
	windows  []source.Window // committed, in order
	filled   map[string]bool // the tables that have rows of them
	targets  map[string]*target
	underway map[source.Window]bool
	begun    []source.Window // not committed, and Check has found rows of them
	stored   []record        // by window, nil where nobody has asked for them
}

// home opens a generation of a job to work on it, and finishes a swap that
// was left half done.
func (s *Sink) home(ctx context.Context, job string, n int) (*home, error) {
	h := s.homeOf(job, n)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known {
		return h, nil
	}
	past, err := s.settled(ctx, job)
	if err != nil {
		return nil, err
	}
	loads, err := s.manifests(ctx, job, n, past.at(n).build)
	if err != nil {
		return nil, err
	}
	h.learn(past, loads)
	return h, nil
}

func (s *Sink) homeOf(job string, n int) *home {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := homeKey{job, n}
	h := s.homes[key]
	if h == nil {
		h = &home{sink: s, name: job, generation: n, underway: make(map[source.Window]bool), targets: make(map[string]*target)}
		s.homes[key] = h
	}
	return h
}

// learn takes over what was read.
func (h *home) learn(past *history, loads []record) {
	g := past.at(h.generation)
	if h.live != past.live || h.build != g.build {
		h.targets, h.begun = make(map[string]*target), nil
	}
	h.live, h.build, h.number, h.known = past.live, g.build, g.number, true
	if len(h.underway) == 0 || h.recorded { // else loads have brought tables that nobody has written down
		h.tables, h.recorded = slices.Clone(g.tables), true
	}
	h.windows, h.stored = h.windows[:0], nil
	h.filled = make(map[string]bool)
	for _, m := range loads {
		h.windows = append(h.windows, m.Window)
		for _, lt := range m.Tables {
			h.filled[lt.Name] = true
		}
	}
}

// forget makes all homes of a job read again what they know.
func (s *Sink) forget(job string) {
	var homes []*home
	s.mu.Lock()
	for key, h := range s.homes {
		if key.job == job {
			homes = append(homes, h)
		}
	}
	s.mu.Unlock() // whoever has a home's lock may ask for the sink's
	for _, h := range homes {
		h.mu.Lock()
		h.known, h.targets = false, make(map[string]*target)
		h.mu.Unlock()
	}
}

// begin starts a load.
func (h *home) begin(l sinks.Load) (sinks.Txn, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.mayLoad(); err != nil {
		return nil, fmt.Errorf("begin load %s of job %s: %w", l.Window, l.Job, err)
	}
	if v, ok := overlapping(h.windows, l.Window); ok {
		if v == l.Window {
			return nil, sinks.ErrCommitted
		}
		return nil, fault("ledger and dataset are of different runs: remove the ledger, and run again to rebuild it from the dataset, or name another dataset",
			"begin load %s of job %s: window %s is committed and overlaps it", l.Window, l.Job, v)
	}
	for v := range h.underway {
		if v.Overlaps(l.Window) {
			return nil, refuse("load windows that do not overlap",
				"begin load %s of job %s: window %s is being loaded and overlaps it", l.Window, l.Job, v)
		}
	}
	for _, v := range h.begun {
		if v != l.Window && v.Overlaps(l.Window) {
			return nil, fault("the ledger is older than what was loaded: remove it, and run again to rebuild it from the dataset",
				"begin load %s of job %s: an earlier run has loaded a part of window %s, which overlaps it", l.Window, l.Job, v)
		}
	}
	h.underway[l.Window] = true
	return &txn{home: h, load: l, parts: make(map[string]*part)}, nil
}

// mayLoad refuses loads of a generation that was replaced.
func (h *home) mayLoad() error {
	if h.generation < h.live {
		return refuse("run the job again: it goes on with the generation that readers see",
			"generation %d was replaced by generation %d", h.generation, h.live)
	}
	return nil
}

// end forgets a load that is no longer under way. Where nobody knows whether
// it was committed, what is committed is read again.
func (h *home) end(w source.Window, doubt bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.underway, w)
	if doubt {
		h.known = false
	}
}

// committed is end for a load that is there.
func (h *home) committed(m *sinks.Manifest) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.underway, m.Window)
	h.windows, h.stored = insert(h.windows, m.Window), nil
	for _, lt := range m.Tables {
		h.filled[lt.Name] = true
	}
}

// idle refuses what must not go on beside a load.
func (h *home) idle() error {
	if n := len(h.underway); n > 0 {
		return refuse("wait until they have finished", "%d loads of generation %d are under way", n, h.generation)
	}
	return nil
}

// claim gives where rows of t go. The table is made if it is new; one that
// has other columns is refused.
func (h *home) claim(ctx context.Context, t *transform.Table) (*target, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if into := h.targets[t.Name]; into != nil && into.table == t {
		return into, nil
	}
	i := slices.IndexFunc(h.tables, func(o *transform.Table) bool { return strings.EqualFold(o.Name, t.Name) })
	if i >= 0 {
		if diff := h.tables[i].Difference(t); diff != "" {
			return nil, refuse("evolve the job's tables before loading",
				"write to table %s: it is of version %d and the rows of version %d: %s", t.Name, h.tables[i].Version, t.Version, diff)
		}
	}
	into, err := h.make(ctx, t)
	if err != nil {
		return nil, err
	}
	if i < 0 {
		h.tables, h.recorded = append(h.tables, t), false
	}
	return into, nil
}

// make makes the dataset's table for a table of the job.
func (h *home) make(ctx context.Context, t *transform.Table) (*target, error) {
	if err := checkTableName(t.Name); err != nil {
		return nil, err
	}
	if err := h.sink.makeDataset(ctx); err != nil {
		return nil, err
	}
	into, err := h.sink.ensure(ctx, h.sink.want(h, t, h.tableName(t.Name)))
	if err != nil {
		return nil, err
	}
	h.targets[t.Name] = into
	return into, nil
}

// tableName is what a table of the generation is called. The first generation
// of a job is the live one from its beginning.
func (h *home) tableName(table string) string {
	if h.live == 0 {
		return table
	}
	return nameIn(table, h.generation, h.live)
}

// record writes down the tables, if what is written down is not all of them.
func (h *home) record(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.recordLocked(ctx)
}

func (h *home) recordLocked(ctx context.Context) error {
	if h.recorded {
		return nil
	}
	body, err := json.Marshal(h.tables)
	if err != nil {
		return err
	}
	if err := h.sink.record(ctx, h.name, h.generation, h.number+1, kindTables, string(body)); err != nil {
		return err
	}
	h.number, h.recorded = h.number+1, true
	if h.live == 0 {
		h.live = h.generation
	}
	return nil
}

// loadID names the load of a window into a table: the same for whoever loads it.
func (h *home) loadID(w source.Window, into *target) string {
	build := ""
	if h.build > 0 {
		build = "b" + strconv.Itoa(h.build)
	}
	return fmt.Sprintf("backstory_%s_g%d%s_%s_%s_%s", idText(h.name), h.generation, build, h.sink.place(into), positionText(w.After), positionText(w.Through))
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
	return slices.Insert(windows, position(windows, w), w)
}
