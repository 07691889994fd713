package schedules_test

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// BenchmarkIdle runs a job that has loaded 3,000 windows and finds nothing new,
// with all that a process opens for it. The promise is 50 ms of CPU.
func BenchmarkIdle(b *testing.B) {
	const windows = 3000
	s := newStore(b, "sqlite")
	table, err := s.newTable(windows)
	if err != nil {
		b.Fatal(err)
	}
	o := order{Driver: s.driver, Store: s.address, Table: table, Out: filepath.Join(scratch(b), "out"), WindowEvents: 1, Unchecked: true}
	if err := o.run(); err != nil {
		b.Fatal(err)
	}
	before := cpu(b)
	b.ResetTimer()
	for b.Loop() {
		if err := o.run(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
}

// cpu is the time that this process has spent computing.
func cpu(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
