package bigquery_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"backstory/sinks"
	"backstory/sinks/bigquery/bqtest"
	"backstory/sinks/parquet"
	"backstory/sinks/sinktest"
	"backstory/source"
	"backstory/transform"

	"golang.org/x/sync/errgroup"
)

const (
	benchRows    = 50_000 // of each table in a window
	benchWindows = 8
	benchWorkers = 2
)

// BenchmarkLoad loads windows of four tables with two workers, by turns into
// files and into a server on loopback that reads no more of them than it must,
// and compares the best of both.
func BenchmarkLoad(b *testing.B) {
	var files, jobs float64
	var requests int
	for b.Loop() {
		s, err := parquet.Open(b.Context(), parquet.Options{Path: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		files = max(files, loadWindows(b, s, "parquet"))
		server := start(b, bqtest.Options{Skim: true, Limits: bqtest.Unlimited})
		jobs = max(jobs, loadWindows(b, open(b, options(server)), "bigquery"))
		requests = len(server.History())
	}
	b.ReportMetric(files, "parquet-rows/s")
	b.ReportMetric(jobs, "bigquery-rows/s")
	b.ReportMetric(jobs/files, "of-parquet")
	b.ReportMetric(float64(requests)/benchWindows, "requests/window")
}

// wide is a table of 14 columns.
func wide(name string) *transform.Table {
	t := &transform.Table{Name: name, Version: 1, Columns: sinktest.Orders().Columns}
	for i := range 6 {
		t.Columns = append(t.Columns, transform.Column{Name: fmt.Sprintf("c%d", i), Type: kind([]transform.Kind{transform.String, transform.Int64}[i%2])})
	}
	t.Schema()
	return t
}

// loadWindows gives the rows that were loaded in a second.
func loadWindows(b *testing.B, s sinks.Sink, name string) float64 {
	tables := []*transform.Table{wide("a"), wide("b"), wide("c"), wide("d")}
	batch := sinktest.Record(tables[0], sinktest.Window(0, 5000))
	defer batch.Release()
	if err := s.(sinks.Evolver).Evolve(b.Context(), sinktest.Job, sinktest.Generation, tables); err != nil {
		b.Fatal(err)
	}
	var most atomic.Uint64
	base := held()
	load := func(ctx context.Context, w source.Window) error {
		txn, err := s.Begin(ctx, sinktest.Load(w))
		if err != nil {
			return err
		}
		for range benchRows / 5000 {
			for _, t := range tables {
				if err := txn.Write(ctx, t, batch); err != nil {
					return errors.Join(err, txn.Abort())
				}
			}
		}
		if now := held(); now > most.Load() {
			most.Store(now)
		}
		return txn.Commit(ctx, sinktest.Summary(w))
	}
	began := time.Now()
	var g errgroup.Group
	g.SetLimit(benchWorkers)
	for i := range int64(benchWindows) {
		g.Go(func() error { return load(b.Context(), sinktest.Window(i*benchRows, (i+1)*benchRows)) })
	}
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
	rate := benchWindows * 4 * benchRows / time.Since(began).Seconds()
	b.ReportMetric(float64(most.Load()-base)/(1<<20), name+"-MiB")
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	return rate
}

func held() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
