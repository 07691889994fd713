package schedules

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"

	"golang.org/x/sync/errgroup"
)

// load loads the windows, several at a time, and evolves the tables as often
// as something new is met.
func (r *run) load(ctx context.Context, todo []Planned) error {
	for surprises := 0; len(todo) > 0; {
		left, found, err := r.round(ctx, todo)
		if err != nil {
			return err
		}
		if len(left) > 0 && r.job.stopped() {
			return errStopped
		}
		if todo = left; found == nil {
			continue
		}
		r.report.Again++
		if surprises++; surprises > 1 {
			// The sample was not good enough, twice: rather look at all the
			// rest once than begin window after window again.
			rest, err := r.job.look(ctx, windowsOf(todo), 0)
			if err != nil {
				return err
			}
			found.Merge(rest)
			surprises = 0
		}
		switch changed, err := r.evolve(ctx, found); {
		case err != nil:
			return err
		case !changed:
			return errNoProgress
		}
	}
	return nil
}

// errStopped ends what was not finished when the job was told to stop: what
// follows on a load must not follow on a part of it.
var errStopped = errors.New("told to stop before all windows were loaded")

var errNoProgress = errors.New("the same payloads are new again after their columns were added; this is a defect of Backstory")

// round loads windows until all are loaded or something new was met in one:
// then it lets those under way end and gives back what is left to load.
func (r *run) round(ctx context.Context, todo []Planned) (left []Planned, found *transform.Shapes, err error) {
	var mu sync.Mutex
	next := 0
	take := func() (Planned, bool) {
		mu.Lock()
		defer mu.Unlock()
		if found != nil || next == len(todo) || r.job.stopped() {
			return Planned{}, false
		}
		next++
		return todo[next-1], true
	}
	defer func() { err = r.endBundle(ctx, err) }()
	g, gctx := errgroup.WithContext(ctx)
	workers := min(r.job.workers(), len(todo))
	if r.replace {
		workers = 1 // so the contract of sinks.Replacer
	}
	for range workers {
		g.Go(func() (err error) {
			defer caught(&err)
			for {
				w, ok := take()
				if !ok {
					return nil
				}
				loaded, err := r.window(gctx, w.Window)
				var news *transform.NewShapesError
				mu.Lock()
				switch {
				case errors.As(err, &news):
					r.job.watch(Step{Name: StepAgain, Window: w.Window})
					left = append(left, w)
					if found == nil {
						found = news.Shapes
					} else {
						found.Merge(news.Shapes)
					}
					err = nil
				case err == nil && r.bundle == nil:
					r.count(loaded)
				}
				mu.Unlock()
				if err != nil {
					return err
				}
				if r.bundle.full() {
					if err := r.commitBundle(gctx); err != nil {
						return err
					}
				}
			}
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	if err := r.commitBundle(ctx); err != nil {
		return nil, nil, err
	}
	return append(left, todo[next:]...), found, nil
}

func (r *run) count(l Loaded) {
	r.report.Windows++
	r.report.Events += l.Events
	r.report.Rows += l.Rows
	r.report.Bytes += l.Bytes
	r.report.Stored += l.Stored
	r.report.Extra += l.Extra
	r.report.Quarantined += l.Quarantined
	r.report.Discarded += l.Discarded
	r.report.Newer += l.newer
	if first := r.report.FirstQuarantined; l.first != nil && (first == nil || l.first.Position.Compare(first.Position) < 0) {
		r.report.FirstQuarantined = l.first
	}
}

// window loads one window and marks it in the ledger, from its beginning
// again while the failures are such as may pass.
func (r *run) window(ctx context.Context, w source.Window) (loaded Loaded, err error) {
	err = r.job.again(ctx, Step{Name: StepBegin, Window: w}, func() error {
		loaded, err = r.once(ctx, w)
		return err
	})
	return loaded, err
}

// once loads one window: begin, read, commit, finish.
func (r *run) once(ctx context.Context, w source.Window) (Loaded, error) {
	j := r.job
	started := time.Now()
	j.watch(Step{Name: StepBegin, Window: w})
	load := sinks.Load{Job: j.Name, Generation: r.state.Generation, Window: w}
	txn, err := r.begun(ctx, load)
	if errors.Is(err, sinks.ErrCommitted) {
		return r.adopt(ctx, w)
	}
	if err != nil {
		return Loaded{}, fmt.Errorf("begin %s: %w", w, err)
	}
	defer txn.Abort()

	out := Loaded{Window: w}
	b := r.takeBatcher(func(t *transform.Table, rec transform.Record) error {
		return txn.Write(ctx, t, rec)
	})
	reader := windowReader{job: j, window: w, batcher: b, summary: &out.Summary, forgets: j.Pipeline.NewForgetter()}
	if err := j.Source.Read(ctx, w, reader.event); err != nil {
		return Loaded{}, fmt.Errorf("load %s: %w", w, err)
	}
	reader.tick()
	if err := b.Flush(); err != nil {
		return Loaded{}, fmt.Errorf("load %s: %w", w, err)
	}
	stats := b.Stats()
	out.first, out.Without = b.FirstFailed(), b.Forgotten()
	r.keepBatcher(b)
	out.Events, out.Extra, out.Rows, out.Bytes = stats.Events, stats.Extra, stats.Rows, stats.Bytes
	out.Quarantined, out.Discarded, out.Forgotten, out.newer = stats.Quarantined, stats.Discarded, stats.Forgotten, stats.Newer
	out.Fingerprint, out.Superseded = j.Pipeline.Fingerprint(), r.state.Superseded
	if r.bundle == nil {
		j.watch(Step{Name: StepCommit, Window: w})
		if err := r.mine(ctx); err != nil {
			return Loaded{}, fmt.Errorf("commit %s: %w", w, err)
		}
	}
	if err := txn.Commit(ctx, out.Summary); err != nil {
		return Loaded{}, fmt.Errorf("commit %s: %w", w, err)
	}
	if sized, ok := txn.(sinks.Sized); ok {
		out.Stored = sized.Stored()
	}
	out.Duration = time.Since(started)
	if r.bundle != nil {
		r.bundle.add(out)
		j.watch(Step{Name: StepStaged, Window: w})
		return out, nil
	}
	j.watch(Step{Name: StepCommitted, Window: w})
	return out, r.finish(ctx, out)
}

// begun begins a load, or one in place of what is loaded.
func (r *run) begun(ctx context.Context, l sinks.Load) (sinks.Txn, error) {
	if restorer, ok := r.job.Sink.(sinks.Restorer); ok && r.replace && len(r.wrong[l.Window]) > 0 {
		return restorer.Restore(ctx, l, r.wrong[l.Window])
	}
	if bundler, ok := r.job.Sink.(sinks.Bundler); ok && r.replace {
		return r.bundled(ctx, bundler, l)
	}
	if replacer, ok := r.job.Sink.(sinks.Replacer); ok && r.replace {
		return replacer.Replace(ctx, l)
	}
	return r.job.Sink.Begin(ctx, l)
}

// takeBatcher gives a Batcher for the catalog that nobody uses, with the memory
// of an earlier window if there is one.
func (r *run) takeBatcher(write func(*transform.Table, transform.Record) error) *transform.Batcher {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.idle); n > 0 {
		b := r.idle[n-1]
		r.idle = r.idle[:n-1]
		b.Reset(write)
		return b
	}
	return r.job.Pipeline.NewBatcher(r.catalog, r.job.Limits, write)
}

// keepBatcher keeps a Batcher whose window is read for another window.
func (r *run) keepBatcher(b *transform.Batcher) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle = append(r.idle, b)
}

// finish marks windows as loaded.
func (r *run) finish(ctx context.Context, loads ...Loaded) error {
	c := Change{Finish: loads}
	if r.replace {
		c = Change{Replace: loads}
	}
	if err := r.lease.Save(ctx, c); err != nil {
		return fmt.Errorf("finish %s: %w", loads[0].Window, err)
	}
	for _, l := range loads {
		r.job.watch(Step{Name: StepFinished, Window: l.Window})
		r.job.log().Info("loaded", "job", r.job.Name, "window", l.Window, "events", l.Events, "rows", l.Rows, "quarantined", l.Quarantined,
			"bytes", l.Stored, "ms", l.Duration.Milliseconds())
	}
	return nil
}

// A windowReader hands a window's events to the batcher and remembers the
// first and the last.
type windowReader struct {
	job     *Job
	window  source.Window
	batcher *transform.Batcher
	summary *sinks.Summary
	forgets *transform.Forgetter
	unseen  Step
	last    []byte // the stream of the last event
}

// tickEvents is how many events pass between two StepReads.
const tickEvents = 8192

func (r *windowReader) event(e *source.Event) error {
	s := r.summary
	if s.First.Position.IsZero() {
		s.First = anchorOf(r.forgets, e)
	}
	r.last = append(r.last[:0], e.Stream...)
	s.Last = sinks.Anchor{Position: e.Position, StreamVersion: e.StreamVersion, Type: e.Type}
	r.unseen.Events++
	r.unseen.Bytes += int64(len(e.Data))
	if r.unseen.Events == tickEvents {
		r.tick()
	}
	return r.batcher.Append(e)
}

// tick reports the events since the last tick.
func (r *windowReader) tick() {
	if r.summary.Last.Stream = string(r.last); r.forgets.Forgets(r.last) {
		r.summary.Last.Stream = ""
	}
	if r.unseen.Events > 0 {
		r.unseen.Name, r.unseen.Window = StepRead, r.window
		r.job.watch(r.unseen)
		r.unseen = Step{}
	}
}

// anchor identifies an event.
func anchor(e *source.Event) sinks.Anchor {
	return sinks.Anchor{Position: e.Position, Stream: string(e.Stream), StreamVersion: e.StreamVersion, Type: e.Type}
}
