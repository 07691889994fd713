package postgres

import (
	"context"
	"time"

	"backstory/source"

	"github.com/jackc/pgx/v5"
)

// Watermark finds how far it is safe to read. A position is drawn before its
// row becomes visible, and rows of higher positions may become visible first,
// so the newest visible position is safe only when the transactions that
// were writing at the time have ended: see fence. Watermark waits for them,
// within the configured bounds, and keeps nobody waiting. When they do not
// end in time it gives the last position that was found safe and names them.
// Where a replica is read, it is marked how far that must have come since.
func (s *Source) Watermark(ctx context.Context) (source.Watermark, error) {
	var w source.Watermark
	before := s.safe()
	err := s.on(ctx, s.primary, "find the watermark of", func(c *pgx.Conn) error {
		if err := refuseStandby(ctx, c); err != nil {
			return err
		}
		_, head, err := s.ends(ctx, c)
		if err != nil {
			return err
		}
		w.Head.Seq = head
		if head == before {
			return nil
		}
		if head < before {
			// The store was truncated or restored: nothing is known of it.
			s.setSafe(0)
		}
		f := fence{conn: c, table: tableName(s.mapping), strict: s.config.Fence.Mode == Strict}
		drained, err := f.wait(ctx, s.config.Fence.Wait)
		if err != nil {
			return err
		}
		if s.reads.replica {
			if err := s.mark(ctx, c); err != nil {
				return err
			}
		}
		if drained {
			s.setSafe(max(head, s.safe()))
			return nil
		}
		w.Holders, err = f.holders(ctx)
		return err
	})
	if err != nil {
		return source.Watermark{}, err
	}
	w.Safe.Seq = min(s.safe(), w.Head.Seq)
	return w, nil
}

// safe gives the highest position known to be safe.
func (s *Source) safe() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fenced
}

func (s *Source) setSafe(position int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fenced = position
}

// refuseStandby refuses to fence on a standby, where the locks of the
// writers, who are on the primary, cannot be seen.
func refuseStandby(ctx context.Context, c *pgx.Conn) error {
	var standby bool
	if err := c.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&standby); err != nil {
		return err
	}
	if standby {
		return source.Setup("point url: at the primary, and replica: at this server if events are to be read from it",
			"find the watermark: the server is a standby, which cannot see the transactions that are writing")
	}
	return nil
}

// Polls begin at firstPoll, as most transactions are short, and back off to
// lastPoll.
const (
	firstPoll = 2 * time.Millisecond
	lastPoll  = 100 * time.Millisecond
)

// wait drains the fence. It is not drained when patience ends first.
func (f *fence) wait(ctx context.Context, patience time.Duration) (drained bool, err error) {
	if err := f.raise(ctx); err != nil {
		return false, err
	}
	deadline := time.Now().Add(patience)
	for pause := firstPoll; ; pause = min(2*pause, lastPoll) {
		if f.empty() {
			return true, nil
		}
		left := time.Until(deadline)
		if left <= 0 {
			return false, nil
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(min(pause, left)):
		}
		if err := f.poll(ctx); err != nil {
			return false, err
		}
	}
}
