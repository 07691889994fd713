package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

// soakTable is the table of eventsourcing 9.3 (eventsourcing/postgres.py).
const soakTable = `CREATE TABLE soak_events (
	originator_id uuid NOT NULL,
	originator_version bigint NOT NULL,
	topic text,
	state bytea,
	notification_id bigserial,
	PRIMARY KEY (originator_id, originator_version));
CREATE UNIQUE INDEX soak_events_notification_id_idx ON soak_events (notification_id ASC)`

func makeTable(ctx context.Context, url string) error {
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	_, err = c.Exec(ctx, soakTable)
	return err
}

// A soakWriter writes transactions as they happen in real life, and some that
// one would rather not have.
type soakWriter struct {
	soak    *soak
	rand    *rand.Rand
	name    int
	conn    *pgx.Conn
	streams []soakStream
	events  int // written so far, also in vain
	texts   int // transactions prepared so far
}

type soakStream struct {
	id      [16]byte
	version int64
}

// write is a writer until ctx is over. It connects again when it is cut off.
func (s *soak) write(ctx context.Context, name int) error {
	w := &soakWriter{soak: s, rand: s.random(uint64(100 + name)), name: name}
	defer func() {
		if w.conn != nil {
			w.conn.Close(context.WithoutCancel(ctx))
		}
	}()
	for sleep(ctx, between(w.rand, time.Millisecond, 60*time.Millisecond)) {
		if w.conn == nil {
			// A transaction that was cut off may have been committed: its
			// streams are left as they are, whatever that is.
			w.streams = nil
			c, err := pgx.Connect(ctx, s.store+"&application_name=writer")
			if err != nil {
				continue
			}
			w.conn = c
		}
		if err := w.transaction(ctx); err != nil && ctx.Err() == nil {
			s.survived.count("transactions of writers cut off")
			w.conn.Close(ctx)
			w.conn = nil
		}
	}
	return nil
}

// transaction is one transaction, of one to five statements.
func (w *soakWriter) transaction(ctx context.Context) error {
	tally := w.soak.survived
	tx, err := w.conn.Begin(ctx)
	if err != nil {
		return err
	}
	before := append([]soakStream(nil), w.streams...)
	prepare := oneIn(w.rand, 80)
	if prepare {
		w.streams = nil // others would have to wait for it
	}
	for range 1 + w.rand.IntN(5) {
		if err := w.insert(ctx, tx); err != nil {
			return err
		}
		if oneIn(w.rand, 5) && !sleep(ctx, between(w.rand, 0, 200*time.Millisecond)) {
			return tx.Rollback(context.WithoutCancel(ctx))
		}
	}
	// The positions are drawn; others pass by meanwhile.
	switch {
	case oneIn(w.rand, 400):
		tally.count("transactions that took 5 to 15 s, committed long after others")
		sleep(ctx, between(w.rand, 5*time.Second, 15*time.Second))
	case oneIn(w.rand, 30):
		tally.count("transactions that took up to 3 s")
		sleep(ctx, between(w.rand, 0, 3*time.Second))
	}
	switch {
	case prepare:
		w.texts++
		_, err = tx.Exec(ctx, fmt.Sprintf("PREPARE TRANSACTION 'soak-%d-%d'", w.name, w.texts))
		if err == nil {
			tally.count("transactions prepared for a commit in two phases")
			err = tx.Commit(ctx) // there is none any more
		}
		w.streams = before
	case oneIn(w.rand, 6):
		tally.count("transactions rolled back")
		err = tx.Rollback(ctx)
		w.streams = before
	default:
		if err = tx.Commit(ctx); err == nil {
			tally.count("transactions committed")
		}
	}
	return err
}

// insert appends some events to one stream in one statement.
func (w *soakWriter) insert(ctx context.Context, tx pgx.Tx) error {
	if len(w.streams) < 10 || oneIn(w.rand, 20) {
		w.streams = append(w.streams, soakStream{id: w.uuid()})
		if len(w.streams) > 20 {
			w.streams = w.streams[1:]
		}
	}
	s := &w.streams[w.rand.IntN(len(w.streams))]
	count := 1 + w.rand.IntN(6)
	if oneIn(w.rand, 100) {
		count = 500 + w.rand.IntN(500)
	}
	var versions []int64
	var topics []string
	var states [][]byte
	for range count {
		s.version++
		topic, state := w.event()
		versions, topics, states = append(versions, s.version), append(topics, topic), append(states, state)
	}
	_, err := tx.Exec(ctx, `INSERT INTO soak_events (originator_id, originator_version, topic, state)
		SELECT $1, version, topic, state FROM unnest($2::int8[], $3::text[], $4::bytea[]) AS e(version, topic, state)`,
		s.id, versions, topics, states)
	return err
}

var soakTypes = []string{"Order.Placed", "Order.Paid", "Order.Shipped", "Parcel.Sent", "Parcel.Lost", "Refund.Made"}

// event makes an event. As time goes by there are more types of them, and more
// members in them; and some are broken.
func (w *soakWriter) event() (topic string, state []byte) {
	w.events++
	age := time.Since(w.soak.started).Seconds() / w.soak.time.Seconds() // 0 to 1
	topic = "soak.domain:" + soakTypes[w.rand.IntN(2+int(age*float64(len(soakTypes)-2)))]
	state = fmt.Appendf(nil, `{"timestamp":{"_type_":"datetime_iso","_data_":%q},"n":%d,"writer":%d,"amount":{"_type_":"decimal_str","_data_":"%d.%02d"},"note":%q`,
		time.Now().UTC().Format("2006-01-02T15:04:05.000000+00:00"), w.events, w.name, w.rand.IntN(1000), w.rand.IntN(100), hex.EncodeToString(randomBytes(w.rand, 4+w.rand.IntN(40))))
	if later := int(age * 5); later > 0 {
		state = fmt.Appendf(state, `,"later_%d":%d`, 1+w.rand.IntN(later), w.rand.IntN(100))
	}
	if oneIn(w.rand, 2000) {
		w.soak.survived.count("events written that are no JSON")
		return topic, state
	}
	return topic, append(state, '}')
}

func (w *soakWriter) uuid() (id [16]byte) {
	copy(id[:], randomBytes(w.rand, 16))
	return id
}

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// resolvePrepared commits or rolls back prepared transactions some time after
// their sessions have gone on to other things.
func (s *soak) resolvePrepared(ctx context.Context) error {
	r := s.random(2)
	for sleep(ctx, between(r, 500*time.Millisecond, 3*time.Second)) {
		_ = s.resolve(ctx, r, 4) // the server may be down
	}
	return nil
}

// resolve ends one in n of the prepared transactions.
func (s *soak) resolve(ctx context.Context, r *rand.Rand, n int) error {
	c, err := pgx.Connect(ctx, s.store)
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	rows, err := c.Query(ctx, "SELECT gid FROM pg_prepared_xacts ORDER BY gid")
	if err != nil {
		return err
	}
	gids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, gid := range gids {
		if !oneIn(r, n) {
			continue
		}
		how := "COMMIT"
		if oneIn(r, 4) {
			how = "ROLLBACK"
		}
		if _, err := c.Exec(ctx, how+" PREPARED '"+gid+"'"); err != nil {
			return err
		}
	}
	return nil
}
