package main

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strconv"
	"time"

	"backstory/schedules"
	"backstory/schedules/board"
	"backstory/schedules/metrics"
	"backstory/schedules/webhook"
	"backstory/source"

	"golang.org/x/sync/errgroup"
)

// boardConfig is what the section worker says of how it is looked at.
type boardConfig struct {
	// Listen is where the page is, "" for defaultListen and off for nowhere.
	Listen string `yaml:"listen"`
	// Token is what whoever looks must know.
	Token string `yaml:"token"`
	// UnreadyAfter is for how long a job may fail before /readyz says so.
	UnreadyAfter time.Duration `yaml:"unready_after"`
	// Webhook is told of failure and recovery.
	Webhook webhookConfig `yaml:"webhook"`
}

// webhookConfig is worker.webhook.
type webhookConfig struct {
	URL    string `yaml:"url"`
	Format string `yaml:"format"`
}

const (
	defaultListen = "127.0.0.1:7373"
	listenOff     = "off"
	// shortestToken is how long a token is at least: it is guarded by nothing else.
	shortestToken = 16
)

// checkBoard notes what is wrong with it.
func (d *document) checkBoard(c boardConfig) {
	if c.Listen != "" && c.Listen != listenOff {
		host, port, err := net.SplitHostPort(c.Listen)
		if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || port == "" || (n == 0 && host == "") {
			d.addAt([]string{"worker", "listen"}, "want HOST:PORT here", "leave it out for "+defaultListen+", or write off")
		} else if c.Token == "" && !board.Loopback(c.Listen) {
			d.addAt([]string{"worker", "listen"}, "others than this machine could look, and worker.token is not set", "write token: ${env:BACKSTORY_TOKEN}, or listen on "+defaultListen)
		}
	}
	if c.Token != "" && len(c.Token) < shortestToken {
		d.addAt([]string{"worker", "token"}, "a token has at least "+strconv.Itoa(shortestToken)+" characters", "openssl rand -hex 16 makes one")
	}
	if c.UnreadyAfter < 0 {
		d.addAt([]string{"worker", "unready_after"}, "want a time above zero", "leave it out for "+board.DefaultUnreadyAfter.String())
	}
	w := c.Webhook
	if w == (webhookConfig{}) {
		return
	}
	if u, err := url.Parse(w.URL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		d.addAt([]string{"worker", "webhook", "url"}, "want an HTTP address here", "write url: ${env:HOOK}, which keeps it out of the file")
	}
	if !contains([]string{"", string(webhook.JSON), string(webhook.Slack)}, w.Format) {
		d.addAt([]string{"worker", "webhook", "format"}, "there is no format "+w.Format, "write json or slack")
	}
}

// watchers are what sees a worker at its work.
type watchers struct {
	metrics *metrics.Metrics
	board   *board.Board
	hook    *webhook.Hook // nil where nobody wants to be told
	ledgers openLedgers   // that are read for metrics and board
}

// beSeen has everything that happens seen by those who tell of it. It is called
// before the worker begins.
func (s *service) beSeen() error {
	c := s.settings.boardConfig
	w := &watchers{metrics: metrics.New(metrics.Options{Version: version, Standings: s.standings})}
	o := board.Options{
		Version: version, Standings: s.standings, Windows: s.windows, Metrics: w.metrics.Handler(),
		Token: c.Token, UnreadyAfter: c.UnreadyAfter, Log: s.log,
	}
	if c.Token == "" {
		o.Hosts = board.LocalHosts()
	}
	var err error
	if w.board, err = board.New(o); err != nil {
		return err
	}
	if c.Webhook.URL != "" {
		w.hook = webhook.New(webhook.Options{URL: c.Webhook.URL, Format: webhook.Format(c.Webhook.Format), Log: s.log})
	}
	for _, c := range s.configs {
		for _, j := range c.jobs {
			w.metrics.Know(j.Name)
		}
	}
	s.seen = w
	s.watch = func(job string, step schedules.Step) {
		w.metrics.Step(job, step)
		w.board.Step(job, step)
	}
	s.told = func(o schedules.Outcome) {
		w.metrics.Told(o)
		w.board.Told(o)
		if w.hook != nil {
			w.hook.Told(o)
		}
	}
	return nil
}

// board lets others look at the worker until ctx is over. An error says why
// that cannot be.
func (s *service) board(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	if s.seen.hook != nil {
		g.Go(func() error { return s.seen.hook.Serve(ctx) })
	}
	l, err := s.listen(ctx)
	if l != nil {
		s.log.Info("page", "url", "http://"+l.Addr().String()+"/")
		g.Go(func() error { return s.seen.board.Serve(ctx, l) })
	}
	if err != nil {
		g.Go(func() error { return err }) // and the hook ends
	}
	return errors.Join(g.Wait(), s.seen.ledgers.close())
}

// listen begins to listen, nil where it is not to. That the address nobody chose
// is taken is no reason not to work.
func (s *service) listen(ctx context.Context) (net.Listener, error) {
	address := s.settings.Listen
	if address == listenOff {
		return nil, nil
	}
	chosen := address != ""
	if !chosen {
		address = defaultListen
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		return l, nil
	case chosen:
		return nil, source.Setup("name another address with worker.listen, or write off", "listen for the page: %w", err)
	}
	s.log.Warn("there is no page, as its address is taken; worker.listen names another", "address", address, "error", err)
	return nil, nil
}

// standings says how each job stands, by the worker and the ledgers.
func (s *service) standings(ctx context.Context) (all []schedules.Standing) {
	states := make(map[string]schedules.JobState)
	for _, j := range s.worker.States() {
		states[j.Job] = j
	}
	for _, c := range s.current() {
		for _, j := range c.jobs {
			stand, ok := states[j.Name]
			if !ok {
				stand = schedules.JobState{Job: j.Name, Schedule: j.Schedule}
			}
			state, err := s.ledgerState(ctx, c, j.Name)
			all = append(all, schedules.Stand(stand, state, err))
		}
	}
	return all
}

// ledgerState reads what the ledger knows of a job.
func (s *service) ledgerState(ctx context.Context, c *config, job string) (state *schedules.State, err error) {
	err = s.seen.ledgers.read(ctx, c, func(l schedules.Ledger) error {
		state, err = l.State(ctx, job)
		return err
	})
	return state, err
}

// windows gives the windows of a job.
func (s *service) windows(ctx context.Context, job string, fn func(schedules.WindowRecord) error) error {
	for _, c := range s.current() {
		for _, j := range c.jobs {
			if j.Name == job {
				return s.seen.ledgers.read(ctx, c, func(l schedules.Ledger) error { return l.Windows(ctx, job, source.Position{}, fn) })
			}
		}
	}
	return nil
}
