package parquet

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Drop removes a generation that is not live.
func (s *Sink) Drop(ctx context.Context, name string, generation int) error {
	if err := checkName("job", name); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.drop(ctx, name, generation)
	if err == nil {
		s.step("dropped")
	}
	return explain(err, "drop generation %d of job %s", generation, name)
}

func (s *Sink) drop(ctx context.Context, name string, generation int) (err error) {
	live, err := s.settled(ctx, name)
	if err != nil {
		return err
	}
	if generation == live {
		return refuse("swap in another generation first", "it is the one that readers see")
	}
	l := layoutOf(s.path, name, generation, live)
	if there, err := exists(l.control); err != nil {
		return err
	} else if there {
		release, err := s.claimBeside(ctx, name, generation)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, release()) }()
	}
	return s.discard(layoutOf(s.path, name, live, live).control, generation)
}

// dropOthers removes all generations but two.
func (s *Sink) dropOthers(ctx context.Context, from, to *job) error {
	names, err := list(from.layout.control)
	if err != nil {
		return err
	}
	var others []int
	for _, name := range names {
		_, number, _ := strings.Cut(name, "-")
		n, err := strconv.Atoi(number)
		if err != nil || name != besideName(n) || n == to.generation {
			continue
		}
		if others = append(others, n); n == from.generation {
			continue // made by mistake, and in the way
		}
		release, err := s.claimBeside(ctx, from.name, n)
		if err != nil {
			return err
		}
		defer release()
	}
	for _, n := range others {
		if err := s.discard(from.layout.control, n); err != nil {
			return err
		}
	}
	return nil
}

// claimBeside makes sure that nobody works on a generation that is about to
// be removed, until release is called.
func (s *Sink) claimBeside(ctx context.Context, name string, generation int) (release func() error, err error) {
	key := homeKey{name, generation}
	if h := s.homes[key]; h != nil {
		h.job.mu.Lock()
		defer h.job.mu.Unlock()
		if err := h.job.idle(); err != nil {
			return nil, err
		}
		h.job.over = true
		return func() error { return s.release(key) }, nil
	}
	lock, _, err := s.lock(ctx, name, generation)
	if err != nil {
		return nil, err
	}
	return lock.Close, nil
}

// discard removes the folder of a generation. It gets another name first, so
// that a crash leaves nothing that could be taken for a generation.
func (s *Sink) discard(control string, generation int) error {
	dir, aside := filepath.Join(control, besideName(generation)), filepath.Join(control, asidePrefix+strconv.Itoa(generation))
	if err := os.RemoveAll(aside); err != nil {
		return err
	}
	if there, err := exists(dir); err != nil || !there {
		return err
	}
	s.step("drop generation %d", generation)
	if err := os.Rename(dir, aside); err != nil {
		return err
	}
	if err := syncDir(control); err != nil {
		return err
	}
	s.step("remove generation %d", generation)
	return os.RemoveAll(aside)
}

// removeAside removes what a crash left of generations that were dropped.
func removeAside(control string) error {
	names, err := list(control)
	for _, name := range names {
		if strings.HasPrefix(name, asidePrefix) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(control, name)))
		}
	}
	return err
}
