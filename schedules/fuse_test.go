package schedules_test

import (
	"context"
	"errors"
	"sync"

	"backstory/schedules"
	"backstory/sinks"
	"backstory/source"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
)

var errDead = errors.New("the process is dead")

// A fuse stops everything a job does to the world, from the moment on at which
// so many things were done: what a crash does, but in this process.
type fuse struct {
	mu   sync.Mutex
	left int  // things that may still be done; less than 0 is no end
	late bool // the last thing is done, and nobody hears of it
	dead bool
}

// do does a thing unless the fuse has blown.
func (f *fuse) do(thing func() error) error {
	f.mu.Lock()
	if f.left == 0 && !f.dead {
		f.dead = true
		late := f.late
		f.mu.Unlock()
		if late {
			thing()
		}
		return errDead
	}
	f.left--
	dead := f.dead
	f.mu.Unlock()
	if dead {
		return errDead
	}
	return thing()
}

// wire puts the fuse between a job and the world.
func (f *fuse) wire(j *schedules.Job) {
	j.Ledger, j.Sink, j.Source = fusedLedger{j.Ledger, f}, fusedSink{j.Sink, f}, fusedSource{j.Source, f}
}

type fusedSource struct {
	source.Source
	fuse *fuse
}

func (s fusedSource) Read(ctx context.Context, w source.Window, fn func(*source.Event) error) error {
	return s.fuse.do(func() error { return s.Source.Read(ctx, w, fn) })
}

type fusedLedger struct {
	schedules.Ledger
	fuse *fuse
}

func (l fusedLedger) Lock(ctx context.Context, job string) (schedules.Lease, error) {
	lease, err := l.Ledger.Lock(ctx, job)
	return fusedLease{lease, l.fuse}, err
}

type fusedLease struct {
	schedules.Lease // Release works: the system takes the locks of the dead back
	fuse            *fuse
}

func (l fusedLease) Save(ctx context.Context, c schedules.Change) error {
	return l.fuse.do(func() error { return l.Lease.Save(ctx, c) })
}

type fusedSink struct {
	sinks.Sink
	fuse *fuse
}

func (s fusedSink) Begin(ctx context.Context, l sinks.Load) (txn sinks.Txn, err error) {
	err = s.fuse.do(func() error {
		txn, err = s.Sink.Begin(ctx, l)
		return err
	})
	if err != nil {
		return nil, err
	}
	return fusedTxn{txn, s.fuse}, nil
}

func (s fusedSink) Evolve(ctx context.Context, job string, generation int, tables []*transform.Table) error {
	return s.fuse.do(func() error { return s.Sink.(sinks.Evolver).Evolve(ctx, job, generation, tables) })
}

func (s fusedSink) Manifests(ctx context.Context, job string, generation int) ([]sinks.Manifest, []*transform.Table, error) {
	return s.Sink.(sinks.Inventory).Manifests(ctx, job, generation)
}

func (s fusedSink) Check(ctx context.Context, job string, generation int) error {
	return s.Sink.(sinks.Inventory).Check(ctx, job, generation)
}

type fusedTxn struct {
	txn  sinks.Txn
	fuse *fuse
}

func (t fusedTxn) Write(ctx context.Context, table *transform.Table, r arrow.Record) error {
	return t.fuse.do(func() error { return t.txn.Write(ctx, table, r) })
}

func (t fusedTxn) Commit(ctx context.Context, s sinks.Summary) error {
	return t.fuse.do(func() error { return t.txn.Commit(ctx, s) })
}

// Abort does nothing once the process is dead. It counts as nothing itself.
func (t fusedTxn) Abort() error {
	t.fuse.mu.Lock()
	dead := t.fuse.dead
	t.fuse.mu.Unlock()
	if dead {
		return nil
	}
	return t.txn.Abort()
}
