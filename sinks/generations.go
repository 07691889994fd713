package sinks

import "context"

// Generations is a Sink that can build a generation of a job's tables beside
// the one that readers see. Generations are numbered from 1 on; each is
// loaded, evolved, listed and held as the live one is, and may be worked on
// by another process.
type Generations interface {
	// Live gives the generation that readers see, 0 where the job has none
	// yet. From its decision on a Swap counts, also where a crash left it half
	// done: whoever works on the live generation next finishes it. Live itself
	// changes nothing.
	Live(ctx context.Context, job string) (int, error)
	// Swap makes a generation the live one, all tables at once for their
	// readers where the sink can do that, else each table at once; tables that
	// it does not have are taken away. The one before is kept: it can be listed
	// and checked, and given back by a Swap to it, but no longer loaded. Any
	// other is dropped. No load of either may be under way. It is idempotent,
	// and what an interrupted call has decided is finished by whoever holds the
	// job next.
	Swap(ctx context.Context, job string, generation int) error
	// Drop removes all of a generation that is not live. One that is not
	// there is no error.
	Drop(ctx context.Context, job string, generation int) error
}

// Replacer is a Sink that can load a window again.
type Replacer interface {
	// Replace starts a load in place of the one that is committed for exactly
	// l's window. Until its Commit readers see the old rows, then the new
	// ones, of all tables at once as in a Swap. An error wraps ErrDisagree
	// where no such load is committed. No other load of the job may be under
	// way.
	Replace(ctx context.Context, l Load) (Txn, error)
}

// Bundler is a Replacer that puts many loads in place for about the price of
// one: that of a folder all of whose other files must come along.
type Bundler interface {
	Replacer
	// Bundle begins to replace loads of one generation of a job. No other load
	// of the job may be under way until the bundle is committed or aborted.
	Bundle(ctx context.Context, job string, generation int) (Bundle, error)
}

// Bundle is loads that take the place of committed ones at once. Its methods
// are not to be called at the same time; its loads may go on side by side.
type Bundle interface {
	// Replace is Replacer's, but for the load's Commit, after which it is
	// complete and readers still see the old rows. Others may be begun
	// meanwhile. A window that was given up may be begun again.
	Replace(ctx context.Context, l Load) (Txn, error)
	// Commit has readers see the new rows of all loads that are complete; the
	// others must have been aborted. If it fails, all may be as before or as
	// after; whoever opens the job next finishes what was decided.
	Commit(ctx context.Context) error
	// Abort gives up all loads. After Commit it does nothing.
	Abort() error
}

// Restorer is a Replacer that replaces no load whose rows are not all there as
// they were loaded, unless it is told in which tables they are not. Its
// Inventory.Check says with a *CountError that a table has another number of
// rows.
type Restorer interface {
	// Restore is Replace for a load of which the named tables have lost rows,
	// or have others than were loaded: all that these have at positions of the
	// window is taken away. In all other tables what is there must be what was
	// loaded.
	Restore(ctx context.Context, l Load, tables []string) (Txn, error)
}

// Priced is a Replacer that is billed for it.
type Priced interface {
	// ReplaceCost is about how many bytes are billed for a load in place of
	// the one that is committed for l, or for a Restore, where tables are
	// named. It changes nothing and costs nothing.
	ReplaceCost(ctx context.Context, l Load, tables ...string) (bytes int64, err error)
}
