package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"backstory/schedules"
	"backstory/sinks"
)

// entries gives what the jobs of configurations are to a worker.
func (s *service) entries(configs []*config) (entries []schedules.Entry) {
	for _, c := range configs {
		for _, j := range c.jobs {
			entries = append(entries, s.entry(c, j))
		}
	}
	return entries
}

// entry gives what one job is to a worker. Everything is opened for a run and
// closed after it: between runs, the job is free for other commands, and
// nobody's connections are held.
func (s *service) entry(c *config, j jobConfig) schedules.Entry {
	var warned atomic.Bool
	merge := j.merger(time.Now())
	return schedules.Entry{
		Job: j.Name, Schedule: j.Schedule, Zone: j.zone(), Jitter: j.Jitter, Timeout: j.Timeout, Retries: j.retries(),
		Last: func(ctx context.Context) (time.Time, error) { return c.lastGood(ctx, j.Name) },
		Run: func(ctx context.Context, stop <-chan struct{}) (_ *schedules.Report, err error) {
			a, err := c.open(ctx, s.g, true, []string{j.Name})
			if err != nil {
				return nil, err
			}
			defer func() { err = errors.Join(err, a.close()) }()
			job := a.jobs[0]
			job.Log, job.Stop = s.log, stop
			if s.watch != nil {
				job.Watch = func(step schedules.Step) { s.watch(j.Name, step) }
			}
			rep, err := job.Run(ctx)
			if err != nil {
				return rep, err
			}
			if len(rep.Outdated) > 0 && !warned.Swap(true) {
				s.log.Warn("the rules have changed since the tables were loaded; the job keeps to the old ones until backstory rebuild",
					"job", j.Name, "generation", rep.Generation, "changes", len(rep.Outdated))
			}
			if err := merge(ctx, job); err != nil {
				return rep, err
			}
			return rep, c.quarantine.check(rep)
		},
	}
}

// merger gives what merges small files after a run, if the time for that has
// come since it did so last, or since begin.
func (j jobConfig) merger(begin time.Time) func(context.Context, *schedules.Job) error {
	times, err := schedules.ParseTimes(j.Compact, j.zone())
	if j.Compact == "" || err != nil { // it was checked
		return func(context.Context, *schedules.Job) error { return nil }
	}
	due := times.Next(begin)
	return func(ctx context.Context, job *schedules.Job) error {
		now := time.Now()
		if now.Before(due) {
			return nil
		}
		rep, err := job.Compact(ctx, sinks.CompactOptions{TargetBytes: compactTarget << 20})
		if err != nil {
			return fmt.Errorf("merge small files after the run: %w", err)
		}
		before, after := 0, 0
		for _, t := range rep.Tables {
			before, after = before+t.FilesBefore, after+t.FilesAfter
		}
		job.Log.Info("merged small files", "job", job.Name, "before", before, "after", after, "ms", time.Since(now).Milliseconds())
		due = times.Next(time.Now())
		return nil
	}
}

// lastGood tells when a job last loaded all that was safe to read, zero if it
// never did or left something.
func (c *config) lastGood(ctx context.Context, job string) (time.Time, error) {
	ledger, err := existingLedger(ctx, c.state)
	if ledger == nil || err != nil {
		return time.Time{}, err
	}
	state, err := ledger.State(ctx, job)
	if err = errors.Join(err, ledger.Close()); err != nil || len(state.Pending) > 0 || len(state.Again) > 0 {
		return time.Time{}, err
	}
	for _, r := range state.Runs { // the newest first
		if r.Kind == "run" && r.Error == "" && !r.Finished.IsZero() {
			return r.Started, nil
		}
	}
	return time.Time{}, nil
}

// Lasting says of these errors that a run which is tried again would only meet
// them again: something must be mended first.
func (e *configError) Lasting() bool     { return true }
func (e *quarantineError) Lasting() bool { return true }
