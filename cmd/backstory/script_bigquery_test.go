package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"backstory/sinks/bigquery/bqtest"

	"github.com/rogpeppe/go-internal/testscript"
)

// warehouse finds the script's BigQuery among the values of its environment.
type warehouse struct{}

// warehouseServer starts a strict BigQuery for the script, to which
// BIGQUERY_EMULATOR_HOST leads, with an empty project.
func warehouseServer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: bigquery")
	}
	s := bqtest.Start(ts.Value(testKey{}).(testing.TB), bqtest.Options{})
	*ts.Value(warehouse{}).(**bqtest.Server) = s
	ts.Setenv("BIGQUERY_EMULATOR_HOST", s.Host())
	ts.Setenv("PROJECT", s.Project())
}

// warehouseRows DATASET TABLE COUNT checks how many rows a table has.
func warehouseRows(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: bqrows DATASET TABLE COUNT")
	}
	s := *ts.Value(warehouse{}).(**bqtest.Server)
	want, err := strconv.Atoi(args[2])
	ts.Check(err)
	if !slices.Contains(s.Tables(args[0]), args[1]) {
		ts.Fatalf("dataset %s has no table %s; it has %v", args[0], args[1], s.Tables(args[0]))
	}
	rows, err := s.Rows(args[0], args[1])
	ts.Check(err)
	if len(rows) != want {
		ts.Fatalf("table %s has %d rows, want %d", args[1], len(rows), want)
	}
}

// warehouseTraces DATASET TEXT COUNT checks how many rows of all tables hold a
// text.
func warehouseTraces(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: bqtraces DATASET TEXT COUNT")
	}
	s := *ts.Value(warehouse{}).(**bqtest.Server)
	want, err := strconv.Atoi(args[2])
	ts.Check(err)
	got := 0
	for _, table := range s.Tables(args[0]) {
		rows, err := s.Rows(args[0], table)
		ts.Check(err)
		for _, row := range rows {
			if strings.Contains(fmt.Sprint(row), args[1]) {
				got++
			}
		}
	}
	if got != want {
		ts.Fatalf("%d rows of dataset %s hold %s, want %d", got, args[0], args[1], want)
	}
}
