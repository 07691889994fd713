package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"backstory/schedules"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// pageAddress takes a log and gives the URL of the page out of it.
type pageAddress struct {
	mu   sync.Mutex
	text strings.Builder
	url  chan string
}

func (p *pageAddress) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text.Write(line)
	var entry struct{ Msg, URL string }
	if json.Unmarshal(line, &entry) == nil && entry.Msg == "page" {
		p.url <- entry.URL
	}
	return len(line), nil
}

func jsonLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// seenWorker runs a worker on the shop under the configuration's section
// worker, and gives the URL of its page, its log, and what ends it.
func seenWorker(t *testing.T, section, schedule string) (url string, log *pageAddress, end func()) {
	t.Helper()
	dir := t.TempDir()
	store, err := filepath.Abs("../../testdata/stores/shop/shop.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "backstory.yaml")
	text := "source: {driver: sqlite, path: " + store + "}\nsink: {driver: parquet, path: out}\nload: {window: 1000}\n" +
		"worker: " + section + "\njobs: [{name: shop, schedule: \"" + schedule + "\"}]\n"
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	log = &pageAddress{url: make(chan string, 1)}
	s, err := newService(&globals{config: file, logLevel: "error", logFormat: "json"}, nil, jsonLog(log))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.serve(ctx) }()
	end = sync.OnceFunc(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the worker ended with %v", err)
		}
	})
	t.Cleanup(end)
	select {
	case url = <-log.url:
	case err := <-done:
		t.Fatalf("the worker ended with %v", err)
	}
	return url, log, end
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// TestWorkerIsSeen runs a worker on the shop and looks at it as a person,
// Prometheus and Kubernetes do.
func TestWorkerIsSeen(t *testing.T) {
	url, _, end := seenWorker(t, `{listen: "127.0.0.1:0"}`, "@every 1h")
	var jobs []struct {
		State   string
		Totals  struct{ Events, Rows int64 }
		Windows map[string]int
		Runs    []struct{ Kind string }
	}
	for { // until the first run has ended and the grid shows it; what does not come ends with the test's time
		_, text := get(t, url+"jobs.json")
		if err := json.Unmarshal([]byte(text), &jobs); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if jobs[0].State == "current" && jobs[0].Windows["loaded"] == 20 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if len(jobs[0].Runs) != 1 || jobs[0].Totals.Events != 20_000 || jobs[0].Totals.Rows != 20_000 {
		t.Errorf("the job is %+v", jobs[0])
	}
	if _, page := get(t, url); !strings.Contains(page, "Up to date") || !strings.Contains(page, "cart_item_added") {
		t.Errorf("the page is\n%s", page)
	}
	for path, want := range map[string]string{"healthz": "ok\n", "readyz": "ready\n"} {
		if code, text := get(t, url+path); code != 200 || text != want {
			t.Errorf("%s: code %d, %q", path, code, text)
		}
	}
	_, text := get(t, url+"metrics")
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("parse what was scraped: %v", err)
	}
	for name, want := range map[string]float64{
		"backstory_windows_loaded_total": 20, "backstory_events_loaded_total": 20_000, "backstory_rows_loaded_total": 20_000,
		"backstory_events_read_total": 20_000,
	} {
		if got := families[name].GetMetric()[0].GetCounter().GetValue(); got != want {
			t.Errorf("%s is %g, want %g", name, got, want)
		}
	}
	if n := families["backstory_fence_wait_seconds"].GetMetric()[0].GetHistogram().GetSampleCount(); n != 1 {
		t.Errorf("the fence was timed %d times, want once", n)
	}
	end()
	if _, err := http.Get(url); err == nil {
		t.Error("the page is there after the worker has ended")
	}
}

// TestWorkerTellsTheWebhook takes the store away and puts it back: it is told
// once of each, without the secrets.
func TestWorkerTellsTheWebhook(t *testing.T) {
	told := make(chan string, 100)
	address := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		told <- string(body)
	}))
	t.Cleanup(address.Close)
	dir := t.TempDir()
	file, store := filepath.Join(dir, "backstory.yaml"), filepath.Join(dir, "shop.sqlite")
	text := "source: {driver: sqlite, path: shop.sqlite}\nsink: {driver: parquet, path: out}\n" +
		"worker: {listen: \"127.0.0.1:0\", token: a-token-of-its-own, webhook: {url: \"" + address.URL + "/s3cret\"}}\n" +
		"jobs: [{name: shop, schedule: \"@every 1s\", retries: 0}]\n"
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	log := &pageAddress{url: make(chan string, 1)}
	s, err := newService(&globals{config: file, logLevel: "error", logFormat: "json"}, nil, jsonLog(log))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.serve(ctx) }()
	url := <-log.url
	if first := <-told; !strings.Contains(first, `"event":"job_failed"`) || !strings.Contains(first, "shop.sqlite") || !strings.Contains(first, `"hint":"`) {
		t.Errorf("it was told %s", first)
	}
	if code, page := get(t, url); code != 401 || strings.Contains(page, "shop") {
		t.Errorf("without the token: code %d, page\n%s", code, page)
	}
	data, err := os.ReadFile("../../testdata/stores/shop/shop.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(store+".new", data, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(store+".new", store); err != nil {
		t.Fatal(err)
	}
	if second := <-told; !strings.Contains(second, `"event":"job_recovered"`) {
		t.Errorf("then it was told %s", second)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if len(told) > 0 {
		t.Errorf("and also %s", <-told)
	}
	for _, secret := range []string{"s3cret", "a-token-of-its-own"} {
		if strings.Contains(log.text.String(), secret) {
			t.Errorf("the log has %s in it:\n%s", secret, log.text.String())
		}
	}
}

// TestPageAddressIsTaken works without a page where nobody chose the address,
// and ends where somebody did.
func TestPageAddressIsTaken(t *testing.T) {
	url, _, _ := seenWorker(t, `{listen: "127.0.0.1:0"}`, "@every 1h")
	address := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/")
	dir := t.TempDir()
	file := filepath.Join(dir, "backstory.yaml")
	text := "source: {driver: sqlite, path: none.sqlite}\nsink: {driver: parquet, path: out}\nworker: {listen: \"" + address + "\"}\njobs: [{name: shop, schedule: \"@yearly\"}]\n"
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	s, err := newService(&globals{config: file, logLevel: "error", logFormat: "json"}, nil, jsonLog(io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.serve(t.Context()); exitCode(err) != exitEnvironment || !strings.Contains(err.Error(), "listen for the page") {
		t.Errorf("got %v", err)
	}
}

// TestLedgersAreReadAnew reads a ledger that is not there yet, then is, is
// damaged, and is put back.
func TestLedgersAreReadAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	c := &config{state: stateConfig{path: path}}
	var open openLedgers
	read := func() (kind string, err error) {
		err = open.read(t.Context(), c, func(l schedules.Ledger) error {
			kind = "kept"
			if _, none := l.(noLedger); none {
				kind = "none"
			}
			_, err := l.State(t.Context(), "shop")
			return err
		})
		return kind, err
	}
	if kind, err := read(); kind != "none" || err != nil {
		t.Errorf("before the first run: %s, %v", kind, err)
	}
	ledger, err := openLedger(t.Context(), c.state)
	if err != nil {
		t.Fatal(err)
	}
	if err := ledger.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if kind, err := read(); kind != "kept" || err != nil || len(open.open) != 1 {
			t.Errorf("then: %s, %v, %d open", kind, err, len(open.open))
		}
	}
	open.open[c].since = time.Now().Add(-2 * ledgerKept)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("this is no ledger, but it is long enough to be taken for a file"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := read(); err == nil {
		t.Error("a damaged ledger is read")
	}
	if err := os.WriteFile(path, good, 0o666); err != nil {
		t.Fatal(err)
	}
	if kind, err := read(); kind != "kept" || err != nil {
		t.Errorf("put back: %s, %v", kind, err)
	}
	if err := open.close(); err != nil || len(open.open) != 0 {
		t.Errorf("closing: %v, %d open", err, len(open.open))
	}
}
