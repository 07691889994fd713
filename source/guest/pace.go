package guest

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"backstory/source"
)

// Pacer keeps the readers of one source to their limits. It may be used by
// several goroutines at once.
type Pacer struct {
	rows, bytes float64 // a second; 0 where there is no limit
	quiet       []hours
	hurried     atomic.Bool
	now         func() time.Time

	mu sync.Mutex
	// paid is when all that was read so far is paid for.
	paid time.Time
}

// credit is how much of the time in which nothing was read counts later. A
// page is no more than what a quarter of a second allows, too.
const (
	credit       = 250 * time.Millisecond
	pagesASecond = 4
)

// Pacer makes what m, which must be valid, asks for.
func (m *Manners) Pacer() *Pacer {
	p := &Pacer{rows: float64(m.Limits.RowsPerSecond), now: time.Now, paid: time.Now()}
	if size, err := parseSize(m.Limits.BytesPerSecond); err == nil {
		p.bytes = float64(size)
	}
	for _, text := range m.Quiet {
		if h, err := parseHours(text); err == nil {
			p.quiet = append(p.quiet, h)
		}
	}
	return p
}

// Hurry lifts the quiet hours, and no other limit, from now on.
func (p *Pacer) Hurry() { p.hurried.Store(true) }

// Quiet gives until when nothing is to be read, zero when it may be now.
func (p *Pacer) Quiet() time.Time {
	now := p.now()
	if until := quietUntil(p.quiet, now); !p.hurried.Load() && until.After(now) {
		return until
	}
	return time.Time{}
}

// Page gives the most events and bytes that one page should hold, no more
// than those given.
func (p *Pacer) Page(rows, bytes int64) (int64, int64) {
	bound := func(most int64, rate float64) int64 {
		if rate == 0 {
			return most
		}
		return max(1, min(most, int64(rate/pagesASecond)))
	}
	return bound(rows, p.rows), bound(bytes, p.bytes)
}

// Wait returns when the next page may be read. In quiet hours it returns a
// *source.QuietError, at once or when they begin.
func (p *Pacer) Wait(ctx context.Context) error {
	if err := p.refuse(); err != nil {
		return err
	}
	if err := p.Slow(ctx); err != nil {
		return err
	}
	return p.refuse()
}

func (p *Pacer) refuse() error {
	if until := p.Quiet(); !until.IsZero() {
		return &source.QuietError{Until: until}
	}
	return nil
}

// Slow is Wait without the quiet hours, for a look at a single event.
func (p *Pacer) Slow(ctx context.Context) error {
	p.mu.Lock()
	left := p.paid.Sub(p.now())
	p.mu.Unlock()
	if left <= 0 || p.rows == 0 && p.bytes == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Took tells the pacer what a page held, once it is read.
func (p *Pacer) Took(rows, bytes int64) {
	var cost float64 // seconds
	if p.rows > 0 {
		cost = float64(rows) / p.rows
	}
	if p.bytes > 0 {
		cost = max(cost, float64(bytes)/p.bytes)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if earliest := p.now().Add(-credit); p.paid.Before(earliest) {
		p.paid = earliest
	}
	p.paid = p.paid.Add(time.Duration(cost * float64(time.Second)))
}
