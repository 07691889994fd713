package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"backstory/schedules"
	"backstory/source"

	"github.com/spf13/cobra"
)

func newState(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Carry the ledger from one place to another",
		Long: `State writes all that the ledger knows to a file, or makes a ledger of such a
file: to move it from SQLite to PostgreSQL or back, or to keep a copy. Let no run
be under way meanwhile, and none use the old ledger afterwards.`,
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use:     "export FILE|-",
			Short:   "Write the ledger as JSON lines",
			Example: "  backstory state export ledger.jsonl\n  backstory state export - | zstd > ledger.jsonl.zst",
			Args:    oneFile,
			RunE:    func(cmd *cobra.Command, a []string) error { return exportState(cmd, g, a[0]) },
		},
		&cobra.Command{
			Use:     "import FILE|-",
			Short:   "Make an empty ledger know what was exported",
			Example: "  backstory state export ledger.jsonl\n  # write state: ${env:LEDGER_URL} into backstory.yaml, then\n  backstory state import ledger.jsonl",
			Args:    oneFile,
			RunE:    func(cmd *cobra.Command, a []string) error { return importState(cmd, g, a[0]) },
		},
	)
	return cmd
}

// oneFile wants one argument.
func oneFile(_ *cobra.Command, a []string) error {
	if len(a) != 1 {
		return &usageError{errors.New("want the name of one file, or - for standard input or output")}
	}
	return nil
}

func exportState(cmd *cobra.Command, g *globals, name string) (err error) {
	ctx := cmd.Context()
	c, err := readConfig(g.config)
	if err != nil {
		return err
	}
	ledger, err := existingLedger(ctx, c.state)
	if err != nil {
		return err
	}
	if ledger == nil {
		return source.Setup("there is one after the first run", "export ledger: there is none yet")
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	from := ledger.(schedules.Portable)
	if name == "-" {
		return from.Export(ctx, cmd.OutOrStdout())
	}
	if err := writeWhole(ctx, name, from.Export); err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.ErrOrStderr(), "the ledger is in %s\n", name)
	return err
}

// writeWhole makes a file that holds all that write writes, or does not exist.
func writeWhole(ctx context.Context, name string, write func(context.Context, io.Writer) error) error {
	if _, err := os.Lstat(name); err == nil {
		return source.Setup("name another file, or move that one away", "export ledger: %s is there already", name)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".ledger-*")
	if err != nil {
		return source.Setup("name a file in a folder that this user may write to", "export ledger: %w", err)
	}
	defer os.Remove(f.Name()) // if it is still there
	if err := errors.Join(write(ctx, f), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), name); err != nil { // not over another
		return source.Setup("name another file, or move that one away", "export ledger: %w", err)
	}
	return nil
}

func importState(cmd *cobra.Command, g *globals, name string) (err error) {
	ctx := cmd.Context()
	c, err := readConfig(g.config)
	if err != nil {
		return err
	}
	in := cmd.InOrStdin()
	if name != "-" {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			return source.Setup("write it with: backstory state export "+name, "import ledger: %w", err)
		}
		if err != nil {
			return fmt.Errorf("import ledger: %w", err)
		}
		defer f.Close()
		in = f
	}
	ledger, err := openLedger(ctx, c.state)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	if err := ledger.(schedules.Portable).Import(ctx, in); err != nil {
		return fmt.Errorf("import %s: %w", name, err)
	}
	_, err = fmt.Fprintf(cmd.ErrOrStderr(), "the ledger knows what was in %s\n", name)
	return err
}
