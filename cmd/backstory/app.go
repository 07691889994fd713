package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"backstory/schedules"
	"backstory/source"
	"backstory/transform"
)

// app is everything a command works with, open.
type app struct {
	*config
	source   source.Source
	pipeline *transform.Pipeline
	jobs     []*schedules.Job
	closers  []func() error
}

// openApp reads the configuration and opens the source, and, with load, the
// sink and the ledger for writing. names selects jobs; none means all.
func openApp(ctx context.Context, g *globals, load bool, names []string) (*app, error) {
	c, err := readConfig(g.config)
	if err != nil {
		return nil, err
	}
	return c.open(ctx, g, load, names)
}

// open is openApp for a configuration that was read already.
func (c *config) open(ctx context.Context, g *globals, load bool, names []string) (_ *app, err error) {
	chosen, err := c.choose(names)
	if err != nil {
		return nil, err
	}
	log, err := g.log()
	if err != nil {
		return nil, err
	}
	a := &app{config: c}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	if a.source, err = c.source(ctx); err != nil {
		return nil, err
	}
	a.closers = append(a.closers, a.source.Close)
	if m, ok := a.source.(source.Mannered); ok && g.hurry {
		m.Hurry()
	}
	if a.pipeline, err = c.rules.pipeline(source.PayloadOf(a.source)); err != nil {
		return nil, err
	}
	for _, j := range chosen {
		job := c.job(j, a.source, a.pipeline)
		job.Log = log
		a.jobs = append(a.jobs, job)
	}
	if load {
		err = a.openTarget(ctx)
	}
	return a, err
}

// openTarget opens sink and ledger. The ledger comes first: that it cannot
// be made is the commonest thing to be told.
func (a *app) openTarget(ctx context.Context) error {
	ledger, err := openLedger(ctx, a.state)
	if err != nil {
		return err
	}
	a.closers = append(a.closers, ledger.Close)
	sink, err := a.config.sink.open(ctx)
	if err != nil {
		return err
	}
	a.closers = append(a.closers, sink.Close)
	for _, j := range a.jobs {
		j.Ledger, j.Sink = ledger, sink
	}
	return nil
}

// openLedgerToRead gives the jobs the ledger if there is one already, and an
// empty one else; nothing is written.
func (a *app) openLedgerToRead(ctx context.Context) error {
	ledger, err := existingLedger(ctx, a.state)
	if err != nil {
		return err
	}
	if ledger == nil {
		ledger = noLedger{}
	}
	a.closers = append(a.closers, ledger.Close)
	for _, j := range a.jobs {
		j.Ledger = ledger
	}
	return nil
}

// close closes everything, in the reverse order of opening.
func (a *app) close() error {
	var errs []error
	for _, c := range slices.Backward(a.closers) {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// choose gives the jobs of those names, or all.
func (c *config) choose(names []string) ([]jobConfig, error) {
	if len(names) == 0 {
		return c.jobs, nil
	}
	var chosen []jobConfig
	for _, name := range names {
		i := slices.IndexFunc(c.jobs, func(j jobConfig) bool { return j.Name == name })
		if i < 0 {
			var known []string
			for _, j := range c.jobs {
				known = append(known, j.Name)
			}
			return nil, &usageError{fmt.Errorf("%s has no job %s; it has: %s", c.name, name, strings.Join(known, ", "))}
		}
		chosen = append(chosen, c.jobs[i])
	}
	return chosen, nil
}

// noLedger is the ledger before the first load.
type noLedger struct{}

func (noLedger) Lock(context.Context, string) (schedules.Lease, error) {
	return nil, errors.New("lock: there is no ledger yet")
}

func (noLedger) State(_ context.Context, job string) (*schedules.State, error) {
	return &schedules.State{Job: job, Generation: 1}, nil
}

func (noLedger) Windows(context.Context, string, source.Position, func(schedules.WindowRecord) error) error {
	return nil
}

func (n noLedger) Next() schedules.Ledger { return n }

func (noLedger) Close() error { return nil }
