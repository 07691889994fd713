package bigquery

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"backstory/sinks"
	"backstory/source"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/bigquery"
	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"
)

// Error is something about the project or the dataset that a person has to
// look at.
type Error struct {
	Err error
	// Advice is one sentence that says what to do.
	Advice string

	disagrees bool
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Is tells errors.Is whether the dataset is not as it was left.
func (e *Error) Is(target error) bool { return e.disagrees && target == sinks.ErrDisagree }

// Hint says what to do about the error.
func (e *Error) Hint() string { return e.Advice }

// fault makes an Error that says that the dataset is not as it was left, and
// is sinks.ErrDisagree; format and args are fmt.Errorf's.
func fault(hint, format string, args ...any) error {
	return &Error{Err: fmt.Errorf(format, args...), Advice: hint, disagrees: true}
}

// refuse makes an Error about what was asked for; format and args are
// fmt.Errorf's.
func refuse(hint, format string, args ...any) error {
	return &Error{Err: fmt.Errorf(format, args...), Advice: hint}
}

// setup says of an error that it lies in the configuration.
func setup(err error, hint, format string, args ...any) error {
	return source.Setup(hint, format+": %w", append(args, discreet(err))...)
}

var errNoCredentials = errors.New("it holds no credentials of a known type")

// class is what follows from a failed request or job.
type class int

const (
	permanent class = iota // it fails again
	passing                // it may pass: nobody knows whether it was done
	busy                   // refused for now: too many at a time
	exhausted              // refused for hours: a day's budget is used up
	missing                // what it names is not there
	taken                  // what it makes is there already
	stale                  // what it changes has been changed by another
)

// classes are those of the reasons that BigQuery gives
// (https://cloud.google.com/bigquery/docs/error-messages).
var classes = map[string]class{
	"backendError":          passing,
	"internalError":         passing,
	"jobBackendError":       passing,
	"jobInternalError":      passing,
	"stopped":               passing,
	"timeout":               passing,
	"tableUnavailable":      passing,
	"rateLimitExceeded":     busy,
	"jobRateLimitExceeded":  busy,
	"quotaExceeded":         exhausted,
	"notFound":              missing,
	"duplicate":             taken,
	"conditionNotMet":       stale,
	"accessDenied":          permanent,
	"authError":             permanent,
	"billingNotEnabled":     permanent,
	"billingTierLimit":      permanent,
	"blocked":               permanent,
	"invalid":               permanent,
	"invalidQuery":          permanent,
	"notImplemented":        permanent,
	"resourceInUse":         busy,
	"resourcesExceeded":     permanent,
	"responseTooLarge":      permanent,
	"invalidUser":           permanent,
	"proxyAuthRequired":     permanent,
	"required":              permanent,
	"policyViolation":       permanent,
	"parseError":            permanent,
	"badRequest":            permanent,
	"uploadTooLarge":        permanent,
	"requestEntityTooLarge": permanent,
}

// classify tells what follows from an error of the client or of a job.
func classify(err error) class {
	var api *googleapi.Error
	if errors.As(err, &api) {
		return classifyAPI(api)
	}
	var job *bigquery.Error
	if errors.As(err, &job) {
		return classes[job.Reason] // what we do not know is not done again
	}
	var grant *oauth2.RetrieveError
	var token *auth.Error
	switch {
	case errors.Is(err, context.Canceled), errors.As(err, &grant):
		return permanent
	case errors.As(err, &token):
		if token.Temporary() {
			return passing
		}
		return permanent
	}
	var cert x509.UnknownAuthorityError
	var host x509.HostnameError
	if errors.As(err, &cert) || errors.As(err, &host) {
		return permanent
	}
	var own *Error
	var setup *source.SetupError
	if errors.As(err, &own) || errors.As(err, &setup) {
		return permanent
	}
	// All else is the network, in one of its many words: connections that were
	// refused, reset or closed, time-outs, streams cut off.
	return passing
}

func classifyAPI(err *googleapi.Error) class {
	switch err.Code {
	case http.StatusConflict:
		return taken
	case http.StatusPreconditionFailed:
		return stale
	case http.StatusNotFound:
		return missing
	case http.StatusRequestTimeout:
		return passing
	case http.StatusTooManyRequests:
		return busy
	}
	for _, item := range err.Errors {
		if c, ok := classes[item.Reason]; ok && c != permanent {
			return c
		}
	}
	if err.Code >= 500 {
		return passing
	}
	return permanent
}

// reasons are the reasons and the text that an error of BigQuery gives.
func reasons(err error) (reasons []string, text string) {
	var api *googleapi.Error
	if errors.As(err, &api) {
		for _, item := range api.Errors {
			reasons = append(reasons, item.Reason)
		}
		return reasons, api.Message
	}
	var job *bigquery.Error
	if errors.As(err, &job) {
		return []string{job.Reason}, job.Message
	}
	return nil, ""
}

// explain wraps an error, with a hint where its cause is of a kind that a
// person can mend, and marks it as transient where it may pass.
func explain(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	wrapped := fmt.Errorf(format+": %w", append(args, discreet(err))...)
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return wrapped
	}
	switch c := classify(err); {
	case c == busy:
		return source.Transient(&source.SetupError{Err: wrapped, Advice: busyAdvice})
	case c == passing, source.IsTransient(err):
		return source.Transient(&source.SetupError{Err: wrapped, Advice: passingAdvice})
	}
	if hint := advice(err); hint != "" {
		return &source.SetupError{Err: wrapped, Advice: hint}
	}
	return wrapped
}

const (
	passingAdvice = "BigQuery could not be reached, or did not answer as it should: look at the network and at https://status.cloud.google.com, and run again; what was loaded is not loaded twice"
	busyAdvice    = "BigQuery was asked for too much at a time: run again in a while, with fewer load.workers; what was loaded is not loaded twice"
)

// advice says what to do about an error of BigQuery, "" if we do not know.
func advice(err error) string {
	if isTokenRefused(err) {
		return "the credentials were refused or have expired: " + credentialsAdvice
	}
	if isSwitchedOff(err) {
		return "enable the API: gcloud services enable bigquery.googleapis.com, for sink.project; it takes a few minutes"
	}
	var api *googleapi.Error
	if errors.As(err, &api) && api.Code == http.StatusUnauthorized {
		return "the credentials were refused or have expired: " + credentialsAdvice
	}
	why, text := reasons(err)
	switch {
	case slices.Contains(why, "accessDenied"), api != nil && api.Code == http.StatusForbidden && len(why) == 0:
		return "grant roles/bigquery.jobUser on the project and roles/bigquery.dataEditor on the dataset to whom backstory runs as; backstory check names what is missing"
	case slices.Contains(why, "billingNotEnabled"):
		return "enable billing for the project, or leave partitions without expiration out of a sandbox"
	case slices.Contains(why, "quotaExceeded"):
		return "a quota of the day is used up and refills slowly: run again in an hour, with larger windows or a slower schedule; what is loaded of a window by then is not loaded twice"
	case slices.Contains(why, "resourcesExceeded"):
		return "load smaller windows: set load.window lower"
	case strings.Contains(text, "Cannot list a table of type"):
		return "name another dataset, or remove what stands where a table of ours belongs"
	case strings.Contains(text, "location"), strings.Contains(text, "Location"):
		return "set sink.location to where the dataset is; a dataset cannot be moved"
	case classify(err) == missing:
		return "check sink.project, sink.dataset and sink.location; a table that is gone can be loaded anew with backstory rebuild"
	}
	return ""
}

// isTokenRefused tells whether there was no token to be had.
func isTokenRefused(err error) bool {
	var grant *oauth2.RetrieveError
	var token *auth.Error
	return errors.As(err, &grant) || errors.As(err, &token)
}

// discreet makes an error fit to be shown: what came with a request for a
// token is left out, and so is the address of an upload, whose ID lets
// anybody go on with it.
func discreet(err error) error {
	var grant *oauth2.RetrieveError
	if errors.As(err, &grant) {
		return &hidden{text: strings.TrimSpace("get a token: " + grant.ErrorCode), err: err}
	}
	var token *auth.Error
	if errors.As(err, &token) {
		text := "get a token: refused"
		if token.Response != nil {
			text = "get a token: " + token.Response.Status
		}
		return &hidden{text: text, err: err}
	}
	var address *url.Error
	if errors.As(err, &address) && strings.Contains(address.URL, "upload_id") {
		return &hidden{text: "upload: " + address.Err.Error(), err: err}
	}
	return err
}

// hidden is an error that shows another text.
type hidden struct {
	text string
	err  error
}

func (h *hidden) Error() string { return h.text }
func (h *hidden) Unwrap() error { return h.err }

// isMissing tells whether what a request names is not there.
func isMissing(err error) bool { return err != nil && classify(err) == missing }
