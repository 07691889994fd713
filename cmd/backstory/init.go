package main

import (
	"fmt"
	"os"

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
may have a password in it; nor does it hold the key of encrypted events, which
--key-env names. A file that is there already is not touched.`,
		Example: "  backstory init shop.sqlite\n  EVENTS_URL=postgres://reader@db/shop backstory init",
		Args:    args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, a []string) error {
			s.config = g.config
			if len(a) == 1 {
				s.store = a[0]
			}
			if err := s.write(cmd.Context()); err != nil {
				return err
			}
			if g.quiet {
				return nil
			}
			next := "backstory discover, then backstory run"
			if isPostgres(s.store) && os.Getenv(s.urlEnv) == "" {
				next = "put the URL in the environment variable " + s.urlEnv + ", then " + next
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "wrote %s; next: %s\n", s.config, next)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&s.urlEnv, "url-env", "EVENTS_URL", "the environment variable with a PostgreSQL store's URL")
	flags.StringVar(&s.keyEnv, "key-env", "CIPHER_KEY", "the environment variable with the key of encrypted events")
	flags.StringVar(&s.table, "table", "", "the table of events, where several would fit")
	flags.StringVar(&s.schema, "schema", "", "the PostgreSQL schema of the table")
	flags.StringVar(&s.out, "out", "./out", "the folder for the Parquet files, seen from the configuration")
	flags.StringVar(&s.job, "job", "", "the name of the job; by default that of the store")
	return cmd
}
