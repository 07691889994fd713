// Command backstory exports the history of an event store into typed tables:
// all of the past first, then what is new, each event exactly once.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(run(os.Args[1:]))
}

// run is the whole program; it gives the exit code. The first signal lets
// work under way end cleanly, the second ends the process at once.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stop()
	}()
	// With a limit on the size of files, a write fails and is told as such;
	// the signal would end the process without a word.
	signal.Ignore(syscall.SIGXFSZ)
	limitMemory()
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && ctx.Err() != nil {
		err = &interruptedError{err}
	}
	return report(os.Stderr, err)
}
