// Package parquet loads rows into Parquet files on a POSIX file system, one
// folder for each table, so that pandas, polars, DuckDB and Spark open the
// folder as it is. It does not write to object stores: what it promises
// rests on renaming.
//
// Below the root lies one folder for each table, and _backstory, where each
// job keeps what it needs to be exactly once:
//
//	<table>/[event_day=2025-01-31/]<first>-<last>.parquet
//	_backstory/<job>/manifests/<first>-<last>.json  one for each committed load
//	_backstory/<job>/pending/<first>-<last>.json    loads between begun and finished renames
//	_backstory/<job>/tmp/<first>-<last>/            files that nobody reads yet
//	_backstory/<job>/tables.json                    the tables as last evolved
//	_backstory/<job>/swap.json, swap/               folders about to be exchanged
//	_backstory/<job>/lock                           held by the process that works on the job
//	_backstory/<job>/generation-<n>/                a generation that is being built, or the one before:
//	                                                all of the above of its own, and tables/<table>/
//
// The names of files of the second generation end in .g2.parquet, and so on,
// and those of a load in place of another in .r1.parquet: a reader that listed
// a folder before it changed finds a file gone, and never reads a mixture.
//
// A load is committed in this order: its files are written and synced in tmp;
// its manifest appears in pending, from when on the load is finished by
// whoever works on the job next; the files are renamed into the tables' folders;
// the manifest is renamed into manifests. Everything before the pending
// manifest is thrown away after a crash, everything from there on is done
// again.
//
// Whatever else changes what readers see is a swap: what is to come is complete
// and durable beside what is there; swap.json says what takes the place of
// what, and decides it. New columns, merged files, loads in place of others and
// generations are all brought in so. Whoever works on the job next finishes
// what is decided, and clears away what is not. A single table's folder changes
// places with the new one in one step. Several tables change at one moment
// too:
//
//	swap/old/, swap/now -> old    made before the decision
//	<table> -> _backstory/<job>/swap/now/<table>
//	                              each changes places with the folder, which is then in swap/old/
//	swap/now -> new               one rename, by which all tables are new; a generation's
//	                              are not in swap/new/ but in generation-<n>/tables/
//	<table>                       each link changes places with the new folder
//
// No other step changes what readers see, so whoever reads during a swap, or
// days after a process was killed in one, finds all tables as they were or all
// as they are to be: a table that is still to come, or is gone, is a link
// that leads nowhere. pandas, pyarrow, polars and DuckDB, tried on folders left
// by processes killed at such steps, follow the links, whether told the
// table's folder, <table>/*.parquet or <table>/**/*.parquet. A search of the
// root with ** is no way to read: it does not follow links but descends into
// _backstory, where other generations are. Readers need the right to pass
// through _backstory.
//
// Two things are weaker. One load's files appear one table after the other.
// And where a file system cannot exchange two names (RENAME_EXCHANGE of Linux)
// readers miss a table for a moment, and after a crash until the job is worked
// on; where it has no symbolic links, tables change one after the other.
package parquet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"backstory/sinks"
	"backstory/sinks/parquetfile"
)

// defaultBudget is the memory in bytes for the open row groups of one load.
const defaultBudget = 32 << 20

// Options say where the tables are and how files are written.
type Options struct {
	// Path is the root folder. If it is not there, the first load makes it.
	Path string
	// Codec, Level and RowGroupRows are parquetfile's; zero values are its
	// defaults.
	Codec        string
	Level        int
	RowGroupRows int
	// Version is the version of Backstory, for manifests and files.
	Version string
	// Budget is the memory in bytes for the open row groups of one load, all
	// tables together; 0 is 32 MiB. When it is passed, the largest
	// row group is written out.
	Budget int64
	// Step, if not nil, is called with a name before each thing that a crash
	// could leave half done, and after the last. It is for tests.
	Step func(name string)
}

// Sink is a folder of tables. Its methods may be called from several
// goroutines at once.
type Sink struct {
	path    string
	version string
	budget  int64
	format  *parquetfile.Format
	onStep  func(string)
	// exchange swaps two names in one step, or gives false if that cannot be done.
	exchange func(a, b string) (bool, error)
	// symlink makes a link of that text, or gives false if that cannot be done.
	symlink func(text, path string) (bool, error)

	mu    sync.Mutex
	homes map[homeKey]*home
}

var (
	_ sinks.Sink        = (*Sink)(nil)
	_ sinks.Evolver     = (*Sink)(nil)
	_ sinks.Inventory   = (*Sink)(nil)
	_ sinks.Compactor   = (*Sink)(nil)
	_ sinks.Signer      = (*Sink)(nil)
	_ sinks.Holder      = (*Sink)(nil)
	_ sinks.Generations = (*Sink)(nil)
	_ sinks.Bundler     = (*Sink)(nil)
	_ sinks.Reader      = (*Sink)(nil)
	_ sinks.Mender      = (*Sink)(nil)
	_ sinks.Sized       = (*txn)(nil)
)

// Open opens the folder of o.Path. Nothing of its contents is looked at
// before a job's first operation.
func Open(ctx context.Context, o Options) (*Sink, error) {
	if o.Path == "" {
		return nil, refuse("set sink.path to the folder for the tables", "open parquet sink: the path is empty")
	}
	created := "backstory"
	if o.Version != "" {
		created += " version " + o.Version
	}
	f, err := parquetfile.NewFormat(parquetfile.Options{Codec: o.Codec, Level: o.Level, RowGroupRows: o.RowGroupRows, CreatedBy: created})
	if err != nil {
		return nil, refuse("correct sink.codec or sink.level", "open parquet sink: %w", err)
	}
	info, err := os.Stat(o.Path)
	switch {
	case err == nil && !info.IsDir():
		return nil, refuse("set sink.path to a folder", "open parquet sink: %s is a file", o.Path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, explain(err, "open parquet sink %s", o.Path)
	}
	if o.Budget <= 0 {
		o.Budget = defaultBudget
	}
	return &Sink{
		path: o.Path, version: o.Version, budget: o.Budget, format: f, onStep: o.Step,
		exchange: exchange, symlink: symlink, homes: make(map[homeKey]*home),
	}, nil
}

// Hold takes the job's lock, which Begin, Evolve and Compact would take too,
// so that what is compared before stays as it is.
func (s *Sink) Hold(ctx context.Context, job string, generation int) error {
	_, err := s.job(ctx, job, generation)
	return err
}

// Begin starts a load. The files of a load that a crash left behind are
// finished or removed first.
func (s *Sink) Begin(ctx context.Context, l sinks.Load) (sinks.Txn, error) {
	if l.Window.Empty() {
		return nil, fmt.Errorf("begin load of job %s: window %s is empty", l.Job, l.Window)
	}
	j, err := s.job(ctx, l.Job, l.Generation)
	if err != nil {
		return nil, err
	}
	return j.begin(l)
}

// Close gives up the jobs' locks. Loads that are under way must have been
// committed or aborted.
func (s *Sink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for key := range s.homes {
		errs = append(errs, s.release(key))
	}
	return errors.Join(errs...)
}

func (s *Sink) step(format string, args ...any) {
	if s.onStep != nil {
		s.onStep(fmt.Sprintf(format, args...))
	}
}
