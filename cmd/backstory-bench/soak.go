package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"backstory/source/postgres/pgtest"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// soak runs Backstory beside writers while everything around it breaks, and
// looks in the end whether each event is in the tables exactly once.
type soak struct {
	seed   uint64
	time   time.Duration
	ledger string // sqlite or postgres
	dir    string // of all that is made; kept when something is wrong

	server   *pgtest.Server
	store    string // URL of its database
	disk     *disk  // where the tables lie
	config   string
	programs programs
	log      *journal
	survived *tally
	started  time.Time
}

// runSoak is the command soak.
func runSoak(ctx context.Context, args []string) error {
	s := &soak{survived: newTally()}
	flags := flag.NewFlagSet("backstory-bench soak", flag.ContinueOnError)
	flags.DurationVar(&s.time, "time", 10*time.Minute, "how long things break")
	flags.Uint64Var(&s.seed, "seed", 0, "what happens; 0 takes another each time")
	flags.StringVar(&s.ledger, "ledger", "sqlite", "where the ledger lies: sqlite, or postgres, on the server that breaks")
	flags.StringVar(&s.programs.plain, "binary", "", "the backstory to try; without it, this tree's is built")
	flags.StringVar(&s.programs.clock, "clock", "", "one with a clock that can be set back; without it, it is built")
	flags.StringVar(&s.dir, "dir", "", "the folder for all that is made; it must not exist")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if flags.NArg() > 0 || s.ledger != "sqlite" && s.ledger != "postgres" {
		return errors.New("read arguments: want sqlite or postgres for -ledger, and no further words")
	}
	if s.seed == 0 {
		s.seed = rand.Uint64N(1_000_000)
	}
	if err := s.make(); err != nil {
		return err
	}
	fmt.Printf("soak: seed %d, %v, ledger in %s, evidence in %s\n", s.seed, s.time, s.ledger, s.dir)
	err := s.run(ctx)
	if err != nil {
		s.log.say("FAILED: %v", err)
		fmt.Fprintf(os.Stderr, "soak: seed %d; what is left of it lies in %s\n", s.seed, s.dir)
		return errors.Join(err, s.log.Close())
	}
	return errors.Join(s.log.Close(), os.RemoveAll(s.dir))
}

// make makes the folder and the journal.
func (s *soak) make() (err error) {
	if s.dir == "" {
		s.dir, err = os.MkdirTemp("", "backstory-soak")
	} else {
		err = os.Mkdir(s.dir, 0o755)
	}
	if err != nil {
		return err
	}
	s.log, err = newJournal(filepath.Join(s.dir, "soak.log"))
	return err
}

func (s *soak) run(ctx context.Context) (err error) {
	if err := s.programs.build(ctx, s.dir); err != nil {
		return err
	}
	// What is committed must outlive a crash of the server, as it does where
	// people depend on it. The machine itself does not crash here.
	s.server, err = pgtest.Launch("", "synchronous_commit=on", "max_prepared_transactions=50", "log_min_messages=fatal")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.server.Close()) }()
	if s.disk, err = newDisk(filepath.Join(s.dir, "disk")); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.disk.close(err != nil)) }()
	if err := s.prepare(ctx); err != nil {
		return err
	}
	if err := s.breakThings(ctx); err != nil {
		return err
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	events, err := s.compare(ctx)
	if err != nil {
		return err
	}
	s.survived.report(os.Stdout, events, time.Since(s.started))
	return nil
}

// prepare makes the store and the configuration.
func (s *soak) prepare(ctx context.Context) error {
	admin, err := pgx.Connect(ctx, s.server.URL)
	if err != nil {
		return err
	}
	defer admin.Close(context.WithoutCancel(ctx))
	for _, sql := range []string{"CREATE DATABASE soak", "CREATE DATABASE ledger"} {
		if _, err := admin.Exec(ctx, sql); err != nil {
			return err
		}
	}
	s.store = databaseURL(s.server.URL, "soak")
	if err := makeTable(ctx, s.store); err != nil {
		return err
	}
	text := fmt.Sprintf(`source:
  driver: postgres
  url: '%s'
  table: soak_events
  fence: {wait: 2s}
  limits: {connections: 4}
sink: {driver: parquet, path: '%s'}
load: {window: 400, workers: 2}
quarantine: {threshold: 1000000}
jobs: [{name: soak, schedule: "@every 1s"}]
`, s.store, filepath.Join(s.disk.path, "out"))
	if s.ledger == "postgres" {
		text += "state: '" + databaseURL(s.server.URL, "ledger") + "'\n"
	}
	s.config = filepath.Join(s.dir, "backstory.yaml")
	return os.WriteFile(s.config, []byte(text), 0o600)
}

// random gives an actor its own choices. What is chosen depends on the seed
// alone, when it happens on the machine too.
func (s *soak) random(actor uint64) *rand.Rand { return rand.New(rand.NewPCG(s.seed, actor)) }

const (
	soakWriters = 6
	soakRunners = 2
)

// breakThings lets writers write, jobs run and things break until the time is
// over.
func (s *soak) breakThings(ctx context.Context) error {
	s.started = time.Now()
	until, cancel := context.WithTimeout(ctx, s.time)
	defer cancel()
	actors, until := errgroup.WithContext(until)
	for i := range soakWriters {
		actors.Go(func() error { return s.write(until, i) })
	}
	for i := range soakRunners {
		actors.Go(func() error { return s.keepRunning(until, i) })
	}
	actors.Go(func() error { return s.breakOne(until) })
	actors.Go(func() error { return s.resolvePrepared(until) })
	if err := actors.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// sleep waits, and tells whether there is more to do afterwards.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// between draws a time.
func between(r *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(r.Int64N(int64(most-least)))
}

// oneIn draws whether something happens that happens once in n times.
func oneIn(r *rand.Rand, n int) bool { return r.IntN(n) == 0 }
