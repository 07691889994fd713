package bigquery

import (
	"context"
	"strings"

	"backstory/source"

	"cloud.google.com/go/bigquery"
)

// defaultLocation is where BigQuery makes a dataset that has no location.
const defaultLocation = "US"

// locate finds the dataset, and where it is: the IDs of jobs are known by
// location. It gives false where the dataset is not there.
func (s *Sink) locate(ctx context.Context) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.locateLocked(ctx)
}

func (s *Sink) locateLocked(ctx context.Context) (bool, error) {
	if s.located {
		return true, nil
	}
	var md *bigquery.DatasetMetadata
	err := s.ask(ctx, func(ctx context.Context) (err error) {
		md, err = s.dataset().Metadata(ctx)
		return err
	})
	if isMissing(err) {
		return false, nil
	}
	if err != nil {
		return false, explain(err, "look at dataset %s.%s", s.o.Project, s.o.Dataset)
	}
	if s.o.Location != "" && !strings.EqualFold(s.o.Location, md.Location) {
		return false, source.Setup("set sink.location to "+md.Location+", or name another dataset; a dataset cannot be moved",
			"use dataset %s.%s: it is in %s and not in %s", s.o.Project, s.o.Dataset, md.Location, s.o.Location)
	}
	s.client.Location, s.located = md.Location, true
	return true, nil
}

// makeDataset makes the dataset if it is not there.
func (s *Sink) makeDataset(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := 1; ; n++ {
		there, err := s.locateLocked(ctx)
		if there || err != nil {
			return err
		}
		location := s.o.Location
		if location == "" {
			location = defaultLocation
		}
		s.step("create dataset %s", s.o.Dataset)
		err = s.ask(ctx, func(ctx context.Context) error {
			return s.dataset().Create(ctx, &bigquery.DatasetMetadata{
				Location: location, Description: "Events of an event store, as tables. Written by Backstory.",
			})
		})
		if err != nil && classify(err) != taken {
			return explain(err, "create dataset %s.%s", s.o.Project, s.o.Dataset)
		}
		if n == s.pace.tries {
			return explain(err, "create dataset %s.%s: it is still not there", s.o.Project, s.o.Dataset)
		}
		if n > 1 {
			if err := s.pace.pause(ctx, n, stale); err != nil {
				return err
			}
		}
	}
}
