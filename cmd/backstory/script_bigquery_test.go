package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"backstory/sinks/bigquery/bqtest"

	"cloud.google.com/go/bigquery"
	"github.com/rogpeppe/go-internal/testscript"
	"google.golang.org/api/option"
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

// warehouseTamper DATASET TABLE delete|double POSITION changes the rows of a
// position by a query, as some other program would.
func warehouseTamper(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: bqtamper DATASET TABLE delete|double POSITION")
	}
	s := *ts.Value(warehouse{}).(**bqtest.Server)
	table := fmt.Sprintf("`%s.%s.%s`", s.Project(), args[0], args[1])
	where := " WHERE `position` = " + args[3]
	text := "DELETE FROM " + table + where
	if args[2] == "double" {
		var columns []string
		for _, f := range s.Table(args[0], args[1]).Schema.Fields {
			columns = append(columns, "`"+f.Name+"`")
		}
		list := strings.Join(columns, ", ")
		text = "INSERT INTO " + table + " (" + list + ") SELECT " + list + " FROM " + table + where
	}
	before, err := s.Rows(args[0], args[1])
	ts.Check(err)
	ctx := context.Background()
	c, err := bigquery.NewClient(ctx, s.Project(), option.WithEndpoint(s.URL()), option.WithoutAuthentication())
	ts.Check(err)
	defer c.Close()
	q := c.Query("BEGIN TRANSACTION;\n" + text + ";\nCOMMIT TRANSACTION;")
	q.JobID, q.Location = fmt.Sprintf("tamper_%d", len(s.Jobs())), s.Jobs()[0].JobReference.Location // else it is no job
	job, err := q.Run(ctx)
	ts.Check(err)
	for status := job.LastStatus(); ; status, err = job.Status(ctx) { // to wait would be to ask for rows
		ts.Check(err)
		if status.Done() {
			ts.Check(status.Err())
			break
		}
	}
	after, err := s.Rows(args[0], args[1])
	ts.Check(err)
	if len(after) == len(before) {
		ts.Fatalf("table %s has no row at position %s", args[1], args[3])
	}
}

// warehouseDrop DATASET TABLE deletes a table.
func warehouseDrop(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: bqdrop DATASET TABLE")
	}
	s := *ts.Value(warehouse{}).(**bqtest.Server)
	ctx := context.Background()
	c, err := bigquery.NewClient(ctx, s.Project(), option.WithEndpoint(s.URL()), option.WithoutAuthentication())
	ts.Check(err)
	defer c.Close()
	ts.Check(c.Dataset(args[0]).Table(args[1]).Delete(ctx))
}
