package schedules

import (
	"context"
	"fmt"
	"sync"

	"backstory/source"
	"backstory/transform"

	"golang.org/x/sync/errgroup"
)

// differences are the events of a window, or of a part of it, of which two
// pipelines make different things.
type differences struct {
	window source.Window
	count  int64
	first  source.Position
	// events counts them by the types that either pipeline makes of them.
	events map[string]int64
}

func (d *differences) add(at source.Position, c *transform.Comparer) {
	if d.count++; d.count == 1 {
		d.first = at
	}
	for _, event := range c.Events() {
		d.events[event]++
	}
}

// compare reads windows and calls differs with the differences between what
// two pipelines make of their events. The calls come one at a time, in no
// order, and there may be several for a window.
func (j *Job) compare(ctx context.Context, old, now *transform.Pipeline, windows []source.Window, differs func(differences)) error {
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(j.workers())
	for _, w := range windows {
		for after := w.After; ; {
			part, _, err := j.cut(ctx, after, w.Through, j.windowEvents())
			if err != nil {
				return fmt.Errorf("plan after %s: %w", after, err)
			}
			if part.Empty() {
				break
			}
			after = part.Through
			g.Go(func() error {
				comparer := now.NewComparer(old)
				var found differences
				err := j.again(ctx, Step{Name: StepCompare, Window: part}, func() error {
					j.watch(Step{Name: StepCompare, Window: part})
					found = differences{window: w, events: make(map[string]int64)}
					return j.Source.Read(ctx, part, func(e *source.Event) error {
						if !comparer.Same(e) {
							found.add(e.Position, comparer)
						}
						return nil
					})
				})
				if err != nil {
					return fmt.Errorf("compare what the rules make of %s: %w", part, err)
				}
				if found.count > 0 {
					mu.Lock()
					defer mu.Unlock()
					differs(found)
				}
				return nil
			})
		}
	}
	return g.Wait()
}
