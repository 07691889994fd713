package bigquery

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"backstory/source"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/googleapi"
)

// tablePermissions are those that loading needs on each table.
var tablePermissions = []string{
	"bigquery.tables.get", "bigquery.tables.getData", "bigquery.tables.update", "bigquery.tables.updateData", "bigquery.tables.delete",
}

// Access finds what the sink may not do, without writing anything: all
// problems at once, each with a hint. Where nobody lets us in, that is all
// there is to say. Whether a dataset may be made shows only when it is made.
func (s *Sink) Access(ctx context.Context) error {
	there, err := s.locate(ctx)
	if err != nil {
		if isDenied(err) && !isShut(err) {
			return together(err, s.mayRunJobs(ctx))
		}
		return err
	}
	err = s.mayRunJobs(ctx)
	if there && !isShut(err) {
		return together(err, s.mayChangeTables(ctx))
	}
	return err
}

// together makes one error of those that are not nil, with the hints of all.
func together(errs ...error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) < 2 {
		return errors.Join(errs...)
	}
	var hints []string
	for _, err := range errs {
		var h interface{ Hint() string }
		if errors.As(err, &h) && !slices.Contains(hints, h.Hint()) {
			hints = append(hints, h.Hint())
		}
	}
	return &source.SetupError{Err: errors.Join(errs...), Advice: strings.Join(hints, "; ")}
}

// mayRunJobs sends a job that loads nothing from nowhere. It is refused, for
// one reason or the other, before it becomes a job.
func (s *Sink) mayRunJobs(ctx context.Context) error {
	err := s.once(ctx, func(ctx context.Context) error {
		_, err := s.dataset().Table(loadsTable).LoaderFrom(bigquery.NewGCSReference()).Run(ctx)
		return err
	})
	switch {
	case err == nil:
		return nil
	case isShut(err):
		return explain(err, "run jobs in project %s", s.o.Project)
	case isDenied(err):
		return setup(err, "grant roles/bigquery.jobUser on project "+s.o.Project+" to whom backstory runs as", "run jobs in project %s", s.o.Project)
	}
	var api *googleapi.Error
	if errors.As(err, &api) && api.Code == http.StatusNotFound && strings.Contains(strings.ToLower(api.Message), "project") {
		return setup(err, "check sink.project: it is the project's ID, and not its name", "run jobs in project %s", s.o.Project)
	}
	if errors.As(err, &api) && (classifyAPI(api) != passing || api.Code == http.StatusNotImplemented) {
		return nil // it was looked at, and is no job
	}
	return explain(err, "run jobs in project %s", s.o.Project)
}

// mayChangeTables asks about one of our own tables: what holds for one holds
// for all that a role on the dataset gives.
func (s *Sink) mayChangeTables(ctx context.Context) error {
	const hint = "grant roles/bigquery.dataEditor on the dataset to whom backstory runs as"
	var have []string
	err := s.ask(ctx, func(ctx context.Context) (err error) {
		have, err = s.dataset().Table(loadsTable).IAM().TestPermissions(ctx, tablePermissions)
		return err
	})
	if isMissing(err) {
		return nil // nothing was loaded yet
	}
	var api *googleapi.Error
	if s.o.Endpoint != "" && errors.As(err, &api) && api.Code == http.StatusMethodNotAllowed {
		return nil // a stand-in without permissions
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
		return source.Setup(hint, "change tables of dataset %s.%s: missing %s", s.o.Project, s.o.Dataset, strings.Join(lacks, ", "))
	}
	return nil
}

// isDenied tells whether a request was refused for who has made it.
func isDenied(err error) bool {
	var api *googleapi.Error
	return errors.As(err, &api) && (api.Code == http.StatusForbidden || api.Code == http.StatusUnauthorized)
}

// isShut tells whether no request would be answered: the credentials are
// refused, or the project has no BigQuery.
func isShut(err error) bool {
	var api *googleapi.Error
	if errors.As(err, &api) && api.Code == http.StatusUnauthorized {
		return true
	}
	return isTokenRefused(err) || isSwitchedOff(err)
}

// isSwitchedOff tells whether the project's API is not enabled
// (https://cloud.google.com/service-usage/docs/enabled-service).
func isSwitchedOff(err error) bool {
	why, text := reasons(err)
	return slices.Contains(why, "accessNotConfigured") || slices.Contains(why, "SERVICE_DISABLED") ||
		strings.Contains(text, "has not been used in project") && strings.Contains(text, "disabled")
}
