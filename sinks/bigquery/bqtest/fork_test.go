package bqtest

import (
	"testing"

	"cloud.google.com/go/bigquery"
)

// A fork knows the tables, the rows and the jobs, and then goes its own way.
func TestFork(t *testing.T) {
	r := orders(t, Options{JobDelay: 1})
	q := r.query(transactionOf(exchange))
	q.JobID = "pending"
	if _, err := q.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	server := r.Fork(t)
	f := &rig{Server: server, client: dial(t, server)}
	f.shop = f.client.Dataset("shop")
	job, err := f.client.JobFromID(t.Context(), "pending")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := settle(t, job); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, f.ids(t, "orders"), "1 4 5 5")
	wantEqual(t, r.ids(t, "orders"), "1 2 3 4 5")
	wantEqual(t, len(f.Jobs()), len(r.Jobs()))
	f.create(t, "other", &bigquery.TableMetadata{Schema: itemSchema})
	if r.Table("shop", "other") != nil {
		t.Error("a table of the fork is in the one it came from")
	}
}
