package schedules

import (
	"context"
	"fmt"

	"backstory/sinks"
)

// Compact merges the small parts of the job's tables, under its lease.
func (j *Job) Compact(ctx context.Context, o sinks.CompactOptions) (rep sinks.CompactReport, err error) {
	c, ok := j.Sink.(sinks.Compactor)
	if !ok {
		return rep, fmt.Errorf("job %s: its sink has nothing to merge", j.Name)
	}
	err = j.hold(ctx, func(r *run) error {
		rep, err = c.Compact(ctx, j.Name, r.state.Generation, o)
		return err
	})
	return rep, err
}
