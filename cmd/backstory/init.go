package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"backstory/schedules"
	"backstory/source"
	"backstory/source/layout"
	"backstory/source/postgres"
	"backstory/source/sqlite"
	"backstory/transform"

	"github.com/spf13/cobra"
)

func newInit(g *globals) *cobra.Command {
	s := starter{}
	cmd := &cobra.Command{
		Use:   "init [STORE]",
		Short: "Write a configuration to begin with, from a live store",
		Long: `Init opens a store, looks at a sample of its events, and writes a commented
configuration for it. STORE is the path of a SQLite file or a PostgreSQL URL;
without it, the URL is taken from the environment variable that --url-env
names. The configuration refers to that variable and never holds the URL, which
may have a password in it. A file that is there already is not touched.`,
		Example: "  backstory init shop.sqlite\n  EVENTS_URL=postgres://reader@db/shop backstory init",
		Args:    args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, a []string) error {
			s.config = g.config
			if len(a) == 1 {
				s.store = a[0]
			}
			text, err := s.write(cmd.Context())
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "wrote %s%s\n", s.config, text)
			return nil
		},
	}
	cmd.Flags().StringVar(&s.urlEnv, "url-env", "EVENTS_URL", "the environment variable with a PostgreSQL store's URL")
	cmd.Flags().StringVar(&s.table, "table", "", "the table of events, where several would fit")
	cmd.Flags().StringVar(&s.schema, "schema", "", "the PostgreSQL schema of the table")
	cmd.Flags().StringVar(&s.out, "out", "./out", "the folder for the Parquet files")
	cmd.Flags().StringVar(&s.job, "job", "", "the name of the job; by default that of the store")
	return cmd
}

// A starter writes a first configuration.
type starter struct {
	config, store, urlEnv, table, schema, out, job string
}

// write makes the file and tells what to do next.
func (s *starter) write(ctx context.Context) (next string, err error) {
	if _, err := os.Stat(s.config); !errors.Is(err, fs.ErrNotExist) {
		return "", source.Setup("move it away, or name another file with --config", "write %s: the file is there already", s.config)
	}
	src, section, name, err := s.open(ctx)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	if s.job == "" {
		s.job = name
	}
	p, err := transform.Compile(transform.Rules{Payload: source.PayloadOf(src)})
	if err != nil {
		return "", err
	}
	mark, err := src.Watermark(ctx)
	if err != nil {
		return "", err
	}
	shapes, err := schedules.Discover(ctx, src, p, sourceWindow(mark), schedules.DefaultSample, schedules.DefaultWorkers)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(s.config, []byte(s.text(section, shapes)), 0o666); err != nil {
		return "", source.Setup("make the folder writable", "write configuration: %w", err)
	}
	return "; next: backstory discover, then backstory run", nil
}

// open opens the store and gives its section of the configuration and a name
// for its job.
func (s *starter) open(ctx context.Context) (source.Source, string, string, error) {
	url := s.store
	if url == "" {
		if url = os.Getenv(s.urlEnv); url == "" {
			return nil, "", "", &usageError{fmt.Errorf("init wants a store: the path of a SQLite file, or a PostgreSQL URL in %s", s.urlEnv)}
		}
	}
	table := ""
	if s.table != "" {
		table = "\n  table: " + s.table
	}
	if !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
		var c sqlite.Config
		c.Path, c.Table = url, s.table
		src, err := sqlite.Open(ctx, c)
		if err != nil {
			return nil, "", "", err
		}
		path := url
		if dir := filepath.Dir(s.config); dir != "." && !filepath.IsAbs(path) {
			if rel, err := filepath.Rel(dir, path); err == nil {
				path = rel
			}
		}
		name := strings.TrimSuffix(filepath.Base(url), filepath.Ext(url))
		return src, "  driver: sqlite\n  path: " + path + table, jobNameFrom(name), nil
	}
	var c postgres.Config
	c.URL, c.Schema, c.Table = layout.Secret(url), s.schema, s.table
	src, err := postgres.Open(ctx, c)
	if err != nil {
		return nil, "", "", err
	}
	if s.schema != "" {
		table = "\n  schema: " + s.schema + table
	}
	return src, "  driver: postgres\n  url: ${env:" + s.urlEnv + "}" + table, "events", nil
}

// jobNameFrom makes a text the name of a job.
func jobNameFrom(text string) string {
	name := transform.TableName(text)
	if !jobName.MatchString(name) {
		return "events"
	}
	return name
}

const starterText = `# Backstory: the history of an event store as typed tables.
# ${env:NAME} stands for an environment variable.

source:
%s
  layout: eventsourcing        # or columns: name the columns of a table of your own
  # state: {cipher: aes-gcm, key: "${env:CIPHER_KEY}", compress: zlib}
  # names:                     # event types that were renamed
  #   aliases: {Cart.OldName: Cart.NewName}
  #   prefixes: {"old.module:": "new.module:"}

sink:
  driver: parquet
  path: %s
  # codec: zstd                # or snappy, none

# tables:
#   layout: per_type           # or one (a table "events" with the payload as JSON), or both
#   nested: flatten            # or struct: keep objects as structs
#   partition: none            # or day, month: folders by the time of the event
#   explode: {Order.Placed: [lines]}                    # a row per element, in a table of its own
#   types: {Order.Placed: {total: "decimal(18,2)"}}     # instead of what discovery finds

# load:
#   window: 250000             # about as many events are loaded, and committed, at once
#   workers: 2                 # windows at a time

jobs:
  - name: %s
    schedule: "*/15 * * * *"   # for the worker; "backstory run" ignores it

# Found in the store:
%s`

func (s *starter) text(section string, shapes *transform.Shapes) string {
	var found strings.Builder
	for _, sh := range shapes.All() {
		fmt.Fprintf(&found, "#   %s (schema versions %s)\n", sh.Event, versionsText(sh))
	}
	if found.Len() == 0 {
		found.WriteString("#   no events yet\n")
	}
	return fmt.Sprintf(starterText, section, s.out, s.job, found.String())
}
