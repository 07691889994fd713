package bigquery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"google.golang.org/api/iterator"
)

// Our own tables. They are written by load jobs as all others are, and read
// by listing their rows, which costs nothing. Only a load in place of another
// takes a row away: its manifest.
const (
	// loadsTable has one row for each committed load.
	loadsTable = "_backstory_loads"
	// tablesTable has one row for each time that the tables of a generation
	// were evolved, and those that say what became of generations.
	tablesTable = "_backstory_tables"

	colAt = "at" // when a row was written; the tables are partitioned by its month
)

// loadRow is a row of loadsTable as it is read.
type loadRow struct {
	Job               string
	Generation, Build int64
	Body              string // the manifest as JSON text
	At                time.Time
}

// eventRow is a row of tablesTable as it is read.
type eventRow struct {
	Job                string
	Generation, Number int64
	Kind, Body         string
	At                 time.Time
}

// controlTable gives the columns of one of our own tables.
func controlTable(name string) *transform.Table {
	column := func(name string, k transform.Kind) transform.Column {
		return transform.Column{Name: name, Type: transform.Type{Kind: k}, Required: true}
	}
	t := &transform.Table{Name: name, Version: 1, Columns: []transform.Column{
		column("job", transform.String), column("generation", transform.Int64), column(colAt, transform.Timestamp),
	}}
	if name == loadsTable {
		t.Columns = append(t.Columns, column("build", transform.Int64), column("after", transform.String), column("through", transform.String),
			column("events", transform.Int64), column("rows", transform.Int64), column("bytes", transform.Int64),
			column("fingerprint", transform.String), column("version", transform.String))
	} else {
		t.Columns = append(t.Columns, column("number", transform.Int64), column("kind", transform.String))
	}
	t.Columns = append(t.Columns, column("body", transform.JSON))
	t.Schema()
	return t
}

// control makes one of our own tables, with the dataset, if it is not there.
// It is partitioned although it is small, since as one piece it could only be
// loaded 1,500 times a day.
func (s *Sink) control(ctx context.Context, name string) (*target, error) {
	if err := s.makeDataset(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.controls[name]; t != nil {
		return t, nil
	}
	t, err := s.ensure(ctx, wanted{
		name: name, table: controlTable(name), partition: transform.ByMonth, field: colAt,
		cluster: []string{"job"}, labels: map[string]string{labelJob: "_backstory"}, filled: true,
	})
	if err != nil {
		return nil, err
	}
	s.controls[name] = t
	return t, nil
}

// note adds a row to one of our own tables, once for an ID.
func (s *Sink) note(ctx context.Context, into *target, id, what string, labels map[string]string, values map[string]any) error {
	b := array.NewRecordBuilder(memory.DefaultAllocator, into.table.Schema())
	defer b.Release()
	for i, c := range into.table.Columns {
		switch v := values[c.Name].(type) {
		case string:
			b.Field(i).(*array.StringBuilder).Append(v)
		case int64:
			b.Field(i).(*array.Int64Builder).Append(v)
		case time.Time:
			b.Field(i).(*array.TimestampBuilder).Append(arrow.Timestamp(v.UnixMicro()))
		}
	}
	r := b.NewRecord()
	defer r.Release()
	file, err := newSpool()
	if err != nil {
		return err
	}
	defer file.Close()
	w, err := s.format.NewWriter(file, into.table)
	if err == nil {
		err = errors.Join(w.Write(r), w.Close(), file.flush())
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	labels[labelTable], labels[labelRows] = into.name, rowsLabel(1)
	return s.load(ctx, load{id: id, what: what, into: into, file: file, rows: 1, labels: s.jobLabels(labels)})
}

// list reads one of our own tables. A table, or a dataset, that is not there
// has no rows.
func list[R any](ctx context.Context, s *Sink, name string) (rows []R, err error) {
	there, err := s.locate(ctx)
	if !there || err != nil {
		return nil, err
	}
	err = s.ask(ctx, func(ctx context.Context) error {
		rows = rows[:0]
		it := s.dataset().Table(name).Read(ctx)
		for {
			var r R
			err := it.Next(&r)
			if errors.Is(err, iterator.Done) {
				return nil
			}
			if err != nil {
				return err
			}
			rows = append(rows, r)
		}
	})
	if isMissing(err) {
		return nil, nil
	}
	return rows, explain(err, "read table %s", s.fullName(name))
}
