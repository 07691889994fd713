package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"reflect"
	"sync"
	"syscall"
	_ "time/tzdata" // time zones, where the system has none: in a container without anything else

	"backstory/schedules"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

func newWorker(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "worker [CONFIG...]",
		Short: "Stay, and run the jobs by their schedules",
		Long: `Worker runs each job as run does, whenever its schedule says so, until it is
told to stop. It takes several configurations, or folders of them, each with
a sink of its own; without any, it takes the one of --config.

On SIGTERM or SIGINT it lets the windows under way end, for as long as
worker.grace says, and exits 0; a second signal ends it at once, and nothing
is lost by that. On SIGHUP it reads its configurations again, and goes on
under the old ones where the new ones are wrong.

It logs at level info unless --log-level says otherwise.`,
		Example: "  backstory worker\n  backstory worker /etc/backstory/ --log-format json",
		RunE: func(cmd *cobra.Command, names []string) error {
			if !cmd.Flags().Changed("log-level") {
				g.logLevel = "info"
			}
			log, err := g.log()
			if err != nil {
				return err
			}
			s, err := newService(g, names, log)
			if err != nil {
				return err
			}
			return s.serve(cmd.Context())
		},
	}
}

// service is a worker with its configurations, and what is seen of it.
type service struct {
	g     *globals
	names []string // of configurations and folders, as they were given
	log   *slog.Logger
	// settings are those it began with. What a reload changes of them is in worker.
	settings workerConfig
	worker   *schedules.Worker

	// watch and told hear of the steps of each job and of its runs, if they
	// are not nil. They are set before serve.
	watch func(job string, step schedules.Step)
	told  func(schedules.Outcome)
	seen  *watchers

	mu      sync.Mutex
	configs []*config
}

// newService reads the configurations.
func newService(g *globals, names []string, log *slog.Logger) (*service, error) {
	if len(names) == 0 {
		names = []string{g.config}
	}
	s := &service{g: g, names: names, log: log}
	configs, settings, err := readConfigs(names)
	if err != nil {
		return nil, err
	}
	s.configs, s.settings = configs, settings
	s.worker = &schedules.Worker{
		Entries: s.entries(configs), Concurrent: settings.Concurrent, Grace: settings.Grace, Log: log,
		Told: func(o schedules.Outcome) {
			if s.told != nil {
				s.told(o)
			}
		},
	}
	return s, s.beSeen()
}

// current gives the configurations that are followed.
func (s *service) current() []*config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.configs
}

// serve works until ctx is over. The board is there until the last run has ended.
func (s *service) serve(ctx context.Context) error {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	seen, ended := context.WithCancel(context.WithoutCancel(ctx))
	defer ended()
	var g errgroup.Group
	g.Go(func() error {
		defer ended()
		s.log.Info("worker begins", "version", version, "jobs", len(s.worker.Entries))
		err := s.worker.Serve(ctx)
		s.log.Info("worker ended")
		return err
	})
	g.Go(func() error {
		err := s.board(seen)
		if err != nil {
			stop()
		}
		return err
	})
	g.Go(func() error {
		for {
			select {
			case <-hangups:
				s.reload()
			case <-ctx.Done():
				return nil
			}
		}
	})
	return g.Wait()
}

// reload reads the configurations again, and leaves everything as it is where
// one of them is wrong.
func (s *service) reload() {
	configs, settings, err := readConfigs(s.names)
	if err == nil {
		err = s.worker.Reload(s.entries(configs), settings.Concurrent, settings.Grace)
	}
	if err != nil {
		const refused = "configuration refused, the old one stays"
		if config := (*configError)(nil); errors.As(err, &config) && s.g.logFormat == "text" {
			s.log.Error(refused, "problems", len(config.problems))
			report(os.Stderr, err) // with its carets
		} else {
			s.log.Error(refused, "error", err)
		}
		return
	}
	s.mu.Lock()
	s.configs = configs
	s.mu.Unlock()
	if !reflect.DeepEqual(settings.boardConfig, s.settings.boardConfig) {
		s.log.Warn("listen, token and webhook of the section worker are read when the worker begins")
	}
	s.log.Info("configuration read again", "jobs", len(configs))
}
