package schedules

import (
	"context"
	"errors"
	"fmt"
	"time"

	"backstory/source"
	"backstory/transform"
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
	clock := j.Pipeline.NewClock()
	for {
		w, _, err := j.cut(ctx, after, through, timeStep)
		if err != nil || w.Empty() {
			return source.Position{}, time.Time{}, err
		}
		at, when, err := j.timeIn(ctx, w, clock)
		if err != nil || !at.IsZero() {
			return at, when, err
		}
		after = w.Through
	}
}

// timeStep is how many events are read at a time to find one with a time.
const timeStep = 64

// timeNear is timeAfter, but gives up after timeStep events.
func (j *Job) timeNear(ctx context.Context, in source.Window) (source.Position, time.Time, error) {
	w, _, err := j.cut(ctx, in.After, in.Through, timeStep)
	if err != nil || w.Empty() {
		return source.Position{}, time.Time{}, err
	}
	return j.timeIn(ctx, w, j.Pipeline.NewClock())
}

// timeIn gives the first event of a window that has a time.
func (j *Job) timeIn(ctx context.Context, w source.Window, clock *transform.Clock) (at source.Position, when time.Time, err error) {
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
	return at, when, nil
}

var errFound = errors.New("found")
