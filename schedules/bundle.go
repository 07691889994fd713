package schedules

import (
	"context"
	"errors"
	"fmt"
	"time"

	"backstory/sinks"
)

// A bundle is full when it has this many loads, its files this many bytes, or
// it is this old: they need room beside those whose place they take, and are
// loaded anew if the run is killed before its commit.
const (
	bundleLoads = 250
	bundleBytes = 256 << 20
	bundleLife  = time.Minute
)

// bundle is loads that readers are to see in place of others at once.
type bundle struct {
	sinks.Bundle
	begun  time.Time
	loads  []Loaded // which are complete
	stored int64    // the bytes of their files
}

func (b *bundle) add(l Loaded) {
	b.loads = append(b.loads, l)
	b.stored += l.Stored
}

func (b *bundle) full() bool {
	return b != nil && (len(b.loads) >= bundleLoads || b.stored >= bundleBytes || time.Since(b.begun) >= bundleLife)
}

// bundled begins a load in the run's bundle.
func (r *run) bundled(ctx context.Context, to sinks.Bundler, l sinks.Load) (sinks.Txn, error) {
	if r.bundle == nil {
		b, err := to.Bundle(ctx, l.Job, l.Generation)
		if err != nil {
			return nil, err
		}
		r.bundle = &bundle{Bundle: b, begun: time.Now()}
	}
	return r.bundle.Replace(ctx, l)
}

// commitBundle shows readers what the bundle holds, if there is one, and marks
// it in the ledger. Where the run ends in between, its windows are still
// marked as such that are to be loaded again, and are.
func (r *run) commitBundle(ctx context.Context) error {
	b := r.bundle
	if b == nil || len(b.loads) == 0 {
		return nil
	}
	if err := r.mine(ctx); err != nil {
		return fmt.Errorf("commit %s: %w", b.loads[0].Window, err)
	}
	r.bundle = nil
	for _, l := range b.loads {
		r.job.watch(Step{Name: StepCommit, Window: l.Window})
	}
	if err := b.Commit(ctx); err != nil {
		return fmt.Errorf("commit %s and those after it: %w", b.loads[0].Window, err)
	}
	for _, l := range b.loads {
		r.job.watch(Step{Name: StepCommitted, Window: l.Window})
	}
	if err := r.finish(ctx, b.loads...); err != nil {
		return err
	}
	for _, l := range b.loads {
		r.count(l)
	}
	return nil
}

// endBundle commits what the bundle holds although err has ended the loading,
// so that the next run goes on from there; but not where the job is somebody
// else's by now.
func (r *run) endBundle(ctx context.Context, err error) error {
	if err != nil && r.bundle != nil && !errors.Is(err, ErrHeld) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), bundleLife)
		defer cancel()
		if bad := r.commitBundle(ctx); bad != nil {
			err = fmt.Errorf("%w; and before that: %v", bad, err)
		}
	}
	if b := r.bundle; b != nil {
		r.bundle = nil
		if bad := b.Abort(); bad != nil {
			err = errors.Join(err, bad)
		}
	}
	return err
}
