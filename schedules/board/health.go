package board

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"backstory/schedules"
)

// healthy says that the process lives and answers.
func healthy(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "ok")
}

// ready says whether the worker does what it is there for. Why it does not
// is for those who have the token: the page tells it.
func (b *Board) ready(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	var lines []string
	for _, s := range b.known.standings(r.Context(), now, b.Standings) {
		if why := b.unready(s, now); why != "" {
			lines = append(lines, fmt.Sprintf("job %s: %s", s.Job, why))
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if len(lines) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, strings.Join(lines, "\n"))
		return
	}
	fmt.Fprintln(w, "ready")
}

// unready says why a job keeps the worker from being ready, "" if it does not.
func (b *Board) unready(s schedules.Standing, now time.Time) string {
	if s.Err != nil {
		return "the ledger cannot be read"
	}
	if s.Failures == 0 || s.Last == nil {
		return ""
	}
	since := b.told.failing(s.Job)
	if since.IsZero() {
		since = s.Last.Started
	}
	if d := now.Sub(since); d > b.UnreadyAfter {
		return "has failed for " + about(d)
	}
	return ""
}
