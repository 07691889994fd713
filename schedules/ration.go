package schedules

import (
	"context"
	"fmt"
	"time"

	"backstory/sinks"
	"backstory/source"
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
