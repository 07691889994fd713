package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"backstory/schedules"
)

// writeStatus writes a status for people.
func writeStatus(w io.Writer, s *schedules.Status, shown *statusShown) error {
	fmt.Fprintf(w, "%s\n", s.Job)
	writeLoaded(w, s)
	if t := s.Totals; t.Quarantined > 0 {
		fmt.Fprintf(w, "  quarantine %s of %s, in _quarantine; once mended, take them in with: backstory replay %s\n",
			plural(t.Quarantined, "event"), plural(int64(len(s.Quarantined)), "window"), s.Job)
	}
	if t := s.Totals; t.Discarded > 0 {
		fmt.Fprintf(w, "  discarded  %s, by the upcasters\n", plural(t.Discarded, "event"))
	}
	if shown.Outdated {
		fmt.Fprintf(w, "  rules      changed since generation %d was loaded; what is stale says: backstory plan\n", s.Generation)
	}
	if len(s.Pending) > 0 {
		fmt.Fprintf(w, "  pending    %s planned and not loaded; the next run loads them\n", plural(int64(len(s.Pending)), "window"))
	}
	if len(s.Again) > 0 {
		fmt.Fprintf(w, "  again      %s to be loaded again by the next run\n", plural(int64(len(s.Again)), "window"))
	}
	if m := s.Watermark; m != nil {
		if s.Held() {
			writeHeld(w, true, *m)
		} else {
			fmt.Fprintf(w, "  watermark  %s\n", m.Safe)
		}
	}
	writeLag(w, s, shown)
	for i, r := range s.Runs {
		if i == 3 {
			break
		}
		fmt.Fprintf(w, "  %-9s  %s  %s\n", r.Kind, r.Started.Local().Format(time.DateTime), visible(runOutcome(r)))
	}
	if !shown.NextRun.IsZero() {
		fmt.Fprintf(w, "  next run   %s, where a worker follows %s\n", shown.NextRun.Local().Format(time.DateTime), shown.Schedule)
	}
	if s.Totals.Windows == 0 {
		return nil
	}
	return writeHoldings(w, shown.Tables)
}

func writeLoaded(w io.Writer, s *schedules.Status) {
	if len(s.Loaded) == 0 {
		fmt.Fprintln(w, "  loaded     nothing yet")
		return
	}
	t := s.Totals
	fmt.Fprintf(w, "  loaded     %s as %s in %s, %s, %s\n",
		plural(t.Events, "event"), plural(t.Rows, "row"), plural(t.Windows, "window"), plural(countTables(s.Tables), "table"), byteSize(t.Stored))
	for i, l := range s.Loaded {
		if i == 5 {
			fmt.Fprintf(w, "             and %s\n", plural(int64(len(s.Loaded)-i), "more range"))
			break
		}
		fmt.Fprintf(w, "             %s\n", l)
	}
	if t.Extra > 0 {
		fmt.Fprintf(w, "  extra      %s without a column, in _extra\n", plural(t.Extra, "value"))
	}
}

// writeLag says what is not loaded, where the store was asked.
func writeLag(w io.Writer, s *schedules.Status, shown *statusShown) {
	switch {
	case s.Lag == nil:
	case s.Lag.Events == 0:
		fmt.Fprintln(w, "  lag        none")
	default:
		var since string
		if !s.Lag.Oldest.IsZero() {
			since = fmt.Sprintf(", the first of %s (%s ago)", s.Lag.Oldest.Local().Format(time.DateTime), elapsed(shown.Lag.Seconds))
		}
		fmt.Fprintf(w, "  lag        about %s%s\n", plural(s.Lag.Events, "event"), since)
	}
}

// elapsed writes a time that has passed: 47m, 3h20m, 12d.
func elapsed(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%dd", int(d.Hours()/24))
	case d >= time.Minute:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return d.Round(time.Second).String()
}

func runOutcome(r schedules.Run) string {
	switch {
	case r.Interrupted():
		return "interrupted; the next run goes on"
	case r.Error != "":
		return "failed: " + r.Error
	case r.Finished.IsZero():
		return "under way, or ended without a word"
	}
	return fmt.Sprintf("loaded %s in %s", plural(r.Events, "event"), r.Finished.Sub(r.Started).Round(10*time.Millisecond))
}
