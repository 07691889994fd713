package bqtest

import (
	"net/http"
	"slices"
	"strings"

	bq "google.golang.org/api/bigquery/v2"
)

// checkCopy checks the configuration of a copy job.
func checkCopy(c *bq.JobConfigurationTableCopy) *apiError {
	if c.SourceTable != nil {
		c.SourceTables = append(c.SourceTables, c.SourceTable)
		c.SourceTable = nil
	}
	if len(c.SourceTables) == 0 || c.DestinationTable == nil || c.DestinationTable.TableId == "" {
		return invalid("Required parameter is missing: sourceTable or destinationTable")
	}
	if c.OperationType != "" && c.OperationType != "COPY" && c.OperationType != "OPERATION_TYPE_UNSPECIFIED" {
		return fail(http.StatusNotImplemented, "notImplemented", "Copies of operation type %s are not simulated", c.OperationType)
	}
	if c.WriteDisposition == "" {
		c.WriteDisposition = writeEmpty
	}
	if c.CreateDisposition == "" {
		c.CreateDisposition = "CREATE_IF_NEEDED"
	}
	if !slices.Contains([]string{writeAppend, writeTruncate, writeEmpty}, c.WriteDisposition) {
		return invalid("Invalid value for writeDisposition: %q", c.WriteDisposition)
	}
	return nil
}

// copyTables applies a copy job; the server is locked
// (https://cloud.google.com/bigquery/docs/managing-tables#copy-table).
func (s *Server) copyTables(j *job) *apiError {
	c := j.res.Configuration.Copy
	tableID, decorator, decorated := strings.Cut(c.DestinationTable.TableId, "$")
	to, err := s.table(c.DestinationTable.DatasetId, tableID)
	fresh := err != nil
	if fresh && (c.CreateDisposition == "CREATE_NEVER" || decorated) {
		return err
	}
	if !fresh {
		if err := s.chargeJob(to); err != nil {
			return err
		}
	}
	if j.will != nil {
		return j.will
	}
	var model *table
	var copied []*part
	for _, ref := range c.SourceTables {
		from, parts, err := s.source(ref, decorator)
		if err != nil {
			return err
		}
		if model == nil {
			model = from
		}
		if err := alike(model, from); err != nil {
			return err
		}
		if d := s.datasets[c.DestinationTable.DatasetId]; d.res.Location != from.res.Location {
			return invalid("Cannot read and write in different locations: source: %s, destination: %s", from.res.Location, d.res.Location)
		}
		copied = append(copied, parts...)
	}
	if fresh {
		made := &bq.Table{
			TableReference: &bq.TableReference{DatasetId: c.DestinationTable.DatasetId, TableId: tableID},
			Schema:         clone(model.res).Schema, Description: model.res.Description,
			TimePartitioning: model.res.TimePartitioning, Clustering: model.res.Clustering,
			RequirePartitionFilter: model.res.RequirePartitionFilter,
		}
		if to, err = s.makeTable(made); err != nil {
			return err
		}
		if err := s.chargeJob(to); err != nil {
			return err
		}
	}
	return s.replace(c, model, to, decorator, copied)
}

// source gives the parts of a table or of its partition.
func (s *Server) source(ref *bq.TableReference, decorator string) (*table, []*part, *apiError) {
	id, of, decorated := strings.Cut(ref.TableId, "$")
	t, err := s.table(ref.DatasetId, id)
	if err != nil {
		return nil, nil, err
	}
	if t.isView() {
		return nil, nil, invalid("Using table %s is not allowed for this operation because of its type: VIEW", t.name())
	}
	if of != decorator {
		return nil, nil, invalid("Cannot copy between partitions %q and %q (not simulated)", of, decorator)
	}
	parts := t.segments
	if decorated {
		if _, err := t.partition(of); err != nil {
			return nil, nil, err
		}
		parts = only(parts, of)
	}
	return t, parts, nil
}

// alike tells whether rows of b may stand in a.
func alike(a, b *table) *apiError {
	if !samePartitioning(a.partitioning(), b.partitioning()) {
		return invalid("Incompatible table partitioning specification: %s of %s and %s of %s", specText(a.partitioning()), a.name(), specText(b.partitioning()), b.name())
	}
	if !sameClustering(a.res.Clustering, b.res.Clustering) {
		return invalid("Incompatible table clustering specification of %s and %s", a.name(), b.name())
	}
	return nil
}

// replace puts the copied parts into the table.
func (s *Server) replace(c *bq.JobConfigurationTableCopy, model, to *table, decorator string, copied []*part) *apiError {
	if to.isView() {
		return invalid("%s is not allowed for this operation because it is currently a VIEW.", to.name())
	}
	if err := alike(to, model); err != nil {
		return err
	}
	if c.WriteDisposition == writeEmpty && to.hasRows(decorator) {
		return duplicate("Table %s", to.name())
	}
	schema, kept := clone(model.res).Schema, []*part(nil)
	if c.WriteDisposition != writeTruncate || decorator != "" {
		if _, err := adapt(to.name(), to.fields(), schema.Fields, changes{}, ""); err != nil {
			return err
		}
		schema, kept = to.res.Schema, to.segments
	}
	if c.WriteDisposition == writeTruncate && decorator != "" {
		kept = without(kept, decorator)
	}
	if err := s.chargePartitions(to, max(1, len(partitionsOf(copied)))); err != nil {
		return err
	}
	to.res.Schema = schema
	to.segments = append(slices.Clone(kept), copied...)
	s.touch(to)
	return nil
}
