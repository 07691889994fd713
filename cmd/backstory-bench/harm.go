package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"
)

// harm measures what a backfill does to those who live by the same server:
// pgbench's transactions at a steady rate, alone and beside a backfill of
// another table, by turns.
type harm struct {
	options options
	rounds  int
	round   time.Duration
	rate    int // transactions a second
	limit   int // events a second
	work    string
	server  *postgres
}

// A harmMode is something that is done beside pgbench.
type harmMode struct {
	name   string
	config string   // "" for nothing
	before []string // what starts the program

	latencies latencies
	events    int64
	took      time.Duration
	longest   time.Duration // statement of Backstory's
}

// runHarm is the command harm.
func runHarm(ctx context.Context, args []string) error {
	var h harm
	flags := flag.NewFlagSet("backstory-bench harm", flag.ContinueOnError)
	flags.IntVar(&h.options.events, "events", 2_000_000, "how many events the store holds")
	flags.StringVar(&h.options.dir, "dir", ".bench", "the folder that keeps generated stores")
	flags.StringVar(&h.options.binary, "binary", "", "the backstory to measure; without it, this tree's is built")
	flags.IntVar(&h.rounds, "rounds", 5, "how often each thing is measured, by turns")
	flags.DurationVar(&h.round, "round", 20*time.Second, "how long each time")
	flags.IntVar(&h.rate, "rate", 300, "pgbench's transactions a second")
	flags.IntVar(&h.limit, "limit", 20_000, "events a second, where they are limited")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if h.rounds < 1 || h.round < time.Second || h.rate < 1 || h.limit < 1 || flags.NArg() > 0 {
		return errors.New("read arguments: want at least one round of a second, and no further words")
	}
	return h.measure(ctx)
}

func (h *harm) measure(ctx context.Context) (err error) {
	if h.work, err = os.MkdirTemp("", "backstory-harm"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(h.work)) }()
	if h.options.binary == "" {
		if h.options.binary, err = build(ctx, h.work); err != nil {
			return err
		}
	}
	if h.server, err = openPostgres(ctx, h.options); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.server.Close()) }()
	if err := h.makeAccounts(ctx); err != nil {
		return err
	}
	modes, err := h.modes()
	if err != nil {
		return err
	}
	for n := range h.rounds {
		for i := range modes {
			// Each begins a round in turn, so that none always comes after the same.
			m := &modes[(i+n)%len(modes)]
			fmt.Fprintf(os.Stderr, "round %d: %s\n", n+1, m.name)
			if err := h.once(ctx, m); err != nil {
				return fmt.Errorf("measure %s: %w", m.name, err)
			}
		}
	}
	return h.report(os.Stdout, modes)
}

// makeAccounts makes pgbench's tables, in a database of their own.
func (h *harm) makeAccounts(ctx context.Context) error {
	c, err := pgx.Connect(ctx, h.server.URL)
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	for _, sql := range []string{"DROP DATABASE IF EXISTS accounts", "CREATE DATABASE accounts"} {
		if _, err := c.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return h.pgbench(ctx, "--initialize", "--scale=10", "--quiet")
}

func (h *harm) pgbench(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, h.server.Program("pgbench"), append(args, databaseURL(h.server.URL, "accounts"))...)
	cmd.Dir = h.work
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("run pgbench: %w\n%s", err, out)
	}
	return nil
}

func (h *harm) modes() ([]harmMode, error) {
	config := func(name, manners string) (string, error) {
		path := filepath.Join(h.work, name+".yaml")
		text := fmt.Sprintf("source: {driver: postgres, url: '%s', table: bench_events%s}\nsink: {driver: parquet, path: '%s'}\nload: {window: 50000}\njobs: [{name: harm}]\n",
			h.server.events, manners, filepath.Join(h.work, "out"))
		return path, os.WriteFile(path, []byte(text), 0o600)
	}
	free, err1 := config("free", "")
	single, err2 := config("single", ", limits: {connections: 1}")
	slow, err3 := config("slow", fmt.Sprintf(", limits: {connections: 1, rows_per_second: %d}", h.limit))
	return []harmMode{
		{name: "alone"},
		{name: "beside a backfill", config: free},
		{name: "beside a backfill over one connection", config: single},
		{name: "beside a backfill that gives way (nice 19)", config: free, before: []string{"nice", "-n", "19"}},
		{name: fmt.Sprintf("beside a backfill of %d events/s", h.limit), config: slow},
	}, errors.Join(err1, err2, err3)
}

// once is one round of one mode.
func (h *harm) once(ctx context.Context, m *harmMode) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	beside := make(chan error, 1)
	if m.config != "" {
		go func() { beside <- h.backfill(ctx, m) }()
		// It is under way when the first transaction is measured.
		sleep(ctx, time.Second)
	}
	prefix := filepath.Join(h.work, "pgbench")
	err := h.pgbench(ctx, "--no-vacuum", "--client=8", fmt.Sprintf("--time=%d", int(h.round.Seconds())),
		fmt.Sprintf("--rate=%d", h.rate), "--log", "--log-prefix="+prefix)
	cancel()
	if m.config != "" {
		err = errors.Join(err, <-beside)
	}
	if err != nil {
		return err
	}
	return m.latencies.take(prefix + ".*")
}

// backfill loads the store again and again until ctx is over, and looks how
// long a statement of it takes.
func (h *harm) backfill(ctx context.Context, m *harmMode) error {
	c, err := pgx.Connect(ctx, h.server.URL)
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	for ctx.Err() == nil {
		if err := os.RemoveAll(filepath.Join(h.work, "out")); err != nil {
			return err
		}
		words := append(append([]string{}, m.before...), h.options.binary, "run", "--config", m.config, "--progress", "never", "--log-level", "error")
		cmd := exec.CommandContext(ctx, words[0], words[1:]...)
		started := time.Now()
		if err := cmd.Start(); err != nil {
			return err
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		for running := true; running; {
			select {
			case err = <-ended:
				running = false
			case <-time.After(10 * time.Millisecond):
				m.look(ctx, c)
			}
		}
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("run backstory: %w", err)
		}
		done := int64(h.options.events)
		if err != nil { // it was ended
			if done, _, _, err = rowsBelow(filepath.Join(h.work, "out")); err != nil {
				return err
			}
		}
		m.events, m.took = m.events+done, m.took+time.Since(started)
	}
	return nil
}

// look takes note of how long Backstory's oldest transaction is under way.
func (m *harmMode) look(ctx context.Context, c *pgx.Conn) {
	var micros int64
	err := c.QueryRow(ctx, `SELECT coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)) * 1e6, 0)::int8
		FROM pg_stat_activity WHERE application_name = 'backstory'`).Scan(&micros)
	if err == nil {
		m.longest = max(m.longest, time.Duration(micros)*time.Microsecond)
	}
}

func (h *harm) report(w io.Writer, modes []harmMode) error {
	fmt.Fprintf(w, "pgbench (TPC-B like, scale 10, 8 clients) at %d transactions/s, %d rounds of %v by turns; %s/%s, %d cores, %s\n\n",
		h.rate, h.rounds, h.round, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "pgbench\ttransactions\tp50 ms\tp95 ms\tp99 ms\tmax ms\tevents/s read\tlongest statement ms")
	for _, m := range modes {
		l := m.latencies
		fmt.Fprintf(t, "%s\t%d\t%.2f\t%.2f\t%.2f\t%.1f\t%.0f\t%.0f\n", m.name, len(l), milliseconds(l.at(0.50)), milliseconds(l.at(0.95)),
			milliseconds(l.at(0.99)), milliseconds(l.at(1)), float64(m.events)/max(m.took.Seconds(), 1e-9), milliseconds(m.longest))
	}
	return t.Flush()
}
