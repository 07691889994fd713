package schedules_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"backstory/schedules"
	ledger "backstory/schedules/sqlite"
	"backstory/sinks"
	"backstory/sinks/bigquery"
	"backstory/sinks/parquet"
	"backstory/source"
	"backstory/source/layout"
	"backstory/source/postgres"
	"backstory/source/sqlite"
)

const jobName = "shop"

// An order says what a process shall do, and when it shall kill itself.
type order struct {
	Driver, Store, Table string
	Out                  string
	// Server and Project name what is loaded instead of Parquet files in Out: a
	// BigQuery on this machine.
	Server, Project string
	// Verb is what to do: run where it is "", else again, backfill, compact,
	// forget, rebuild, repair or replay.
	Verb         string
	Stream       string // to forget
	After, Until int64  // the range for again and backfill, where Until is not 0
	Era          string // of the rules, see era_test.go
	WindowEvents int
	// KillAt is the step of job or sink before which the process is killed, 0
	// for never.
	KillAt int64
	// Blind hides from the job what the sink could tell it, Forgetful makes
	// the ledger forget its plans.
	Blind, Forgetful bool
	// Unchecked leaves out the comparison at the end.
	Unchecked bool
	// Lenient allows a rebuild any number of events in quarantine.
	Lenient bool
}

// run does what the order says in this process.
func (o order) run() error { return o.do(context.Background(), func(*schedules.Report) {}) }

func (o order) do(ctx context.Context, report func(*schedules.Report)) (err error) {
	src, err := o.source(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	p, err := compileEra(source.PayloadOf(src), o.Era)
	if err != nil {
		return err
	}
	var steps atomic.Int64
	step := func() {
		if steps.Add(1) == o.KillAt {
			syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
			select {} // the signal is on its way
		}
	}
	sink, err := o.sink(ctx, func(string) { step() })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sink.Close()) }()
	l, err := ledger.Open(ctx, filepath.Join(o.Out, "_backstory", "ledger.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	j := &schedules.Job{
		Name: jobName, Source: src, Pipeline: p, Sink: sink, Ledger: l, Workers: 3,
		WindowEvents: o.WindowEvents, Sample: 1, Recompile: recompile,
		Watch: func(schedules.Step) { step() },
	}
	if o.Blind {
		j.Sink = blind{sink, sink}
	}
	if o.Forgetful {
		j.Ledger = forgetful{l}
	}
	if o.Lenient {
		j.Quarantine = math.MaxInt64
	}
	rng := schedules.Range{After: at(crashWindow / 2), Through: at(crashEvents - crashWindow)}
	if o.Until != 0 {
		rng = schedules.Range{After: at(o.After), Through: at(o.Until)}
	}
	rep := &schedules.Report{}
	switch o.Verb {
	case "again":
		rep, err = j.Again(ctx, rng)
	case "backfill":
		rep, err = j.Backfill(ctx, rng)
	case "compact":
		_, err = j.Compact(ctx, sinks.CompactOptions{TargetBytes: 1 << 20})
	case "rebuild":
		rep, err = j.Rebuild(ctx, schedules.RebuildOptions{})
	case "forget":
		_, err = j.Forget(ctx, schedules.ForgetOptions{Streams: []string{o.Stream}})
	case "replay":
		rep, err = j.Replay(ctx)
	case "repair":
		_, err = j.Repair(ctx, schedules.RepairOptions{Apply: true})
	default:
		rep, err = j.Run(ctx)
	}
	if err != nil {
		return err
	}
	report(rep)
	if o.Blind || o.Unchecked {
		return nil
	}
	return j.Check(ctx)
}

func (o order) source(ctx context.Context) (source.Source, error) {
	c := layout.Config{Table: o.Table, Columns: layout.Columns{
		Position: "id", Stream: "stream", StreamVersion: "seq", Type: "kind", Data: "body"}}
	switch o.Driver {
	case "sqlite":
		return sqlite.Open(ctx, sqlite.Config{Path: o.Store, Config: c})
	case "postgres":
		return postgres.Open(ctx, postgres.Config{URL: layout.Secret(o.Store), Config: c})
	}
	return nil, fmt.Errorf("no driver %q", o.Driver)
}

// loadable is what all sinks here can do.
type loadable interface {
	sinks.Sink
	sinks.Evolver
}

func (o order) sink(ctx context.Context, step func(string)) (loadable, error) {
	if o.Project != "" {
		return bigquery.Open(ctx, bigquery.Options{Project: o.Project, Dataset: dataset, Endpoint: o.Server, Step: step})
	}
	return parquet.Open(ctx, parquet.Options{Path: o.Out, Step: step})
}

// blind is a sink that cannot tell what it holds.
type blind struct {
	sinks.Sink
	sinks.Evolver
}

// forgetful is a ledger that forgets plans: what Backstory would be if it did
// not plan before it loads.
type forgetful struct{ schedules.Ledger }

func (f forgetful) Lock(ctx context.Context, job string) (schedules.Lease, error) {
	l, err := f.Ledger.Lock(ctx, job)
	return forgetfulLease{l}, err
}

type forgetfulLease struct{ schedules.Lease }

func (f forgetfulLease) Save(ctx context.Context, c schedules.Change) error {
	c.Plan = nil
	return f.Lease.Save(ctx, c)
}
