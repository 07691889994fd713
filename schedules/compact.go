package schedules

import (
	"context"
	"errors"
	"fmt"

	"backstory/sinks"
)

// Compact merges the small parts of the job's tables, under its lease.
func (j *Job) Compact(ctx context.Context, o sinks.CompactOptions) (rep sinks.CompactReport, err error) {
	c, ok := j.Sink.(sinks.Compactor)
	if !ok {
		return rep, fmt.Errorf("job %s: its sink has nothing to merge", j.Name)
	}
	lease, err := j.Ledger.Lock(ctx, j.Name)
	if err != nil {
		return rep, fmt.Errorf("job %s: %w", j.Name, err)
	}
	defer func() { err = errors.Join(err, lease.Release()) }()
	s, err := j.Ledger.State(ctx, j.Name)
	if err != nil {
		return rep, fmt.Errorf("read ledger: %w", err)
	}
	rep, err = c.Compact(ctx, j.Name, s.Generation, o)
	if err != nil {
		return rep, err
	}
	return rep, nil
}
