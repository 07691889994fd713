package parquet

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strconv"
)

// Live gives the generation that readers see. One whose swap is decided and
// not carried out to the end counts as live already.
func (s *Sink) Live(ctx context.Context, name string) (int, error) {
	if err := checkName("job", name); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	live, _, err := s.live(name)
	return live, errors.Join(err, ctx.Err())
}

// live also gives the intent of a swap of generations that is under way, or
// was when a process ended. A generation that this sink works on where there
// is none yet is about to be live.
func (s *Sink) live(name string) (int, *swapIntent, error) {
	l := layoutOf(s.path, name, 0, 0)
	for range 2 {
		in, err := readIntent(l.intent(), name)
		if err != nil {
			return 0, nil, err
		}
		if in != nil && in.To > 0 {
			return in.To, in, nil
		}
		c, err := readTablesFile(l.tablesFile, name)
		if err != nil {
			return 0, nil, err
		}
		if c != nil {
			return c.Generation, nil, nil
		}
		// It may be between two places: then there is an intent now.
	}
	for key, h := range s.homes {
		if key.job == name && h.job.layout.control == l.control {
			return key.generation, nil, nil
		}
	}
	return 0, nil, nil
}

// layout tells where a generation is, and what live does. One that was
// replaced and is not kept is an error.
func (s *Sink) layout(name string, generation int) (layout, *swapIntent, error) {
	const tries = 5
	for n := 1; ; n++ {
		live, in, err := s.live(name)
		if err != nil {
			return layout{}, nil, err
		}
		if live == 0 {
			live = generation
		}
		l := layoutOf(s.path, name, generation, live)
		if generation >= live || in != nil && generation == in.Generation {
			return l.follow(in, generation), in, nil
		}
		kept, err := exists(l.control)
		switch {
		case err != nil:
			return layout{}, nil, explain(err, "open job %s", name)
		case kept:
			return l, in, nil
		}
		// Unless another process has swapped generations since.
		if now, in, err := s.live(name); n == tries || err == nil && now == live && in == nil {
			return layout{}, nil, replaced("open", name, generation, live)
		}
	}
}

func replaced(what, name string, generation, live int) error {
	return refuse("run the job once, so that its ledger learns of the rebuild; if that fails too, restore the ledger that belongs to this folder",
		"%s job %s: generation %d was replaced by generation %d", what, name, generation, live)
}

// finish carries out a swap of generations to the end.
func (s *Sink) finish(ctx context.Context, name string, to int) error {
	if _, err := s.hold(ctx, name, to); err != nil {
		return err
	}
	return s.release(homeKey{name, to})
}

// settled gives the live generation once no swap of generations is half done.
func (s *Sink) settled(ctx context.Context, name string) (int, error) {
	live, in, err := s.live(name)
	if err == nil && in != nil {
		err = s.finish(ctx, name, in.To)
	}
	return live, err
}

// Swap makes a generation the live one: its tables' folders change places
// with those of the one before, all at one moment for readers, and then the
// folders of the manifests and the two tables.json. What is then beside is the
// one before, and is kept under its number.
func (s *Sink) Swap(ctx context.Context, name string, generation int) error {
	if err := checkName("job", name); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	live, err := s.settled(ctx, name)
	if err != nil || live == generation {
		return err
	}
	return explain(s.swap(ctx, name, live, generation), "swap in generation %d of job %s", generation, name)
}

func (s *Sink) swap(ctx context.Context, name string, live, generation int) error {
	beside := layoutOf(s.path, name, generation, live)
	if there, err := exists(beside.control); err != nil {
		return err
	} else if live == 0 || !there {
		return fault("build it first, with backstory rebuild", "generation %d is not there", generation)
	}
	from, err := s.hold(ctx, name, live)
	if err != nil {
		return err
	}
	to, err := s.hold(ctx, name, generation)
	if err != nil {
		return err
	}
	decided, err := s.exchangeAll(ctx, from, to)
	if err != nil && !decided {
		return err
	}
	// The lock at the live place stays with who is live.
	a, b := homeKey{name, live}, homeKey{name, generation}
	lock := s.homes[a].lock
	delete(s.homes, a)
	if err = errors.Join(err, s.release(b)); err != nil {
		return errors.Join(err, lock.Close())
	}
	if _, err := s.work(b, lock, layoutOf(s.path, name, generation, generation)); err != nil {
		return err
	}
	s.step("swapped")
	return nil
}

// exchangeAll decides to have two generations change places and carries it
// out. It tells whether it was decided: then neither job may be used again.
func (s *Sink) exchangeAll(ctx context.Context, from, to *job) (decided bool, err error) {
	for _, j := range []*job{from, to} {
		j.mu.Lock()
		defer j.mu.Unlock()
		if err := j.quiet(); err != nil {
			return false, err
		}
	}
	// Names of tables may have been taken since they were first written to.
	if err := from.mayYield(to); err != nil {
		return false, err
	}
	for _, j := range []*job{from, to} {
		if err := j.replaceTables(j.tables); err != nil {
			return false, err
		}
		for _, dir := range []string{j.layout.manifests, filepath.Join(to.layout.control, "tables")} {
			if err := makeDir(dir); err != nil {
				return false, err
			}
		}
	}
	sw, err := from.newSwap("swap in generation " + strconv.Itoa(to.generation))
	if err != nil {
		return false, err
	}
	sw.to = to.generation
	err = sw.generations(from, to)
	if err == nil {
		err = s.dropOthers(ctx, from, to) // not before all else is known to be well
	}
	if err != nil {
		return false, errors.Join(err, sw.drop())
	}
	err = sw.commit()
	from.over, to.over = sw.decided, sw.decided
	return sw.decided, err
}

// generations gathers what two generations have to exchange.
func (s *swap) generations(from, to *job) error {
	s.fresh = to.layout.tables
	s.dirs = append(s.dirs, to.layout.tables, to.layout.control)
	var names []string
	for _, t := range slices.Concat(to.tables.Tables, from.tables.Tables) {
		if slices.Contains(names, t.Name) {
			continue
		}
		names = append(names, t.Name)
		if err := s.change(t.Name); err != nil {
			return err
		}
	}
	return errors.Join(s.exchange(from.layout.manifests, to.layout.manifests), s.exchange(from.layout.tablesFile, to.layout.tablesFile))
}

// mayYield refuses a generation whose tables may not come where j's are.
func (j *job) mayYield(to *job) error {
	for _, t := range to.tables.Tables {
		if err := to.unclaimed(t.Name); err != nil {
			return err
		}
	}
	return nil
}
