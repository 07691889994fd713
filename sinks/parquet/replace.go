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

// Replace starts a load in place of a committed one. Its Commit writes the
// folders of all tables that the one or the other has rows in beside the old
// ones, and exchanges them. Of a file that was merged with those of other
// loads, what stands before the load's rows and what stands behind become
// files of their own, so that all files stay in the order of their positions.
func (s *Sink) Replace(ctx context.Context, l sinks.Load) (sinks.Txn, error) {
	if l.Window.Empty() {
		return nil, fmt.Errorf("replace load of job %s: window %s is empty", l.Job, l.Window)
	}
	j, err := s.job(ctx, l.Job, l.Generation)
	if err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	t, err := j.again(l)
	return t, explain(err, "replace load %s of job %s", l.Window, l.Job)
}

// again begins a load in place of a committed one.
func (j *job) again(l sinks.Load) (sinks.Txn, error) {
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
	i, k := find(all, l.Window)
	if i < 0 {
		return nil, fault("remove the ledger, and run again to rebuild it from the folder", "no such load is committed")
	}
	name := stem(l.Window)
	j.underway[l.Window], j.alone = true, true
	return &txn{
		job: j, load: l, stem: name, again: true, parts: make(map[partKey]*part),
		file: name + j.layout.mark + revision(all[i].loads[k]),
	}, nil
}

// find gives the place of a window's load, or -1.
func find(all []stored, w source.Window) (i, k int) {
	for i, s := range all {
		if k := slices.IndexFunc(s.loads, func(m sinks.Manifest) bool { return m.Window == w }); k >= 0 {
			return i, k
		}
	}
	return -1, -1
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

// instead puts a load, whose files are complete, in place of the committed one.
func (t *txn) instead(ctx context.Context, m sinks.Manifest) error {
	j := t.job
	j.mu.Lock()
	defer j.mu.Unlock()
	all, err := j.manifests()
	if err != nil {
		return err
	}
	all = cloned(all)
	sw, err := j.newSwap("replace a load")
	if err != nil {
		return err
	}
	if err := t.gather(ctx, sw, all, m); err != nil {
		return errors.Join(err, sw.drop())
	}
	err = sw.commit()
	t.decided = sw.decided
	if err != nil {
		return err
	}
	j.sink.step("remove staging")
	if err := os.RemoveAll(j.layout.stagingOf(t.stem)); err != nil {
		return err
	}
	// The next load in place of another need not read them all again.
	signature, err := signatureOf(j.layout.manifests)
	j.last = reading{all, signature}
	return err
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
