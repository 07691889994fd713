// Package schedules runs jobs: it cuts a history into windows, writes each
// window down in the ledger before it is loaded, loads several at a time,
// and so ends with every event in the sink exactly once, whatever dies in
// between. It knows sources and sinks only by their contracts.
//
// # Testing
//
// The crash tests of this package kill a real process before and after
// every step.
package schedules

import (
	"log/slog"
	"time"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"
)

// Job is one export: from a source, by rules, into a sink.
type Job struct {
	Name     string
	Source   source.Source
	Pipeline *transform.Pipeline
	Sink     sinks.Sink
	Ledger   Ledger
	// WindowEvents is about how many events a window holds; 0 means
	// DefaultWindowEvents.
	WindowEvents int
	// Workers is how many windows are loaded at a time; 0 means 2.
	Workers int
	// Limits bound each worker's memory before rows reach the sink.
	Limits transform.Limits
	// Sample is about how many events discovery looks at; 0 means
	// DefaultSample, less than 0 all of them.
	Sample int
	// Quarantine is how many events of a generation may be in quarantine when
	// a rebuild puts it in the place of one that has fewer.
	Quarantine int64
	// Audit is how far back windows are counted again in each run, in which
	// events may have appeared late; 0 means DefaultAudit, less than 0 never.
	Audit time.Duration
	// Recompile makes a pipeline of rules that the ledger kept; nil where that
	// cannot be done.
	Recompile func(transform.Rules) (*transform.Pipeline, error)
	// Version is the version of Backstory.
	Version string
	// Stop, once it is closed, lets the windows under way come to their end and
	// none begin: a run then ends without an error, and its Report says so. nil
	// never does.
	Stop <-chan struct{}
	Log  *slog.Logger
	// Watch, if not nil, is told of each step as it begins, in the
	// goroutine that takes it. Progress is shown, and crashes are tried, by it.
	Watch func(Step)
}

// Defaults of a Job.
const (
	DefaultWindowEvents = 250_000
	DefaultWorkers      = 2
	DefaultSample       = 32_768
)

// Step is one thing a run does.
type Step struct {
	Name   StepName
	Window source.Window // zero where the step concerns no window
	// Events and Bytes are what the step has dealt with, where it counts.
	Events, Bytes int64
}

// StepName names a step.
type StepName string

// The steps of a run, in the order of their first time.
const (
	StepLock      StepName = "lock"      // the lease is taken
	StepCheck     StepName = "check"     // ledger, sink and source are compared
	StepWatermark StepName = "watermark" // the source is asked how far it is safe
	StepPlan      StepName = "plan"      // windows are cut and about to be saved
	StepPlanned   StepName = "planned"   // they are saved; Events is their sum
	StepDiscover  StepName = "discover"  // columns are looked for
	StepEvolve    StepName = "evolve"    // tables are about to change
	StepBegin     StepName = "begin"     // a window is about to be begun
	StepRead      StepName = "read"      // some events of a window were read
	StepStaged    StepName = "staged"    // a window waits to be committed with others
	StepCommit    StepName = "commit"    // a window is about to be committed
	StepCommitted StepName = "committed" // it is in the sink
	StepFinished  StepName = "finished"  // it is in the ledger
	StepAgain     StepName = "again"     // it is begun again

	StepForget StepName = "forget" // what is to be forgotten is about to be saved
	StepForgot StepName = "forgot" // nothing is left of it but in the ledger's files

	StepSwap     StepName = "swap"     // a new generation is about to become the live one
	StepSwapped  StepName = "swapped"  // it is in the sink
	StepPromoted StepName = "promoted" // it is in the ledger
)

func (j *Job) windowEvents() int {
	if j.WindowEvents > 0 {
		return j.WindowEvents
	}
	return DefaultWindowEvents
}

func (j *Job) workers() int {
	if j.Workers > 0 {
		return j.Workers
	}
	return DefaultWorkers
}

func (j *Job) log() *slog.Logger {
	if j.Log != nil {
		return j.Log
	}
	return slog.New(slog.DiscardHandler)
}

func (j *Job) stopped() bool {
	select {
	case <-j.Stop:
		return true
	default:
		return false
	}
}

func (j *Job) watch(s Step) {
	if j.Watch != nil {
		j.Watch(s)
	}
}
