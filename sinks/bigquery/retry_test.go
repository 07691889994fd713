package bigquery_test

import (
	"testing"
	"time"

	"backstory/sinks/bigquery"
	"backstory/sinks/bigquery/bqtest"
)

// TestUnreachable checks that somebody who cannot be reached is not asked for
// longer than a request may last: the client repeats it by itself until then.
func TestUnreachable(t *testing.T) {
	server := start(t, bqtest.Options{})
	server.Fail(bqtest.Rule{Times: -1, Do: bqtest.DropBefore})
	s := open(t, options(server))
	bigquery.LimitRequests(s, time.Second)
	began := time.Now()
	if err := s.Access(t.Context()); err == nil {
		t.Fatal("got no error")
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("it took %v", d)
	}
}
