package parquet_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"backstory/sinks"
	"backstory/sinks/parquet"
	"backstory/sinks/sinktest"
	"backstory/source"
	"backstory/transform"

	"golang.org/x/sync/errgroup"
)

// wide is a table of 14 columns.
func wide(name string) *transform.Table {
	t := sinktest.Orders()
	w := &transform.Table{Name: name, Version: 1, Columns: t.Columns}
	for i := range 6 {
		w.Columns = append(w.Columns, transform.Column{Name: fmt.Sprintf("c%d", i), Type: transform.Type{Kind: []transform.Kind{transform.String, transform.Int64}[i%2]}})
	}
	w.Schema()
	return w
}

// BenchmarkLoad loads windows of four tables with two workers, and reports
// the most memory that was held.
func BenchmarkLoad(b *testing.B) {
	const rows = 100_000 // of each table in a window
	tables := []*transform.Table{wide("a"), wide("b"), wide("c"), wide("d")}
	for b.Loop() {
		s, err := parquet.Open(b.Context(), parquet.Options{Path: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		batch := sinktest.Record(tables[0], sinktest.Window(0, 4096))
		var most atomic.Uint64
		base := held()
		load := func(ctx context.Context, w source.Window) error {
			txn, err := s.Begin(ctx, sinktest.Load(w))
			if err != nil {
				return err
			}
			for range rows / 4096 {
				for _, t := range tables {
					if err := txn.Write(ctx, t, batch); err != nil {
						return errors.Join(err, txn.Abort())
					}
				}
			}
			for now := held(); ; {
				if old := most.Load(); now <= old || most.CompareAndSwap(old, now) {
					break
				}
			}
			return txn.Commit(ctx, sinktest.Summary(w))
		}
		start := time.Now()
		var g errgroup.Group
		for i := range int64(2) {
			g.Go(func() error { return load(b.Context(), sinktest.Window(i*rows, (i+1)*rows)) })
		}
		if err := g.Wait(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(2*4*rows/time.Since(start).Seconds(), "rows/s")
		b.ReportMetric(float64(most.Load()-base)/(1<<20), "MiB-held")
		batch.Release()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func held() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkChange evolves and compacts a table of many small files.
func BenchmarkChange(b *testing.B) {
	const files, rows = 50, 4096
	for b.Loop() {
		s, err := parquet.Open(b.Context(), parquet.Options{Path: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		for i := range int64(files) {
			if err := sinktest.Commit(b.Context(), s, sinktest.Window(i*rows, (i+1)*rows), sinktest.Orders()); err != nil {
				b.Fatal(err)
			}
		}
		start := time.Now()
		if err := s.Evolve(b.Context(), sinktest.Job, sinktest.Generation, []*transform.Table{sinktest.Grown()}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(files*rows/time.Since(start).Seconds(), "evolved-rows/s")
		start = time.Now()
		if _, err := s.Compact(b.Context(), sinktest.Job, sinktest.Generation, sinks.CompactOptions{}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(files*rows/time.Since(start).Seconds(), "compacted-rows/s")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
