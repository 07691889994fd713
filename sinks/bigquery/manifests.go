package bigquery

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"backstory/sinks"
	"backstory/transform"
)

// record is a manifest as it is kept, with what only this sink needs.
type record struct {
	sinks.Manifest
	// Replaced counts how often the window was loaded again.
	Replaced int `json:"replaced,omitempty"`
	// Spans gives the partitions that the rows of a table lie in. Tables in
	// one piece have none, nor have those of loads that were made before spans
	// were kept.
	Spans map[string]span `json:"partitions,omitempty"`

	at time.Time // when the row was written
}

// Manifests lists the committed loads. It lists the rows of two tables, which
// costs nothing, and changes nothing.
func (s *Sink) Manifests(ctx context.Context, job string, n int) ([]sinks.Manifest, []*transform.Table, error) {
	past, err := s.history(ctx, job)
	if err != nil {
		return nil, nil, err
	}
	loads, err := s.manifests(ctx, job, n, past.at(n).build)
	if err != nil {
		return nil, nil, err
	}
	all := make([]sinks.Manifest, len(loads))
	for i, m := range loads {
		all[i] = m.Manifest
	}
	return all, slices.Clone(past.at(n).tables), nil
}

// manifests lists the committed loads of a build of a generation by window.
func (s *Sink) manifests(ctx context.Context, job string, n, build int) ([]record, error) {
	rows, err := list[loadRow](ctx, s, loadsTable)
	if err != nil {
		return nil, err
	}
	var all []record
	for _, r := range rows {
		if r.Job != job || int(r.Generation) != n || int(r.Build) != build {
			continue
		}
		m := record{at: r.At}
		if err := json.Unmarshal([]byte(r.Body), &m); err != nil {
			return nil, fault("restore the table as it was, by time travel or from a copy", "read table %s: a manifest of job %s is damaged: %w", s.fullName(loadsTable), job, err)
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b record) int { return a.Window.After.Compare(b.Window.After) })
	for i := 1; i < len(all); i++ {
		if all[i].Window.Overlaps(all[i-1].Window) {
			return nil, fault("restore the table as it was, by time travel or from a copy",
				"read table %s: loads %s and %s of job %s overlap", s.fullName(loadsTable), all[i-1].Window, all[i].Window, job)
		}
	}
	return all, nil
}

// row gives the columns of loadsTable for a manifest.
func (h *home) row(m record) (map[string]any, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	rows, bytes := int64(0), int64(0)
	for _, lt := range m.Tables {
		rows, bytes = rows+lt.Rows, bytes+lt.Bytes
	}
	return map[string]any{
		"job": m.Job, "generation": int64(m.Generation), "build": int64(h.build), "after": m.Window.After.String(), "through": m.Window.Through.String(),
		"events": m.Events, "rows": rows, "bytes": bytes, "fingerprint": m.Fingerprint, "version": m.Version, "body": string(body), colAt: m.at,
	}, nil
}
