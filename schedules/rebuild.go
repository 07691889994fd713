package schedules

import (
	"context"
	"errors"
	"fmt"
	"time"

	"backstory/sinks"
)

// RebuildOptions say how a rebuild ends.
type RebuildOptions struct {
	// DropOld removes the old generation, which else is kept until the next
	// rebuild.
	DropOld bool
	// Force swaps the new generation in however much of it is in quarantine.
	Force bool
}

// Rebuild loads a new generation of the job's tables under the present rules,
// beside the one that readers see, and puts it in that one's place at once.
// Where an earlier Rebuild under the same rules was interrupted, it goes on
// with that. Runs of the job may go on meanwhile: they load the old generation,
// and what they add is in the new one too before it takes the place. A
// generation with more events in quarantine than the job allows, and than the
// old one has, does not take it, and a *QuarantineError says so.
func (j *Job) Rebuild(ctx context.Context, o RebuildOptions) (*Report, error) {
	gens, ok := j.Sink.(sinks.Generations)
	if !ok {
		return nil, fmt.Errorf("job %s: its sink cannot keep two generations apart", j.Name)
	}
	live, err := j.Ledger.State(ctx, j.Name)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	if len(live.Loaded) == 0 && len(live.Pending) == 0 {
		n, err := gens.Live(ctx, j.Name)
		if err != nil {
			return nil, fmt.Errorf("find the live generation: %w", err)
		}
		if n == 0 {
			return j.Run(ctx) // there is nothing yet that could be replaced
		}
		// The ledger was lost. What is there is to be replaced, so that its
		// rules do not matter.
		err = j.hold(ctx, func(r *run) error {
			r.anyRules = true
			return r.reconcile(ctx)
		})
		if err != nil {
			return nil, err
		}
	}
	if live.openReceipts() {
		err := j.hold(ctx, func(r *run) error {
			if err := r.reconcile(ctx); err != nil {
				return err
			}
			return r.finishForgetting(ctx)
		})
		// Where nobody knows the old rules any more, the next run drops the tables
		// that the rebuild replaces.
		if rules := (*RulesError)(nil); err != nil && !errors.As(err, &rules) {
			return nil, err
		}
	}
	for {
		again := false
		rep, err := j.do(ctx, j.Ledger.Next(), "rebuild", func(ctx context.Context, r *run) error {
			err := r.rebuild(ctx, gens, o)
			again = r.report.Finished && r.state.Fingerprint != j.Pipeline.Fingerprint()
			return err
		})
		if err != nil || !again {
			return rep, err
		}
		// An earlier rebuild under other rules has been finished first.
	}
}

func (r *run) rebuild(ctx context.Context, gens sinks.Generations, o RebuildOptions) error {
	j := r.job
	live, err := gens.Live(ctx, j.Name)
	if err != nil {
		return fmt.Errorf("find the live generation: %w", err)
	}
	if err := r.prepare(ctx, gens, live); err != nil {
		return err
	}
	if r.state.Generation == live {
		r.report.Finished = true
	} else if err := r.build(ctx); err != nil {
		return err
	}
	if err := r.lockLive(ctx); err != nil {
		return err
	}
	if r.report.Finished {
		// Whoever holds the job finishes what the swap has left to be done.
		if h, ok := j.Sink.(sinks.Holder); ok {
			if err := h.Hold(ctx, j.Name, live); err != nil {
				return err
			}
		}
	} else if err := r.swap(ctx, gens, o.Force); err != nil {
		return err
	}
	j.watch(Step{Name: StepSwapped})
	if o.DropOld { // before the ledger knows: an interrupted rebuild comes by here again
		if err := gens.Drop(ctx, j.Name, r.state.Generation-1); err != nil {
			return fmt.Errorf("drop generation %d: %w", r.state.Generation-1, err)
		}
	}
	return r.promote(ctx)
}

// swap catches up with the live generation, whose lease is held, and takes
// its place.
func (r *run) swap(ctx context.Context, gens sinks.Generations, force bool) error {
	if err := r.build(ctx); err != nil {
		return err
	}
	if err := r.covers(ctx, force); err != nil {
		return err
	}
	r.job.watch(Step{Name: StepSwap})
	if err := r.mine(ctx); err != nil {
		return fmt.Errorf("swap in generation %d: %w", r.state.Generation, err)
	}
	if err := gens.Swap(ctx, r.job.Name, r.state.Generation); err != nil {
		return fmt.Errorf("swap in generation %d: %w", r.state.Generation, err)
	}
	return nil
}

// prepare reads the state of the next generation, and clears away what is of
// other rules or of a rebuild that the ledger has forgotten.
func (r *run) prepare(ctx context.Context, gens sinks.Generations, live int) (err error) {
	j := r.job
	j.watch(Step{Name: StepCheck})
	if r.state, err = r.ledger.State(ctx, j.Name); err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	s := r.state
	p, err := s.Forgets(j.Pipeline)
	if err != nil {
		return err
	}
	r.use(p)
	if s.Generation == live {
		return nil // it is swapped in; the ledger does not know yet
	}
	if live > s.Generation {
		return &DisagreeError{
			Job: j.Name, Reason: fmt.Sprintf("the sink is at generation %d, and the ledger at %d", live, s.Generation-1),
			Advice: "run the job once, so that the ledger learns of it, and rebuild then",
		}
	}
	c := Change{Begin: &r.record}
	c.Reset = s.Fingerprint != "" && s.Fingerprint != j.Pipeline.Fingerprint()
	if c.Reset || len(s.Loaded) == 0 && len(s.Pending) == 0 {
		// In this order: what the sink still holds of a generation that the
		// ledger has forgotten is dropped by the next attempt.
		if err := r.lease.Save(ctx, c); err != nil {
			return fmt.Errorf("begin rebuild: %w", err)
		}
		for _, n := range []int{s.Generation, s.Generation - 2} {
			if n < 1 {
				continue
			}
			if err := gens.Drop(ctx, j.Name, n); err != nil {
				return fmt.Errorf("drop generation %d: %w", n, err)
			}
		}
	} else if err := r.lease.Save(ctx, c); err != nil {
		return fmt.Errorf("begin rebuild: %w", err)
	}
	r.state, err = r.ledger.State(ctx, j.Name)
	return err
}

// build loads what the live generation holds, and where that has no gap
// everything up to the watermark.
func (r *run) build(ctx context.Context) error {
	live, err := r.job.Ledger.State(ctx, r.job.Name)
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	r.floor = lastOf(live.Loaded).Through
	if r.state, err = r.ledger.State(ctx, r.job.Name); err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	ranges := []Range{{}}
	if len(live.Loaded) > 1 || len(live.Loaded) == 1 && !live.Loaded[0].After.IsZero() {
		ranges = ranges[:0]
		for _, w := range live.Loaded {
			ranges = append(ranges, Range{After: w.After, Through: w.Through})
		}
	}
	if err := r.all(ctx, ranges...); err != nil {
		return err
	}
	if d := r.report.Deferred; d != nil {
		return &DeferredError{Job: r.job.Name, Deferred: *d}
	}
	return nil
}

// lockLive takes the lease of the live generation beside that of the next,
// which ends with the run. A run that has it is waited for.
func (r *run) lockLive(ctx context.Context) error {
	const patience, pause = 10 * time.Minute, 50 * time.Millisecond
	for started := time.Now(); ; {
		lease, err := r.job.Ledger.Lock(ctx, r.job.Name)
		if err == nil {
			r.held = append(r.held, lease)
			return nil
		}
		if !errors.Is(err, ErrHeld) || time.Since(started) > patience {
			return fmt.Errorf("job %s: swap in the new generation: %w", r.job.Name, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// covers makes sure that nothing the live generation holds is missing, or
// too much of it in quarantine.
func (r *run) covers(ctx context.Context, force bool) error {
	live, err := r.job.Ledger.State(ctx, r.job.Name)
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	if r.state, err = r.ledger.State(ctx, r.job.Name); err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	for _, w := range live.Loaded {
		for _, missing := range Subtract(w, r.state.Loaded) {
			// What it ended with may be forgotten, and gone from the store.
			if left, _, err := r.job.cut(ctx, missing.After, missing.Through, 1); err != nil {
				return fmt.Errorf("look for events in %s: %w", missing, err)
			} else if left.Empty() {
				continue
			}
			return &DisagreeError{
				Job: r.job.Name, Reason: fmt.Sprintf("generation %d lacks %s, which generation %d has", r.state.Generation, missing, live.Generation),
				Advice: "begin again with backstory rebuild " + r.job.Name + "; the old generation stays in its place until then",
			}
		}
	}
	allowed := max(r.job.Quarantine, live.Totals.Quarantined)
	if n := r.state.Totals.Quarantined; n > allowed && !force {
		return &QuarantineError{Job: r.job.Name, Events: n, Allowed: allowed, First: r.report.FirstQuarantined}
	}
	return nil
}

// promote makes the generation the live one in the ledger, whose lease the
// run goes on with.
func (r *run) promote(ctx context.Context) (err error) {
	if err := r.lease.Save(ctx, Change{Promote: true}); err != nil {
		return fmt.Errorf("save the new generation: %w", err)
	}
	r.job.watch(Step{Name: StepPromoted})
	r.ledger, r.lease = r.job.Ledger, r.held[len(r.held)-1]
	if r.state, err = r.ledger.State(ctx, r.job.Name); err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	return nil
}

// followSwap makes the ledger follow a generation that was swapped in while
// it could not be told: a crash came in between, or the ledger was lost.
func (r *run) followSwap(ctx context.Context) error {
	gens, ok := r.job.Sink.(sinks.Generations)
	if !ok {
		return nil
	}
	live, err := gens.Live(ctx, r.job.Name)
	if err != nil {
		return fmt.Errorf("find the live generation: %w", err)
	}
	s := r.state
	if live <= s.Generation {
		return nil // if the sink is older, it lacks what the ledger counts on
	}
	next, err := r.job.Ledger.Next().State(ctx, r.job.Name)
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	switch {
	case next.Generation == live && len(next.Loaded) > 0:
		lease, err := r.job.Ledger.Next().Lock(ctx, r.job.Name)
		if err != nil {
			return fmt.Errorf("job %s: %w", r.job.Name, err)
		}
		if err := errors.Join(lease.Save(ctx, Change{Promote: true}), lease.Release()); err != nil {
			return fmt.Errorf("save the new generation: %w", err)
		}
	case len(s.Loaded) == 0 && len(s.Pending) == 0:
		if err := r.lease.Save(ctx, Change{Generation: live}); err != nil {
			return fmt.Errorf("save the generation: %w", err)
		}
	default:
		return &DisagreeError{
			Job: r.job.Name, Reason: fmt.Sprintf("the sink is at generation %d, and the ledger at %d", live, s.Generation),
			Advice: "the ledger is older than the output: remove it, and run again to rebuild it from the output",
		}
	}
	if r.state, err = r.ledger.State(ctx, r.job.Name); err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	return nil
}
