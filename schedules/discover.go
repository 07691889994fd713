package schedules

import (
	"context"
	"fmt"
	"sync"

	"backstory/source"
	"backstory/transform"

	"golang.org/x/sync/errgroup"
)

// sampleParts is into how many parts a range is divided to be sampled: the
// beginning of each is looked at, so that every era of a history is seen.
const sampleParts = 64

// Discover looks at about sample events, evenly from all of w, or at every
// event where sample is less than 0 or w holds no more than that.
func Discover(ctx context.Context, src source.Source, p *transform.Pipeline, w source.Window, sample, workers int) (*transform.Shapes, error) {
	j := &Job{Source: src, Pipeline: p, Workers: workers}
	return j.discover(ctx, w, sample)
}

func (j *Job) discover(ctx context.Context, w source.Window, sample int) (*transform.Shapes, error) {
	parts, limit, err := j.divide(ctx, w, sample)
	if err != nil {
		return nil, err
	}
	return j.look(ctx, parts, limit)
}

// divide gives the windows to look at, and how many events of each; 0 is all.
func (j *Job) divide(ctx context.Context, w source.Window, sample int) ([]source.Window, int, error) {
	const whole = 100_000 // events of a window when all of them are looked at
	if sample >= 0 {
		first, events, err := j.cut(ctx, w.After, w.Through, sample)
		if err != nil {
			return nil, 0, fmt.Errorf("plan discovery: %w", err)
		}
		if first.Through.Compare(w.Through) < 0 && events > 0 && w.After.Tx == w.Through.Tx {
			limit := max(sample/sampleParts, 1)
			return slice(w, sampleParts), limit, nil
		}
	}
	var parts []source.Window
	for after := w.After; ; {
		part, _, err := j.cut(ctx, after, w.Through, whole)
		if err != nil {
			return nil, 0, fmt.Errorf("plan discovery: %w", err)
		}
		if part.Empty() {
			return parts, 0, nil
		}
		parts = append(parts, part)
		after = part.Through
	}
}

// slice cuts a window into n of about the same number of positions.
func slice(w source.Window, n int) []source.Window {
	span := w.Through.Seq - w.After.Seq
	var parts []source.Window
	at := w.After
	for i := 1; i <= n; i++ {
		next := w.Through
		next.Seq = w.After.Seq + span/int64(n)*int64(i) + span%int64(n)*int64(i)/int64(n)
		if part := (source.Window{After: at, Through: next}); !part.Empty() {
			parts = append(parts, part)
			at = next
		}
	}
	return parts
}

// look observes the first limit events of each part, or all where limit is 0.
// Parts are merged in order, as soon as those before them are: what is held
// does not grow with their number.
func (j *Job) look(ctx context.Context, parts []source.Window, limit int) (*transform.Shapes, error) {
	var (
		mu     sync.Mutex
		all    = j.Pipeline.NewShapes()
		merged int
		found  = make(map[int]*transform.Shapes)
	)
	merge := func(i int, shapes *transform.Shapes) {
		mu.Lock()
		defer mu.Unlock()
		for found[i] = shapes; found[merged] != nil; merged++ {
			all.Merge(found[merged])
			delete(found, merged)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(j.workers())
	for i, part := range parts {
		g.Go(func() error {
			if limit > 0 {
				w, _, err := j.cut(ctx, part.After, part.Through, limit)
				if err != nil {
					return fmt.Errorf("plan discovery after %s: %w", part.After, err)
				}
				part = w
			}
			var shapes *transform.Shapes
			err := j.again(ctx, Step{Name: StepDiscover, Window: part}, func() error {
				shapes = j.Pipeline.NewShapes()
				if part.Empty() {
					return nil
				}
				return j.Source.Read(ctx, part, j.Pipeline.NewObserver(shapes).Observe)
			})
			if err != nil {
				return fmt.Errorf("look at %s: %w", part, err)
			}
			merge(i, shapes)
			return nil
		})
	}
	return all, g.Wait()
}
