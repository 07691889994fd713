package bigquery

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"backstory/sinks"
	"backstory/sinks/parquetfile"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"golang.org/x/sync/errgroup"
)

// txn is one load under way.
type txn struct {
	home  *home
	load  sinks.Load
	parts map[string]*part // the open one of each table
	order []*part          // as they were begun

	buffered int64 // by all parts, in bytes
	stored   int64 // in all files, once they are complete
	sent     bool  // the manifest may be there: only a new Begin can tell
	done     bool

	spans map[string]span // of the tables in partitions, once their files are complete
	again *replacement    // nil where nothing is loaded of the window
}

// part is what one load job adds to one table.
type part struct {
	table      *transform.Table
	into       *target
	number     int // from 1; more than one where a job may not touch so many partitions
	file       *spool
	writer     *parquetfile.Writer
	partitions map[int64]struct{}
	buffered   int64
}

// Write adds rows. When the open row groups of all tables together pass the
// budget, the largest are written out.
func (t *txn) Write(ctx context.Context, table *transform.Table, r arrow.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := t.write(ctx, table, r); err != nil {
		return explain(err, "load %s of job %s", t.load.Window, t.load.Job)
	}
	return nil
}

func (t *txn) write(ctx context.Context, table *transform.Table, r arrow.Record) error {
	if t.done || t.sent {
		return refuse("begin the load again", "write to table %s: the load is over", table.Name)
	}
	into, err := t.home.claim(ctx, table)
	if err != nil {
		return err
	}
	s := t.home.sink
	partition := s.partitionOf(table)
	if err := checkValues(table, r, partition); err != nil {
		return err
	}
	return eachPart(table, r, partition, func(day int64, from, to int) error {
		p, err := t.part(table, into, day, partition)
		if err != nil {
			return err
		}
		if err := p.writer.WriteRows(r, from, to); err != nil {
			return err
		}
		t.account(p)
		return t.shrink()
	})
}

// part gives the open part of a table, or begins one where that touches as
// many partitions as a job may.
func (t *txn) part(table *transform.Table, into *target, day int64, partition transform.Partition) (*part, error) {
	p := t.parts[table.Name]
	if p != nil {
		if partition == transform.ByNone {
			return p, nil
		}
		if _, ok := p.partitions[day]; ok {
			return p, nil
		}
		if len(p.partitions) < t.home.sink.partitions || t.again != nil {
			p.partitions[day] = struct{}{}
			return p, nil
		}
	}
	next := &part{table: table, into: into, number: 1, partitions: map[int64]struct{}{day: {}}}
	if p != nil {
		next.number = p.number + 1
	}
	var err error
	if next.file, err = newSpool(); err != nil {
		return nil, err
	}
	if next.writer, err = t.home.sink.format.NewWriter(next.file, table); err != nil {
		return nil, errors.Join(err, next.file.Close())
	}
	t.parts[table.Name] = next
	t.order = append(t.order, next)
	return next, nil
}

func (t *txn) account(p *part) {
	now := p.writer.Buffered()
	t.buffered += now - p.buffered
	p.buffered = now
}

// shrink writes out the largest row groups until the budget is kept.
func (t *txn) shrink() error {
	for t.buffered > t.home.sink.o.Budget {
		largest := t.order[0]
		for _, p := range t.order {
			if p.buffered > largest.buffered {
				largest = p
			}
		}
		before := t.buffered
		if err := largest.writer.Flush(); err != nil {
			return err
		}
		if t.account(largest); t.buffered >= before {
			return nil // nothing but what an empty row group holds
		}
	}
	return nil
}

// Commit makes the load visible: see the package's comment for the order.
func (t *txn) Commit(ctx context.Context, s sinks.Summary) error {
	if err := t.commit(ctx, s); err != nil {
		return explain(err, "commit load %s of job %s", t.load.Window, t.load.Job)
	}
	t.home.sink.step("committed")
	return nil
}

func (t *txn) commit(ctx context.Context, summary sinks.Summary) error {
	if t.done || t.sent {
		return refuse("begin the load again", "the load is over")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m := sinks.Manifest{Load: t.load, Summary: summary, Version: t.home.sink.o.Version}
	if err := t.finish(&m); err != nil {
		return err
	}
	if err := t.home.record(ctx); err != nil {
		return err
	}
	if t.again != nil {
		return t.instead(ctx, m)
	}
	if len(t.order) > 0 {
		t.home.sink.step("load tables")
		if err := t.send(ctx, summary.Fingerprint); err != nil {
			return err
		}
	}
	t.home.sink.step("load manifest")
	t.sent = true
	if err := t.sign(ctx, m); err != nil {
		return err
	}
	err := t.release()
	t.done = true
	t.home.committed(&m)
	return err
}

// finish completes all files.
func (t *txn) finish(m *sinks.Manifest) error {
	index := make(map[string]int)
	for _, p := range t.order {
		if err := errors.Join(p.writer.Close(), p.file.flush()); err != nil {
			return err
		}
		partitions := int64(len(p.partitions))
		if s := t.home.sink.partitionOf(p.table); s != transform.ByNone {
			t.spans = spread(t.spans, p.table.Name, s, p.partitions)
		}
		p.partitions = nil
		i, ok := index[p.table.Name]
		if !ok {
			i = len(m.Tables)
			index[p.table.Name] = i
			m.Tables = append(m.Tables, sinks.LoadedTable{Name: p.table.Name})
		}
		m.Tables[i].Rows += p.writer.Rows()
		m.Tables[i].Bytes += p.file.size()
		if t.home.sink.partitionOf(p.table) != transform.ByNone {
			m.Tables[i].Partitions += partitions
		}
		t.stored += p.file.size()
	}
	return nil
}

// send loads all tables side by side. When one fails the others are still
// waited for: what has been sent is loaded, whether we look or not.
func (t *txn) send(ctx context.Context, fingerprint string) error {
	var g errgroup.Group
	for _, p := range t.order {
		g.Go(func() error {
			id := t.home.loadID(t.load.Window, p.into)
			if p.number > 1 {
				id += "_p" + strconv.Itoa(p.number)
			}
			labels := t.labels(p.into, fingerprint)
			labels[labelRows] = rowsLabel(p.writer.Rows())
			return t.home.sink.load(ctx, load{
				id: id, what: "load " + t.home.sink.fullName(p.into.name), into: p.into, file: p.file,
				rows: p.writer.Rows(), labels: t.home.sink.jobLabels(labels),
			})
		})
	}
	return g.Wait()
}

// sign writes the manifest, with which the load is committed.
func (t *txn) sign(ctx context.Context, m sinks.Manifest) error {
	into, err := t.home.sink.control(ctx, loadsTable)
	if err != nil {
		return err
	}
	values, err := t.home.row(record{Manifest: m, Spans: t.spans, at: time.Now()})
	if err != nil {
		return err
	}
	return t.home.sink.note(ctx, into, t.home.loadID(t.load.Window, into), "load "+t.home.sink.fullName(into.name), t.labels(into, m.Fingerprint), values)
}

func (t *txn) labels(into *target, fingerprint string) map[string]string {
	return map[string]string{
		labelJob: t.load.Job, labelGeneration: strconv.Itoa(t.load.Generation), labelTable: into.name,
		labelWindow: fmt.Sprintf("%s_%s", positionText(t.load.Window.After), positionText(t.load.Window.Through)), labelFingerprint: fingerprint,
	}
}

// Stored counts the bytes that were sent.
func (t *txn) Stored() int64 { return t.stored }

// Abort gives the load up. What a failed Commit has sent stays where it is,
// and is adopted by who loads the window next.
func (t *txn) Abort() error {
	if t.done {
		return nil
	}
	t.done = true
	err := t.release()
	t.home.end(t.load.Window, t.sent)
	return err
}

// release gives the files' space back.
func (t *txn) release() error {
	var errs []error
	for _, p := range t.order {
		errs = append(errs, p.file.Close())
	}
	t.order, t.parts = nil, nil
	return errors.Join(errs...)
}
