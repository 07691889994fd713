// Package webhook tells an HTTP address when a job begins to fail and when it
// works again: once for each change, however many runs fail in between. It
// never keeps a run waiting. What it tells is not a log: while the address
// does not answer, only how each job stands in the end is kept for it.
package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"backstory/schedules"
	"backstory/sinks"
)

// Format is what is sent.
type Format string

// The formats.
const (
	JSON  Format = "json"  // a Message
	Slack Format = "slack" // {"text": ...}, which Slack, Mattermost and others take
)

// Options say where messages go.
type Options struct {
	// URL is taken for a secret: it is never shown.
	URL    string
	Format Format
	// Timeout is how long the address may take to answer; 0 means 10 s.
	Timeout time.Duration
	Log     *slog.Logger
}

// Message is what is sent as JSON.
type Message struct {
	// Event is job_failed or job_recovered.
	Event string `json:"event"`
	Job   string `json:"job"`
	// Time is when the run ended that changed it, Since when the first run failed.
	Time  time.Time `json:"time"`
	Since time.Time `json:"since"`
	// Error and Hint say why, and what to do about it, for job_failed.
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`
}

// The values of Message.Event.
const (
	Failed    = "job_failed"
	Recovered = "job_recovered"
)

// Pauses between tries double from the first to the longest.
const (
	firstPause   = time.Second
	longestPause = 5 * time.Minute
	// parting is how long Serve goes on to get rid of what is left at its end.
	parting = 3 * time.Second
)

// Hook tells one address.
type Hook struct {
	options Options
	client  *http.Client
	wake    chan struct{}

	mu   sync.Mutex
	jobs map[string]*standing
	line []string // jobs in the order in which they were first heard of
}

// standing is how a job stands, and how the address believes it does.
type standing struct {
	failing, told bool
	quarantine    bool // it fails since events went to quarantine
	since         time.Time
	message       Message
}

// New makes a hook. It sends nothing before Serve.
func New(o Options) *Hook {
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Hook{
		options: o, jobs: make(map[string]*standing), wake: make(chan struct{}, 1),
		client: &http.Client{
			Timeout: o.Timeout,
			// A redirect would take the message where nobody said it may go.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// patience is how many times in a row a run fails before that counts, where it
// is tried again.
const patience = 3

// Told hears of a run that begins or has ended; it is for Worker.Told. A failure
// that is about to be tried again counts the third time, and a run that found
// the job held by another worker, or was stopped with this one, never.
func (h *Hook) Told(o schedules.Outcome) {
	if o.Ended.IsZero() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.jobs[o.Job]
	if s == nil {
		s = &standing{}
		h.jobs[o.Job], h.line = s, append(h.line, o.Job)
	}
	switch {
	case o.Err == nil:
		if !s.failing {
			s.since = time.Time{}
			return
		}
		if s.quarantine && o.Report != nil && o.Report.InQuarantine > 0 {
			return // that nothing new went there mends nothing
		}
		s.failing, s.quarantine = false, false
		s.message = Message{Event: Recovered, Job: o.Job, Time: o.Ended.UTC(), Since: s.since.UTC()}
		s.since = time.Time{}
	case passing(o.Err):
		return
	default:
		if s.since.IsZero() {
			s.since = o.Started
		}
		if s.failing || !o.Retry.IsZero() && o.Attempt < patience {
			return
		}
		var quarantined interface{ Quarantined() int64 }
		s.failing, s.quarantine = true, errors.As(o.Err, &quarantined)
		s.message = Message{Event: Failed, Job: o.Job, Time: o.Ended.UTC(), Since: s.since.UTC()}
		s.message.Error, s.message.Hint = o.Reason()
	}
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// passing tells whether an error says nothing of the job itself.
func passing(err error) bool {
	return errors.Is(err, schedules.ErrHeld) || errors.Is(err, sinks.ErrHeld) ||
		errors.Is(err, schedules.ErrStopped) || errors.Is(err, context.Canceled)
}

// Serve sends messages until the context ends, and tries once more then.
func (h *Hook) Serve(ctx context.Context) error {
	sending, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	// What is under way may end: cut off, it would be sent twice.
	defer context.AfterFunc(ctx, func() { time.AfterFunc(parting, cut) })()
	pause := firstPause
	for {
		wait := h.wake
		var again <-chan time.Time
		if h.sendAll(sending) {
			pause = firstPause
		} else {
			// Others are not told meanwhile either: it is the same address.
			wait, again = nil, time.After(pause)
			pause = min(2*pause, longestPause)
		}
		select {
		case <-ctx.Done():
			h.sendAll(sending)
			return nil
		case <-wait:
		case <-again:
		}
	}
}

// sendAll sends what the address does not know yet, and tells whether it
// knows everything now.
func (h *Hook) sendAll(ctx context.Context) bool {
	for {
		m, left := h.next()
		if !left {
			return true
		}
		err := h.send(ctx, m)
		var refused *refusedError
		switch {
		case err == nil, errors.As(err, &refused) && !refused.mayPass():
			if err != nil {
				h.options.Log.Error("webhook refused the message; it is not sent again", "job", m.Job, "event", m.Event, "error", err)
			}
			h.sent(m)
		default:
			if ctx.Err() == nil {
				h.options.Log.Warn("webhook was not reached; it is tried again", "job", m.Job, "event", m.Event, "error", err)
			}
			return false
		}
	}
}

// next gives a message that is to be sent.
func (h *Hook) next() (Message, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, job := range h.line {
		if s := h.jobs[job]; s.failing != s.told {
			return s.message, true
		}
	}
	return Message{}, false
}

func (h *Hook) sent(m Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.jobs[m.Job].told = m.Event == Failed
}

func (h *Hook) send(ctx context.Context, m Message) error {
	body, err := h.body(m)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.options.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("make request: the URL is not one")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "backstory")
	res, err := h.client.Do(req)
	if err != nil {
		var named *url.Error
		if errors.As(err, &named) {
			err = named.Err // it names the URL, which is a secret
		}
		return fmt.Errorf("send message: %w", err)
	}
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // so that the connection may be used again
	res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return &refusedError{res.StatusCode}
	}
	return nil
}

func (h *Hook) body(m Message) ([]byte, error) {
	if h.options.Format != Slack {
		return json.Marshal(m)
	}
	return json.Marshal(map[string]string{"text": m.text()})
}

// text is the message for people, with what Slack takes for markup escaped.
func (m Message) text() string {
	plain := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace
	if m.Event == Recovered {
		return plain(fmt.Sprintf("backstory: job %s works again; it had failed since %s", m.Job, m.Since.Format(time.RFC3339)))
	}
	text := fmt.Sprintf("backstory: job %s fails since %s\n%s", m.Job, m.Since.Format(time.RFC3339), m.Error)
	if m.Hint != "" {
		text += "\nhint: " + m.Hint
	}
	return plain(text)
}

// refusedError is an answer that is not a good one.
type refusedError struct{ code int }

func (e *refusedError) Error() string {
	return fmt.Sprintf("send message: it answers %d %s", e.code, http.StatusText(e.code))
}

// mayPass tells whether the same message may be taken later.
func (e *refusedError) mayPass() bool {
	return e.code >= 500 || e.code == http.StatusRequestTimeout || e.code == http.StatusTooManyRequests
}
