package main

import (
	"fmt"
	"io"

	"backstory/schedules"
	"backstory/source"
)

// quarantineError is a run that put more events into quarantine than the
// configuration allows. All of them, and all others, are loaded.
type quarantineError struct {
	job               string
	events, threshold int64
	first             *source.EventError // nil where that is not known
}

func (e *quarantineError) Error() string {
	s := fmt.Sprintf("job %s: %s went to quarantine", e.job, plural(e.events, "event"))
	if e.threshold > 0 {
		s += fmt.Sprintf(", more than the %s that quarantine.threshold allows", thousands(e.threshold))
	}
	if e.first != nil {
		s += "; the first: " + e.first.Error()
	}
	return s
}

// Hint says what to do about the error: what there is to do about the first
// event, and how to go on then.
func (e *quarantineError) Hint() string {
	position, advice := "POSITION", ""
	if e.first != nil {
		position = e.first.Position.String()
		if advice = e.first.Hint(); advice != "" {
			advice += "\nhint: "
		}
	}
	return advice + "backstory explain " + position + " shows it step by step, and table _quarantine has all of them; once rules or store are mended, backstory replay " + e.job + " takes them in"
}

// Quarantined is how many events went to quarantine.
func (e *quarantineError) Quarantined() int64 { return e.events }

// check gives an error where a run has put too many events into quarantine.
func (q quarantineConfig) check(rep *schedules.Report) error {
	if rep.Quarantined <= q.Threshold {
		return nil
	}
	return &quarantineError{rep.Job, rep.Quarantined, q.Threshold, rep.FirstQuarantined}
}

// quarantined says why an event goes to quarantine, for scripts.
type quarantined struct {
	Position source.Position `json:"position"`
	Step     string          `json:"step"`
	Path     string          `json:"path,omitempty"`
	Reason   string          `json:"reason"`
	Hint     string          `json:"hint,omitempty"`
}

// quarantinedBy gives nil for nil.
func quarantinedBy(e *source.EventError) *quarantined {
	if e == nil {
		return nil
	}
	return &quarantined{e.Position, e.Step, e.Path, e.Err.Error(), e.Hint()}
}

// reported is the report of a run for scripts.
type reported struct {
	*schedules.Report
	FirstQuarantined *quarantined `json:"first_quarantined,omitempty"`
}

// writeLost says what became of events that have no rows, or only in part
// those that one would look for.
func (q quarantineConfig) writeLost(w io.Writer, rep *schedules.Report) {
	if rep.Quarantined > 0 {
		fmt.Fprintf(w, "%s: %s could not be read, upcast or typed and went to _quarantine\n", rep.Job, plural(rep.Quarantined, "event"))
		if rep.FirstQuarantined != nil && q.check(rep) == nil { // else the error says it
			fmt.Fprintf(w, "  the first: %s\n", visible(rep.FirstQuarantined.Error()))
		}
	}
	if rep.Discarded > 0 {
		fmt.Fprintf(w, "%s: %s discarded by the upcasters\n", rep.Job, plural(rep.Discarded, "event"))
	}
	if rep.Newer > 0 {
		fmt.Fprintf(w, "%s: %s of a schema version newer than the upcasters lead to, loaded as stored; write upcasters, or see: backstory discover\n", rep.Job, plural(rep.Newer, "event"))
	}
}

// writeOutdated says that a job follows the rules of its rows and not the
// present ones.
func writeOutdated(w io.Writer, rep *schedules.Report) {
	if len(rep.Outdated) == 0 {
		return
	}
	fmt.Fprintf(w, "%s: the rules have changed since generation %d was loaded; it keeps to the old ones until: backstory rebuild %s\n", rep.Job, rep.Generation, rep.Job)
	for _, c := range rep.Outdated {
		if c.Event == "" {
			fmt.Fprintf(w, "  %s\n", c.Why)
		} else {
			fmt.Fprintf(w, "  %s: %s\n", oneLine(c.Event), c.Why)
		}
	}
}
