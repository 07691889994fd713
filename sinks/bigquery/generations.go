package bigquery

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"backstory/transform"
)

// Live gives the generation that readers see.
func (s *Sink) Live(ctx context.Context, job string) (int, error) {
	past, err := s.history(ctx, job)
	if err != nil {
		return 0, err
	}
	return past.live, nil
}

// Swap makes a generation the live one: its decision is one row, and then each
// table is brought in by one copy job, which costs nothing and shows readers
// the old rows or the new ones.
func (s *Sink) Swap(ctx context.Context, job string, n int) error {
	if err := s.swap(ctx, job, n); err != nil {
		return explain(err, "swap in generation %d of job %s", n, job)
	}
	s.step("swapped")
	return nil
}

func (s *Sink) swap(ctx context.Context, job string, n int) error {
	past, err := s.settled(ctx, job)
	if err != nil || past.live == n {
		return err
	}
	if !past.there(n) {
		return fault("load it with backstory rebuild", "it is not there")
	}
	for _, g := range []int{past.live, n} {
		h := s.homeOf(job, g)
		h.mu.Lock()
		err := h.idle()
		h.mu.Unlock()
		if err != nil {
			return err
		}
	}
	// What is copied is what the manifests say, and nothing that is half loaded.
	if err := s.complete(ctx, job, n, past); err != nil {
		return err
	}
	if err := s.mayShow(ctx, job, n, past); err != nil {
		return err
	}
	for _, g := range slices.Sorted(maps.Keys(past.generations)) {
		if g != past.live && g != n && past.there(g) {
			if err := s.dropGeneration(ctx, job, g, past); err != nil {
				return err
			}
		}
	}
	defer s.forget(job)
	if err := s.record(ctx, job, n, past.swaps+1, kindSwap, strconv.Itoa(past.live)); err != nil {
		return err
	}
	past.before, past.live, past.swaps, past.kept, past.swapped = past.live, n, past.swaps+1, false, false
	return s.finishSwap(ctx, job, past)
}

// complete makes sure that a generation's tables hold what its manifests say.
func (s *Sink) complete(ctx context.Context, job string, n int, past *history) error {
	loads, err := s.manifests(ctx, job, n, past.at(n).build)
	if err != nil {
		return err
	}
	rows := make(map[string]uint64)
	for _, m := range loads {
		for _, lt := range m.Tables {
			rows[lt.Name] += uint64(lt.Rows)
		}
	}
	for _, t := range past.at(n).tables {
		name := nameIn(t.Name, n, past.live)
		md, err := s.counted(ctx, name, int64(rows[t.Name]))
		if err != nil && !isMissing(err) {
			return err
		}
		var got uint64
		if err == nil {
			got = md.NumRows
			if expires(md) {
				continue
			}
		}
		if err != nil || got != rows[t.Name] {
			return fault("finish loading the generation with backstory rebuild", "table %s has %d rows, and %d were loaded", s.fullName(name), got, rows[t.Name])
		}
	}
	return nil
}

// mayShow refuses, while nothing is decided, to put tables of a generation where
// something stands that is not the job's.
func (s *Sink) mayShow(ctx context.Context, job string, n int, past *history) error {
	h := &home{sink: s, name: job, generation: n}
	for _, t := range past.at(n).tables {
		md, err := s.metadata(ctx, t.Name)
		if isMissing(err) {
			continue
		}
		if err != nil {
			return explain(err, "look at table %s", s.fullName(t.Name))
		}
		if err := s.mayUse(s.want(h, t, t.Name), md); err != nil {
			return err
		}
	}
	return nil
}

// settled reads what became of a job's generations, and finishes the swap that
// was left half done.
func (s *Sink) settled(ctx context.Context, job string) (*history, error) {
	past, err := s.history(ctx, job)
	if err != nil || past.swapped {
		return past, err
	}
	if err := s.finishSwap(ctx, job, past); err != nil {
		return nil, explain(err, "finish swapping in generation %d of job %s", past.live, job)
	}
	return past, nil
}

// finishSwap does what follows from the decision of a swap. All of it may be
// done again: its jobs are known by the number of the swap.
func (s *Sink) finishSwap(ctx context.Context, job string, past *history) error {
	from, to := past.at(past.before).tables, past.at(past.live).tables
	if !past.kept {
		for _, t := range from {
			if _, err := s.metadata(ctx, t.Name); isMissing(err) {
				continue // somebody has deleted it, and a rebuild is what mends that
			}
			if err := s.copyTable(ctx, job, past, "keep", past.before, t, t.Name, shadow(t.Name, past.before)); err != nil {
				return err
			}
		}
		if err := s.record(ctx, job, past.live, past.swaps, kindKept, ""); err != nil {
			return err
		}
		past.kept = true
	}
	for _, t := range to {
		if err := s.copyTable(ctx, job, past, "show", past.live, t, shadow(t.Name, past.live), t.Name); err != nil {
			return err
		}
	}
	for _, t := range from {
		if !slices.ContainsFunc(to, func(o *transform.Table) bool { return o.Name == t.Name }) {
			s.step("take away %s", t.Name)
			if err := s.drop(ctx, t.Name); err != nil {
				return err
			}
		}
	}
	for _, t := range to {
		s.step("drop %s", shadow(t.Name, past.live))
		if err := s.drop(ctx, shadow(t.Name, past.live)); err != nil {
			return err
		}
	}
	if err := s.record(ctx, job, past.live, past.swaps, kindSwapped, ""); err != nil {
		return err
	}
	past.swapped = true
	return nil
}

// Drop removes the tables of a generation that is not live.
func (s *Sink) Drop(ctx context.Context, job string, n int) error {
	past, err := s.settled(ctx, job)
	switch {
	case err == nil && past.live == n:
		err = refuse("swap in another generation first", "it is the one that readers see")
	case err == nil && past.generations[n] != nil:
		err = s.dropGeneration(ctx, job, n, past)
		s.forget(job)
	}
	if err != nil {
		return explain(err, "drop generation %d of job %s", n, job)
	}
	s.step("dropped")
	return nil
}

// dropGeneration removes all tables that a generation ever had. Its manifests
// stay, and count no more: they are of an earlier build.
func (s *Sink) dropGeneration(ctx context.Context, job string, n int, past *history) error {
	g := past.at(n)
	for _, name := range slices.Sorted(maps.Keys(g.names)) {
		s.step("drop %s", shadow(name, n))
		if err := s.drop(ctx, shadow(name, n)); err != nil {
			return err
		}
	}
	if len(g.tables) == 0 {
		return nil
	}
	if err := s.record(ctx, job, n, g.number+1, kindDropped, ""); err != nil {
		return err
	}
	g.tables, g.number, g.build = nil, g.number+1, g.build+1
	return nil
}
