package schedules

import (
	"context"
	"errors"
	"math"
	"time"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"
)

// need tells what the sink is asked about. It reads from the source only
// where there is more than one window, or nothing was loaded before.
func (j *Job) need(ctx context.Context, s *State, p *Plan) (sinks.Need, error) {
	need := sinks.Need{Tables: s.Tables, Events: p.Events()}
	size, err := j.payloads(ctx, s, p)
	if err != nil {
		return need, err
	}
	need.Bytes = size.of(need.Events)
	if len(need.Tables) == 0 && size.shapes != nil {
		catalog, _ := j.Pipeline.NewCatalog(nil).Evolve(size.shapes)
		need.Tables = catalog.Tables()
		need.Rows = size.rows(need.Events, need.Tables)
	}
	if len(p.all()) == 1 && len(s.Loaded) > 0 {
		return need, nil
	}
	return need, j.times(ctx, p, &need)
}

// timesLooked is at how many places of a history the time is looked up.
const timesLooked = 32

// times finds about when the events of a plan happened: the time at places
// spread over it. One that cannot be read is left out.
func (j *Job) times(ctx context.Context, p *Plan, need *sinks.Need) error {
	all := p.all()
	whole := source.Window{After: all[0].After, Through: all[len(all)-1].Through}
	parts := slice(whole, timesLooked-1)
	if whole.After.Tx != whole.Through.Tx || len(parts) == 0 {
		parts = parts[:0]
		for i := range min(len(all), timesLooked-1) {
			parts = append(parts, all[i*len(all)/min(len(all), timesLooked-1)].Window)
		}
	}
	end := whole
	end.After.Tx, end.After.Seq = whole.Through.Tx, whole.Through.Seq-1
	var before time.Time
	for _, w := range append(parts, end) {
		w.Through = whole.Through
		_, when, err := j.timeNear(ctx, w)
		var event *source.EventError
		switch {
		case errors.As(err, &event):
			continue
		case err != nil:
			return err
		case when.IsZero():
			continue
		}
		if need.First.IsZero() || when.Before(need.First) {
			need.First = when
		}
		if when.After(need.Last) {
			need.Last = when
		}
		if !before.IsZero() {
			// Time stamps that are centuries apart mean nothing.
			need.Walk += min(when.Sub(before).Abs(), math.MaxInt64-need.Walk)
		}
		before = when
	}
	return nil
}

// payloads is how large payloads are.
type payloads struct {
	events, bytes int64
	shapes        *transform.Shapes // what was seen, nil where the ledger knew
}

// of gives about how many bytes so many events have.
func (s payloads) of(events int64) int64 {
	if s.events == 0 {
		return 0
	}
	return int64(float64(s.bytes) / float64(s.events) * float64(events))
}

// rows gives about how many of so many events are rows of each table that is
// of one event type; of others nothing is known.
func (s payloads) rows(events int64, tables []*transform.Table) map[string]int64 {
	byType := make(map[string]int64)
	for _, sh := range s.shapes.All() {
		byType[sh.Event] += sh.Events
	}
	rows := make(map[string]int64)
	for _, t := range tables {
		if seen := byType[t.Event]; seen > 0 && t.Explode == nil {
			rows[t.Name] = max(seen, int64(float64(seen)/float64(s.events)*float64(events)))
		}
	}
	return rows
}

// payloads finds how large the payloads are, by what was loaded before or, at
// first, by a look at the events of the plan.
func (j *Job) payloads(ctx context.Context, s *State, p *Plan) (payloads, error) {
	all := p.all()
	if s.Totals.Bytes > 0 || len(all) == 0 {
		return payloads{events: s.Totals.Events, bytes: s.Totals.Bytes}, nil
	}
	const sample = 4096
	shapes, err := j.discover(ctx, source.Window{After: all[0].After, Through: all[len(all)-1].Through}, sample)
	if err != nil {
		return payloads{}, err
	}
	out := payloads{shapes: shapes}
	for _, sh := range shapes.All() {
		out.events += sh.Events
		out.bytes += sh.Bytes
	}
	return out, nil
}
