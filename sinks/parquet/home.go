package parquet

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"backstory/sinks"
)

// lockPatience is how long a job's lock is waited for: the process that
// holds it may be about to end.
const lockPatience = 3 * time.Second

// home is a job's folder below _backstory, with its lock.
type home struct {
	name, dir string
	lock      *os.File
	jobs      map[int]*job // by generation, while the lock is held
}

// job opens a job's generation to work on it. The job's lock is taken and
// kept until the sink is closed, and what a crash left behind is finished or
// removed.
func (s *Sink) job(ctx context.Context, name string, generation int) (*job, error) {
	if err := checkName("job", name); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.homes[name]
	if h == nil {
		h = s.home(name)
		s.homes[name] = h
	}
	if h.lock == nil {
		if err := h.take(ctx); err != nil {
			return nil, err
		}
	}
	if j := h.jobs[generation]; j != nil {
		return j, nil
	}
	j, err := s.openJob(h, generation)
	if err != nil {
		if len(h.jobs) == 0 {
			h.release()
		}
		return nil, err
	}
	h.jobs[generation] = j
	return j, nil
}

// look opens a job's generation to read it: the one that this sink works on,
// or else what lies there, of which nothing is touched.
func (s *Sink) look(name string, generation int) (*job, error) {
	if err := checkName("job", name); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.homes[name]; h != nil && h.jobs[generation] != nil {
		return h.jobs[generation], nil
	}
	return s.openJob(s.home(name), generation)
}

func (s *Sink) home(name string) *home {
	return &home{name: name, dir: filepath.Join(s.path, ownDir, name), jobs: make(map[int]*job)}
}

// take takes the lock, and waits for it a little.
func (h *home) take(ctx context.Context) error {
	if err := makeDir(h.dir); err != nil {
		return explain(err, "open job %s", h.name)
	}
	deadline := time.Now().Add(lockPatience)
	for {
		lock, err := lockFile(filepath.Join(h.dir, "lock"))
		if err == nil {
			h.lock = lock
			return nil
		}
		if !errors.Is(err, sinks.ErrHeld) {
			return explain(err, "lock job %s", h.name)
		}
		if time.Now().After(deadline) {
			return refuse("wait until it has finished or stop it; fuser "+filepath.Join(h.dir, "lock")+" shows it", "lock job %s: %w", h.name, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// release gives the lock up, and with it what was known.
func (h *home) release() error {
	clear(h.jobs)
	if h.lock == nil {
		return nil
	}
	err := h.lock.Close()
	h.lock = nil
	return err
}
