package parquet

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"backstory/sinks"
)

type purpose bool

const (
	forReading purpose = false
	forWriting purpose = true
)

// lockPatience is how long a job's lock is waited for: another process may
// be looking at the job for a moment.
const lockPatience = 3 * time.Second

// home is a job's folder below _backstory, with its lock.
type home struct {
	name, dir string
	lock      *os.File
	keep      bool // until the sink is closed
	readers   int
	jobs      map[int]*job // by generation, while the lock is held
}

// job opens a job's generation; done must be called when the operation is
// over. For writing the job's lock is taken and kept until the sink is
// closed. For reading it is taken if it is free, for as long as the reading
// lasts; if it is not, the job is read as the other process leaves it.
// Whoever takes the lock finishes or removes what a crash left behind.
func (s *Sink) job(ctx context.Context, name string, generation int, p purpose) (j *job, done func(), err error) {
	if err := checkName("job", name); err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.homes[name]
	if h == nil {
		h = &home{name: name, dir: filepath.Join(s.path, ownDir, name), jobs: make(map[int]*job)}
		s.homes[name] = h
	}
	if h.lock == nil {
		if err := h.take(ctx, p); err != nil {
			return nil, nil, err
		}
	}
	if j = h.jobs[generation]; j == nil {
		if j, err = s.openJob(h, generation); err != nil {
			if !h.keep && h.readers == 0 {
				h.release()
			}
			return nil, nil, err
		}
		if h.lock != nil {
			h.jobs[generation] = j
		}
	}
	if p == forWriting {
		h.keep = true
		return j, func() {}, nil
	}
	h.readers++
	return j, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if h.readers--; h.readers == 0 && !h.keep {
			h.release()
		}
	}, nil
}

// take takes the lock. For reading it is not an error if that is not possible.
func (h *home) take(ctx context.Context, p purpose) error {
	if p == forReading {
		if ok, err := exists(h.dir); !ok || err != nil {
			return explain(err, "open job %s", h.name)
		}
		lock, err := lockFile(filepath.Join(h.dir, "lock"))
		switch {
		case err == nil:
			h.lock = lock
		case errors.Is(err, sinks.ErrHeld), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		default:
			return explain(err, "lock job %s", h.name)
		}
		return nil
	}
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
	h.keep = false
	if h.lock == nil {
		return nil
	}
	err := h.lock.Close()
	h.lock = nil
	return err
}
