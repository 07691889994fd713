package bigquery

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"backstory/sinks"
	"backstory/source"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/iterator"
)

var _ sinks.Resumer = (*Sink)(nil)

// Begun lists the windows whose jobs were sent, and did not fail, while there
// is no manifest of them. It asks for all jobs of who the sink runs as since
// the tables were made, and finds none where that one may not list jobs.
func (s *Sink) Begun(ctx context.Context, job string, n int) ([]source.Window, error) {
	h, err := s.home(ctx, job, n)
	if err != nil {
		return nil, err
	}
	loads, tables, err := s.Manifests(ctx, job, n)
	if err != nil || len(tables) == 0 {
		return nil, err
	}
	names := []string{loadsTable}
	for _, t := range tables {
		names = append(names, h.nameOf(t.Name))
	}
	var prefixes []string
	since := time.Now()
	for _, name := range names {
		md, err := s.metadata(ctx, name)
		if isMissing(err) {
			continue
		}
		if err != nil {
			return nil, explain(err, "look at table %s", s.fullName(name))
		}
		prefixes = append(prefixes, h.idPrefix(&target{name: name, created: md.CreationTime}))
		if md.CreationTime.Before(since) {
			since = md.CreationTime
		}
	}
	var begun []source.Window
	err = s.eachJob(ctx, since, func() { begun = nil }, func(j *bigquery.Job) bool {
		status := j.LastStatus()
		if status == nil || status.Done() && status.Err() != nil {
			return true
		}
		for _, prefix := range prefixes {
			if w, ok := windowOf(j.ID(), prefix); ok && !committed(loads, w) && !slices.Contains(begun, w) {
				begun = append(begun, w)
			}
		}
		return true
	})
	if err != nil && !isDenied(err) {
		return nil, explain(err, "list jobs of project %s", s.o.Project)
	}
	slices.SortFunc(begun, func(a, b source.Window) int { return a.After.Compare(b.After) })
	return begun, nil
}

// idPrefix is how the IDs of all jobs begin that load windows into a table.
func (h *home) idPrefix(into *target) string {
	return strings.TrimSuffix(h.loadID(source.Window{}, into), "0_0")
}

// windowOf reads the window that a job loads out of its ID.
func windowOf(id, prefix string) (w source.Window, ok bool) {
	rest, ok := strings.CutPrefix(id, prefix)
	parts := strings.Split(rest, "_")
	if !ok || len(parts) < 3 {
		return w, false
	}
	after, err1 := source.ParsePosition(strings.ReplaceAll(parts[0], "t", "."))
	through, err2 := source.ParsePosition(strings.ReplaceAll(parts[1], "t", "."))
	return source.Window{After: after, Through: through}, err1 == nil && err2 == nil
}

func committed(loads []sinks.Manifest, w source.Window) bool {
	return slices.ContainsFunc(loads, func(m sinks.Manifest) bool { return m.Window == w })
}

// jobsLooked is how many jobs are looked through, the newest first, to explain
// rows of a table.
const jobsLooked = 20_000

// eachJob calls fn with the jobs of who the sink runs as that were sent since
// a moment, the newest first, until fn gives false. It calls again before it
// begins anew.
func (s *Sink) eachJob(ctx context.Context, since time.Time, again func(), fn func(*bigquery.Job) bool) error {
	return s.ask(ctx, func(ctx context.Context) error {
		again()
		it := s.client.Jobs(ctx)
		it.MinCreationTime = since.Add(-time.Minute)
		for range jobsLooked {
			job, err := it.Next()
			if errors.Is(err, iterator.Done) {
				return nil
			}
			if err != nil {
				return err
			}
			if !fn(job) {
				return nil
			}
		}
		return nil
	})
}
