package main

import (
	"errors"
	"fmt"
	"io"

	"backstory/schedules"
	"backstory/source"
)

// gaveWay makes a report of a run that quiet hours kept from beginning.
func gaveWay(job string, rep *schedules.Report, err error) (*schedules.Report, error) {
	var quiet *source.QuietError
	if !errors.As(err, &quiet) {
		return rep, err
	}
	return &schedules.Report{Job: job, Quiet: quiet.Until}, nil
}

// quietText says until when the source is left alone.
func quietText(rep *schedules.Report) string {
	return "quiet until " + rep.Quiet.Format("Mon 15:04 MST")
}

// writeQuiet says that a run gave way to quiet hours.
func writeQuiet(w io.Writer, rep *schedules.Report) {
	if rep.Quiet.IsZero() {
		return
	}
	fmt.Fprintf(w, "%s: %s; what is left will be loaded by a later run, or now with --hurry\n", rep.Job, quietText(rep))
}
