package schedules

import (
	"context"
	"fmt"
	"slices"

	"backstory/sinks"
	"backstory/source"
)

// Range is the part of a history a run is about. The zero Range is all of it.
type Range struct {
	// After and Through bound the positions: (After, Through]. A zero
	// Through means up to the watermark.
	After, Through source.Position
}

// Plan is what a run would do.
type Plan struct {
	Job       string           `json:"job"`
	Watermark source.Watermark `json:"watermark"`
	// Pending are windows that an earlier run planned and did not finish;
	// New are those that nothing has been planned for.
	Pending []Planned `json:"pending"`
	New     []Planned `json:"new"`
	// Held says that the watermark could not be taken in time, so that only
	// what earlier runs found safe is planned.
	Held bool `json:"held"`
	// Ration is the arithmetic of the sink's quotas, nil where it has none or
	// nothing is to be loaded; Deferred is what has to wait because of them,
	// and is not among Pending and New.
	Ration   *sinks.Ration `json:"ration,omitempty"`
	Deferred *Deferred     `json:"deferred,omitempty"`
	// Stuck is why what follows the last of New could not be planned, nil where
	// all could. What was planned can be loaded all the same.
	Stuck error `json:"-"`
}

// Events is about how many events the plan loads.
func (p *Plan) Events() int64 {
	var n int64
	for _, w := range p.Pending {
		n += w.Events
	}
	for _, w := range p.New {
		n += w.Events
	}
	return n
}

// all gives the windows to load in order, so that what a history begins with
// is loaded first.
func (p *Plan) all() []Planned {
	all := slices.Concat(p.Pending, p.New)
	slices.SortFunc(all, func(a, b Planned) int { return a.After.Compare(b.After) })
	return all
}

// plan finds what is to be loaded of ranges, given what the ledger knows.
func (j *Job) plan(ctx context.Context, s *State, ranges []Range, mark source.Watermark) (*Plan, error) {
	return j.planBy(ctx, s, ranges, mark, j.windowEvents())
}

// planBy is plan with new windows of about limit events.
func (j *Job) planBy(ctx context.Context, s *State, ranges []Range, mark source.Watermark, limit int) (*Plan, error) {
	p := &Plan{Job: j.Name, Watermark: mark, Held: mark.Safe.Compare(mark.Head) < 0, Pending: []Planned{}, New: []Planned{}}
	safe := mark.Safe
	// What was planned once lay below a watermark then.
	taken := slices.Clone(s.Loaded)
	for _, w := range s.Pending {
		taken = append(taken, w.Window)
		if slices.ContainsFunc(ranges, func(r Range) bool { return r.holds(w.Window) }) {
			p.Pending = append(p.Pending, w)
		}
	}
	var gaps []source.Window
	for _, r := range ranges {
		through := safe
		if !r.Through.IsZero() && r.Through.Compare(through) < 0 {
			through = r.Through
		}
		gaps = append(gaps, Subtract(source.Window{After: r.After, Through: through}, taken)...)
	}
	for _, gap := range gaps {
		for {
			w, events, err := j.cut(ctx, gap.After, gap.Through, limit)
			if err != nil {
				err = fmt.Errorf("plan after %s: %w", gap.After, err)
				if ctx.Err() != nil || len(p.Pending)+len(p.New) == 0 {
					return nil, err
				}
				p.Stuck = err
				return p, nil
			}
			if w.Empty() {
				break
			}
			p.New = append(p.New, Planned{Window: w, Events: events})
			gap.After = w.Through
		}
	}
	return p, nil
}

// holds tells whether any of a window lies in the range.
func (r Range) holds(w source.Window) bool {
	if w.Through.Compare(r.After) <= 0 {
		return false
	}
	return r.Through.IsZero() || w.After.Compare(r.Through) < 0
}

// Plan finds what a run on the range would do. It writes nothing. Where the
// job has no Sink, no sink's quotas are looked at.
func (j *Job) Plan(ctx context.Context, r Range) (*Plan, error) {
	s, err := j.Ledger.State(ctx, j.Name)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	mark, err := j.watermark(ctx)
	if err != nil {
		return nil, fmt.Errorf("find watermark: %w", err)
	}
	p, err := j.plan(ctx, s, []Range{r}, mark)
	if err == nil {
		err = p.Stuck
	}
	if err != nil {
		return nil, err
	}
	return j.rationed(ctx, s, p, []Range{r}, mark)
}

// Estimate gives about how many bytes of payload a plan loads, from what was
// loaded before or, at first, from a look at the events.
func (j *Job) Estimate(ctx context.Context, p *Plan) (int64, error) {
	if len(p.all()) == 0 {
		return 0, nil
	}
	s, err := j.Ledger.State(ctx, j.Name)
	if err != nil {
		return 0, fmt.Errorf("read ledger: %w", err)
	}
	size, err := j.payloads(ctx, s, p)
	if err != nil {
		return 0, err
	}
	return size.of(p.Events()), nil
}
