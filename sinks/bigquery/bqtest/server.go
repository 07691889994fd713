package bqtest

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	bq "google.golang.org/api/bigquery/v2"
)

// Options say what a Server is like. The zero Options are a project
// "test-project" in the location US that takes anybody, and is as limited as
// the service.
type Options struct {
	// Project is the only project there is, "test-project" if empty.
	Project string
	// Location is where datasets are made that name none, "US" if empty.
	Location string
	// Clock tells the time, which budgets, expiry and time stamps follow. It
	// is time.Now if nil, and may be called by several goroutines.
	Clock func() time.Time
	// JobDelay is how many times jobs.get says that a job is PENDING or
	// RUNNING before it is DONE. A job that nobody asks for waits for Settle.
	// With 0, a job is applied when it is inserted.
	JobDelay int
	// Skim makes load jobs read only the columns that their rules need; the
	// others are converted when somebody looks at the rows. It is for
	// benchmarks: a value that cannot be converted is found too late.
	Skim bool
	// Limits replace those of the service.
	Limits Limits
	// Token is the bearer token that every request must carry, if not empty.
	Token string
	// Denied are permissions that nobody has, as Deny takes them away.
	Denied []string
}

// Server is a BigQuery in memory, on a loopback port. Its methods may be
// called by several goroutines at once, and it may be shared by processes.
type Server struct {
	o        Options
	listener net.Listener
	http     *http.Server
	stopped  chan struct{}

	mu       sync.Mutex
	datasets map[string]*dataset
	jobs     map[jobKey]*job
	order    []*job // as they were inserted
	sessions map[string]*session
	rules    []*rule
	counts   map[string]int
	history  []Request
	denied   map[string]bool
	usage    map[string]*usage
	billed   int64 // bytes, by queries
	serial   int   // grows with everything that needs a name of its own
}

// Start starts a server that ends with the test.
func Start(tb testing.TB, o Options) *Server {
	tb.Helper()
	s, err := New(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// New starts a server on a free loopback port. It must be closed.
func New(o Options) (*Server, error) {
	if o.Project == "" {
		o.Project = "test-project"
	}
	if o.Location == "" {
		o.Location = "US"
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	o.Limits = o.Limits.orDefault()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	s := &Server{
		o: o, listener: l, stopped: make(chan struct{}),
		datasets: map[string]*dataset{}, jobs: map[jobKey]*job{}, sessions: map[string]*session{},
		counts: map[string]int{}, denied: map[string]bool{}, usage: map[string]*usage{},
	}
	s.Deny(o.Denied...)
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func() {
		defer close(s.stopped)
		_ = s.http.Serve(l) // http.ErrServerClosed, or the test sees it at once
	}()
	return s, nil
}

// Close stops the server; requests under way are cut off.
func (s *Server) Close() error {
	err := s.http.Close()
	<-s.stopped
	return err
}

// URL is the server's root, as option.WithEndpoint takes it.
func (s *Server) URL() string { return "http://" + s.Host() }

// Host is the server's host and port, as BIGQUERY_EMULATOR_HOST takes it.
func (s *Server) Host() string { return s.listener.Addr().String() }

// Project is the project the server has.
func (s *Server) Project() string { return s.o.Project }

// Table gives a table as tables.get would: schema, partitioning, clustering,
// labels, ETag and counts. It is nil if there is no such table.
func (s *Server) Table(datasetID, tableID string) *bq.Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.table(datasetID, tableID)
	if err != nil {
		return nil
	}
	return t.resource()
}

// Tables lists the names of a dataset's tables and views, sorted.
func (s *Server) Tables(datasetID string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.dataset(datasetID)
	if err != nil {
		return nil
	}
	return s.tableNames(d)
}

// Rows gives what an outside reader sees of a table now, in the order of
// loading. Jobs that are not DONE have no part in it; see Settle. A table
// that is not there has no rows.
func (s *Server) Rows(datasetID, tableID string) ([]Row, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.table(datasetID, tableID)
	if err != nil {
		return nil, nil
	}
	return t.rows(0, -1)
}

// Jobs lists the jobs in the order of their insertion, as jobs.get would
// show them.
func (s *Server) Jobs() []*bq.Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*bq.Job, len(s.order))
	for i, j := range s.order {
		list[i] = j.resource()
	}
	return list
}

// Settle brings every job that waits to its end, as time would.
func (s *Server) Settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.order {
		s.finish(j)
	}
}

// Request is one request as the server saw it.
type Request struct {
	// Method is the API's name for it: jobs.insert, tables.patch. Those that
	// begin and continue a resumable upload are jobs.insert.begin and
	// jobs.insert.chunk.
	Method string
	// Dataset, Table and Job are what it was about, where it was about one.
	// Of a partition, Table is the table.
	Dataset, Table, Job string
	// Status is the status of the answer, also of one that was not sent.
	Status int
}

// Requests counts the requests by method.
func (s *Server) Requests() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := make(map[string]int, len(s.counts))
	for m, n := range s.counts {
		counts[m] = n
	}
	return counts
}

// History lists the requests that were answered, in the order of the answers.
func (s *Server) History() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.history...)
}

// now is the server's time in UTC.
func (s *Server) now() time.Time { return s.o.Clock().UTC() }

func (s *Server) millis() int64 { return s.now().UnixMilli() }

// next gives a number that nothing else has.
func (s *Server) next() int {
	s.serial++
	return s.serial
}
