package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"backstory/source"

	"github.com/spf13/cobra"
)

func newSchemaSQL(g *globals) *cobra.Command {
	var out string
	var to sqlTarget
	var parsed bool
	cmd := &cobra.Command{
		Use:   "sql",
		Short: "Write views that join the tables again, as SQL to review",
		Long: `Sql writes views over the tables that are loaded, or would be by the first run.
The view timeline has every event of the job in one line, with its payload as
JSON. For each type of stream, which is what stands before the last dot of an
event type, a view latest_STREAM has a row for each stream, with the newest
value of every column. With --json-columns there is a view TABLE_json beside each
table, in which columns of JSON text are JSON.

Nothing is run: the text is for you to read, to keep under version control and
to run where your queries run. The same tables give the same text.`,
		Example: "  backstory schema sql -o views\n  backstory schema sql --dialect bigquery --dataset my-project.shop --json-columns",
		Args:    args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			s, err := openSchema(cmd.Context(), g)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.close()) }()
			d, err := to.over(s.config.sink).dialect()
			if err != nil {
				return err
			}
			views := viewsOf(s.job.Name, s.tables, d, parsed)
			switch {
			case len(views) == 0:
				return source.Setup("load it with: backstory run", "write views: job %s has no tables yet", s.job.Name)
			case out != "":
				return writeViews(out, views, g, cmd.ErrOrStderr())
			case g.json:
				return json.NewEncoder(cmd.OutOrStdout()).Encode(views)
			}
			return printViews(cmd.OutOrStdout(), views)
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "the folder to write a file for each view into; by default they go to standard output")
	cmd.Flags().StringVar(&to.name, "dialect", "", "the SQL to write: duckdb, over Parquet files, or bigquery; by default that of the sink")
	cmd.Flags().StringVar(&to.dataset, "dataset", "", "for bigquery, the DATASET or PROJECT.DATASET of tables and views; by default that of the sink")
	cmd.Flags().StringVar(&to.path, "path", "", "for duckdb, the folder of the tables; by default that of the sink")
	cmd.Flags().BoolVar(&parsed, "json-columns", false, "write a view of each table in which JSON text is JSON, too")
	return cmd
}

// sqlTarget is where views are to be made, as flags say it.
type sqlTarget struct {
	name, dataset, path string
	// filter says that tables want to be asked for a part of event_time.
	filter bool
}

// over puts in what flags leave open, by the sink.
func (t sqlTarget) over(sink openSink) sqlTarget {
	if t.name == "" {
		t.name = "duckdb"
		if sink.dataset != "" && t.path == "" || t.dataset != "" {
			t.name = "bigquery"
		}
	}
	switch {
	case t.name == "bigquery" && t.dataset == "":
		t.dataset, t.filter = sink.dataset, sink.filter
	case t.name == "bigquery":
		t.filter = sink.filter
	case t.path == "" && sink.dataset == "":
		t.path = sink.path
	}
	return t
}

// datasetName is how BigQuery writes a dataset, with its project or without.
// https://cloud.google.com/bigquery/docs/datasets#dataset-naming
var datasetName = regexp.MustCompile(`^([a-z][-a-z0-9:.]*[a-z0-9]\.)?[A-Za-z0-9_]+$`)

func (t sqlTarget) dialect() (sqlDialect, error) {
	switch {
	case t.name == "duckdb" && t.path == "":
		return nil, &usageError{errors.New("the sink has no folder of Parquet files; name one by --path, or write --dialect bigquery")}
	case t.name == "duckdb" && t.dataset != "":
		return nil, &usageError{errors.New("--dataset goes with --dialect bigquery")}
	case t.name == "duckdb":
		return duckDB{t.path}, nil
	case t.name != "bigquery":
		return nil, &usageError{fmt.Errorf("there is no dialect %s; there are: duckdb, bigquery", t.name)}
	case t.dataset == "":
		return nil, &usageError{errors.New("--dialect bigquery wants a --dataset")}
	case !datasetName.MatchString(t.dataset):
		return nil, &usageError{fmt.Errorf("%q is no dataset; write DATASET or PROJECT.DATASET", t.dataset)}
	}
	return bigQuery{t.dataset, t.filter}, nil
}

// writeViews writes each view into a file of its name, and says which. Files
// of views that are no more are left to whoever keeps the folder.
func writeViews(dir string, views []sqlView, g *globals, talk io.Writer) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return source.Setup("name a folder that this user may write into", "make folder: %w", err)
	}
	for _, v := range views {
		name := filepath.Join(dir, v.Name+".sql")
		if err := replaceFile(name, v.SQL); err != nil {
			return err
		}
		if !g.quiet {
			fmt.Fprintf(talk, "wrote %s\n", name)
		}
	}
	return nil
}

// printViews writes the views below each other, as one script.
func printViews(w io.Writer, views []sqlView) error {
	for i, v := range views {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if _, err := io.WriteString(w, v.SQL); err != nil {
			return err
		}
	}
	return nil
}
