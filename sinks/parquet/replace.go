package parquet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"backstory/sinks"
	"backstory/source"
)

// bundle is loads under way that take the place of committed ones. Its Commit
// writes the folders of all tables that the ones or the others have rows in
// beside the old ones, and exchanges them. Of a file that was merged with those
// of other loads, what stands between the loads' rows becomes files of their
// own, so that all files stay in the order of their positions.
type bundle struct {
	job   *job
	all   []stored // the committed loads, which are the bundle's to change
	at    map[source.Window]place
	loads []completeLoad // in place of some of them
	over  bool
}

// place is where a load is among the committed ones.
type place struct{ stored, load int }

// completeLoad is a load all of whose files are staged.
type completeLoad struct {
	stem     string
	manifest sinks.Manifest
}

// Replace starts a load in place of a committed one, alone in its bundle.
func (s *Sink) Replace(ctx context.Context, l sinks.Load) (sinks.Txn, error) {
	b, err := s.bundle(ctx, l.Job, l.Generation)
	if err != nil {
		return nil, explain(err, "replace load %s of job %s", l.Window, l.Job)
	}
	t, err := b.begin(l)
	if err != nil {
		b.end()
		return nil, explain(err, "replace load %s of job %s", l.Window, l.Job)
	}
	t.alone = true
	return t, nil
}

// Bundle starts to replace several loads of a job at once.
func (s *Sink) Bundle(ctx context.Context, job string, generation int) (sinks.Bundle, error) {
	b, err := s.bundle(ctx, job, generation)
	if err != nil {
		return nil, explain(err, "replace loads of job %s", job)
	}
	return b, nil
}

func (s *Sink) bundle(ctx context.Context, name string, generation int) (*bundle, error) {
	j, err := s.job(ctx, name, generation)
	if err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.mayChange(); err != nil {
		return nil, err
	}
	if err := j.quiet(); err != nil {
		return nil, err
	}
	all, err := j.manifests()
	if err != nil {
		return nil, err
	}
	j.alone = true
	b := &bundle{job: j, all: cloned(all), at: make(map[source.Window]place)}
	for i, s := range b.all {
		for k, l := range s.loads {
			b.at[l.Window] = place{i, k}
		}
	}
	return b, nil
}

// load is the committed load of a window.
func (b *bundle) load(w source.Window) *sinks.Manifest {
	at := b.at[w]
	return &b.all[at.stored].loads[at.load]
}

// add takes a load whose files are staged into the bundle.
func (b *bundle) add(stem string, m sinks.Manifest) error {
	b.job.mu.Lock()
	defer b.job.mu.Unlock()
	if b.over {
		return errOver
	}
	b.loads = append(b.loads, completeLoad{stem, m})
	return nil
}

var errOver = errors.New("the bundle is over")

// Replace starts a load that becomes part of the bundle by its Commit.
func (b *bundle) Replace(ctx context.Context, l sinks.Load) (sinks.Txn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t, err := b.begin(l)
	if err != nil {
		return nil, explain(err, "replace load %s of job %s", l.Window, l.Job)
	}
	return t, nil
}

func (b *bundle) begin(l sinks.Load) (*txn, error) {
	j := b.job
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case b.over:
		return nil, errOver
	case l.Window.Empty():
		return nil, errors.New("the window is empty")
	case l.Job != j.name || l.Generation != j.generation:
		return nil, fmt.Errorf("the bundle is of generation %d of job %s", j.generation, j.name)
	case j.underway[l.Window]:
		return nil, refuse("wait until it is", "it is being replaced")
	}
	if _, there := b.at[l.Window]; !there {
		return nil, fault("remove the ledger, and run again to rebuild it from the folder", "no such load is committed")
	}
	j.underway[l.Window] = true
	name := stem(l.Window)
	return &txn{
		job: j, load: l, stem: name, bundle: b, parts: make(map[partKey]*part),
		file: name + j.layout.mark + revision(*b.load(l.Window)),
	}, nil
}

// Commit puts the loads that are complete in place of the committed ones.
func (b *bundle) Commit(ctx context.Context) error {
	if b.over {
		return fmt.Errorf("replace loads of job %s: %w", b.job.name, errOver)
	}
	decided, err := b.commit(ctx)
	if err != nil && !decided {
		return errors.Join(explain(err, "replace loads of job %s", b.job.name), b.Abort())
	}
	b.end()
	if err != nil {
		return explain(err, "replace loads of job %s", b.job.name)
	}
	b.job.sink.step("committed")
	return nil
}

// commit exchanges the folders. What is decided is finished by whoever comes
// next.
func (b *bundle) commit(ctx context.Context) (decided bool, err error) {
	j := b.job
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.underway) > len(b.loads) {
		return false, refuse("wait until they have finished", "loads are under way")
	}
	if len(b.loads) == 0 {
		return false, nil
	}
	sw, err := j.newSwap("replace loads")
	if err != nil {
		return false, err
	}
	if err := b.gather(ctx, sw); err != nil {
		return false, errors.Join(err, sw.drop())
	}
	if err := sw.commit(); err != nil {
		return sw.decided, err
	}
	j.sink.step("remove staging")
	for _, l := range b.loads {
		if err := os.RemoveAll(j.layout.stagingOf(l.stem)); err != nil {
			return true, err
		}
	}
	if signature, err := signatureOf(j.layout.manifests); err == nil {
		j.last = reading{b.all, signature} // the next bundle need not read them all again
	}
	return true, nil
}

// Abort gives up all loads.
func (b *bundle) Abort() error {
	if b.over {
		return nil
	}
	var errs []error
	for _, l := range b.loads {
		errs = append(errs, os.RemoveAll(b.job.layout.stagingOf(l.stem)))
	}
	b.end()
	return explain(errors.Join(errs...), "abort loads of job %s", b.job.name)
}

// end lets others begin loads of the job.
func (b *bundle) end() {
	b.job.mu.Lock()
	defer b.job.mu.Unlock()
	b.over, b.job.alone = true, false
	for _, l := range b.loads {
		delete(b.job.underway, l.manifest.Window)
	}
}

// revision marks the files that take the place of a load's, so that a reader
// who is late finds a file gone rather than another one of its name.
func revision(m sinks.Manifest) string {
	n := 0
	for _, t := range m.Tables {
		for _, f := range t.Files {
			name := strings.TrimSuffix(path.Base(f.Path), ".parquet")
			if r, err := strconv.Atoi(strings.TrimPrefix(path.Ext(name), ".r")); err == nil {
				n = max(n, r)
			}
		}
	}
	return fmt.Sprintf(".r%d", n+1)
}

// cloned gives manifests that may be changed.
func cloned(all []stored) []stored {
	all = slices.Clone(all)
	for i := range all {
		all[i].loads = slices.Clone(all[i].loads)
		for k := range all[i].loads {
			tables := slices.Clone(all[i].loads[k].Tables)
			for n := range tables {
				tables[n].Files = slices.Clone(tables[n].Files)
			}
			all[i].loads[k].Tables = tables
		}
	}
	return all
}
