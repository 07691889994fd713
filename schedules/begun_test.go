package schedules_test

import (
	"os"
	"path/filepath"
	"testing"

	"backstory/sinks/bigquery/bqtest"
)

// TestLedgerLostInWindow cuts a run off between its tables and its manifest,
// and loses the ledger. Events have been added when the next run comes: it
// finds the windows as they were cut, and loads nothing twice.
func TestLedgerLostInWindow(t *testing.T) {
	t.Parallel()
	w := newWarehouse(t, order{})
	defer w.Close()
	w.Fail(bqtest.Rule{Method: "jobs.insert", Table: "_backstory_loads", Times: -1, Do: bqtest.Status(403, "accessDenied")})
	if err := w.do(t.Context(), func(*order) {}); err == nil {
		t.Fatal("run without a manifest: got no error")
	}
	w.Mend()
	if err := os.RemoveAll(filepath.Join(w.order.Out, "_backstory")); err != nil {
		t.Fatal(err)
	}
	if err := w.store.extend(w.order.Table, crashEvents, moreEvents); err != nil {
		t.Fatal(err)
	}
	if err := w.finish(t.Context(), moreEvents, ""); err != nil {
		t.Fatal(err)
	}
}
