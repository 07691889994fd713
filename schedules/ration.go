package schedules

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"
)

// widestWindow is how many events a window may grow to where a sink takes
// only so many windows a day. Loading one takes no more memory than a small
// one, but room for it on a disk, and a crash loses the work on it.
const widestWindow = 5_000_000

// Deferred is what of a plan has to wait, since the sink takes no more loads
// today.
type Deferred struct {
	Windows int64 `json:"windows"`
	Events  int64 `json:"events"` // about
	// Until is when the sink begins to take more, and Limit what it said.
	Until time.Time `json:"until,omitzero"`
	Limit string    `json:"limit"`
}

// DeferredError is a rebuild that has to wait until the sink takes more.
type DeferredError struct {
	Job string
	Deferred
}

func (e *DeferredError) Error() string {
	return fmt.Sprintf("rebuild job %s: %d windows have to wait: the day's quota is used up (%s)", e.Job, e.Windows, e.Limit)
}

// Hint says what to do about the error.
func (e *DeferredError) Hint() string {
	return "run backstory rebuild again after " + e.Until.UTC().Format("2006-01-02 15:04 UTC") + "; it goes on with what is loaded, and readers see the old tables until then"
}

// rationed makes a plan keep to what the sink takes in a day. Where that is fewer
// loads than there would be windows, the new ones are cut wider: a run uses at
// most half of what is left, so that there is something left for the next.
// What is too much even so waits. Windows that were planned before stay as
// they are.
func (j *Job) rationed(ctx context.Context, s *State, p *Plan, ranges []Range, mark source.Watermark) (*Plan, error) {
	sink, ok := j.Sink.(sinks.Rationed)
	if !ok || len(p.all()) == 0 {
		return p, nil
	}
	need, err := j.need(ctx, s, p)
	if err != nil {
		return nil, err
	}
	ask := func() (err error) {
		need.Windows = int64(len(p.Pending) + len(p.New))
		if p.Ration, err = sink.Ration(ctx, j.Name, s.Generation, need); err != nil {
			return fmt.Errorf("ask what the sink takes: %w", err)
		}
		return nil
	}
	if err := ask(); err != nil {
		return nil, err
	}
	if limit := j.wider(p, p.Ration.Loads/2); limit > j.windowEvents() {
		if p, err = j.planBy(ctx, s, ranges, mark, limit); err != nil {
			return nil, err
		}
		if err := ask(); err != nil {
			return nil, err
		}
	}
	p.wait()
	return p, nil
}

// wider gives how many events the windows that are new must hold so that
// there are no more than so many, with those that are pending; 0 where there
// are no more.
func (j *Job) wider(p *Plan, windows int64) int {
	windows = max(windows-int64(len(p.Pending)), 1)
	if int64(len(p.New)) <= windows {
		return 0
	}
	var events int64
	for _, w := range p.New {
		events += w.Events
	}
	events += events / 20 // they were counted about
	return int(min((events+windows-1)/windows, widestWindow))
}

// wait leaves out what the sink does not take now, from the end.
func (p *Plan) wait() {
	all := p.all()
	left := int(min(p.Ration.Loads, int64(len(all))))
	if left == len(all) {
		return
	}
	p.Deferred = &Deferred{Windows: int64(len(all) - left), Until: p.Ration.Back, Limit: p.Ration.Limit}
	for _, w := range all[left:] {
		p.Deferred.Events += w.Events
	}
	last := source.Position{}
	if left > 0 {
		last = all[left-1].Through
	}
	p.Pending, p.New = upTo(p.Pending, last), upTo(p.New, last)
}

// upTo gives the windows that end at last or before.
func upTo(windows []Planned, last source.Position) []Planned {
	out := []Planned{}
	for _, w := range windows {
		if w.Through.Compare(last) <= 0 {
			out = append(out, w)
		}
	}
	return out
}

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
