package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestLatencies(t *testing.T) {
	dir := t.TempDir()
	log := "0 1 3000 0 1700000000 5 10\n0 2 1000 0 1700000000 6 10\n1 1 2000 0 1700000000 7 10\n1 2 400000 0 1700000000 8 10\n"
	if err := os.WriteFile(filepath.Join(dir, "pgbench.1"), []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	var l latencies
	if err := l.take(filepath.Join(dir, "pgbench.*")); err != nil {
		t.Fatal(err)
	}
	for share, want := range map[float64]time.Duration{0: time.Millisecond, 0.5: 3 * time.Millisecond, 0.99: 400 * time.Millisecond, 1: 400 * time.Millisecond} {
		if got := l.at(share); got != want {
			t.Errorf("at %v: %v, want %v", share, got, want)
		}
	}
	if err := l.take(filepath.Join(dir, "pgbench.*")); err == nil {
		t.Error("a log that is not there has no error")
	}
}
