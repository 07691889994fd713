package bqtest

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	bq "google.golang.org/api/bigquery/v2"
)

// The dispositions.
const (
	writeAppend   = "WRITE_APPEND"
	writeTruncate = "WRITE_TRUNCATE"
	writeData     = "WRITE_TRUNCATE_DATA"
	writeEmpty    = "WRITE_EMPTY"
)

// checkLoad checks the configuration of a load job, and brings its schema to
// its normal form.
func checkLoad(l *bq.JobConfigurationLoad, media bool) *apiError {
	to := l.DestinationTable
	if to == nil || to.DatasetId == "" || to.TableId == "" {
		return invalid("Required parameter is missing: destinationTable")
	}
	if l.SourceFormat != "PARQUET" {
		return fail(http.StatusNotImplemented, "notImplemented", "Source format %q is not simulated", l.SourceFormat)
	}
	if len(l.SourceUris) > 0 || !media {
		return invalid("Only files in the request itself are simulated, not sourceUris")
	}
	if l.WriteDisposition == "" {
		l.WriteDisposition = writeAppend
	}
	if l.CreateDisposition == "" {
		l.CreateDisposition = "CREATE_IF_NEEDED"
	}
	if !slices.Contains([]string{writeAppend, writeTruncate, writeData, writeEmpty}, l.WriteDisposition) {
		return invalid("Invalid value for writeDisposition: %q", l.WriteDisposition)
	}
	if l.CreateDisposition != "CREATE_IF_NEEDED" && l.CreateDisposition != "CREATE_NEVER" {
		return invalid("Invalid value for createDisposition: %q", l.CreateDisposition)
	}
	if m := l.ColumnNameCharacterMap; m != "" && m != "STRICT" {
		return fail(http.StatusNotImplemented, "notImplemented", "columnNameCharacterMap %s is not simulated", m)
	}
	if l.RangePartitioning != nil || l.HivePartitioningOptions != nil {
		return fail(http.StatusNotImplemented, "notImplemented", "Range and hive partitioning are not simulated")
	}
	for _, t := range l.DecimalTargetTypes {
		if t != "NUMERIC" && t != "BIGNUMERIC" && t != "STRING" {
			return invalid("Invalid value for decimalTargetTypes: %q", t)
		}
	}
	if err := checkUpdateOptions(l); err != nil {
		return err
	}
	schema, err := normal(l.Schema)
	l.Schema = schema
	return err
}

func checkUpdateOptions(l *bq.JobConfigurationLoad) *apiError {
	if len(l.SchemaUpdateOptions) == 0 {
		return nil
	}
	for _, o := range l.SchemaUpdateOptions {
		if o != "ALLOW_FIELD_ADDITION" && o != "ALLOW_FIELD_RELAXATION" {
			return invalid("Invalid value for schemaUpdateOptions: %q", o)
		}
	}
	decorated := strings.Contains(l.DestinationTable.TableId, "$")
	if l.WriteDisposition == writeAppend || l.WriteDisposition == writeData || l.WriteDisposition == writeTruncate && decorated {
		return nil
	}
	return invalid("Schema update options should only be specified with WRITE_APPEND or WRITE_TRUNCATE_DATA disposition, or with WRITE_TRUNCATE disposition on a table partition.")
}

// load applies a load job; the server is locked. What it changes, it changes
// at its end.
func (s *Server) load(j *job) *apiError {
	l := j.res.Configuration.Load
	tableID, decorator, decorated := strings.Cut(l.DestinationTable.TableId, "$")
	t, err := s.table(l.DestinationTable.DatasetId, tableID)
	if err != nil && (l.CreateDisposition == "CREATE_NEVER" || decorated) {
		return err
	}
	if err != nil {
		return s.loadNew(j, tableID)
	}
	if t.isView() {
		return invalid("%s is not allowed for this operation because it is currently a VIEW.", t.name())
	}
	if err := s.chargeJob(t); err != nil {
		return err
	}
	next, err := j.plan(t, decorator, decorated)
	if err != nil {
		return err
	}
	return s.write(j, t, next)
}

// change is what a load job makes of a table.
type change struct {
	schema *bq.TableSchema
	part   *part
	kept   []*part // of what was there
}

// plan works out what the job makes of the table.
func (j *job) plan(t *table, decorator string, decorated bool) (*change, *apiError) {
	l := j.res.Configuration.Load
	if j.will != nil {
		return nil, j.will
	}
	if j.bad != nil {
		return nil, j.bad
	}
	if decorated {
		if _, err := t.partition(decorator); err != nil {
			return nil, err
		}
	}
	if l.TimePartitioning != nil && !samePartitioning(l.TimePartitioning, t.partitioning()) {
		return nil, invalid("Incompatible table partitioning specification. Destination table exists with partitioning specification %s, but transfer target partitioning specification is %s.", specText(t.partitioning()), specText(l.TimePartitioning))
	}
	if l.Clustering != nil && !sameClustering(l.Clustering, t.res.Clustering) {
		return nil, invalid("Incompatible table clustering specification of %s", t.name())
	}
	schema, err := j.schemaFor(t, decorated)
	if err != nil {
		return nil, err
	}
	seg, err := j.file.segment(t.partitioning(), decorator, j)
	if err != nil {
		return nil, err
	}
	kept := t.segments
	switch {
	case l.WriteDisposition == writeEmpty && t.hasRows(decorator):
		return nil, duplicate("Table %s", t.name())
	case l.WriteDisposition == writeData && decorated:
		return nil, invalid("WRITE_TRUNCATE_DATA is not allowed on a partition (not documented, so refused)")
	case l.WriteDisposition == writeTruncate && decorated:
		kept = without(t.segments, decorator)
	case l.WriteDisposition == writeTruncate, l.WriteDisposition == writeData:
		kept = nil
	}
	return &change{schema: schema, part: &part{segment: seg}, kept: kept}, nil
}

// schemaFor gives the schema that the table has after the job.
func (j *job) schemaFor(t *table, decorated bool) (*bq.TableSchema, *apiError) {
	l := j.res.Configuration.Load
	in := &bq.TableSchema{Fields: j.file.fields}
	if t.res.Schema == nil {
		return in, nil
	}
	if l.WriteDisposition == writeTruncate && !decorated {
		if err := checkPartitioning(t.partitioning(), in); err != nil {
			return nil, err
		}
		return in, checkClustering(t.res.Clustering, in)
	}
	may := changes{
		add:   slices.Contains(l.SchemaUpdateOptions, "ALLOW_FIELD_ADDITION"),
		relax: slices.Contains(l.SchemaUpdateOptions, "ALLOW_FIELD_RELAXATION"),
	}
	fields, err := adapt(t.name(), t.fields(), in.Fields, may, "")
	return &bq.TableSchema{Fields: fields}, err
}

// write makes the change, if the limits allow it.
func (s *Server) write(j *job, t *table, c *change) *apiError {
	if n := len(partitionsOf(append(slices.Clone(c.kept), c.part))); over(n, s.o.Limits.PartitionsPerTable) {
		return fail(403, "quotaExceeded", "Quota exceeded: Table %s would have %d partitions, more than %d.%s", t.name(), n, s.o.Limits.PartitionsPerTable, troubleshoot)
	}
	if err := s.chargePartitions(t, max(1, len(partitionsOf([]*part{c.part})))); err != nil {
		return err
	}
	t.res.Schema = c.schema
	t.segments = slices.Clone(c.kept)
	rows, bytes := c.part.counts()
	if rows > 0 {
		t.segments = append(t.segments, c.part)
	}
	s.touch(t)
	st := j.res.Statistics.Load
	st.OutputRows, st.OutputBytes = int64(rows), bytes
	return nil
}

// loadNew makes the table that a job needs, and takes it back if it fails.
func (s *Server) loadNew(j *job, tableID string) *apiError {
	l := j.res.Configuration.Load
	if j.will != nil {
		return j.will
	}
	if j.bad != nil {
		return j.bad
	}
	in := &bq.Table{
		TableReference:   &bq.TableReference{DatasetId: l.DestinationTable.DatasetId, TableId: tableID},
		Schema:           &bq.TableSchema{Fields: j.file.fields},
		TimePartitioning: l.TimePartitioning,
		Clustering:       l.Clustering,
	}
	if p := l.DestinationTableProperties; p != nil {
		in.Description, in.FriendlyName, in.Labels, in.ExpirationTime = p.Description, p.FriendlyName, maps.Clone(p.Labels), 0
	}
	t, err := s.makeTable(in)
	if err != nil {
		return err
	}
	next, err := j.plan(t, "", false)
	if err == nil {
		if err = s.chargeJob(t); err == nil {
			err = s.write(j, t, next)
		}
	}
	if err != nil {
		delete(s.datasets[t.datasetID()].tables, tableID)
	}
	return err
}
