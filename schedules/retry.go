package schedules

import (
	"context"
	"time"

	"backstory/source"
)

// Work on a source that failed in a way that may pass is begun again, at most
// so often and after pauses that double.
const (
	maxAttempts = 6
	firstPause  = 500 * time.Millisecond
)

// again does the work until it succeeds, fails for good, or has failed too
// often. The work begins from its beginning each time.
func (j *Job) again(ctx context.Context, step Step, work func() error) error {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		err := work()
		if err == nil || !source.IsTransient(err) || attempt == maxAttempts || ctx.Err() != nil {
			return err
		}
		j.log().Warn("begun again", "job", j.Name, "step", step.Name, "window", step.Window, "attempt", attempt, "error", err)
		j.watch(Step{Name: StepAgain, Window: step.Window})
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause *= 2
	}
}

// watermark asks the source how far it is safe to read.
func (j *Job) watermark(ctx context.Context) (mark source.Watermark, err error) {
	err = j.again(ctx, Step{Name: StepWatermark}, func() error {
		mark, err = j.Source.Watermark(ctx)
		return err
	})
	return mark, err
}

// cut asks the source for the next window.
func (j *Job) cut(ctx context.Context, after, through source.Position, limit int) (w source.Window, events int64, err error) {
	err = j.again(ctx, Step{Name: StepPlan}, func() error {
		w, events, err = j.Source.Plan(ctx, after, through, limit)
		return err
	})
	return w, events, err
}
