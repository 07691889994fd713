package schedules

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"time"
)

// A follower is an entry on its way along its schedule. The worker's mutex
// guards it.
type follower struct {
	entry Entry
	times *Times // nil: it never runs by itself
	known bool   // when it ran last was asked for
	busy  bool   // somebody works for it
	gone  bool   // it is no entry any more, and ends with its run

	due   time.Time // when it is due next, zero for never
	at    time.Time // due and its jitter
	retry time.Time // when it is tried again, zero for not

	running, last, good *Outcome
	tries               int // that failed of the last due time
	failures            int
	skipped             int64
	held                time.Time // since when runs are held back
}

// follow makes the followers of entries.
func follow(entries []Entry) ([]*follower, error) {
	followers := make([]*follower, len(entries))
	seen := make(map[string]bool)
	for i, e := range entries {
		if seen[e.Job] {
			return nil, fmt.Errorf("job %s stands there twice", e.Job)
		}
		seen[e.Job] = true
		f := &follower{entry: e}
		if e.Schedule != "" {
			var err error
			if f.times, err = ParseTimes(e.Schedule, e.Zone); err != nil {
				return nil, fmt.Errorf("job %s: %w", e.Job, err)
			}
		}
		followers[i] = f
	}
	return followers, nil
}

// wakes is when a run begins, zero for never or not now.
func (f *follower) wakes() time.Time {
	if f.busy || f.gone {
		return time.Time{}
	}
	if f.at.IsZero() || !f.retry.IsZero() && f.retry.Before(f.at) {
		return f.retry
	}
	return f.at
}

// catchUp makes it due after its last good run: now, where that time has
// passed or there was no run.
func (f *follower) catchUp(last, now time.Time) {
	f.known = true
	switch {
	case f.times == nil:
	case last.IsZero():
		f.due, f.at = now, now
	case last.After(now): // by another clock
		f.plan(f.times.Next(now), now)
	default:
		f.plan(f.times.Next(last), now)
	}
}

// plan makes it due at a time. What is late already is not delayed more.
func (f *follower) plan(due, now time.Time) {
	f.due, f.at = due, due
	if room := f.entry.Jitter; room > 0 && due.After(now) {
		if next := f.times.Next(due); !next.IsZero() {
			room = min(room, next.Sub(due))
		}
		f.at = due.Add(rand.N(room))
	}
}

// start gives the run that begins now.
func (f *follower) start(now time.Time) Outcome {
	o := Outcome{Job: f.entry.Job, Due: f.due, Started: now, Attempt: 1}
	if f.due.IsZero() || f.due.After(now) {
		o.Due, o.Attempt = f.last.Due, f.last.Attempt+1
	} else {
		f.tries = 0
		f.skipped += f.times.between(f.due, now)
		f.plan(f.times.Next(now), now)
	}
	f.busy, f.retry = true, time.Time{}
	running := o
	f.running = &running
	return o
}

// end takes in a run that has ended, and tells when it is tried again.
func (f *follower) end(o Outcome) (retry time.Time) {
	f.running = nil
	pause := time.Duration(0)
	switch kindOf(o.Err) {
	case succeeded:
		f.failures = 0
		f.rest(o)
		if o.Report != nil && o.Report.Quiet.After(o.Ended) {
			pause = o.Report.Quiet.Sub(o.Ended)
		}
	case stopped:
	case held:
		pause = heldPause
	case passing:
		f.failures++
		if f.tries++; f.tries <= cmp.Or(f.entry.Retries, DefaultRetries) {
			pause = retryPause(f.tries)
		}
	case lasting:
		f.failures++
	}
	f.hold(o)
	if pause > 0 && f.times != nil {
		if at := o.Ended.Add(pause); f.at.IsZero() || at.Before(f.at) {
			f.retry = at
		}
	}
	o.Retry = f.retry
	if f.last = &o; o.Err == nil {
		f.good = &o
	}
	return f.retry
}

// hold notes since when runs are held back. One that did not find a watermark
// says nothing about it.
func (f *follower) hold(o Outcome) {
	switch mark := watermarkOf(o); {
	case mark == nil:
	case mark.Safe.Compare(mark.Head) >= 0:
		f.held = time.Time{}
	case f.held.IsZero():
		f.held = o.Started
	}
}

// rest waits until the source may be read again, or the sink takes more.
func (f *follower) rest(o Outcome) {
	if o.Report == nil || f.times == nil {
		return
	}
	if until := o.Report.Quiet; until.After(o.Ended) {
		if f.retry = until; f.at.Before(until) {
			f.due, f.at, f.retry = until, until, time.Time{}
		}
	}
	if d := o.Report.Deferred; d != nil && d.Until.After(o.Ended) && d.Until.Before(f.at) {
		f.retry = d.Until
	}
}

// reload goes on as another entry of the same job.
func (f *follower) reload(next *follower, now time.Time) {
	old := f.entry
	f.entry, f.times, f.gone = next.entry, next.times, false
	switch {
	case !f.known:
	case f.times == nil:
		f.due, f.at, f.retry = time.Time{}, time.Time{}, time.Time{}
	case f.failures > 0 && !f.busy:
		f.due, f.at, f.retry = now, now, time.Time{}
	case old.Schedule != f.entry.Schedule || zoneName(old.Zone) != zoneName(f.entry.Zone) || old.Jitter != f.entry.Jitter:
		f.plan(f.times.Next(now), now)
	}
}

func zoneName(zone *time.Location) string {
	if zone == nil {
		return time.Local.String()
	}
	return zone.String()
}

// setBack goes by a clock that shows an earlier time than it did.
func (f *follower) setBack(now time.Time) {
	if f.times == nil || !f.known {
		return
	}
	if next := f.times.Next(now); next.Before(f.due) {
		f.plan(next, now)
	}
	if latest := now.Add(longestPause); f.retry.After(latest) {
		f.retry = latest
	}
}

func (f *follower) state() JobState {
	return JobState{
		Job: f.entry.Job, Schedule: f.entry.Schedule, Next: f.due,
		Running: copied(f.running), Last: copied(f.last), Good: copied(f.good),
		Failures: f.failures, Skipped: f.skipped, HeldFrom: f.held,
	}
}

func copied(o *Outcome) *Outcome {
	if o == nil {
		return nil
	}
	c := *o
	return &c
}
