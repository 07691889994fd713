package bqtest

import (
	"maps"
	"slices"
	"testing"
)

// Fork starts another server that holds what this one does now, under the same
// options, and ends with the test. What happens to the one does not concern
// the other. Uploads under way, rules and counts of requests are not taken over.
func (s *Server) Fork(tb testing.TB) *Server {
	tb.Helper()
	f := Start(tb, s.o)
	s.mu.Lock()
	defer s.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, d := range s.datasets {
		twin := &dataset{res: clone(d.res), tables: make(map[string]*table, len(d.tables))}
		for name, t := range d.tables {
			twin.tables[name] = &table{res: clone(t.res), segments: slices.Clone(t.segments)}
		}
		f.datasets[id] = twin
	}
	for _, j := range s.order {
		twin := *j
		twin.res = clone(j.res)
		f.order = append(f.order, &twin)
		f.jobs[jobKey{twin.res.JobReference.Location, twin.res.JobReference.JobId}] = &twin
	}
	for key, u := range s.usage {
		twin := *u
		twin.updates = slices.Clone(u.updates)
		f.usage[key] = &twin
	}
	f.denied = maps.Clone(s.denied)
	f.billed, f.serial = s.billed, s.serial
	return f
}
