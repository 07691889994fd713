package postgres

import (
	"context"
	"fmt"
	"time"

	"backstory/source"

	"github.com/jackc/pgx/v5"
)

// written is how far a primary had written its log when it was marked.
//
// A replica shows what was committed on its primary when it has replayed the
// log up to there, so the fence is taken on the primary, where the writers'
// locks are seen, then the end of the log is noted, and what a connection to
// a replica shows counts only once that server has replayed up to it. Each
// connection is asked: behind one address there may be several replicas, and
// each is behind by as much as it is.
//
// On a replica alone nothing is certain. A transaction that has drawn a
// position and has not written yet leaves no trace in the log, so that no
// replica can tell that it is there.
type written struct {
	system   int64 // identifies the cluster, and is the same on its replicas
	timeline int64 // grows when a replica becomes the primary
	lsn      int64
}

// endOfLog finds the end of the log as it stands in memory, as what was
// committed may not have reached the disk yet. At the beginning of a page the
// place for the next record lies behind the page's header, of 24 bytes or 40
// in the first page of a file, while the last record that a replica replays
// ends before it (postgres/postgres: src/include/access/xlog_internal.h).
const endOfLog = `
SELECT (SELECT system_identifier FROM pg_control_system()),
       ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int8,
       lsn - CASE WHEN lsn % pg_size_bytes(current_setting('wal_segment_size')) = 40 THEN 40
                  WHEN lsn % current_setting('wal_block_size')::int = 24 THEN 24 ELSE 0 END
FROM (SELECT (pg_current_wal_insert_lsn() - '0/0')::int8 AS lsn) AS log`

// mark notes how far the primary has written. What is read on a replica from
// now on shows all that is committed now.
func (s *Source) mark(ctx context.Context, primary *pgx.Conn) error {
	if err := refuseStandby(ctx, primary); err != nil {
		return err
	}
	var w written
	if err := primary.QueryRow(ctx, endOfLog).Scan(&w.system, &w.timeline, &w.lsn); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.written.system != w.system || s.written.timeline != w.timeline || s.written.lsn < w.lsn {
		s.written = w
	}
	return nil
}

const replayed = `
SELECT (SELECT system_identifier FROM pg_control_system()), pg_is_in_recovery(),
       coalesce(pg_last_wal_replay_lsn() - '0/0', 0)::int8`

// await returns when a replica has come as far as the primary was when it was
// marked. That it does not in time is a failure that may pass.
func (s *Source) await(ctx context.Context, replica *pgx.Conn) error {
	s.mu.Lock()
	want := s.written
	s.mu.Unlock()
	deadline := time.Now().Add(s.config.Fence.Wait)
	for pause := firstPoll; ; pause = min(2*pause, lastPoll) {
		var system, lsn int64
		var standby bool
		if err := replica.QueryRow(ctx, replayed).Scan(&system, &standby, &lsn); err != nil {
			return err
		}
		switch {
		case system != want.system:
			return source.Setup("point replica: at a streaming replica of the server that url: leads to, or leave it out",
				"read from the replica: it is of another cluster than the primary")
		case !standby:
			return source.Setup("point replica: at a server that follows the primary, or leave it out",
				"read from the replica: it does not follow a primary; it may have become one")
		case lsn >= want.lsn:
			return nil
		}
		left := time.Until(deadline)
		if left <= 0 {
			return source.Transient(&source.SetupError{
				Err:    fmt.Errorf("read from the replica: after %v it is still %d bytes of log behind the primary", s.config.Fence.Wait, want.lsn-lsn),
				Advice: "run again when it has caught up, raise fence.wait, or leave replica: out",
			})
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(pause, left)):
		}
	}
}
