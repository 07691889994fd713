// Package board is the worker's page: how each job stands, the grid of its
// windows, its lag and throughput, runs, quarantine and tables, as HTML that
// reads without scripts and as JSON, with health, readiness and metrics beside
// it. It only ever reads, from the ledger and the worker and never from a
// source, and it shows no event's payload. It is not a web service to put
// on the internet: no TLS, one token for all.
package board

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"time"

	"backstory/schedules"
	"backstory/source"
)

//go:embed page
var files embed.FS

// Options say what the page shows, and to whom.
type Options struct {
	// Version is the version of Backstory.
	Version string
	// Standings says how each job stands, in the order in which they are shown.
	Standings func(context.Context) []schedules.Standing
	// Windows calls fn with the windows of a job, as schedules.Ledger has it.
	Windows func(ctx context.Context, job string, fn func(schedules.WindowRecord) error) error
	// Metrics serves /metrics; nil where there are none.
	Metrics http.Handler
	// Token is what requests must carry, "" for none. It is wanted of whoever
	// is not on this machine.
	Token string
	// Hosts are the names under which requests may ask for the page; none
	// means any. A page that is open to all of this machine names its own,
	// so that no other web page can read it through a name of its own.
	Hosts []string
	// UnreadyAfter is for how long a job may fail before the worker says that
	// it is not ready; 0 means DefaultUnreadyAfter.
	UnreadyAfter time.Duration
	Log          *slog.Logger
}

// DefaultUnreadyAfter is for how long a job may fail while the worker is ready.
const DefaultUnreadyAfter = time.Hour

// Board is the page. It may be used by several goroutines.
type Board struct {
	Options
	pages *template.Template
	known *known
	told  *history
}

// New makes the page.
func New(o Options) (*Board, error) {
	if o.UnreadyAfter == 0 {
		o.UnreadyAfter = DefaultUnreadyAfter
	}
	pages, err := template.New("").Funcs(formats).ParseFS(files, "page/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse page: %w", err)
	}
	return &Board{Options: o, pages: pages, known: newKnown(), told: newHistory()}, nil
}

// Told hears of a run that begins or has ended; it is for Worker.Told.
func (b *Board) Told(o schedules.Outcome) { b.told.add(o) }

// Step hears of a step of a job's run; it is for Job.Watch.
func (b *Board) Step(job string, s schedules.Step) { b.told.step(job, s) }

// Handler serves the page.
func (b *Board) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", b.overview("page"))
	mux.HandleFunc("GET /live", b.overview("live"))
	mux.HandleFunc("GET /jobs/{job}", b.one("page"))
	mux.HandleFunc("GET /jobs/{job}/live", b.one("live"))
	mux.HandleFunc("GET /jobs.json", b.json)
	mux.HandleFunc("GET /board.css", b.file("board.css"))
	mux.HandleFunc("GET /board.js", b.file("board.js"))
	mux.HandleFunc("GET /healthz", healthy)
	mux.HandleFunc("GET /readyz", b.ready)
	if b.Metrics != nil {
		mux.Handle("GET /metrics", b.Metrics)
	}
	return b.guard(mux)
}

// Serve answers requests until the context ends, then finishes those under way.
func (b *Board) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           b.Handler(),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(b.log().Handler(), slog.LevelDebug),
	}
	closed := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		if err := server.Shutdown(patience); err != nil {
			closed <- server.Close()
		} else {
			closed <- nil
		}
	})
	err := server.Serve(l)
	if !stop() && errors.Is(err, http.ErrServerClosed) {
		return <-closed
	}
	return fmt.Errorf("serve the page: %w", err)
}

func (b *Board) log() *slog.Logger {
	if b.Log != nil {
		return b.Log
	}
	return slog.New(slog.DiscardHandler)
}

// page is what the templates are about.
type page struct {
	Version string
	Now     time.Time
	// Live is where the parts of the page are that change.
	Live string
	Jobs []*view
	// Job is the one that is shown, nil where all are.
	Job *view
}

// overview shows all jobs, or the job where there is one.
func (b *Board) overview(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p := b.page(r.Context(), "/live")
		if len(p.Jobs) == 1 {
			p.Job = p.Jobs[0]
		}
		b.show(w, name, p)
	}
}

// one shows one job.
func (b *Board) one(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		job := r.PathValue("job")
		p := b.page(r.Context(), "/jobs/"+job+"/live")
		for _, j := range p.Jobs {
			if j.Job == job {
				p.Job = j
			}
		}
		if p.Job == nil {
			http.NotFound(w, r)
			return
		}
		b.show(w, name, p)
	}
}

func (b *Board) page(ctx context.Context, live string) *page {
	now := time.Now()
	return &page{Version: b.Version, Now: now, Live: live, Jobs: b.views(ctx, now)}
}

func (b *Board) show(w http.ResponseWriter, name string, p *page) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := b.pages.ExecuteTemplate(w, name, p); err != nil {
		b.log().Debug("page was not read to its end", "error", err)
	}
}

func (b *Board) json(w http.ResponseWriter, r *http.Request) {
	p := b.page(r.Context(), "")
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(p.Jobs); err != nil {
		b.log().Debug("page was not read to its end", "error", err)
	}
}

func (b *Board) file(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, files, "page/"+name)
	}
}

// span is a range of positions, for people.
func span(w source.Window) string { return w.String() }
