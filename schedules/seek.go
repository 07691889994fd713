package schedules

import (
	"context"
	"errors"
	"fmt"
	"time"

	"backstory/source"
)

// PositionBefore gives the position after which the events from t on lie,
// by halving the history. Events are taken to lie about in the order of
// their times: where clocks disagreed, some near the border fall on the
// other side.
func (j *Job) PositionBefore(ctx context.Context, t time.Time) (source.Position, error) {
	mark, err := j.watermark(ctx)
	if err != nil {
		return source.Position{}, fmt.Errorf("find watermark: %w", err)
	}
	low, high := source.Position{}, mark.Head // events at low and before are earlier than t
	for low.Compare(high) < 0 {
		middle := source.Position{Tx: high.Tx, Seq: low.Seq + (high.Seq-low.Seq)/2}
		at, when, err := j.timeAfter(ctx, middle, high)
		switch {
		case err != nil:
			return low, err
		case at.IsZero() || !when.Before(t):
			high = middle
		default:
			low = at
		}
	}
	return low, nil
}

// timeAfter gives the first event after a position that has a time; a zero
// position if there is none up to through.
func (j *Job) timeAfter(ctx context.Context, after, through source.Position) (source.Position, time.Time, error) {
	const step = 64
	clock := j.Pipeline.NewClock()
	for {
		w, _, err := j.cut(ctx, after, through, step)
		if err != nil || w.Empty() {
			return source.Position{}, time.Time{}, err
		}
		var at source.Position
		var when time.Time
		err = j.again(ctx, Step{Name: StepPlan, Window: w}, func() error {
			return j.Source.Read(ctx, w, func(e *source.Event) error {
				t, ok, err := clock.Time(e)
				if err != nil || !ok {
					return err
				}
				at, when = e.Position, t
				return errFound
			})
		})
		if err != nil && !errors.Is(err, errFound) {
			return at, when, fmt.Errorf("look for times in %s: %w", w, err)
		}
		if !at.IsZero() {
			return at, when, nil
		}
		after = w.Through
	}
}

var errFound = errors.New("found")
