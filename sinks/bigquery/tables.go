package bigquery

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"backstory/transform"

	"cloud.google.com/go/bigquery"
)

// defaultCluster is how tables are clustered unless configured otherwise:
// what people filter by, coarse to fine.
var defaultCluster = []string{transform.ColEventType, transform.ColStreamID, transform.ColPosition}

// target is a table of the dataset that rows can be loaded into.
type target struct {
	name  string
	table *transform.Table
	// created is when BigQuery made it. Rows that were loaded into another
	// table of the name are not in this one.
	created time.Time
}

// wanted says what a table of the dataset should be like.
type wanted struct {
	name       string
	table      *transform.Table
	partition  transform.Partition
	field      string // the column it is partitioned by
	cluster    []string
	labels     map[string]string
	expiration time.Duration
	filter     bool
	// ours says that the table was made by a copy of ours, which may have
	// lost its labels.
	// It keeps the partitions of what it was copied from.
	ours bool
	// filled says that rows were loaded into it, whatever BigQuery counts.
	filled bool
}

// want says what a table of a job should be like.
func (s *Sink) want(h *home, t *transform.Table, name string) wanted {
	w := wanted{name: name, table: t, labels: map[string]string{}, partition: s.partitionOf(t), filled: h.filled[t.Name]}
	maps.Copy(w.labels, s.o.Labels)
	w.labels[labelJob] = label(h.name)
	w.labels[labelGeneration] = strconv.Itoa(h.generation)
	for _, c := range s.o.Cluster {
		if i := t.Column(c); i >= 0 && len(w.cluster) < 4 && clusterable(t.Columns[i].Type) {
			w.cluster = append(w.cluster, t.Columns[i].Name)
		}
	}
	if w.partition != transform.ByNone {
		w.field, w.expiration, w.filter = transform.ColEventTime, s.o.Expiration, s.o.RequirePartitionFilter
	}
	return w
}

// partitionOf gives how a table is partitioned: as the sink says, or as the
// table does. A table without event_time is in one piece.
func (s *Sink) partitionOf(t *transform.Table) transform.Partition {
	i := t.Column(transform.ColEventTime)
	if i < 0 || t.Columns[i].Type.Kind != transform.Timestamp {
		return transform.ByNone
	}
	switch s.o.Partition {
	case "":
		return t.Partition
	case "none":
		return transform.ByNone
	}
	return transform.Partition(s.o.Partition)
}

func clusterable(t transform.Type) bool {
	return t.Kind != transform.Float64 && t.Kind != transform.List && t.Kind != transform.Struct
}

func (w wanted) partitioning() *bigquery.TimePartitioning {
	switch w.partition {
	case transform.ByDay:
		return &bigquery.TimePartitioning{Type: bigquery.DayPartitioningType, Field: w.field, Expiration: w.expiration}
	case transform.ByMonth:
		return &bigquery.TimePartitioning{Type: bigquery.MonthPartitioningType, Field: w.field, Expiration: w.expiration}
	}
	return nil
}

func (w wanted) clustering() *bigquery.Clustering {
	if len(w.cluster) == 0 {
		return nil
	}
	return &bigquery.Clustering{Fields: w.cluster}
}

// ensure makes a table as it is wanted, or makes the one that is there so.
// What cannot be changed is an error, unless the table is empty: then it is
// made anew.
func (s *Sink) ensure(ctx context.Context, w wanted) (*target, error) {
	if err := checkColumns(w.table); err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		t, again, err := s.ensureOnce(ctx, w)
		if !again || n == s.pace.tries {
			return t, err
		}
		// Somebody else made or changed it at the same moment, or it was made
		// so recently that not all of BigQuery knows.
		if err := s.pace.pause(ctx, n, stale); err != nil {
			return nil, err
		}
	}
}

func (s *Sink) ensureOnce(ctx context.Context, w wanted) (t *target, again bool, err error) {
	md, err := s.metadata(ctx, w.name)
	if isMissing(err) {
		s.step("create table %s", w.name)
		if err = s.create(ctx, w); err != nil && classify(err) != taken {
			return nil, false, explain(err, "create table %s", s.fullName(w.name))
		}
		md, err = s.metadata(ctx, w.name)
		if isMissing(err) {
			return nil, true, explain(err, "create table %s", s.fullName(w.name))
		}
	}
	if err != nil {
		return nil, false, explain(err, "look at table %s", s.fullName(w.name))
	}
	if err := s.mayUse(w, md); err != nil {
		return nil, false, err
	}
	if err := w.fits(md); err != nil {
		if md.NumRows > 0 || w.filled {
			return nil, false, fault("load a new generation with backstory rebuild, or name another dataset", "use table %s: %w", s.fullName(w.name), err)
		}
		s.step("drop empty table %s", w.name)
		if err := s.drop(ctx, w.name); err != nil {
			return nil, false, err
		}
		return nil, true, err
	}
	update, changed := w.update(md)
	if changed {
		s.step("update table %s", w.name)
		err := s.ask(ctx, func(ctx context.Context) (err error) {
			md, err = s.dataset().Table(w.name).Update(ctx, update, md.ETag)
			return err
		})
		if err != nil {
			return nil, classify(err) == stale, explain(err, "update table %s", s.fullName(w.name))
		}
	}
	return &target{name: w.name, table: w.table, created: md.CreationTime}, false, nil
}

func (s *Sink) metadata(ctx context.Context, name string) (md *bigquery.TableMetadata, err error) {
	err = s.ask(ctx, func(ctx context.Context) (err error) {
		md, err = s.dataset().Table(name).Metadata(ctx)
		return err
	})
	return md, err
}

func (s *Sink) create(ctx context.Context, w wanted) error {
	return s.ask(ctx, func(ctx context.Context) error {
		return s.dataset().Table(w.name).Create(ctx, &bigquery.TableMetadata{
			Description: describeTable(w.table), Schema: schemaOf(w.table, true), Labels: w.labels,
			TimePartitioning: w.partitioning(), Clustering: w.clustering(), RequirePartitionFilter: w.filter,
		})
	})
}

// drop deletes a table, if it is there.
func (s *Sink) drop(ctx context.Context, name string) error {
	err := s.ask(ctx, func(ctx context.Context) error { return s.dataset().Table(name).Delete(ctx) })
	if isMissing(err) {
		return nil
	}
	return explain(err, "delete table %s", s.fullName(name))
}

// mayUse refuses what is no table, and what belongs to somebody else.
func (s *Sink) mayUse(w wanted, md *bigquery.TableMetadata) error {
	const hint = "name another dataset, or give the table another name"
	if md.Type != bigquery.RegularTable && md.Type != "" {
		return fault("remove it, or "+hint, "use table %s: it is no table but a %s", s.fullName(w.name), strings.ToLower(strings.ReplaceAll(string(md.Type), "_", " ")))
	}
	owner, ok := md.Labels[labelJob]
	switch {
	case w.ours:
		return nil
	case !ok:
		return fault(hint, "use table %s: it was not made by backstory", s.fullName(w.name))
	case owner != w.labels[labelJob]:
		return fault(hint, "use table %s: it belongs to job %s", s.fullName(w.name), owner)
	}
	return nil
}

// fits tells what keeps a table from becoming as it is wanted.
func (w wanted) fits(md *bigquery.TableMetadata) error {
	if err := w.fitsPartition(md); err != nil {
		return err
	}
	for _, f := range schemaOf(w.table, false) {
		i := indexOf(md.Schema, f.Name)
		if i < 0 {
			if f.Required {
				return fmt.Errorf("new column %s is required, and older rows have no value for it", f.Name)
			}
			continue
		}
		if err := grown(f, md.Schema[i]); err != nil {
			return fmt.Errorf("column %s: %w", f.Name, err)
		}
	}
	for _, f := range md.Schema {
		if f.Required && w.table.Column(f.Name) < 0 {
			return fmt.Errorf("column %s is required, and new rows have no value for it", f.Name)
		}
	}
	return nil
}

func (w wanted) fitsPartition(md *bigquery.TableMetadata) error {
	if w.ours {
		return nil // it has the partitions that it was copied with
	}
	if md.RangePartitioning != nil {
		return fmt.Errorf("it is partitioned by ranges of %s", md.RangePartitioning.Field)
	}
	want, got := describePartition(w.partitioning()), describePartition(md.TimePartitioning)
	if want != got {
		return fmt.Errorf("it is %s and not %s", got, want)
	}
	return nil
}

func describePartition(p *bigquery.TimePartitioning) string {
	if p == nil {
		return "not partitioned"
	}
	field := p.Field
	if field == "" {
		field = "the time of loading"
	}
	return "partitioned by the " + strings.ToLower(string(p.Type)) + " of " + field
}

// update says what has to change about a table that fits.
func (w wanted) update(md *bigquery.TableMetadata) (u bigquery.TableMetadataToUpdate, changed bool) {
	if schema, grew := merge(md.Schema, schemaOf(w.table, true)); grew {
		u.Schema, changed = schema, true
	}
	if d := describeTable(w.table); md.Description != d {
		u.Description, changed = d, true
	}
	for name, value := range w.labels {
		if md.Labels[name] != value {
			u.SetLabel(name, value)
			changed = true
		}
	}
	if !slices.Equal(clusteredBy(md), w.cluster) {
		u.Clustering, changed = &bigquery.Clustering{Fields: w.cluster}, true
	}
	if md.TimePartitioning == nil || describePartition(md.TimePartitioning) != describePartition(w.partitioning()) {
		return u, changed // a copy of a table that was partitioned otherwise
	}
	if p := w.partitioning(); p.Expiration != md.TimePartitioning.Expiration {
		u.TimePartitioning, changed = p, true
	}
	if w.filter != md.RequirePartitionFilter {
		u.RequirePartitionFilter, changed = w.filter, true
	}
	return u, changed
}

func clusteredBy(md *bigquery.TableMetadata) []string {
	if md.Clustering == nil {
		return nil
	}
	return md.Clustering.Fields
}
