package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"text/tabwriter"
	"time"
)

// tally counts what has happened.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
}

func newTally() *tally { return &tally{counts: make(map[string]int)} }

func (t *tally) count(what string) { t.add(what, 1) }

func (t *tally) add(what string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts[what] += n
}

// report says what was survived.
func (t *tally) report(w io.Writer, c comparison, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(w, "\nin %v there were\n", took.Round(time.Second))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, what := range slices.Sorted(maps.Keys(t.counts)) {
		fmt.Fprintf(table, "%d\t %s\n", t.counts[what], what)
	}
	table.Flush()
	fmt.Fprintf(w, "\nPASS  each of %d events is in the tables exactly once, as it was written: %d rows in %d files, %d of them in quarantine\n",
		c.events, c.events, c.files, c.quarantined)
}

// journal is the log of a soak, in a file.
type journal struct {
	mu    sync.Mutex
	file  *os.File
	began time.Time
}

func newJournal(path string) (*journal, error) {
	f, err := os.Create(path)
	return &journal{file: f, began: time.Now()}, err
}

// say writes a line.
func (j *journal) say(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	fmt.Fprintf(j.file, "%9.3f  %s\n", time.Since(j.began).Seconds(), fmt.Sprintf(format, args...))
}

func (j *journal) Close() error { return errors.Join(j.file.Sync(), j.file.Close()) }
