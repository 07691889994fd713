package parquet

import (
	"context"
	"errors"
	"os"
	"time"

	"backstory/sinks"
)

// lockPatience is how long a lock is waited for: the process that holds it
// may be about to end.
const lockPatience = 3 * time.Second

// homeKey names a generation of a job.
type homeKey struct {
	job        string
	generation int
}

// home is a generation of a job that this sink works on: each has a lock of
// its own, so that one process may build a generation while another loads the
// live one.
type home struct {
	job  *job
	lock *os.File
}

// job opens a generation of a job to work on it. Its lock is taken and kept
// until the sink is closed, and what a crash left behind is finished or removed.
func (s *Sink) job(ctx context.Context, name string, generation int) (*job, error) {
	if err := checkName("job", name); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hold(ctx, name, generation)
}

// hold is job for one who has s.mu.
func (s *Sink) hold(ctx context.Context, name string, generation int) (*job, error) {
	key := homeKey{name, generation}
	if h := s.homes[key]; h != nil {
		return h.job, nil
	}
	lock, l, err := s.lock(ctx, name, generation)
	if err != nil {
		return nil, err
	}
	return s.work(key, lock, l)
}

// work opens a generation whose lock is held, and gives the lock up on error.
func (s *Sink) work(key homeKey, lock *os.File, l layout) (*job, error) {
	j := s.newJob(key.job, key.generation, l)
	s.homes[key] = &home{job: j, lock: lock}
	err := j.recover()
	if err == nil {
		err = j.refresh()
	}
	if err != nil {
		return nil, errors.Join(err, s.release(key))
	}
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
	if h := s.homes[homeKey{name, generation}]; h != nil {
		return h.job, nil
	}
	l, _, err := s.layout(name, generation)
	if err != nil {
		return nil, err
	}
	j := s.newJob(name, generation, l)
	return j, j.refresh()
}

// stayed tells whether a generation still is where it was looked for.
func (s *Sink) stayed(j *job) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.homes[homeKey{j.name, j.generation}]; h != nil {
		return h.job == j
	}
	now, _, err := s.layout(j.name, j.generation)
	return err == nil && now == j.layout
}

// lock takes a generation's lock, and waits for it a little. The generation
// may become the live one, or be it no longer, before the lock is there: then
// its lock is another. A swap of generations that a crash left half done is
// finished before.
func (s *Sink) lock(ctx context.Context, name string, generation int) (*os.File, layout, error) {
	var none layout
	for deadline := time.Now().Add(lockPatience); ; {
		l, in, err := s.layout(name, generation)
		if err != nil {
			return nil, none, err
		}
		if in != nil && generation != in.To {
			if err := s.finish(ctx, name, in.To); err != nil {
				return nil, none, err
			}
			continue
		}
		if err := makeDir(l.control); err != nil {
			return nil, none, explain(err, "open job %s", name)
		}
		lock, err := lockFile(l.lock())
		if err == nil {
			if now, in, err := s.layout(name, generation); err == nil && now.control == l.control && (in == nil || generation == in.To) && isAt(lock, l.lock()) {
				return lock, layoutOf(s.path, name, generation, now.live), nil
			}
			if err := lock.Close(); err != nil {
				return nil, none, explain(err, "lock job %s", name)
			}
			err = sinks.ErrHeld // by somebody who has put another in its place
		}
		if !errors.Is(err, sinks.ErrHeld) {
			return nil, none, explain(err, "lock job %s", name)
		}
		if time.Now().After(deadline) {
			return nil, none, refuse("wait until it has finished or stop it; fuser "+l.lock()+" shows it", "lock job %s: %w", name, err)
		}
		select {
		case <-ctx.Done():
			return nil, none, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// isAt tells whether an open file still has that name.
func isAt(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(path)
	return err == nil && os.SameFile(a, b)
}

// release gives a generation's lock up, and with it what was known.
func (s *Sink) release(key homeKey) error {
	h := s.homes[key]
	if h == nil {
		return nil
	}
	delete(s.homes, key)
	return h.lock.Close()
}
