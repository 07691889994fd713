package schedules

import (
	"context"
	"fmt"
	"sync"

	"backstory/source"
	"backstory/transform"
	"backstory/transform/survey"

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
	parts, limit, _, err := j.divide(ctx, w, sample)
	if err != nil {
		return nil, err
	}
	return j.look(ctx, parts, limit)
}

// divide gives the windows to look at, how many events of each (0 is all),
// and about how many that makes.
func (j *Job) divide(ctx context.Context, w source.Window, sample int) (parts []source.Window, limit int, all int64, err error) {
	const whole = 100_000 // events of a window when all of them are looked at
	if sample >= 0 {
		first, events, err := j.cut(ctx, w.After, w.Through, sample)
		if err != nil {
			return nil, 0, 0, fmt.Errorf("plan discovery: %w", err)
		}
		if first.Through.Compare(w.Through) < 0 && events > 0 && w.After.Tx == w.Through.Tx {
			limit = max(sample/sampleParts, 1)
			return slice(w, sampleParts), limit, int64(limit) * sampleParts, nil
		}
	}
	for after := w.After; ; {
		part, events, err := j.cut(ctx, after, w.Through, whole)
		if err != nil {
			return nil, 0, 0, fmt.Errorf("plan discovery: %w", err)
		}
		if part.Empty() {
			return parts, 0, all, nil
		}
		parts = append(parts, part)
		all += events
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

// Survey surveys the events of w as they are stored: about sample of them,
// evenly, or all where sample is less than 0.
func (j *Job) Survey(ctx context.Context, w source.Window, sample int) (*survey.Survey, error) {
	parts, limit, events, err := j.divide(ctx, w, sample)
	if err != nil {
		return nil, err
	}
	j.watch(Step{Name: StepPlanned, Window: w, Events: events})
	payload := source.PayloadOf(j.Source)
	all := survey.New(payload)
	return all, look(ctx, j, parts, limit, looking[*survey.Survey]{
		make: func() *survey.Survey { return survey.New(payload) },
		take: func(s *survey.Survey) func(*source.Event) error {
			o, f := j.Pipeline.NewOpener(), j.Pipeline.NewForgetter()
			return func(e *source.Event) error {
				if f.Any() {
					if o.Open(e); f.Forgets(o.Stream()) {
						return nil
					}
				}
				return s.Take(o, e)
			}
		},
		merge: all.Merge,
		done:  func(w source.Window, events int64) { j.watch(Step{Name: StepRead, Window: w, Events: events}) },
	})
}

// look observes the first limit events of each part into shapes, or all
// where limit is 0.
func (j *Job) look(ctx context.Context, parts []source.Window, limit int) (*transform.Shapes, error) {
	all := j.Pipeline.NewShapes()
	return all, look(ctx, j, parts, limit, looking[*transform.Shapes]{
		make:  j.Pipeline.NewShapes,
		take:  func(s *transform.Shapes) func(*source.Event) error { return j.Pipeline.NewObserver(s).Observe },
		merge: all.Merge,
	})
}

// looking is how a history is looked at: what is made for a part, what takes
// its events, and what puts the parts together, in their order.
type looking[C any] struct {
	make  func() C
	take  func(C) func(*source.Event) error
	merge func(C)
	done  func(w source.Window, events int64) // nil where nobody waits for it
}

// look looks at the first limit events of each part, or at all where limit is
// 0. Parts are merged in order, as soon as those before them are, and none is
// begun far ahead of them: what is held does not grow with their number.
func look[C any](ctx context.Context, j *Job, parts []source.Window, limit int, how looking[C]) error {
	var (
		mu     sync.Mutex
		merged int
		found  = make(map[int]C)
		ahead  = make(chan struct{}, 2*j.workers())
	)
	merge := func(i int, c C) {
		mu.Lock()
		defer mu.Unlock()
		for found[i] = c; ; merged++ {
			next, ok := found[merged]
			if !ok {
				return
			}
			how.merge(next)
			delete(found, merged)
			<-ahead
		}
	}
	g, within := errgroup.WithContext(ctx)
	g.SetLimit(j.workers())
	for i, part := range parts {
		select {
		case ahead <- struct{}{}:
		case <-within.Done():
		}
		if within.Err() != nil {
			break
		}
		g.Go(func() (err error) {
			defer caught(&err)
			if limit > 0 {
				w, _, err := j.cut(within, part.After, part.Through, limit)
				if err != nil {
					return fmt.Errorf("plan discovery after %s: %w", part.After, err)
				}
				part = w
			}
			var c C
			var events int64
			err = j.again(within, Step{Name: StepDiscover, Window: part}, func() error {
				c, events = how.make(), 0
				if part.Empty() {
					return nil
				}
				take := how.take(c)
				return j.Source.Read(within, part, func(e *source.Event) error {
					events++
					return take(e)
				})
			})
			if err != nil {
				return fmt.Errorf("look at %s: %w", part, err)
			}
			merge(i, c)
			if how.done != nil {
				how.done(part, events)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}
