package metrics

import (
	"context"
	"time"

	"backstory/schedules"

	"github.com/prometheus/client_golang/prometheus"
)

// standings are the figures that are asked for at each scrape, for the
// context of one.
type standings struct {
	ctx context.Context
	ask func(context.Context) []schedules.Standing
}

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append([]string{label}, labels...), nil)
}

var (
	running    = gauge("backstory_job_running", "1 while a run of the job is under way.")
	failures   = gauge("backstory_job_consecutive_failures", "Runs that failed since the last that succeeded.")
	next       = gauge("backstory_next_run_timestamp_seconds", "When the job is due next; absent where it has no schedule.")
	lastRun    = gauge("backstory_last_run_timestamp_seconds", "When the last run of this process ended.")
	success    = gauge("backstory_last_success_timestamp_seconds", "When the last run that succeeded began, also before this process.")
	lagSeconds = gauge("backstory_lag_seconds", "Time since the last run began that loaded everything up to the store's end.")
	lagEvents  = gauge("backstory_lag_events", "About how many events are known of and not loaded.")
	heldBack   = gauge("backstory_watermark_held_seconds", "How long the oldest transaction has been open that held back the last watermark; 0 where none did.")
	ledgerUp   = gauge("backstory_ledger_up", "1 where the ledger could be read.")
	generation = gauge("backstory_generation", "The number of the generation that readers see.")
	inStock    = gauge("backstory_windows", "Windows of the generation by state: loaded, planned, quarantined (loaded, with events in quarantine) or again (loaded, to be loaded again).", "state")
	events     = gauge("backstory_events", "Events that are loaded.")
	inQuar     = gauge("backstory_quarantined_events", "Events that are in quarantine.")
)

// Describe gives what figures there are.
func (standings) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		running, failures, next, lastRun, success, lagSeconds, lagEvents, heldBack,
		ledgerUp, generation, inStock, events, inQuar,
	} {
		ch <- d
	}
}

// Collect asks how each job stands. What is not known is absent.
func (c standings) Collect(ch chan<- prometheus.Metric) {
	now := time.Now()
	for _, s := range c.ask(c.ctx) {
		send := func(d *prometheus.Desc, v float64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{s.Job}, labels...)...)
		}
		when := func(d *prometheus.Desc, t time.Time) {
			if !t.IsZero() {
				send(d, float64(t.UnixMilli())/1e3)
			}
		}
		send(running, one(s.Running != nil))
		send(failures, float64(s.Failures))
		when(next, s.Next)
		if s.Last != nil {
			when(lastRun, s.Last.Ended)
		}
		when(success, s.Success)
		if !s.Current.IsZero() {
			send(lagSeconds, s.Lag(now).Seconds())
		}
		heldFor := 0.0
		if since := s.HeldSince(); !since.IsZero() {
			heldFor = max(now.Sub(since).Seconds(), 0)
		}
		send(heldBack, heldFor)
		send(ledgerUp, one(s.Ledger != nil))
		if l := s.Ledger; l != nil {
			send(lagEvents, float64(s.Behind()))
			send(generation, float64(l.Generation))
			send(inStock, float64(l.Totals.Windows), "loaded")
			send(inStock, float64(len(l.Pending)), "planned")
			send(inStock, float64(len(l.Quarantined)), "quarantined")
			send(inStock, float64(len(l.Again)), "again")
			send(events, float64(l.Totals.Events))
			send(inQuar, float64(l.Totals.Quarantined))
		}
	}
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
