package schedules

import (
	"context"
	"fmt"

	"backstory/sinks"
)

// A bundle is full when it has this many loads, or its files this many bytes:
// they need room beside those whose place they take, and are loaded anew if
// the run is killed before its commit.
const (
	bundleLoads = 250
	bundleBytes = 256 << 20
)

// bundle is loads that readers are to see in place of others at once.
type bundle struct {
	sinks.Bundle
	loads  []Loaded // which are complete
	stored int64    // the bytes of their files
}

func (b *bundle) add(l Loaded) {
	b.loads = append(b.loads, l)
	b.stored += l.Stored
}

func (b *bundle) full() bool {
	return b != nil && (len(b.loads) >= bundleLoads || b.stored >= bundleBytes)
}

// bundled begins a load in the run's bundle.
func (r *run) bundled(ctx context.Context, to sinks.Bundler, l sinks.Load) (sinks.Txn, error) {
	if r.bundle == nil {
		b, err := to.Bundle(ctx, l.Job, l.Generation)
		if err != nil {
			return nil, err
		}
		r.bundle = &bundle{Bundle: b}
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

// abortBundle gives up what the bundle holds, if there is one.
func (r *run) abortBundle() error {
	b := r.bundle
	if b == nil {
		return nil
	}
	r.bundle = nil
	return b.Abort()
}
