package bigquery_test

import (
	"testing"

	"backstory/sinks/bigquery/bqtest"
	"backstory/sinks/sinktest"
)

// TestEraseMadeAnew checks that manifests of generations that are gone are
// erased, also in a dataset that takes the place of another in which the same
// was erased.
func TestEraseMadeAnew(t *testing.T) {
	server := start(t, bqtest.Options{})
	for range 2 {
		s := open(t, options(server))
		for generation := range 2 {
			commitIn(t, s, generation+1, sinktest.Window(0, 10), sinktest.Orders())
		}
		if err := s.Swap(t.Context(), sinktest.Job, 2); err != nil {
			t.Fatal(err)
		}
		if err := s.Erase(t.Context(), sinktest.Job, 2); err != nil {
			t.Fatal(err)
		}
		rows, err := server.Rows(dataset, "_backstory_loads")
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != 1 {
			t.Fatalf("got %d manifests, want that of the live generation", len(rows))
		}
		if err := outsider(t, server).Dataset(dataset).DeleteWithContents(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
