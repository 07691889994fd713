package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"backstory/sinks"

	"github.com/spf13/cobra"
)

// compactTarget is from how many MiB on a file is left alone unless something
// else is said.
const compactTarget = 128

func newCompact(g *globals) *cobra.Command {
	var target int64
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "compact [JOB...]",
		Short: "Merge small files into larger ones",
		Long: `Compact merges the small files that incremental runs leave behind, so that
readers open fewer. Each table changes at once for its readers, and no row
changes. It may be killed at any moment and run again.`,
		RunE: func(cmd *cobra.Command, names []string) (err error) {
			ctx := cmd.Context()
			a, err := openApp(ctx, g, true, names)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, a.close()) }()
			for _, j := range a.jobs {
				rep, err := j.Compact(ctx, sinks.CompactOptions{TargetBytes: target << 20, DryRun: dryRun})
				if err != nil {
					return err
				}
				if g.json {
					if err := json.NewEncoder(cmd.OutOrStdout()).Encode(rep); err != nil {
						return err
					}
					continue
				}
				merged := 0
				for _, t := range rep.Tables {
					if t.FilesAfter == t.FilesBefore {
						continue
					}
					merged++
					fmt.Fprintf(cmd.OutOrStdout(), "%s: %s: %s into %d, %s\n", j.Name, t.Name, plural(int64(t.FilesBefore), "file"), t.FilesAfter, byteSize(t.Bytes))
				}
				if merged == 0 {
					fmt.Fprintf(cmd.OutOrStdout(), "%s: nothing to merge\n", j.Name)
				}
			}
			return nil
		},
	}
	cmd.Flags().Int64Var(&target, "target", compactTarget, "leave files of this many MiB and more alone")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only show what would be merged")
	return cmd
}
