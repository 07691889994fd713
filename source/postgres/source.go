// Package postgres reads event stores in PostgreSQL 13 or newer. It reads in
// short statements and sessions that cannot write, and takes no lock that
// keeps a writer waiting.
package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"backstory/source"
	"backstory/source/guest"
	"backstory/source/layout"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Source is an event store in a PostgreSQL database.
type Source struct {
	config Config
	pace   *guest.Pacer
	// reads is where events are read, primary where the watermark is found:
	// the same one where there is no replica.
	reads, primary *server
	mapping        *layout.Mapping
	queries        queries

	mu      sync.Mutex
	fenced  int64 // the highest position ever found safe
	written written
}

var (
	_ source.Source    = (*Source)(nil)
	_ source.Describer = (*Source)(nil)
	_ source.Mannered  = (*Source)(nil)
)

// server is a server and the connections to it.
type server struct {
	key     string // of the configuration, that holds its URL
	pool    *pgxpool.Pool
	replica bool
}

// Open opens the store that c, which must be valid, describes. It reads the
// first and the last event to see that they can be decoded.
func Open(ctx context.Context, c Config) (*Source, error) {
	s, err := connect(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// connect makes the pools without using them.
func connect(ctx context.Context, c Config) (_ *Source, err error) {
	c.setDefaults()
	s := &Source{config: c, pace: c.Pacer()}
	if s.primary, err = s.connect(ctx, "url", c.URL); err != nil {
		return nil, err
	}
	s.reads = s.primary
	if c.Replica != "" {
		if s.reads, err = s.connect(ctx, "replica", c.Replica); err != nil {
			s.primary.pool.Close()
			return nil, err
		}
		s.reads.replica = true
	}
	return s, nil
}

func (s *Source) connect(ctx context.Context, key string, url layout.Secret) (*server, error) {
	pc, err := s.config.pool(key, url)
	if err != nil {
		return nil, err
	}
	if key == "url" && s.config.Replica != "" {
		pc.MinConns, pc.MaxConns = 0, 1 // it is only asked for the watermark
	}
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, source.Setup(urlAdvice, "open store: %w", err)
	}
	return &server{key: key, pool: pool}, nil
}

func (s *Source) open(ctx context.Context) error {
	if s.reads.replica {
		if err := s.on(ctx, s.primary, "look at the primary of", func(c *pgx.Conn) error { return s.mark(ctx, c) }); err != nil {
			return err
		}
	}
	tables, err := s.describe(ctx)
	if err != nil {
		return err
	}
	if s.mapping, err = s.config.Resolve(tables); err != nil {
		return fmt.Errorf("open store: %w", err)
	}
	s.queries = makeQueries(s.mapping)
	var lowest, highest int64
	err = s.use(ctx, "open store", func(c *pgx.Conn) (err error) {
		if err := s.refuseCache(ctx, c); err != nil {
			return err
		}
		lowest, highest, err = s.ends(ctx, c)
		return err
	})
	if err != nil || highest == 0 {
		return err
	}
	return layout.Probe(ctx, s, s.mapping.State, lowest, highest)
}

// Quiet and Hurry are those of source.Mannered.
func (s *Source) Quiet() time.Time { return s.pace.Quiet() }
func (s *Source) Hurry()           { s.pace.Hurry() }

// Payload says how the store's payloads are to be understood.
func (s *Source) Payload() source.Payload { return s.mapping.Payload }

// ends gives the lowest and the highest position that c can see, zero in an
// empty store.
func (s *Source) ends(ctx context.Context, c *pgx.Conn) (lowest, highest int64, err error) {
	var low, high *int64
	var unplaced bool
	if err := c.QueryRow(ctx, s.queries.ends).Scan(&low, &high, &unplaced); err != nil {
		return 0, 0, err
	}
	if low != nil {
		lowest, highest = *low, *high
	}
	return lowest, highest, s.mapping.CheckEnds(lowest, low != nil, unplaced)
}

// Plan cuts the next window; see source.Source.
func (s *Source) Plan(ctx context.Context, after, through source.Position, limit int) (w source.Window, n int64, err error) {
	w = source.Window{After: after, Through: after}
	err = s.use(ctx, "plan a window of", func(c *pgx.Conn) error {
		var err error
		w, n, err = layout.Plan(ctx, s.spanOf(c), after, through, limit)
		return err
	})
	return w, n, err
}

// spanOf looks at ranges of positions over a connection.
func (s *Source) spanOf(c *pgx.Conn) layout.SpanFunc {
	return func(ctx context.Context, after, through int64, n int, fromEnd bool) (layout.Span, error) {
		return s.span(ctx, c, after, through, n, fromEnd)
	}
}

func (s *Source) span(ctx context.Context, c *pgx.Conn, after, through int64, n int, fromEnd bool) (sp layout.Span, err error) {
	query := s.queries.first
	if fromEnd {
		query = s.queries.last
	}
	err = c.QueryRow(ctx, query, after, through, int64(n)).Scan(&sp.Count, &sp.First, &sp.Last)
	return sp, err
}

// Close ends the connections. It waits for those in use.
func (s *Source) Close() error {
	s.reads.pool.Close()
	if s.primary != s.reads {
		s.primary.pool.Close()
	}
	return nil
}

// use calls fn with a connection for reading that nobody else has, and
// explains errors.
func (s *Source) use(ctx context.Context, doing string, fn func(*pgx.Conn) error) error {
	return s.on(ctx, s.reads, doing, fn)
}

// on is use for any of the servers. Over a connection to a replica, all is
// visible that was committed on the primary when it was marked last.
func (s *Source) on(ctx context.Context, at *server, doing string, fn func(*pgx.Conn) error) error {
	c, err := at.pool.Acquire(ctx)
	if err != nil {
		return s.explain(ctx, at, doing, err)
	}
	defer c.Release()
	if at.replica {
		if err := s.await(ctx, c.Conn()); err != nil {
			return s.explain(ctx, at, doing, err)
		}
	}
	return s.explain(ctx, at, doing, fn(c.Conn()))
}
