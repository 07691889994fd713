package bigquery

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/googleapi"
)

// tablePermissions are those that loading needs on each table.
var tablePermissions = []string{
	"bigquery.tables.get", "bigquery.tables.getData", "bigquery.tables.update", "bigquery.tables.updateData", "bigquery.tables.delete",
}

// Access finds what the sink may not do, without writing anything: all
// problems at once, each with a hint. Whether a dataset may be made shows only
// when it is made.
func (s *Sink) Access(ctx context.Context) error {
	return errors.Join(s.mayRunJobs(ctx), s.mayChangeTables(ctx))
}

// mayRunJobs sends a job that loads nothing from nowhere. It is refused, for
// one reason or the other, before it becomes a job.
func (s *Sink) mayRunJobs(ctx context.Context) error {
	_, err := s.dataset().Table(loadsTable).LoaderFrom(bigquery.NewGCSReference()).Run(ctx)
	if err == nil || !isDenied(err) {
		return nil
	}
	return refuse("grant roles/bigquery.jobUser on project "+s.o.Project+" to whom backstory runs as", "run jobs in project %s: %w", s.o.Project, discreet(err))
}

// mayChangeTables asks about one of our own tables, or the first there is: what
// holds for one holds for all that a role on the dataset gives.
func (s *Sink) mayChangeTables(ctx context.Context) error {
	there, err := s.locate(ctx)
	if err != nil || !there {
		return err
	}
	const hint = "grant roles/bigquery.dataEditor on the dataset to whom backstory runs as"
	var have []string
	err = s.ask(ctx, func(ctx context.Context) (err error) {
		have, err = s.dataset().Table(loadsTable).IAM().TestPermissions(ctx, tablePermissions)
		return err
	})
	if isMissing(err) {
		return nil // nothing was loaded yet
	}
	if err != nil {
		return explain(err, "ask for permissions on %s", s.fullName(loadsTable))
	}
	var lacks []string
	for _, p := range tablePermissions {
		if !slices.Contains(have, p) {
			lacks = append(lacks, p)
		}
	}
	if len(lacks) > 0 {
		return refuse(hint, "change tables of dataset %s.%s: missing %s", s.o.Project, s.o.Dataset, strings.Join(lacks, ", "))
	}
	return nil
}

func isDenied(err error) bool {
	var api *googleapi.Error
	return errors.As(err, &api) && (api.Code == http.StatusForbidden || api.Code == http.StatusUnauthorized)
}
