package board

import (
	"context"
	"sync"
	"time"

	"backstory/schedules"
)

// known keeps what was read of the ledgers for a moment, and the windows until
// they have changed, so that many who look at the page cost no more than one.
type known struct {
	mu    sync.Mutex
	at    time.Time
	all   []schedules.Standing
	scans map[string]*scan
}

// scan is what was made of a job's windows.
type scan struct {
	of   mark
	at   time.Time
	took time.Duration
	grid grid
	done throughput
}

// mark tells whether windows have changed.
type mark struct {
	generation, pending, again, quarantined int
	totals                                  schedules.Totals
}

const (
	freshFor = time.Second
	// scanShare bounds the time that goes into reading windows to this part.
	scanShare = 20
)

func newKnown() *known { return &known{scans: make(map[string]*scan)} }

func (k *known) standings(ctx context.Context, now time.Time, ask func(context.Context) []schedules.Standing) []schedules.Standing {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.all == nil || now.Sub(k.at) >= freshFor || now.Before(k.at) {
		// Others wait for this answer: who asked first may go away.
		k.all, k.at = ask(context.WithoutCancel(ctx)), now
	}
	return k.all
}

// scan gives the grid and the throughput of a job, read anew where they may
// have changed and not too much time went into it.
func (k *known) scan(ctx context.Context, s schedules.Standing, read func(context.Context, string, func(schedules.WindowRecord) error) error) (*scan, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := s.Ledger
	of := mark{l.Generation, len(l.Pending), len(l.Again), len(l.Quarantined), l.Totals}
	old := k.scans[s.Job]
	began := time.Now()
	if old != nil && (old.of == of || began.Sub(old.at) < scanShare*old.took) {
		return old, nil
	}
	made := &scan{of: of, at: began}
	err := read(context.WithoutCancel(ctx), s.Job, func(w schedules.WindowRecord) error {
		made.grid.add(w)
		made.done.add(w.Loaded, w.Events)
		return nil
	})
	if err != nil {
		return nil, err
	}
	made.took = time.Since(began)
	k.scans[s.Job] = made
	return made, nil
}
