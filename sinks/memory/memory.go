// Package memory is a sink that keeps rows in memory as text. It is for
// tests: of what loads rows, and as the measure of other sinks. It is not
// fast and not durable.
package memory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"backstory/sinks"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
)

// Store is what survives when a Sink is closed or abandoned. The zero Store
// is empty.
type Store struct {
	mu   sync.Mutex
	jobs map[key]*held
	live map[string]int // the generation that readers see, by job
}

type key struct {
	job        string
	generation int
}

// held is what a generation of a job holds.
type held struct {
	tables []*transform.Table
	loads  []load // by window
}

type load struct {
	manifest sinks.Manifest
	rows     map[string][]row // by table
	records  map[string][]arrow.Record
}

// Open opens a Sink on the store. Step, if not nil, is called with a name
// before and after each change of the store.
func (s *Store) Open(step func(name string)) *Sink {
	if step == nil {
		step = func(string) {}
	}
	return &Sink{store: s, step: step, underway: make(map[sinks.Load]bool)}
}

// Rows gives a table's rows as JSON lines in the order of their windows.
func (s *Store) Rows(job string, generation int, table string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.jobs[key{job, generation}]
	if h == nil {
		return nil
	}
	t := h.table(table)
	if t == nil {
		return nil
	}
	var lines []string
	for _, l := range h.loads {
		for _, r := range l.rows[table] {
			lines = append(lines, r.line(t))
		}
	}
	return lines
}

func (s *Store) held(k key) *held {
	if s.jobs == nil {
		s.jobs, s.live = make(map[key]*held), make(map[string]int)
	}
	if s.jobs[k] == nil {
		s.jobs[k] = &held{}
	}
	return s.jobs[k]
}

// empty tells whether nothing was ever kept.
func (h *held) empty() bool { return h == nil || len(h.tables) == 0 && len(h.loads) == 0 }

// find gives the index of a committed load, or -1.
func (h *held) find(l sinks.Load) int {
	return slices.IndexFunc(h.loads, func(o load) bool { return o.manifest.Window == l.Window })
}

func (h *held) table(name string) *transform.Table {
	for _, t := range h.tables {
		if t.Name == name {
			return t
		}
	}
	return nil
}

func (h *held) set(t *transform.Table) {
	for i := range h.tables {
		if h.tables[i].Name == t.Name {
			h.tables[i] = t
			return
		}
	}
	h.tables = append(h.tables, t)
}

// Sink is a store that is open.
type Sink struct {
	store    *Store
	step     func(string)
	underway map[sinks.Load]bool // guarded by store.mu
}

var (
	_ sinks.Sink        = (*Sink)(nil)
	_ sinks.Evolver     = (*Sink)(nil)
	_ sinks.Inventory   = (*Sink)(nil)
	_ sinks.Generations = (*Sink)(nil)
	_ sinks.Replacer    = (*Sink)(nil)
	_ sinks.Reader      = (*Sink)(nil)
)

// Begin starts a load.
func (s *Sink) Begin(ctx context.Context, l sinks.Load) (sinks.Txn, error) {
	if l.Window.Empty() {
		return nil, fmt.Errorf("begin load of job %s: window %s is empty", l.Job, l.Window)
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if err := s.mayLoad(l); err != nil {
		return nil, fmt.Errorf("begin load %s of job %s: %w", l.Window, l.Job, err)
	}
	for _, m := range s.store.held(key{l.Job, l.Generation}).loads {
		if m.manifest.Window == l.Window {
			return nil, sinks.ErrCommitted
		}
		if m.manifest.Window.Overlaps(l.Window) {
			return nil, fmt.Errorf("begin load %s of job %s: window %s is committed and overlaps it", l.Window, l.Job, m.manifest.Window)
		}
	}
	for v := range s.underway {
		if v.Job == l.Job && v.Generation == l.Generation && v.Window.Overlaps(l.Window) {
			return nil, fmt.Errorf("begin load %s of job %s: window %s is being loaded and overlaps it", l.Window, l.Job, v.Window)
		}
	}
	return s.begin(l), nil
}

func (s *Sink) begin(l sinks.Load) *txn {
	s.underway[l] = true
	return &txn{sink: s, load: l, tables: make(map[string]*transform.Table), rows: make(map[string][]row), copies: make(map[string][]arrow.Record)}
}

// Close does nothing: what is committed stays in the store.
func (s *Sink) Close() error { return nil }

type txn struct {
	sink   *Sink
	load   sinks.Load
	tables map[string]*transform.Table
	order  []string
	rows   map[string][]row
	copies map[string][]arrow.Record
	again  bool // it takes the place of a committed load
	done   bool
}

func (t *txn) Write(ctx context.Context, table *transform.Table, r arrow.Record) error {
	if t.done {
		return errors.New("write: the load is over")
	}
	if t.tables[table.Name] == nil {
		if err := t.check(table); err != nil {
			return err
		}
		t.tables[table.Name] = table
		t.order = append(t.order, table.Name)
	}
	for i := range int(r.NumRows()) {
		t.rows[table.Name] = append(t.rows[table.Name], rowOf(r, i))
	}
	kept, err := copyOf(table.Schema(), r)
	if err != nil {
		return err
	}
	t.copies[table.Name] = append(t.copies[table.Name], kept)
	return ctx.Err()
}

// check refuses rows of a table that was not evolved as far.
func (t *txn) check(table *transform.Table) error {
	store := t.sink.store
	store.mu.Lock()
	defer store.mu.Unlock()
	known := store.held(key{t.load.Job, t.load.Generation}).table(table.Name)
	if known != nil && !slices.EqualFunc(known.Columns, table.Columns, func(a, b transform.Column) bool {
		return a.Name == b.Name && a.Type.Equal(b.Type)
	}) {
		return fmt.Errorf("write to table %s: it is of version %d and the rows of version %d", table.Name, known.Version, table.Version)
	}
	return nil
}

func (t *txn) Commit(ctx context.Context, s sinks.Summary) error {
	if t.done {
		return errors.New("commit: the load is over")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	t.sink.step("commit")
	m := sinks.Manifest{Load: t.load, Summary: s}
	for _, name := range t.order {
		m.Tables = append(m.Tables, sinks.LoadedTable{Name: name, Rows: int64(len(t.rows[name]))})
	}
	t.finish(m)
	t.sink.step("committed")
	return nil
}

func (t *txn) finish(m sinks.Manifest) {
	store := t.sink.store
	store.mu.Lock()
	defer store.mu.Unlock()
	h := store.held(key{t.load.Job, t.load.Generation})
	for _, name := range t.order {
		h.set(t.tables[name])
	}
	if t.again {
		i := h.find(t.load)
		h.loads = slices.Delete(h.loads, i, i+1)
	}
	h.loads = append(h.loads, load{m, t.rows, t.copies})
	store.show(t.load.Job, t.load.Generation)
	slices.SortFunc(h.loads, func(a, b load) int { return a.manifest.Window.After.Compare(b.manifest.Window.After) })
	delete(t.sink.underway, t.load)
	t.done = true
}

func (t *txn) Abort() error {
	t.sink.store.mu.Lock()
	defer t.sink.store.mu.Unlock()
	if !t.done {
		delete(t.sink.underway, t.load)
		t.done = true
	}
	return nil
}

// Evolve keeps the tables; rows that are there have nulls in new columns.
func (s *Sink) Evolve(ctx context.Context, job string, generation int, tables []*transform.Table) error {
	s.step("evolve")
	s.evolve(job, generation, tables)
	s.step("evolved")
	return ctx.Err()
}

func (s *Sink) evolve(job string, generation int, tables []*transform.Table) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	h := s.store.held(key{job, generation})
	for _, t := range tables {
		h.set(t)
	}
	s.store.show(job, generation)
}

// show makes a generation the live one if there is none.
func (s *Store) show(job string, generation int) {
	if s.live[job] == 0 {
		s.live[job] = generation
	}
}

// Manifests lists the committed loads by window.
func (s *Sink) Manifests(ctx context.Context, job string, generation int) ([]sinks.Manifest, []*transform.Table, error) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	h := s.store.held(key{job, generation})
	var all []sinks.Manifest
	for _, l := range h.loads {
		all = append(all, l.manifest)
	}
	return all, slices.Clone(h.tables), ctx.Err()
}

// Check finds nothing: rows and manifests are one here.
func (s *Sink) Check(ctx context.Context, job string, generation int) error { return ctx.Err() }
