package schedules

import "errors"

// logOutcome writes the one line of a run that has ended.
func (w *Worker) logOutcome(o Outcome, failures int) {
	log := w.log().With("job", o.Job, "due", o.Due, "attempt", o.Attempt, "ms", o.Ended.Sub(o.Started).Milliseconds())
	if r := o.Report; r != nil {
		log = log.With("windows", r.Windows, "events", r.Events, "rows", r.Rows, "quarantined", r.Quarantined)
	}
	if !o.Retry.IsZero() {
		log = log.With("retry", o.Retry)
	}
	switch kindOf(o.Err) {
	case succeeded:
		log.Info("run ended")
		return
	case held:
		log.Info("run put off, as the job is held", "error", o.Err)
		return
	case stopped:
		log.Warn("run cut off", "error", o.Err)
		return
	}
	var hinter interface{ Hint() string }
	if errors.As(o.Err, &hinter) && hinter.Hint() != "" {
		log = log.With("hint", hinter.Hint())
	}
	var panicked *PanicError
	if errors.As(o.Err, &panicked) {
		log = log.With("stack", string(panicked.Stack))
	}
	log.Error("run failed", "failures", failures, "error", o.Err)
}
