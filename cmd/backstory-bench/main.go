// Command backstory-bench measures Backstory on stores of generated events:
// events per second, peak memory, and wall time as a multiple of that of a
// bare COPY of the same rows, all in one run on one machine.
//
//	backstory-bench -events 2000000
//	backstory-bench postgres -- COMMAND ...
//	backstory-bench bigquery [-skim] -- COMMAND ...
//	backstory-bench soak -time 10m
//	backstory-bench harm
//
// The second form runs a command beside a throwaway PostgreSQL, whose URL is
// in the environment variable TEST_POSTGRES_URL; the third beside an empty
// BigQuery in memory, to which BIGQUERY_EMULATOR_HOST leads. The fourth breaks
// everything around Backstory while it works, and looks whether all events are
// there once in the end. The fifth measures what a backfill does to others who use
// the same server.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// options say what to measure.
type options struct {
	events  int
	runs    int
	dir     string // keeps generated stores
	stores  string
	binary  string
	window  int
	workers int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "backstory-bench:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "postgres":
			return besidePostgres(ctx, args[1:])
		case "bigquery":
			return besideBigQuery(ctx, args[1:])
		case "soak":
			return runSoak(ctx, args[1:])
		case "harm":
			return runHarm(ctx, args[1:])
		}
	}
	var o options
	flags := flag.NewFlagSet("backstory-bench", flag.ContinueOnError)
	flags.IntVar(&o.events, "events", 2_000_000, "how many events a store holds")
	flags.IntVar(&o.runs, "runs", 3, "how often each thing is measured; the median counts")
	flags.StringVar(&o.dir, "dir", ".bench", "the folder that keeps generated stores")
	flags.StringVar(&o.stores, "stores", "postgres,sqlite", "which stores to measure")
	flags.StringVar(&o.binary, "binary", "", "the backstory to measure; without it, this tree's is built")
	flags.IntVar(&o.window, "window", 0, "load.window of the configuration; 0 leaves it out")
	flags.IntVar(&o.workers, "workers", 0, "load.workers of the configuration; 0 leaves it out")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if o.events < 1 || o.runs < 1 || flags.NArg() > 0 {
		return errors.New("read arguments: want at least one event and one run, and no further words")
	}
	return measureAll(ctx, o)
}

// measureAll measures every store and prints the table and the verdicts.
func measureAll(ctx context.Context, o options) (err error) {
	work, err := os.MkdirTemp("", "backstory-bench")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if o.binary == "" {
		if o.binary, err = build(ctx, work); err != nil {
			return err
		}
	}
	pg, err := openPostgres(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pg.Close()) }()
	// The bare copy is the measure for every store, as all hold the same rows.
	b := &bench{options: o, work: work, postgres: pg}
	stores, err := b.stores(ctx)
	if err != nil {
		return err
	}
	for _, s := range stores {
		if err := b.measure(ctx, s); err != nil {
			return fmt.Errorf("measure %s: %w", s.name, err)
		}
	}
	return b.report(os.Stdout)
}

// stores gives the stores to measure, generated where they are not there yet.
func (b *bench) stores(ctx context.Context) ([]store, error) {
	var stores []store
	for name := range strings.SplitSeq(b.options.stores, ",") {
		switch name {
		case "postgres":
			stores = append(stores, store{name, "driver: postgres, url: '" + b.postgres.events + "', table: bench_events"})
		case "sqlite":
			path, err := sqliteStore(ctx, b.options)
			if err != nil {
				return nil, err
			}
			stores = append(stores, store{name, "driver: sqlite, path: '" + path + "'"})
		default:
			return nil, fmt.Errorf("read arguments: there is no store %q; there are postgres and sqlite", name)
		}
	}
	return stores, nil
}
