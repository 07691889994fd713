// Package sqlite reads event stores in SQLite database files. It never
// writes to a store, makes no files, and does not hold a writer up: SQLite
// has one writer at a time, so that what is committed is in order and the
// newest position is safe to read at once.
package sqlite

import (
	"context"
	"fmt"
	"sync"
	"time"

	"backstory/source"
	"backstory/source/guest"
	"backstory/source/layout"
)

// Source is an event store in a SQLite file.
type Source struct {
	path    string
	pace    *guest.Pacer
	mapping *layout.Mapping
	queries queries

	headers headers

	mu     sync.Mutex
	idle   []*conn
	using  int // uses under way
	closed bool
}

var (
	_ source.Source    = (*Source)(nil)
	_ source.Describer = (*Source)(nil)
	_ source.Mannered  = (*Source)(nil)
)

// Open opens the store that c, which must be valid, describes. It reads the
// first and the last event to see that they can be decoded.
func Open(ctx context.Context, c Config) (*Source, error) {
	s := &Source{path: c.Path, pace: c.Pacer()}
	if err := s.open(ctx, &c); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Source) open(ctx context.Context, c *Config) error {
	var tables []layout.Table
	err := s.use(ctx, "open store", func(conn *conn) (err error) {
		tables, err = describe(conn)
		return err
	})
	if err != nil {
		return err
	}
	if s.mapping, err = c.Resolve(tables); err != nil {
		return fmt.Errorf("open store %s: %w", c.Path, err)
	}
	s.queries = makeQueries(s.mapping)
	lowest, highest, err := s.ends(ctx)
	if err != nil || highest == 0 {
		return err
	}
	return layout.Probe(ctx, s, s.mapping.State, lowest, highest)
}

// Payload says how the store's payloads are to be understood.
func (s *Source) Payload() source.Payload { return s.mapping.Payload }

// Quiet and Hurry are those of source.Mannered.
func (s *Source) Quiet() time.Time { return s.pace.Quiet() }
func (s *Source) Hurry()           { s.pace.Hurry() }

// Watermark gives the newest position as the safe one.
func (s *Source) Watermark(ctx context.Context) (source.Watermark, error) {
	_, highest, err := s.ends(ctx)
	head := source.Position{Seq: highest}
	return source.Watermark{Safe: head, Head: head}, err
}

// ends gives the lowest and the highest position, zero in an empty store.
func (s *Source) ends(ctx context.Context) (lowest, highest int64, err error) {
	position := s.mapping.Columns[layout.Position]
	err = s.use(ctx, "find the newest position in", func(c *conn) error {
		q, err := c.prepare(s.queries.ends)
		if err != nil {
			return err
		}
		defer q.reset()
		if _, err := q.step(); err != nil {
			return err
		}
		for i := range 2 {
			if k := q.class(i); k != classInteger && k != classNull {
				return source.Setup("point position at an integer column",
					"read %s: column %s holds %s, but a position is an integer", s.mapping.Table, position.Name, k)
			}
		}
		lowest, highest = q.int64(0), q.int64(1)
		return s.mapping.CheckEnds(lowest, q.class(0) != classNull, q.int64(2) != 0)
	})
	return lowest, highest, err
}

// Plan cuts the next window; see source.Source.
func (s *Source) Plan(ctx context.Context, after, through source.Position, limit int) (w source.Window, n int64, err error) {
	w = source.Window{After: after, Through: after}
	err = s.use(ctx, "plan a window of", func(c *conn) error {
		var err error
		w, n, err = layout.Plan(ctx, s.spanOf(c), after, through, limit)
		return err
	})
	return w, n, err
}

// spanOf looks at ranges of positions over a connection.
func (s *Source) spanOf(c *conn) layout.SpanFunc {
	return func(_ context.Context, after, through int64, n int, fromEnd bool) (layout.Span, error) {
		return s.span(c, after, through, n, fromEnd)
	}
}

func (s *Source) span(c *conn, after, through int64, n int, fromEnd bool) (layout.Span, error) {
	query := s.queries.first
	if fromEnd {
		query = s.queries.last
	}
	q, err := c.prepare(query)
	if err != nil {
		return layout.Span{}, err
	}
	defer q.reset()
	q.bind(after, through, int64(n))
	if _, err := q.step(); err != nil {
		return layout.Span{}, err
	}
	return layout.Span{Count: q.int64(0), First: q.int64(1), Last: q.int64(2)}, nil
}

// Close frees the connections; those in use are freed when Read returns.
func (s *Source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, c := range s.idle {
		c.close()
	}
	s.idle = nil
	if s.using == 0 {
		s.headers.close()
	}
	return nil
}

// use calls fn with a connection that nobody else has, explains the errors
// of SQLite, and makes sure that what fn read can be relied on.
func (s *Source) use(ctx context.Context, doing string, fn func(*conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.begin()
	defer s.end()
	c, err := s.take()
	if err != nil {
		return s.explain(ctx, doing, err)
	}
	stop := c.interruptOn(ctx)
	err = fn(c)
	stop()
	if c.file.changed(s.path) {
		c.close()
		return source.Transient(fmt.Errorf("%s %s: the file was changed meanwhile", doing, s.path))
	}
	s.put(c)
	return s.explain(ctx, doing, err)
}

// begin counts a use; end counts it off, and the last one of a closed source
// lets go of its files.
func (s *Source) begin() {
	s.mu.Lock()
	s.using++
	s.mu.Unlock()
}

func (s *Source) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.using--; s.using == 0 && s.closed {
		s.headers.close()
	}
}

// take gives an idle connection, or a new one.
func (s *Source) take() (*conn, error) {
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return nil, fmt.Errorf("read store %s: it is closed", s.path)
		}
		n := len(s.idle)
		if n == 0 {
			s.mu.Unlock()
			return connect(s.path, &s.headers)
		}
		c := s.idle[n-1]
		s.idle = s.idle[:n-1]
		s.mu.Unlock()
		if !c.file.outdated(s.path) {
			return c, nil
		}
		c.close()
	}
}

func (s *Source) put(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		c.close()
		return
	}
	s.idle = append(s.idle, c)
}
