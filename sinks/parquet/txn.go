package parquet

import (
	"bufio"
	"context"
	"errors"
	"os"

	"backstory/sinks"
	"backstory/sinks/parquetfile"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
)

// txn is one load under way.
type txn struct {
	job   *job
	load  sinks.Load
	stem  string // names the load
	file  string // names its files
	parts map[partKey]*part
	order []*part // as they were begun

	buffered int64   // by all parts, in bytes
	stored   int64   // in all files, once they are complete
	bundle   *bundle // of loads that take the place of committed ones, or nil
	alone    bool    // in its bundle, which is committed and aborted with it
	decided  bool    // the pending manifest, or the intent, may exist: only a new Begin can tell
	done     bool
}

type partKey struct{ table, partition string }

// part is one file of a load.
type part struct {
	table     *transform.Table
	partition string // event_day=2025-01-31, or ""
	file      *stagedFile
	writer    *parquetfile.Writer
	buffered  int64
}

// Write adds rows. When the open row groups of all tables together pass the
// budget, the largest are written out.
func (t *txn) Write(ctx context.Context, table *transform.Table, r arrow.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := t.write(table, r); err != nil {
		return explain(err, "load %s of job %s", t.load.Window, t.load.Job)
	}
	return nil
}

func (t *txn) write(table *transform.Table, r arrow.Record) error {
	if t.done || t.decided {
		return errors.New("write: the load is over")
	}
	if err := t.job.claim(table); err != nil {
		return err
	}
	return eachPartition(table, r, func(partition string, from, to int) error {
		p, err := t.part(table, partition)
		if err != nil {
			return err
		}
		err = p.writer.WriteRows(r, from, to)
		if err = errors.Join(err, p.file.rest()); err != nil {
			return err
		}
		t.account(p)
		return t.shrink()
	})
}

func (t *txn) part(table *transform.Table, partition string) (*part, error) {
	key := partKey{table.Name, partition}
	if p := t.parts[key]; p != nil {
		return p, nil
	}
	if len(t.order) == 0 {
		if err := makeDir(t.job.layout.stagingOf(t.stem)); err != nil {
			return nil, err
		}
	}
	file := &stagedFile{path: t.job.layout.begun(t.stem, len(t.order))}
	w, err := t.job.sink.format.NewWriter(file, table)
	if err != nil {
		return nil, err
	}
	p := &part{table: table, partition: partition, file: file, writer: w}
	t.parts[key] = p
	t.order = append(t.order, p)
	return p, nil
}

func (t *txn) account(p *part) {
	now := p.writer.Buffered()
	t.buffered += now - p.buffered
	p.buffered = now
}

// shrink writes out the largest row groups until the budget is kept.
func (t *txn) shrink() error {
	for t.buffered > t.job.sink.budget {
		largest := t.order[0]
		for _, p := range t.order {
			if p.buffered > largest.buffered {
				largest = p
			}
		}
		before := t.buffered
		if err := errors.Join(largest.writer.Flush(), largest.file.rest()); err != nil {
			return err
		}
		if t.account(largest); t.buffered >= before {
			return nil // nothing but what an empty row group holds
		}
	}
	return nil
}

// Abort gives the load up. If a Commit has failed after its decision was
// written, the load is finished by the next Begin instead.
func (t *txn) Abort() error {
	if t.done {
		return nil
	}
	t.done = true
	var errs []error
	for _, p := range t.order {
		errs = append(errs, p.file.rest())
	}
	t.order, t.parts = nil, nil
	if !t.decided {
		errs = append(errs, os.RemoveAll(t.job.layout.stagingOf(t.stem)))
	}
	t.job.end(t.load.Window, false)
	if t.alone {
		t.bundle.end()
	}
	return explain(errors.Join(errs...), "abort load %s of job %s", t.load.Window, t.load.Job)
}

// stagedFile appends to a file that is only open while it is written to, as
// a load may have more files than a process may have open.
type stagedFile struct {
	path string
	file *os.File
	buf  *bufio.Writer
}

func (f *stagedFile) Write(b []byte) (int, error) {
	if f.file == nil {
		file, err := os.OpenFile(f.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
		if err != nil {
			return 0, err
		}
		f.file, f.buf = file, bufio.NewWriterSize(file, 64<<10)
	}
	return f.buf.Write(b)
}

// rest writes what is buffered and closes the file until the next Write.
func (f *stagedFile) rest() error {
	if f.file == nil {
		return nil
	}
	err := errors.Join(f.buf.Flush(), f.file.Close())
	f.file, f.buf = nil, nil
	return err
}

// sync makes the file durable.
func (f *stagedFile) sync() error {
	file, err := os.OpenFile(f.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
