package schedules

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// mine makes sure that none of the run's leases was lost. It is asked before
// the sink is changed for good: a process that was stopped for a while must
// not finish what another has taken over.
func (r *run) mine(ctx context.Context) error {
	for _, lease := range r.held {
		if err := lease.Held(ctx); err != nil {
			return fmt.Errorf("job %s: %w", r.job.Name, err)
		}
	}
	return nil
}

// under runs work with a context that ends when the lease is lost. It then
// says so, whatever the work has said of the end of its context.
func under(ctx context.Context, lease Lease, work func(context.Context) error) error {
	if lease.Lost() == nil {
		return work(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	var lost error
	wg.Go(func() {
		select {
		case <-lease.Lost():
			lost = lease.Held(context.WithoutCancel(ctx))
			cancel()
		case <-ctx.Done():
		}
	})
	err := work(ctx)
	cancel()
	wg.Wait()
	if lost != nil && err != nil && !errors.Is(err, ErrHeld) {
		return lost
	}
	return err
}
