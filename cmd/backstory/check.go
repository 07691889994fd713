package main

import (
	"errors"
	"fmt"

	"backstory/schedules"

	"github.com/spf13/cobra"
)

func newCheck(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check configuration, source and sink without loading anything",
		Long: `Check reads the configuration, opens the store, takes the watermark, decodes
a first sample of events, and looks at the output folder and the ledger. It
changes nothing in the store.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			ctx, out := cmd.Context(), cmd.OutOrStdout()
			a, err := openApp(ctx, g, true, nil)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, a.close()) }()
			fmt.Fprintf(out, "configuration  %s is fine\n", g.config)
			mark, err := a.source.Watermark(ctx)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "source         ends at position %s, safe to read up to %s\n", mark.Head, mark.Safe)
			writeHeld(cmd.ErrOrStderr(), mark.Safe.Compare(mark.Head) < 0, mark)
			const sample = 1024
			shapes, err := schedules.Discover(ctx, a.source, a.pipeline, sourceWindow(mark), sample, 1)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "events         decode and parse, as far as a sample tells (%d event types in it)\n", len(shapes.All()))
			for _, j := range a.jobs {
				if err := j.Check(ctx); err != nil {
					return err
				}
				fmt.Fprintf(out, "job            %s: ledger and output agree\n", j.Name)
			}
			return nil
		},
	}
}
