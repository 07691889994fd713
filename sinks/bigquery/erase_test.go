package bigquery_test

import (
	"context"
	"errors"
	"slices"
	"strings"
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

// TestEraseStaged leaves staging tables behind, in a generation that is then
// replaced: what was staged may be what is to be erased.
func TestEraseStaged(t *testing.T) {
	server := start(t, bqtest.Options{})
	w := sinktest.Window(0, 10)
	commitIn(t, open(t, options(server)), 1, w, sinktest.Orders())
	staging := func() int {
		return len(slices.DeleteFunc(server.Tables(dataset), func(name string) bool { return !strings.Contains(name, "__r_") }))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := options(server)
	o.Step = func(name string) {
		if name == "exchange rows" {
			cancel()
		}
	}
	txn, err := open(t, o).Replace(ctx, sinktest.Load(w))
	if err != nil {
		t.Fatal(err)
	}
	r := sinktest.Record(sinktest.Orders(), w)
	defer r.Release()
	if err := txn.Write(ctx, sinktest.Orders(), r); err != nil {
		t.Fatal(err)
	}
	if err := txn.Commit(ctx, sinktest.Summary(w)); !errors.Is(err, context.Canceled) || staging() == 0 {
		t.Fatalf("replace a load: got %v, and %d staging tables", err, staging())
	}
	s := open(t, options(server))
	commitIn(t, s, 2, w, sinktest.Orders())
	if err := errors.Join(s.Swap(t.Context(), sinktest.Job, 2), s.Erase(t.Context(), sinktest.Job, 2)); err != nil {
		t.Fatal(err)
	}
	if n := staging(); n > 0 {
		t.Errorf("%d staging tables are left", n)
	}
}
