package main

import (
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// globals are the flags that all commands share.
type globals struct {
	config   string
	json     bool
	quiet    bool
	hurry    bool
	progress string
	logLevel string
	// logFormat is text or json.
	logFormat string
}

const envPrefix = "BACKSTORY_"

func newRoot() *cobra.Command {
	g := &globals{}
	root := &cobra.Command{
		Use:   "backstory",
		Short: "Export the history of an event store into typed tables",
		Long: `Backstory reads the whole history out of an event store that another
application writes, flattens every event into typed tables, and keeps them
current: first all of the past, then what is new, each event exactly once.

Exit codes: 0 done, 1 failed, 2 configuration, 3 environment, 4 somebody else
holds the lease, 5 the data does not agree, cannot be read, or is in quarantine,
130 interrupted.

Each flag has an environment variable: --log-level is BACKSTORY_LOG_LEVEL.`,
		Version:           versionText(),
		Args:              noSuchCommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return fromEnvironment(cmd.Flags()) },
	}
	root.SetVersionTemplate("{{.Version}}\n")
	flags := root.PersistentFlags()
	flags.StringVarP(&g.config, "config", "c", "backstory.yaml", "the configuration file")
	flags.BoolVar(&g.json, "json", false, "write results as JSON")
	flags.BoolVarP(&g.quiet, "quiet", "q", false, "no progress, no talk")
	flags.BoolVar(&g.hurry, "hurry", false, "read in the quiet hours of the source too")
	flags.StringVar(&g.progress, "progress", "auto", "show progress: auto, always or never")
	flags.StringVar(&g.logLevel, "log-level", "warn", "what to log: debug, info, warn or error")
	flags.StringVar(&g.logFormat, "log-format", "text", "how to log: text or json")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.SuggestionsMinimumDistance = 2
	root.AddCommand(commands(g)...)
	return root
}

// commands lists every command.
func commands(g *globals) []*cobra.Command {
	return []*cobra.Command{
		newInit(g),
		newCheck(g),
		newTest(g),
		newDiscover(g),
		newPlan(g),
		newRun(g),
		newBackfill(g),
		newRebuild(g),
		newReplay(g),
		newWorker(g),
		newForget(g),
		newStatus(g),
		newVerify(g),
		newRepair(g),
		newExplain(g),
		newSchema(g),
		newCompact(g),
		newState(g),
		newVersion(g),
	}
}

// noSuchCommand refuses the arguments of the root command: they were meant
// to be a command.
func noSuchCommand(cmd *cobra.Command, a []string) error {
	if len(a) == 0 {
		return nil
	}
	err := fmt.Errorf("there is no command %s", a[0])
	if near := cmd.SuggestionsFor(a[0]); len(near) > 0 {
		err = fmt.Errorf("%w; did you mean %s?", err, strings.Join(near, " or "))
	}
	return &usageError{err}
}

// fromEnvironment sets the flags that were not given from their environment
// variables.
func fromEnvironment(flags *pflag.FlagSet) error {
	var problem error
	flags.VisitAll(func(f *pflag.Flag) {
		name := envPrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := os.LookupEnv(name)
		if !ok || f.Changed || f.Name == "help" || f.Name == "version" {
			return
		}
		if err := flags.Set(f.Name, value); err != nil && problem == nil {
			problem = &usageError{fmt.Errorf("environment variable %s: %w", name, err)}
		}
	})
	return problem
}

// args says how many arguments a command takes; a wrong number is a usage error.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, a []string) error {
		if err := check(cmd, a); err != nil {
			return &usageError{err}
		}
		return nil
	}
}

// log gives the program's log, on standard error.
func (g *globals) log() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(g.logLevel)); err != nil {
		return nil, &usageError{fmt.Errorf("--log-level %s: want debug, info, warn or error", g.logLevel)}
	}
	options := &slog.HandlerOptions{Level: level}
	switch g.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(os.Stderr, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(os.Stderr, options)), nil
	}
	return nil, &usageError{fmt.Errorf("--log-format %s: want text or json", g.logFormat)}
}
