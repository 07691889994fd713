package main

import (
	"backstory/schedules"

	"github.com/spf13/cobra"
)

func newReplay(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "replay [JOB...]",
		Short: "Take in what is in quarantine, after rules or store were mended",
		Long: `Replay loads the windows that have events in quarantine again, each in place of
itself, so that no event is lost or doubled: those that can be read, upcast and
typed now are in their tables then, and the others stay in quarantine. Rules that
have changed are taken over if they make nothing else of any event that is not in
quarantine; if they do, a rebuild is needed. Interrupted, it is finished by the
next run.`,
		Example: "  backstory replay shop",
		RunE: func(cmd *cobra.Command, names []string) error {
			return load(cmd, g, names, work{
				verb: "replayed", do: (*schedules.Job).Replay,
				nothing: func(*schedules.Report) string { return "nothing is in quarantine" },
			})
		},
	}
}
