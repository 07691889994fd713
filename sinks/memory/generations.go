package memory

import (
	"context"
	"fmt"

	"backstory/sinks"
)

// Live gives the generation that readers see.
func (s *Sink) Live(ctx context.Context, job string) (int, error) {
	return s.store.Live(job), ctx.Err()
}

// Live gives the generation of a job that readers see, 0 where there is none.
func (s *Store) Live(job string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live[job]
}

// Swap makes a generation the live one, and drops all but it and the one before.
func (s *Sink) Swap(ctx context.Context, job string, generation int) error {
	s.step("swap")
	if err := s.swap(job, generation); err != nil {
		return fmt.Errorf("swap in generation %d of job %s: %w", generation, job, err)
	}
	s.step("swapped")
	return ctx.Err()
}

func (s *Sink) swap(job string, generation int) error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	live := s.store.live[job]
	switch {
	case live == generation:
		return nil
	case s.store.jobs[key{job, generation}].empty():
		return fmt.Errorf("it is not there: %w", sinks.ErrDisagree)
	}
	for l := range s.underway {
		if l.Job == job {
			return fmt.Errorf("load %s of generation %d is under way", l.Window, l.Generation)
		}
	}
	s.store.live[job] = generation
	for k := range s.store.jobs {
		if k.job == job && k.generation != live && k.generation != generation {
			delete(s.store.jobs, k)
		}
	}
	return nil
}

// Drop removes a generation that is not live.
func (s *Sink) Drop(ctx context.Context, job string, generation int) error {
	s.step("drop")
	if err := s.drop(job, generation); err != nil {
		return fmt.Errorf("drop generation %d of job %s: %w", generation, job, err)
	}
	s.step("dropped")
	return ctx.Err()
}

func (s *Sink) drop(job string, generation int) error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if s.store.live[job] == generation {
		return fmt.Errorf("it is the one that readers see")
	}
	delete(s.store.jobs, key{job, generation})
	return nil
}

// Replace starts a load in place of the one that is committed for its window.
func (s *Sink) Replace(ctx context.Context, l sinks.Load) (sinks.Txn, error) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if err := s.mayLoad(l); err != nil {
		return nil, fmt.Errorf("replace load %s of job %s: %w", l.Window, l.Job, err)
	}
	if len(s.underway) > 0 {
		return nil, fmt.Errorf("replace load %s of job %s: %d loads are under way", l.Window, l.Job, len(s.underway))
	}
	if s.store.held(key{l.Job, l.Generation}).find(l) < 0 {
		return nil, fmt.Errorf("replace load %s of job %s: no such load is committed: %w", l.Window, l.Job, sinks.ErrDisagree)
	}
	t := s.begin(l)
	t.again = true
	return t, nil
}

// mayLoad refuses loads of a generation that was replaced.
func (s *Sink) mayLoad(l sinks.Load) error {
	if live := s.store.live[l.Job]; l.Generation < live {
		return fmt.Errorf("generation %d was replaced by generation %d", l.Generation, live)
	}
	return nil
}
