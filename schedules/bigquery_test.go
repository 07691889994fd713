package schedules_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"backstory/schedules"
	"backstory/sinks/bigquery/bqtest"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/option"
)

// dataset is where orders load that name a project.
const dataset = "shop"

// A warehouse is a BigQuery in this process, for jobs in this one and others.
type warehouse struct {
	*bqtest.Server
	order order
	store *store
}

// newWarehouse makes an empty one, and a store that it is loaded from.
func newWarehouse(t testing.TB, o order) *warehouse {
	t.Helper()
	w := &warehouse{Server: bqtest.Start(t, bqtest.Options{Limits: bqtest.Unlimited}), store: newStore(t, "sqlite"), order: o}
	table, err := w.store.newTable(crashEvents)
	if err != nil {
		t.Fatal(err)
	}
	w.order.Driver, w.order.Store, w.order.Table = "sqlite", w.store.address, table
	w.order.Server, w.order.Project = w.URL(), w.Project()
	w.order.Out, w.order.WindowEvents = scratch(t), crashEvents/2
	return w
}

// fork makes another that holds the same, with a store of its own.
func (w *warehouse) fork(t testing.TB) (*warehouse, error) {
	twin := &warehouse{Server: w.Fork(t), store: newStore(t, "sqlite"), order: w.order}
	twin.order.Store, twin.order.Out, twin.order.Server = twin.store.address, filepath.Join(scratch(t), "out"), twin.URL()
	data, err := os.ReadFile(w.order.Store)
	if err == nil {
		err = errors.Join(os.WriteFile(twin.order.Store, data, 0o600), os.CopyFS(twin.order.Out, os.DirFS(w.order.Out)))
	}
	return twin, err
}

// spoil makes some events bad, which rules of era "strict" cannot take.
func (w *warehouse) spoil() error {
	_, err := w.store.db.Exec(`UPDATE ` + w.order.Table + ` SET body = replace(body, '{"sku"', '{"bad": true, "sku"') WHERE id % 90 = 7`)
	return err
}

// tamper deletes some rows of a table by hand, and doubles all of another.
func (w *warehouse) tamper(ctx context.Context) error {
	return errors.Join(w.double(ctx, "cart_closed"), w.delete(ctx, "cart_opened", 20))
}

// double appends a table to itself.
func (w *warehouse) double(ctx context.Context, table string) error {
	return w.work(ctx, func(c *bigquery.Client) worker {
		t := c.Dataset(dataset).Table(table)
		copier := t.CopierFrom(t)
		copier.WriteDisposition = bigquery.WriteAppend
		return copier
	})
}

// delete deletes a table's rows up to a position.
func (w *warehouse) delete(ctx context.Context, table string, through int64) error {
	return w.work(ctx, func(c *bigquery.Client) worker {
		q := c.Query(fmt.Sprintf("BEGIN TRANSACTION; DELETE FROM `%s.%s.%s` WHERE `position` <= %d; COMMIT TRANSACTION;", w.Project(), dataset, table, through))
		q.JobID, q.Location = fmt.Sprintf("deleting-%d", len(w.Jobs())), w.Jobs()[0].JobReference.Location // else it is no job
		return q
	})
}

// worker is a job of BigQuery that can be begun.
type worker interface {
	Run(context.Context) (*bigquery.Job, error)
}

// work does a job by hand.
func (w *warehouse) work(ctx context.Context, what func(*bigquery.Client) worker) error {
	c, err := bigquery.NewClient(ctx, w.Project(), option.WithEndpoint(w.URL()), option.WithoutAuthentication())
	if err != nil {
		return err
	}
	defer c.Close()
	job, err := what(c).Run(ctx)
	if err != nil {
		return err
	}
	for status := job.LastStatus(); !status.Done(); {
		if status, err = job.Status(ctx); err != nil {
			return err
		}
	}
	return job.LastStatus().Err()
}

// do does the order with changes, in this process.
func (w *warehouse) do(ctx context.Context, change func(*order)) error {
	o := w.order
	change(&o)
	return o.do(ctx, func(*schedules.Report) {})
}

// start does so in another process, and tells whether that was killed.
func (w *warehouse) start(change func(*order)) (killed bool, err error) {
	o := w.order
	change(&o)
	return o.start()
}

// finish runs the job to its end, under the rules of an era, in this process,
// which knows nothing of those before, and looks at the result.
func (w *warehouse) finish(ctx context.Context, through int64, era string) error {
	err := w.do(ctx, func(o *order) { o.Era, o.WindowEvents = era, otherWindow*2 })
	if err != nil {
		return fmt.Errorf("the last run: %w", err)
	}
	w.Settle() // jobs that a process left behind, when it was killed, do not come later
	f, err := w.read()
	if err != nil {
		return err
	}
	return errors.Join(f.expectOnce(through, era), w.tidy())
}

// tidy looks for staging tables, which are not meant to stay.
func (w *warehouse) tidy() error {
	for _, name := range w.staging() {
		return fmt.Errorf("table %s is left over", name)
	}
	return nil
}

func (w *warehouse) staging() []string {
	return slices.DeleteFunc(w.Tables(dataset), func(name string) bool { return !strings.Contains(name, "__r_") })
}

// read reads what readers see.
func (w *warehouse) read() (*folder, error) {
	f := &folder{rows: make(map[string][]map[string]string)}
	for _, name := range w.Tables(dataset) {
		if strings.HasPrefix(name, "_backstory_") || strings.Contains(name, "__") {
			continue
		}
		rows, err := w.Rows(dataset, name)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			values := make(map[string]string)
			for _, c := range row {
				var v any
				d := json.NewDecoder(strings.NewReader(c.Text))
				d.UseNumber()
				if err := d.Decode(&v); err != nil {
					return nil, fmt.Errorf("table %s: column %s: %w", name, c.Name, err)
				}
				if v != nil {
					values[c.Name] = fmt.Sprint(v)
				}
			}
			f.rows[name] = append(f.rows[name], values)
		}
	}
	return f, nil
}
