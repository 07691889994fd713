package bigquery

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"backstory/source"

	"cloud.google.com/go/bigquery"
)

// maxAttempts bounds how many jobs one process sends for the same work. Those
// that failed before it came do not count: else work would become impossible.
const maxAttempts = 20

// work is what one job of BigQuery does, exactly once.
type work struct {
	// id names the work. A job's ID is id and the number of the attempt:
	// nothing in it depends on when or by whom it is done.
	id string
	// what says it in messages.
	what string
	// submit sends the job under an ID. It may be called again.
	submit func(ctx context.Context, id string) (*bigquery.Job, error)
	// check refuses a job that another has sent under our ID, and that does
	// something else.
	check func(bigquery.JobConfig) error
	// look says to ask for the job before it is sent: it costs a request, and
	// spares sending what is there.
	look bool
}

// settle does the work: it sends the job, or finds the one that was sent, and
// waits for it. After a nil error the work was done once, by whomever.
//
// An ID is used for one job only. The next attempt's is used when the last one
// is known to have failed, and never when that is not known.
func (s *Sink) settle(ctx context.Context, w work) (*bigquery.JobStatus, error) {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.slots }()
	look, sent := w.look, 0
	for attempt := 1; ; attempt++ {
		id := w.id + "_a" + strconv.Itoa(attempt)
		job, found, err := s.obtain(ctx, w, id, look)
		if err != nil {
			return nil, explain(err, "%s (job %s)", w.what, id)
		}
		if found && !failed(job) {
			if err := s.identify(job, w); err != nil {
				return nil, fault(foreignAdvice(err), "%s: job %s is not ours: %w", w.what, id, err)
			}
		}
		status, err := s.await(ctx, job)
		if err != nil {
			return nil, explain(err, "%s (job %s)", w.what, id)
		}
		if err = status.Err(); err == nil {
			return status, nil
		}
		err = failure(status)
		// What failed before we came may have been mended since.
		if !found {
			sent++
		}
		if c := classify(err); !found && (sent >= maxAttempts || c != passing && c != busy) {
			return nil, explain(err, "%s (job %s)", w.what, id)
		}
		// After a failure of an earlier process there may be more of them.
		look = found
		if !found {
			if err := s.pace.pause(ctx, sent, classify(err)); err != nil {
				return nil, err
			}
		}
	}
}

// obtain gives the job of that ID: sent now, or found.
func (s *Sink) obtain(ctx context.Context, w work, id string, look bool) (job *bigquery.Job, found bool, err error) {
	if look {
		if job, err = s.find(ctx, id); job != nil || err != nil {
			return job, true, err
		}
	}
	for n := 1; ; n++ {
		job, err = s.submitWithin(ctx, w, id)
		if err == nil {
			return job, false, nil
		}
		c := classify(err)
		switch {
		case ctx.Err() != nil:
			return nil, false, err
		case c == taken:
			if job, e := s.find(ctx, id); job != nil || e != nil {
				return job, true, e
			}
			// Refused, and not to be found: it was sent in another place, or
			// has not arrived everywhere.
		case c == passing:
			// Nobody knows whether it was taken. If it was not, the same ID is
			// sent again, which cannot do it twice.
			if job, e := s.find(ctx, id); job != nil || e != nil {
				return job, true, e
			}
		case c == missing && n < 5:
			// A table that was just made is not known everywhere yet.
		case c != busy:
			return nil, false, err
		}
		if n == s.pace.tries {
			return nil, false, source.Transient(err)
		}
		if err := s.pace.pause(ctx, n, c); err != nil {
			return nil, false, err
		}
	}
}

// submitWithin sends a job, within the limit.
func (s *Sink) submitWithin(ctx context.Context, w work, id string) (*bigquery.Job, error) {
	ctx, cancel := context.WithTimeout(ctx, s.pace.upload)
	defer cancel()
	return w.submit(ctx, id)
}

// find gives the job of that ID, nil if there is none.
func (s *Sink) find(ctx context.Context, id string) (job *bigquery.Job, err error) {
	err = s.ask(ctx, func(ctx context.Context) (err error) {
		job, err = s.client.JobFromIDLocation(ctx, id, s.client.Location)
		return err
	})
	if isMissing(err) {
		return nil, nil
	}
	return job, err
}

// identify makes sure that a job which was found does the work.
func (s *Sink) identify(job *bigquery.Job, w work) error {
	config, err := job.Config()
	if err != nil {
		return err
	}
	return w.check(config)
}

// foreignAdvice says what to do about a job of our ID that does something else.
func foreignAdvice(err error) string {
	var known *Error
	if errors.As(err, &known) {
		return known.Advice
	}
	return "give the job another name, or name another dataset: who used the ID loaded something else"
}

// failed tells whether a job is known to have come to its end without any
// effect, whoever sent it and for what.
func failed(job *bigquery.Job) bool {
	status := job.LastStatus()
	return status != nil && status.Done() && status.Err() != nil
}

// await looks at a job until it is done. An error says that nobody could be
// asked: the job may still do its work.
func (s *Sink) await(ctx context.Context, job *bigquery.Job) (*bigquery.JobStatus, error) {
	pause := s.pace.poll
	for {
		if status := job.LastStatus(); status != nil && status.Done() {
			return status, nil
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
		pause = min(pause+pause/2, s.pace.pollMost)
		err := s.ask(ctx, func(ctx context.Context) error {
			_, err := job.Status(ctx)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
}

// failure is why a job failed, with the first detail that says more.
func failure(status *bigquery.JobStatus) error {
	err := status.Err()
	var main *bigquery.Error
	if !errors.As(err, &main) {
		return err
	}
	detail := main.Message
	for _, e := range status.Errors {
		if e != nil && e.Message != main.Message {
			detail += "; " + e.Message
			break
		}
	}
	return &jobError{cause: main, text: fmt.Sprintf("%s (%s)", detail, main.Reason)}
}

// jobError shows what BigQuery says of a job that failed.
type jobError struct {
	cause *bigquery.Error
	text  string
}

func (e *jobError) Error() string { return e.text }
func (e *jobError) Unwrap() error { return e.cause }
