package bqtest

import (
	"cmp"
	"net/http"
	"slices"
	"sort"
	"strconv"

	bq "google.golang.org/api/bigquery/v2"
)

// table is a table or a view and what it holds.
type table struct {
	res      *bq.Table // without what resource adds
	segments []*part
}

func (t *table) id() string        { return t.res.TableReference.TableId }
func (t *table) datasetID() string { return t.res.TableReference.DatasetId }
func (t *table) name() string      { return t.res.Id }
func (t *table) isView() bool      { return t.res.Type == "VIEW" }

func (t *table) partitioning() *bq.TimePartitioning { return t.res.TimePartitioning }

func (t *table) fields() []*bq.TableFieldSchema {
	if t.res.Schema == nil {
		return nil
	}
	return t.res.Schema.Fields
}

// resource is the table as tables.get shows it.
func (t *table) resource() *bq.Table {
	r := clone(t.res)
	if t.isView() {
		return r
	}
	for _, p := range t.segments {
		rows, bytes := p.counts()
		r.NumRows += uint64(rows)
		r.NumBytes += bytes
	}
	r.NumTotalLogicalBytes = r.NumBytes
	if t.partitioning() != nil {
		r.NumPartitions = int64(len(partitionsOf(t.segments)))
	}
	r.ForceSendFields = []string{"NumRows", "NumBytes"}
	return r
}

// table finds a table that has not expired.
func (s *Server) table(datasetID, tableID string) (*table, *apiError) {
	d, err := s.dataset(datasetID)
	if err != nil {
		return nil, err
	}
	t := d.tables[tableID]
	if t != nil && t.res.ExpirationTime != 0 && t.res.ExpirationTime <= s.millis() {
		delete(d.tables, tableID)
		t = nil
	}
	if t == nil {
		return nil, notFound("Table %s:%s.%s", s.o.Project, datasetID, tableID)
	}
	return t, nil
}

func (s *Server) tableNames(d *dataset) []string {
	var names []string
	for name := range d.tables {
		if _, err := s.table(d.id(), name); err == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// touch marks a change of the table or its rows.
func (s *Server) touch(t *table) {
	t.res.LastModifiedTime = uint64(s.millis())
	t.res.Etag = s.etag()
}

func (s *Server) insertTable(c *call) (any, *apiError) {
	in := &bq.Table{}
	if err := c.decode(in); err != nil {
		return nil, err
	}
	if in.TableReference == nil || in.TableReference.DatasetId != c.Dataset {
		return nil, invalid("The table reference must name dataset %s", c.Dataset)
	}
	t, err := s.makeTable(in)
	if err != nil {
		return nil, err
	}
	return t.resource(), nil
}

// makeTable makes a table, as a request or a job asks for it.
func (s *Server) makeTable(in *bq.Table) (*table, *apiError) {
	d, err := s.dataset(in.TableReference.DatasetId)
	if err != nil {
		return nil, err
	}
	id := in.TableReference.TableId
	if err := checkTableName(id); err != nil {
		return nil, err
	}
	if _, err := s.table(d.id(), id); err == nil {
		return nil, duplicate("Table %s:%s.%s", s.o.Project, d.id(), id)
	}
	if in.View != nil && (in.Schema != nil || in.TimePartitioning != nil || in.Clustering != nil) {
		return nil, invalid("A view cannot have a schema, partitioning or clustering")
	}
	if in.ExternalDataConfiguration != nil || in.MaterializedView != nil || in.RangePartitioning != nil {
		return nil, fail(http.StatusNotImplemented, "notImplemented", "External tables, materialized views and range partitioning are not simulated")
	}
	if err := s.settleTable(in); err != nil {
		return nil, err
	}
	in.Kind, in.Id, in.Type = "bigquery#table", s.o.Project+":"+d.id()+"."+id, "TABLE"
	if in.View != nil {
		in.Type = "VIEW"
	}
	in.TableReference.ProjectId = s.o.Project
	in.Location, in.CreationTime = d.res.Location, s.millis()
	if ms := d.res.DefaultTableExpirationMs; ms != 0 && in.ExpirationTime == 0 {
		in.ExpirationTime = s.millis() + ms
	}
	t := &table{res: in}
	s.touch(t)
	d.tables[id] = t
	return t, nil
}

// settleTable checks the parts of a table that fit together and gives them
// the form in which they are kept.
func (s *Server) settleTable(in *bq.Table) *apiError {
	schema, err := normal(in.Schema)
	if err != nil {
		return err
	}
	in.Schema = schema
	if in.ExpirationTime != 0 && in.ExpirationTime <= s.millis() {
		return invalid("Invalid expiration time: %d is in the past", in.ExpirationTime)
	}
	if in.RequirePartitionFilter && in.TimePartitioning == nil {
		return invalid("A partition filter can only be required of a partitioned table")
	}
	return cmp.Or(
		checkLabels(in.Labels),
		checkPartitioning(in.TimePartitioning, schema),
		checkClustering(in.Clustering, schema),
	)
}

func (s *Server) getTable(c *call) (any, *apiError) {
	t, err := s.table(c.Dataset, c.Table)
	if err != nil {
		return nil, err
	}
	return t.resource(), nil
}

func (s *Server) changeTable(c *call) (any, *apiError) {
	t, err := s.table(c.Dataset, c.Table)
	if err != nil {
		return nil, err
	}
	if err := unmet(c, t.res.Etag); err != nil {
		return nil, err
	}
	next, err := merge(c, t.res)
	if err != nil {
		return nil, err
	}
	if next.Schema == nil {
		next.Schema = t.res.Schema
	}
	if err := s.settleTable(next); err != nil {
		return nil, err
	}
	if !samePartitioning(t.res.TimePartitioning, next.TimePartitioning) {
		return nil, invalid("Cannot change partitioning/clustering spec for a partitioned/clustered table %s", t.name())
	}
	if next.Schema != nil && !t.isView() {
		if err := evolve(t.name(), t.fields(), next.Schema.Fields, ""); err != nil {
			return nil, err
		}
	}
	if err := s.chargeUpdate(t); err != nil {
		return nil, err
	}
	was := t.res
	next.Kind, next.Id, next.Type, next.TableReference = was.Kind, was.Id, was.Type, was.TableReference
	next.Location, next.CreationTime = was.Location, was.CreationTime
	next.NumRows, next.NumBytes = 0, 0
	t.res = next
	s.touch(t)
	return t.resource(), nil
}

// samePartitioning compares what cannot be changed.
func samePartitioning(a, b *bq.TimePartitioning) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Type == b.Type && a.Field == b.Field
}

func sameClustering(a, b *bq.Clustering) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.Equal(a.Fields, b.Fields)
}

func (s *Server) deleteTable(c *call) (any, *apiError) {
	t, err := s.table(c.Dataset, c.Table)
	if err != nil {
		return nil, err
	}
	if c.decorator != "" {
		if _, err := t.partition(c.decorator); err != nil {
			return nil, err
		}
		t.drop(c.decorator)
		s.touch(t)
		return nil, nil
	}
	delete(s.datasets[c.Dataset].tables, c.Table)
	return nil, nil
}

func (s *Server) listTables(c *call) (any, *apiError) {
	d, err := s.dataset(c.Dataset)
	if err != nil {
		return nil, err
	}
	list := &bq.TableList{Kind: "bigquery#tableList"}
	for _, name := range s.tableNames(d) {
		r := d.tables[name].res
		list.Tables = append(list.Tables, &bq.TableListTables{
			Kind: "bigquery#table", Id: r.Id, TableReference: r.TableReference, Type: r.Type, Labels: r.Labels,
			CreationTime: r.CreationTime, ExpirationTime: r.ExpirationTime, TimePartitioning: r.TimePartitioning, Clustering: r.Clustering,
		})
	}
	sort.Slice(list.Tables, func(i, j int) bool { return list.Tables[i].Id < list.Tables[j].Id })
	list.TotalItems = int64(len(list.Tables))
	from, to, token, err := page(c, len(list.Tables))
	if err != nil {
		return nil, err
	}
	list.Tables, list.NextPageToken = list.Tables[from:to], token
	return list, nil
}

// page cuts a list as maxResults, startIndex and pageToken ask.
func page(c *call, n int) (from, to int, token string, err *apiError) {
	number := func(name string) int {
		text := c.query.Get(name)
		if text == "" {
			return 0
		}
		v, e := strconv.Atoi(text)
		if e != nil || v < 0 {
			err = invalid("Invalid value for %s: %q", name, text)
		}
		return v
	}
	size := number("maxResults")
	from = number("startIndex")
	if c.query.Get("pageToken") != "" {
		from = number("pageToken")
	}
	if err != nil {
		return 0, 0, "", err
	}
	from, to = min(from, n), n
	if size > 0 && from+size < n {
		to = from + size
		token = strconv.Itoa(to)
	}
	return from, to, token, nil
}

func (s *Server) testPermissions(c *call) (any, *apiError) {
	if _, err := s.table(c.Dataset, c.Table); err != nil {
		return nil, err
	}
	in := &bq.TestIamPermissionsRequest{}
	if err := c.decode(in); err != nil {
		return nil, err
	}
	out := &bq.TestIamPermissionsResponse{}
	for _, p := range in.Permissions {
		if !s.denied[p] {
			out.Permissions = append(out.Permissions, p)
		}
	}
	return out, nil
}
