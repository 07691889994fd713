package main

import (
	"context"
	"fmt"

	"backstory/schedules"

	"github.com/spf13/cobra"
)

func newRebuild(g *globals) *cobra.Command {
	var dropOld, force bool
	cmd := &cobra.Command{
		Use:   "rebuild JOB",
		Short: "Load a new generation of the tables under the present rules",
		Long: `Rebuild loads the whole history again under the present rules, beside the tables
that readers see, and puts the new tables in their place at once: readers see
the old ones or the new, never a mixture. Interrupted, it goes on where it was
when it is started again. Run may go on meanwhile; what it adds is in the new
tables too. The old generation is kept until the next rebuild. Tables with more
events in quarantine than quarantine.threshold allows, and than the old ones
have, are not swapped in.`,
		Example: "  backstory plan            # what is stale, and why\n  backstory rebuild shop",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, names []string) error {
			return load(cmd, g, names, work{
				verb: "rebuilt", do: func(j *schedules.Job, ctx context.Context) (*schedules.Report, error) {
					return j.Rebuild(ctx, schedules.RebuildOptions{DropOld: dropOld, Force: force})
				},
				nothing: func(rep *schedules.Report) string {
					if rep.Generation > 1 {
						return fmt.Sprintf("the rebuild that was interrupted is finished: generation %d is in place", rep.Generation)
					}
					return "there are no events to rebuild from"
				},
			})
		},
	}
	cmd.Flags().BoolVar(&dropOld, "drop-old", false, "do not keep the old generation")
	cmd.Flags().BoolVar(&force, "force", false, "swap the new tables in whatever is in quarantine")
	return cmd
}
