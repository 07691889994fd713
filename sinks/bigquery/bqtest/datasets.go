package bqtest

import (
	"fmt"
	"net/http"
	"regexp"
	"sort"

	bq "google.golang.org/api/bigquery/v2"
)

// dataset is a dataset and its tables.
type dataset struct {
	res    *bq.Dataset
	tables map[string]*table
}

var datasetName = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

func (s *Server) dataset(id string) (*dataset, *apiError) {
	d := s.datasets[id]
	if d == nil {
		return nil, notFound("Dataset %s:%s", s.o.Project, id)
	}
	return d, nil
}

func (d *dataset) id() string { return d.res.DatasetReference.DatasetId }

// touch marks a change.
func (s *Server) touchDataset(d *dataset) {
	d.res.LastModifiedTime = s.millis()
	d.res.Etag = s.etag()
}

// etag gives a new one.
func (s *Server) etag() string { return fmt.Sprintf("\"bq-%08x\"", s.next()) }

// unmet refuses a change of something that is not what it was.
func unmet(c *call, etag string) *apiError {
	if m := c.header.Get("If-Match"); m != "" && m != "*" && m != etag {
		return preconditionFailed("If-Match")
	}
	return nil
}

func preconditionFailed(location string) *apiError {
	e := fail(http.StatusPreconditionFailed, "conditionNotMet", "Precondition Failed")
	e.location = location
	return e
}

func (s *Server) insertDataset(c *call) (any, *apiError) {
	in := &bq.Dataset{}
	if err := c.decode(in); err != nil {
		return nil, err
	}
	if in.DatasetReference == nil || !datasetName.MatchString(in.DatasetReference.DatasetId) || len(in.DatasetReference.DatasetId) > maxTableName {
		return nil, invalid("Invalid dataset ID: dataset IDs must be alphanumeric (plus underscores) and must be at most 1024 characters long.")
	}
	id := in.DatasetReference.DatasetId
	if s.datasets[id] != nil {
		return nil, duplicate("Dataset %s:%s", s.o.Project, id)
	}
	if err := checkLabels(in.Labels); err != nil {
		return nil, err
	}
	if in.Location == "" {
		in.Location = s.o.Location
	}
	in.Kind, in.Id = "bigquery#dataset", s.o.Project+":"+id
	in.DatasetReference.ProjectId = s.o.Project
	in.CreationTime = s.millis()
	d := &dataset{res: in, tables: map[string]*table{}}
	s.touchDataset(d)
	s.datasets[id] = d
	return d.res, nil
}

func (s *Server) getDataset(c *call) (any, *apiError) {
	d, err := s.dataset(c.Dataset)
	if err != nil {
		return nil, err
	}
	return d.res, nil
}

func (s *Server) listDatasets(*call) (any, *apiError) {
	list := &bq.DatasetList{Kind: "bigquery#datasetList"}
	for _, d := range s.datasets {
		list.Datasets = append(list.Datasets, &bq.DatasetListDatasets{
			Kind: "bigquery#dataset", Id: d.res.Id, DatasetReference: d.res.DatasetReference, Labels: d.res.Labels, Location: d.res.Location,
		})
	}
	sort.Slice(list.Datasets, func(i, j int) bool { return list.Datasets[i].Id < list.Datasets[j].Id })
	return list, nil
}

func (s *Server) changeDataset(c *call) (any, *apiError) {
	d, err := s.dataset(c.Dataset)
	if err != nil {
		return nil, err
	}
	if err := unmet(c, d.res.Etag); err != nil {
		return nil, err
	}
	next, err := merge(c, d.res)
	if err != nil {
		return nil, err
	}
	if next.Location != "" && next.Location != d.res.Location {
		return nil, invalid("Cannot change the location of dataset %s", d.res.Id)
	}
	if err := checkLabels(next.Labels); err != nil {
		return nil, err
	}
	next.Kind, next.Id, next.DatasetReference = d.res.Kind, d.res.Id, d.res.DatasetReference
	next.Location, next.CreationTime = d.res.Location, d.res.CreationTime
	d.res = next
	s.touchDataset(d)
	return d.res, nil
}

func (s *Server) deleteDataset(c *call) (any, *apiError) {
	d, err := s.dataset(c.Dataset)
	if err != nil {
		return nil, err
	}
	if len(s.tableNames(d)) > 0 && c.query.Get("deleteContents") != "true" {
		return nil, fail(http.StatusBadRequest, "resourceInUse", "Dataset %s is still in use", d.res.Id)
	}
	delete(s.datasets, c.Dataset)
	return nil, nil
}
