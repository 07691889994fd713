package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"backstory/schedules"
	"backstory/sinks"

	"github.com/goccy/go-yaml/ast"
)

// openSinkToPlan opens a sink that has quotas, so that they can be asked for.
// Nothing is written.
func (a *app) openSinkToPlan(ctx context.Context) error {
	if !a.config.sink.rationed {
		return nil
	}
	sink, err := a.config.sink.open(ctx)
	if err != nil {
		return err
	}
	a.closers = append(a.closers, sink.Close)
	for _, j := range a.jobs {
		j.Sink = sink
	}
	return nil
}

// checkCadence notes the schedules that are due more often than the sink takes
// loads.
func (d *document) checkCadence(sink openSink, r *rules) {
	list, ok := d.section("jobs").(*ast.SequenceNode)
	if !ok || sink.checkRuns == nil || r == nil {
		return
	}
	for _, node := range list.Values {
		v := child(node, "schedule")
		if v == nil {
			continue
		}
		times, err := schedules.ParseTimes(scalarText(v.Value), nil)
		if err != nil {
			continue // noted already
		}
		if message, hint := sink.checkRuns(times.RunsADay(), r.tables.Partition); message != "" {
			d.add(v.Value.GetToken(), message, hint)
		}
	}
}

// writeQuotas shows what a plan uses up of a sink's quotas.
func writeQuotas(w io.Writer, r *sinks.Ration, windows int64) error {
	if r == nil {
		return nil
	}
	fmt.Fprintf(w, "quotas: about %s in %s, %s for the manifests; a day allows %s, %s used in the last 24 hours\n",
		plural(r.Jobs, "load job"), plural(windows, "window"), thousands(windows), thousands(r.JobsADay), thousands(r.Used))
	rows := [][]string{{"table", "load jobs", "changes of partitions", "partitions"}}
	for i, t := range r.Tables {
		if i == shownWindows {
			break
		}
		row := []string{t.Table, ofDay(t.Jobs, t.JobsUsed, t.JobsADay), "", "one piece"}
		if t.ChangesADay > 0 {
			row[2] = ofDay(t.Changes, t.ChangesUsed, t.ChangesADay)
			row[3] = "about " + thousands(t.Partitions)
			if t.Partitions > r.PartitionsAJob {
				row[3] += ", and a job takes " + thousands(r.PartitionsAJob)
			}
		}
		rows = append(rows, row)
	}
	if err := writeGrid(w, rows); err != nil {
		return err
	}
	if n := len(r.Tables) - shownWindows; n > 0 {
		fmt.Fprintf(w, "  and %d more (--json lists all)\n", n)
	}
	if r.Days > 1 {
		fmt.Fprintf(w, "  at least %d days: %s\n", r.Days, r.DaysLimit)
	} else {
		fmt.Fprintln(w, "  all of it is within the quotas of one day")
	}
	for _, p := range r.Problems {
		fmt.Fprintf(w, "  cannot be done: %s\n", p)
	}
	_, err := fmt.Fprintf(w, "costs: about %s to be stored; %s billed for loading, which runs no query\n", byteSize(r.Stored), plural(r.Billed, "byte"))
	return err
}

// ofDay writes a number beside what a day allows.
func ofDay(n, used, aDay int64) string {
	text := thousands(n)
	if aDay > 0 {
		text += " of " + thousands(aDay) + " a day"
	}
	if used > 0 {
		text += ", " + thousands(used) + " used"
	}
	return text
}

// writeDeferred says what of a job waits for the sink's quota.
func writeDeferred(w io.Writer, job string, d *schedules.Deferred) {
	if d == nil {
		return
	}
	fmt.Fprintf(w, "%s: %s, about %s, must wait, since the day's quota is used up (%s); there is more from %s on, and the next run goes on with it\n",
		job, plural(d.Windows, "window"), plural(d.Events, "event"), d.Limit, d.Until.UTC().Format(time.RFC3339))
}

// runsADay is how often a job is due on its busiest day, 0 where it is not
// due by itself.
func runsADay(j jobConfig) int64 {
	times, err := schedules.ParseTimes(j.Schedule, nil)
	if j.Schedule == "" || err != nil {
		return 0
	}
	return times.RunsADay()
}

// checkQuotas tells what a day of a job's schedule uses up, and warns where
// that is more than a day allows.
func checkQuotas(ctx context.Context, j *schedules.Job, runs int64) (text, warning string, err error) {
	r, err := j.DayOf(ctx, runs)
	if r == nil || err != nil {
		return "", "", err
	}
	text = fmt.Sprintf("%s are at most %s of %s a day", plural(runs, "run")+" a day", plural(r.Jobs, "load job"), thousands(r.JobsADay))
	if r.Days > 1 {
		warning = fmt.Sprintf("the schedule of job %s asks for %s: windows will wait and be loaded together; write a slower schedule, or sink.partition: day where tables are in one piece", j.Name, r.DaysLimit)
	}
	return text, warning, nil
}
