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
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"backstory/schedules"
	"backstory/source"

	"github.com/google/go-cmp/cmp"
)

// address is a real HTTP server that answers with the codes it is given, then
// with 200, and hands over what it was sent.
type address struct {
	*httptest.Server
	got chan []byte

	mu    sync.Mutex
	codes []int
}

func listen(t *testing.T, codes ...int) *address {
	t.Helper()
	a := &address{got: make(chan []byte, 100), codes: codes}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		a.mu.Lock()
		code := 200
		if len(a.codes) > 0 {
			code, a.codes = a.codes[0], a.codes[1:]
		}
		a.mu.Unlock()
		if code == 302 {
			http.Redirect(w, r, "/elsewhere", code)
		} else {
			w.WriteHeader(code)
		}
		a.got <- body
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *address) next(t *testing.T) []byte {
	t.Helper()
	select {
	case b := <-a.got:
		return b
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was sent")
		return nil
	}
}

// serve runs a hook; what it returns ends it and waits for that.
func serve(t *testing.T, h *Hook) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := h.Serve(ctx); err != nil {
			t.Error(err)
		}
	}()
	end = func() { cancel(); <-done }
	t.Cleanup(end)
	return end
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// ran is a run that began some minutes after noon.
func ran(minute int, err error) schedules.Outcome {
	at := noon.Add(time.Duration(minute) * time.Minute)
	return schedules.Outcome{Job: "shop", Started: at, Ended: at.Add(time.Second), Err: err}
}

// TestOnceAChange sends one message as a job begins to fail and one as it
// works again, whatever lies between.
func TestOnceAChange(t *testing.T) {
	a := listen(t)
	h := New(Options{URL: a.URL, Format: JSON})
	end := serve(t, h)
	wrong := source.Setup("start it", "connect: refused")
	retried := ran(1, wrong)
	retried.Retry, retried.Attempt = noon.Add(2*time.Minute), 1
	third := ran(2, wrong)
	third.Retry, third.Attempt = noon.Add(3*time.Minute), 3
	begins := ran(2, nil)
	begins.Ended = time.Time{}
	for _, o := range []schedules.Outcome{
		ran(0, nil), begins, retried, third, ran(3, wrong),
		ran(4, fmt.Errorf("job shop: %w", schedules.ErrHeld)), ran(4, fmt.Errorf("load: %w", context.Canceled)),
	} {
		h.Told(o)
	}
	var m Message
	if err := json.Unmarshal(a.next(t), &m); err != nil {
		t.Fatal(err)
	}
	want := Message{Event: Failed, Job: "shop", Time: noon.Add(2*time.Minute + time.Second), Since: noon.Add(time.Minute), Error: "connect: refused", Hint: "start it"}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	h.Told(ran(5, wrong))
	h.Told(ran(6, nil))
	h.Told(ran(7, nil))
	m = Message{}
	if err := json.Unmarshal(a.next(t), &m); err != nil {
		t.Fatal(err)
	}
	want = Message{Event: Recovered, Job: "shop", Time: noon.Add(6*time.Minute + time.Second), Since: noon.Add(time.Minute)}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	end()
	if len(a.got) > 0 {
		t.Errorf("and also %s", <-a.got)
	}
}

// TestAgain sends a message again that was not taken, and not one that never
// will be.
func TestAgain(t *testing.T) {
	a := listen(t, 503, 200)
	h := New(Options{URL: a.URL})
	serve(t, h)
	h.Told(ran(0, errors.New("no")))
	if first, second := a.next(t), a.next(t); !bytes.Equal(first, second) {
		t.Errorf("first %s, then %s", first, second)
	}

	for _, code := range []int{404, 302} {
		a = listen(t, code)
		h = New(Options{URL: a.URL})
		end := serve(t, h)
		h.Told(ran(0, errors.New("no")))
		a.next(t)
		end() // tries once more what is left
		if len(a.got) > 0 {
			t.Errorf("after %d came %s", code, <-a.got)
		}
	}
}

// TestCancelsOut tells nothing of a failure that was over before the address
// could be told.
func TestCancelsOut(t *testing.T) {
	a := listen(t)
	h := New(Options{URL: a.URL})
	h.Told(ran(0, errors.New("no")))
	h.Told(ran(1, nil))
	serve(t, h)()
	if len(a.got) > 0 {
		t.Errorf("it was told %s", <-a.got)
	}
}

// TestParting sends what is left when the worker ends, and ends though nobody
// answers.
func TestParting(t *testing.T) {
	a := listen(t)
	h := New(Options{URL: a.URL})
	h.Told(ran(0, errors.New("no")))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Serve(ctx); err != nil {
		t.Fatal(err)
	}
	a.next(t)

	gone := listen(t)
	gone.Close()
	h = New(Options{URL: gone.URL})
	h.Told(ran(0, errors.New("no")))
	if err := h.Serve(ctx); err != nil {
		t.Fatal(err)
	}
}

// TestSlack sends text in which nothing is markup.
func TestSlack(t *testing.T) {
	a := listen(t)
	h := New(Options{URL: a.URL, Format: Slack})
	serve(t, h)
	h.Told(ran(0, source.Setup("ask <them>", "open a & b")))
	var got map[string]string
	if err := json.Unmarshal(a.next(t), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"text": "backstory: job shop fails since 2026-03-01T12:00:00Z\nopen a &amp; b\nhint: ask &lt;them&gt;"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}

// TestSecrets looks for the URL and for a stream in what is logged and sent.
func TestSecrets(t *testing.T) {
	a := listen(t)
	a.Close()
	var log bytes.Buffer
	h := New(Options{URL: a.URL + "/services/s3cret", Log: slog.New(slog.NewTextHandler(&log, nil))})
	h.Told(ran(0, &source.EventError{Stream: "anna", Type: "Paid", Step: "parse", Err: errors.New("no JSON")}))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := h.Serve(ctx); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); strings.Contains(text, "s3cret") || !strings.Contains(text, "webhook was not reached") {
		t.Errorf("the log is %s", text)
	}
	if m, _ := h.next(); strings.Contains(m.Error, "anna") || !strings.Contains(m.Error, "parse event") {
		t.Errorf("the message says %q", m.Error)
	}
}

// inQuarantine is the error of a run that put events into quarantine.
type inQuarantine struct{}

func (inQuarantine) Error() string      { return "1 event went to quarantine" }
func (inQuarantine) Quarantined() int64 { return 1 }

// A run that finds nothing new does not mend what is in quarantine.
func TestQuarantineIsNotOver(t *testing.T) {
	a := listen(t)
	h := New(Options{URL: a.URL, Format: JSON})
	end := serve(t, h)
	event := func() string {
		var m Message
		if err := json.Unmarshal(a.next(t), &m); err != nil {
			t.Fatal(err)
		}
		return m.Event
	}
	h.Told(ran(1, inQuarantine{}))
	if got := event(); got != Failed {
		t.Errorf("got %s", got)
	}
	still := ran(2, nil)
	still.Report = &schedules.Report{InQuarantine: 1}
	h.Told(still)
	mended := ran(3, nil)
	mended.Report = &schedules.Report{}
	h.Told(mended)
	var m Message
	if err := json.Unmarshal(a.next(t), &m); err != nil {
		t.Fatal(err)
	}
	if m.Event != Recovered || !m.Time.Equal(mended.Ended) {
		t.Errorf("got %+v, want that it has recovered at %s", m, mended.Ended)
	}
	end()
}
