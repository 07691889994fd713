package bqtest

import (
	"encoding/json"
	"fmt"
	"net/http"

	bq "google.golang.org/api/bigquery/v2"
)

// apiError is an error as the service tells it, in an answer or in a job.
type apiError struct {
	code     int
	reason   string
	message  string
	location string // the header or parameter that is wrong, if one is
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s: %s", e.code, e.reason, e.message) }

func fail(code int, reason, format string, args ...any) *apiError {
	return &apiError{code: code, reason: reason, message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *apiError {
	return fail(http.StatusBadRequest, "invalid", format, args...)
}

func notFound(format string, args ...any) *apiError {
	return fail(http.StatusNotFound, "notFound", "Not found: "+format, args...)
}

func duplicate(format string, args ...any) *apiError {
	return fail(http.StatusConflict, "duplicate", "Already Exists: "+format, args...)
}

// proto is the error as a job keeps it.
func (e *apiError) proto() *bq.ErrorProto {
	return &bq.ErrorProto{Reason: e.reason, Message: e.message, Location: e.location}
}

// statusNames are the canonical names the service gives its codes in
// error.status (https://cloud.google.com/apis/design/errors).
var statusNames = map[int]string{
	400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
	409: "ALREADY_EXISTS", 410: "NOT_FOUND", 412: "FAILED_PRECONDITION", 429: "RESOURCE_EXHAUSTED",
	500: "INTERNAL", 501: "UNIMPLEMENTED", 502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
}

// body is the service's envelope around an error.
func (e *apiError) body() []byte {
	type item struct {
		Message      string `json:"message"`
		Domain       string `json:"domain"`
		Reason       string `json:"reason"`
		Location     string `json:"location,omitempty"`
		LocationType string `json:"locationType,omitempty"`
	}
	type envelope struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Errors  []item `json:"errors"`
		Status  string `json:"status,omitempty"`
	}
	it := item{Message: e.message, Domain: "global", Reason: e.reason, Location: e.location}
	switch {
	case e.reason == "quotaExceeded" || e.reason == "rateLimitExceeded":
		it.Domain = "usageLimits"
	case e.location != "":
		it.LocationType = "header"
	}
	// Strings and numbers always have a form.
	b, _ := json.Marshal(map[string]envelope{"error": {
		Code: e.code, Message: e.message, Errors: []item{it}, Status: statusNames[e.code],
	}})
	return b
}
