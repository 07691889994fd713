package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"backstory/schedules"
)

// openLedgers are the ledgers that those who look at a worker read. They are
// kept open for a while, since a large one takes its time to be opened, and not
// for good, so that one that was moved away or put back is noticed.
type openLedgers struct {
	mu   sync.Mutex
	open map[*config]*keptLedger
}

type keptLedger struct {
	schedules.Ledger
	since time.Time
}

// ledgerKept is for how long a ledger is kept open.
const ledgerKept = time.Minute

// read calls fn with the ledger of a configuration, an empty one where there
// is none yet. One reads at a time.
func (o *openLedgers) read(ctx context.Context, c *config, fn func(schedules.Ledger) error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	err := o.closeOlder(time.Now().Add(-ledgerKept)) // those of configurations that were replaced, too
	kept := o.open[c]
	if kept == nil {
		ledger, openErr := existingLedger(ctx, c.state)
		if openErr != nil {
			return errors.Join(openErr, err)
		}
		if ledger == nil {
			return errors.Join(fn(noLedger{}), err)
		}
		kept = &keptLedger{ledger, time.Now()}
		if o.open == nil {
			o.open = make(map[*config]*keptLedger)
		}
		o.open[c] = kept
	}
	if readErr := fn(kept); readErr != nil {
		delete(o.open, c) // the next that reads opens it anew
		return errors.Join(readErr, kept.Close(), err)
	}
	return err
}

// close closes all.
func (o *openLedgers) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closeOlder(time.Now().Add(time.Hour))
}

func (o *openLedgers) closeOlder(than time.Time) (err error) {
	for c, kept := range o.open {
		if kept.since.Before(than) {
			err = errors.Join(err, kept.Close())
			delete(o.open, c)
		}
	}
	return err
}
