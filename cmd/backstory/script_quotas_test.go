package main

import (
	"strconv"

	"backstory/sinks/bigquery/bqtest"

	"github.com/rogpeppe/go-internal/testscript"
)

// warehouseJobs DATASET TABLE COUNT checks how many jobs have loaded into a
// table.
func warehouseJobs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: bqjobs DATASET TABLE COUNT")
	}
	want, err := strconv.Atoi(args[2])
	ts.Check(err)
	got := 0
	for _, j := range (*ts.Value(warehouse{}).(**bqtest.Server)).Jobs() {
		if l := j.Configuration.Load; l != nil && l.DestinationTable.DatasetId == args[0] && l.DestinationTable.TableId == args[1] {
			got++
		}
	}
	if got != want {
		ts.Fatalf("%d jobs have loaded into table %s, want %d", got, args[1], want)
	}
}

// warehouseDeny PERMISSION... takes permissions away from everybody; with ! it
// gives them back.
func warehouseDeny(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: [!] bqdeny PERMISSION...")
	}
	s := *ts.Value(warehouse{}).(**bqtest.Server)
	if neg {
		s.Allow(args...)
		return
	}
	s.Deny(args...)
}
