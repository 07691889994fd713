package schedules

import (
	"context"
	"fmt"

	"backstory/source"
)

// Status is what there is to know of a job at the moment.
type Status struct {
	*State
	// Watermark is nil where the source was not asked.
	Watermark *source.Watermark
	// Lag is nil where the source was not asked.
	Lag *Lag
}

// Held tells whether a transaction keeps the watermark below the store's end.
func (s *Status) Held() bool {
	return s.Watermark != nil && s.Watermark.Safe.Compare(s.Watermark.Head) < 0
}

// Status gives what there is to know of the job; it asks the source only if
// that is wanted, and writes nothing.
func (j *Job) Status(ctx context.Context, ask bool) (*Status, error) {
	s, err := j.Ledger.State(ctx, j.Name)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	out := &Status{State: s}
	if ask {
		mark, err := j.watermark(ctx)
		if err != nil {
			return nil, fmt.Errorf("find watermark: %w", err)
		}
		out.Watermark = &mark
		if out.Lag, err = j.lag(ctx, s, mark); err != nil {
			return nil, fmt.Errorf("find lag: %w", err)
		}
	}
	return out, nil
}
