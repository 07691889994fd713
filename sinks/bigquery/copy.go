package bigquery

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"backstory/transform"

	"cloud.google.com/go/bigquery"
)

// copyTable makes one table of a swap what another is, in one step for its
// readers. What is done by that swap already is not done again.
func (s *Sink) copyTable(ctx context.Context, job string, past *history, why string, n int, t *transform.Table, from, to string) error {
	s.step("copy %s to %s", from, to)
	control, err := s.control(ctx, tablesTable)
	if err != nil {
		return err
	}
	if err := s.makeWay(ctx, from, to); err != nil {
		return err
	}
	w := work{
		id:   fmt.Sprintf("backstory_%s_%s_swap_%d_%s_%s", idText(job), s.place(control), past.swaps, why, digest(t.Name)),
		what: "copy " + s.fullName(from) + " to " + s.fullName(to),
		look: true,
		submit: func(ctx context.Context, id string) (*bigquery.Job, error) {
			c := s.dataset().Table(to).CopierFrom(s.dataset().Table(from))
			c.JobID, c.Location = id, s.client.Location
			c.WriteDisposition, c.CreateDisposition = bigquery.WriteTruncate, bigquery.CreateIfNeeded
			c.JobTimeout = s.o.JobTimeout
			c.Labels = s.jobLabels(map[string]string{labelJob: job, labelGeneration: strconv.Itoa(n), labelTable: to})
			return c.Run(ctx)
		},
		check: func(config bigquery.JobConfig) error {
			c, ok := config.(*bigquery.CopyConfig)
			if !ok || c.Dst == nil || c.Dst.TableID != to || len(c.Srcs) != 1 || c.Srcs[0].TableID != from {
				return fmt.Errorf("it does not copy %s to %s", from, to)
			}
			return nil
		},
	}
	if _, err := s.settle(ctx, w); err != nil {
		return err
	}
	// A copy brings rows and columns, but not all that is said of the table.
	h := &home{sink: s, name: job, generation: n}
	want := s.want(h, t, to)
	want.ours = true
	_, err = s.ensure(ctx, want)
	return err
}

// makeWay deletes a table that a copy could not replace, since it is
// partitioned or clustered otherwise. Until the copy is done, readers miss it.
func (s *Sink) makeWay(ctx context.Context, from, to string) error {
	src, err := s.metadata(ctx, from)
	if isMissing(err) {
		return nil // copied before, and dropped
	}
	if err != nil {
		return err
	}
	dst, err := s.metadata(ctx, to)
	if isMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if dst.Type != bigquery.RegularTable && dst.Type != "" {
		return fault("delete it or give it another name, and run again", "use table %s: it is no table but a %s", s.fullName(to), strings.ToLower(string(dst.Type)))
	}
	if describePartition(src.TimePartitioning) == describePartition(dst.TimePartitioning) && slices.Equal(clusteredBy(src), clusteredBy(dst)) {
		return nil
	}
	return s.drop(ctx, to)
}
