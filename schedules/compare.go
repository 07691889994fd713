package schedules

import (
	"context"
	"fmt"

	"backstory/source"
	"backstory/transform"
)

// differences are the events of a window of which two pipelines make
// different things.
type differences struct {
	comparer *transform.Comparer
	// old takes in events as they were loaded, nil where all are compared;
	// those that go to quarantine are not.
	old   *transform.Batcher
	count int64
	first source.Position
	// events counts them by the types that either pipeline makes of them.
	events map[string]int64
}

func (d *differences) take(e *source.Event) error {
	if d.comparer.Same(e) {
		return nil
	}
	if d.old != nil {
		before := d.old.Stats().Quarantined
		if err := d.old.Append(e); err != nil || d.old.Stats().Quarantined > before {
			return err
		}
	}
	if d.count++; d.count == 1 {
		d.first = e.Position
	}
	for _, event := range d.comparer.Events() {
		d.events[event]++
	}
	return nil
}

// compare reads windows and calls differ, in their order, with the
// differences between what two pipelines make of their events, where there
// are any. With the tables as they were loaded, it leaves out the events that
// went to quarantine under old.
func (j *Job) compare(ctx context.Context, old, now *transform.Pipeline, tables *transform.Catalog, windows []source.Window, differ func(source.Window, *differences)) error {
	i := 0
	return look(ctx, j, windows, 0, looking[*differences]{
		make: func() *differences {
			d := &differences{comparer: now.NewComparer(old), events: make(map[string]int64)}
			if tables != nil {
				d.old = old.NewBatcher(tables, j.Limits, func(*transform.Table, transform.Record) error { return nil })
			}
			return d
		},
		take: func(d *differences) func(*source.Event) error { return d.take },
		merge: func(d *differences) {
			if d.count > 0 {
				differ(windows[i], d)
			}
			i++
		},
	})
}

// parts cuts ranges into windows.
func (j *Job) parts(ctx context.Context, ranges []source.Window) ([]source.Window, error) {
	var parts []source.Window
	for _, w := range ranges {
		for after := w.After; ; {
			part, _, err := j.cut(ctx, after, w.Through, j.windowEvents())
			if err != nil {
				return nil, fmt.Errorf("plan after %s: %w", after, err)
			}
			if part.Empty() {
				break
			}
			parts = append(parts, part)
			after = part.Through
		}
	}
	return parts, nil
}
