package schedules_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// footing is what a process holds besides its work.
type footing struct {
	heap       int64 // bytes, after a collection
	goroutines int
	files      int // open ones, sockets among them
	sessions   int // in the server
	ledger     int64
}

func (s *store) footing(tb testing.TB, out string) (f footing) {
	tb.Helper()
	// Twice, as what finalizers hold is free only after the second.
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	f.heap, f.goroutines = int64(m.HeapAlloc), runtime.NumGoroutine()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		tb.Fatal(err)
	}
	f.files = len(files)
	// The server takes a moment to notice that a session has ended.
	for started := time.Now(); s.driver == "postgres"; time.Sleep(time.Millisecond) {
		if err := s.db.QueryRow("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'backstory' AND datname = current_database()").Scan(&f.sessions); err != nil {
			tb.Fatal(err)
		}
		if f.sessions == 0 || time.Since(started) > 5*time.Second {
			break
		}
	}
	for _, name := range []string{"ledger.db", "ledger.db-wal"} {
		if info, err := os.Stat(filepath.Join(out, "_backstory", name)); err == nil {
			f.ledger += info.Size()
		}
	}
	return f
}

// increments runs a job that often in this process, as a worker does, with one
// new event each time.
func (s *store) increments(tb testing.TB, o order, from, through int64) {
	tb.Helper()
	for n := from; n < through; n++ {
		if err := s.extend(o.Table, n, n+1); err != nil {
			tb.Fatal(err)
		}
		if err := o.run(); err != nil {
			tb.Fatal(err)
		}
	}
}

func (s *store) order(tb testing.TB) order {
	tb.Helper()
	table, err := s.newTable(1)
	if err != nil {
		tb.Fatal(err)
	}
	return order{Driver: s.driver, Store: s.address, Table: table, Out: filepath.Join(scratch(tb), "out"), Unchecked: true}
}

// TestFlat runs one increment after the other in one process. What it holds
// must not grow with their number: no goroutine, no open file and no session
// is left over by any of them, and the heap stays as it was.
func TestFlat(t *testing.T) {
	const warm, rounds = 10, 70
	for _, driver := range []string{"sqlite", "postgres"} {
		t.Run(driver, func(t *testing.T) {
			s := newStore(t, driver)
			o := s.order(t)
			s.increments(t, o, 1, warm)
			before := s.footing(t, o.Out)
			s.increments(t, o, warm, rounds)
			after := s.footing(t, o.Out)
			t.Logf("before %+v, after %+v", before, after)
			if after.goroutines > before.goroutines || after.files > before.files || after.sessions > 0 {
				t.Errorf("left over after %d increments: %+v, before %+v", rounds-warm, after, before)
			}
			// What the libraries keep for later is not the same each time.
			if grown := after.heap - before.heap; grown > 1<<20 {
				t.Errorf("the heap grew by %d bytes in %d increments", grown, rounds-warm)
			}
		})
	}
}

// BenchmarkIncrements tells by how much memory, files and ledger grow with the
// increments of one process: -benchtime 3000x is an hour of one a second.
func BenchmarkIncrements(b *testing.B) {
	for _, driver := range []string{"sqlite", "postgres"} {
		b.Run(driver, func(b *testing.B) {
			s := newStore(b, driver)
			o := s.order(b)
			s.increments(b, o, 1, 20)
			before := s.footing(b, o.Out)
			b.ResetTimer()
			s.increments(b, o, 20, int64(20+b.N))
			b.StopTimer()
			after := s.footing(b, o.Out)
			each := func(grown int64) float64 { return float64(grown) / float64(b.N) }
			b.ReportMetric(each(after.heap-before.heap), "heap-B/op")
			b.ReportMetric(each(after.ledger-before.ledger), "ledger-B/op")
			b.ReportMetric(float64(after.files-before.files), "files")
			b.ReportMetric(float64(after.goroutines-before.goroutines), "goroutines")
		})
	}
}
