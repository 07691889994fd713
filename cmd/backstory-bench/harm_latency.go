package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// latencies are how long transactions took, from when they were due.
type latencies []time.Duration

// take adds what stands in pgbench's logs, and removes them: a line is client,
// number, microseconds and more
// (https://www.postgresql.org/docs/current/pgbench.html, Per-Transaction Logging).
func (l *latencies) take(pattern string) error {
	files, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return errors.New("read pgbench's log: there is none")
	}
	for _, file := range files {
		if err := errors.Join(l.read(file), os.Remove(file)); err != nil {
			return fmt.Errorf("read pgbench's log: %w", err)
		}
	}
	slices.Sort(*l)
	return nil
}

func (l *latencies) read(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 6 {
			return fmt.Errorf("line %q: want at least six fields", lines.Text())
		}
		micros, err := strconv.ParseInt(fields[2], 10, 64)
		if err != nil {
			return fmt.Errorf("line %q: %w", lines.Text(), err)
		}
		*l = append(*l, time.Duration(micros)*time.Microsecond)
	}
	return lines.Err()
}

// at gives the latency below which that share of the transactions are.
func (l latencies) at(share float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	return l[min(int(share*float64(len(l))), len(l)-1)]
}
