// Package bigquery loads rows into BigQuery tables with load jobs, which cost
// nothing, change a table in one step, and are known by the IDs we choose. It
// runs no queries, but for the one that puts a window's rows in place of those
// that were loaded before (Sink.Replace).
//
// A dataset holds one table for each table of a job, and two of our own:
//
//	<table>             what readers query
//	<table>__g<n>       a generation that is being built, or the one before
//	<table>__r_<...>    rows on their way to take the place of others
//	_backstory_loads    one row for each committed load: its manifest
//	_backstory_tables   the tables as last evolved, and the swaps of generations
//
// A load is committed in this order: each table's rows become one load job
// (several, where they touch more partitions than one job may); when all of
// them are done, a last load job writes the manifest, and with it the load is
// committed. Every job's ID says what it loads and where to, so that whoever
// comes after a crash sends the same IDs, is told that they exist, and adopts
// what became of them: BigQuery refuses an ID that was used, for six months at
// least (https://cloud.google.com/bigquery/docs/reliability-intro).
//
// Nothing here keeps two processes apart: the job's lease in the ledger does.
package bigquery

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"backstory/sinks"
	"backstory/sinks/parquetfile"

	"cloud.google.com/go/bigquery"
)

const (
	// defaultBudget is the memory in bytes for the open row groups of one load.
	defaultBudget = 32 << 20
	// jobsAtOnce is how many jobs of one sink are being sent or waited for.
	jobsAtOnce = 8
	// maxPartitions is how many partitions one job may touch
	// (https://cloud.google.com/bigquery/quotas#partitioned_tables).
	maxPartitions = 4000
)

// Options say where the tables are and how they are kept.
type Options struct {
	// Project and Dataset are where the tables are, Location where the dataset
	// is made if it is not there; "" is US.
	Project, Dataset, Location string
	// Credentials is a file; "" stands for Application Default Credentials.
	// Impersonate is the service account to act as, QuotaProject the project
	// that requests are counted against.
	Credentials, Impersonate, QuotaProject string
	// Partition is day, month or none; "" leaves it to each table.
	Partition string
	// Cluster names up to four columns; a table is clustered by those it has.
	// Nil stands for event_type, stream_id, position.
	Cluster []string
	// Expiration is the age at which partitions are deleted; 0 is never.
	Expiration time.Duration
	// RequirePartitionFilter refuses queries without a filter on event_time.
	RequirePartitionFilter bool
	// Labels are put on tables and jobs, beside our own.
	Labels map[string]string
	// JobTimeout ends a job that runs longer; 0 is an hour.
	JobTimeout time.Duration
	// ChunkSize is the size in bytes of the parts that larger files are sent
	// in; each upload under way holds one in memory. 0 is 16 MiB.
	ChunkSize int
	// Budget is the memory in bytes for the open row groups of one load, all
	// tables together; 0 is 32 MiB.
	Budget int64
	// Version is the version of Backstory, for manifests and files.
	Version string
	// Endpoint is the URL of a server that stands in for BigQuery, which gets
	// no credentials; "" is the variable BIGQUERY_EMULATOR_HOST, or BigQuery.
	Endpoint string
	// Step, if not nil, is called with a name before each thing that a crash
	// could leave half done, and after the last. It is for tests.
	Step func(name string)
}

// Sink is a dataset of tables. Its methods may be called from several
// goroutines at once.
type Sink struct {
	o      Options
	client *bigquery.Client
	format *parquetfile.Format
	pace   pace
	// partitions is the most that one job touches.
	partitions int
	page       int // rows that are listed at a time
	quotas     quotas
	slots      chan struct{} // one for each job under way

	mu       sync.Mutex
	located  bool // the dataset is there
	controls map[string]*target
	homes    map[homeKey]*home
}

// homeKey names a generation of a job.
type homeKey struct {
	job        string
	generation int
}

var (
	_ sinks.Sink        = (*Sink)(nil)
	_ sinks.Evolver     = (*Sink)(nil)
	_ sinks.Inventory   = (*Sink)(nil)
	_ sinks.Signer      = (*Sink)(nil)
	_ sinks.Generations = (*Sink)(nil)
	_ sinks.Replacer    = (*Sink)(nil)
	_ sinks.Restorer    = (*Sink)(nil)
	_ sinks.Priced      = (*Sink)(nil)
	_ sinks.Reader      = (*Sink)(nil)
	_ sinks.Normalizer  = (*Sink)(nil)
	_ sinks.Sized       = (*txn)(nil)
)

// Open makes a client. Nothing is asked of BigQuery before a job's first
// operation.
func Open(ctx context.Context, o Options) (*Sink, error) {
	if o.Endpoint == "" {
		o.Endpoint = os.Getenv("BIGQUERY_EMULATOR_HOST")
	}
	if o.JobTimeout <= 0 {
		o.JobTimeout = time.Hour
	}
	if o.Budget <= 0 {
		o.Budget = defaultBudget
	}
	if o.Cluster == nil {
		o.Cluster = defaultCluster
	}
	created := "backstory"
	if o.Version != "" {
		created += " version " + o.Version
	}
	f, err := parquetfile.NewFormat(parquetfile.Options{CreatedBy: created})
	if err != nil {
		return nil, fmt.Errorf("open bigquery sink: %w", err)
	}
	c, err := newClient(ctx, o)
	if err != nil {
		return nil, err
	}
	pace := defaultPace
	if o.Endpoint != "" {
		pace = nearPace
	}
	return &Sink{
		o: o, client: c, format: f, pace: pace, partitions: maxPartitions, page: pageRows, quotas: dailyQuotas, slots: make(chan struct{}, jobsAtOnce),
		controls: make(map[string]*target), homes: make(map[homeKey]*home),
	}, nil
}

// Begin starts a load. What an earlier one of the same window has sent is
// found by its job IDs, and adopted, at Commit.
func (s *Sink) Begin(ctx context.Context, l sinks.Load) (sinks.Txn, error) {
	if l.Window.Empty() {
		return nil, fmt.Errorf("begin load of job %s: window %s is empty", l.Job, l.Window)
	}
	h, err := s.home(ctx, l.Job, l.Generation)
	if err != nil {
		return nil, err
	}
	return h.begin(l)
}

// Close closes the client's connections. Loads that are under way must have
// been committed or aborted.
func (s *Sink) Close() error { return s.client.Close() }

func (s *Sink) step(format string, args ...any) {
	if s.o.Step != nil {
		s.o.Step(fmt.Sprintf(format, args...))
	}
}

// dataset is where all tables are.
func (s *Sink) dataset() *bigquery.Dataset { return s.client.Dataset(s.o.Dataset) }

// fullName names a table in messages.
func (s *Sink) fullName(table string) string {
	return s.o.Project + "." + s.o.Dataset + "." + table
}
