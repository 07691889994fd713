package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"backstory/schedules"
	"backstory/sinks"
	"backstory/source"

	"github.com/spf13/cobra"
)

// checked is what was found to be fine, for scripts.
type checked struct {
	Config     string          `json:"config"`
	Head       source.Position `json:"head"`
	Safe       source.Position `json:"safe"`
	EventTypes int             `json:"event_types"`
	// Failed counts the events of the sample that would go to quarantine.
	Failed int64    `json:"failed"`
	Jobs   []string `json:"jobs"`
	// Warnings are what works, but not as it seems to be meant.
	Warnings []string `json:"warnings,omitempty"`
}

func newCheck(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check configuration, source and sink without loading anything",
		Long: `Check reads the configuration, opens the store, takes the watermark, decodes
a first sample of events, asks whether the sink may be written to and whether
its quotas suffice for the schedule, and looks at what is loaded and the
ledger. It changes nothing in the store, and loads nothing.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			ctx, out := cmd.Context(), cmd.OutOrStdout()
			a, err := openApp(ctx, g, true, nil)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, a.close()) }()
			say := func(format string, args ...any) {
				if !g.json {
					fmt.Fprintf(out, format+"\n", args...)
				}
			}
			say("configuration  %s is fine", g.config)
			if sink, ok := a.jobs[0].Sink.(sinks.Accessor); ok {
				if err := sink.Access(ctx); err != nil {
					return err
				}
				say("sink           %s may be written to, as far as that can be asked", a.config.sink.path)
			}
			mark, err := a.source.Watermark(ctx)
			if err != nil {
				return err
			}
			say("source         ends at position %s, safe to read up to %s", mark.Head, mark.Safe)
			writeHeld(cmd.ErrOrStderr(), mark.Safe.Compare(mark.Head) < 0, mark)
			const sample = 1024
			shapes, err := schedules.Discover(ctx, a.source, a.pipeline, sourceWindow(mark), sample, 1)
			if err != nil {
				return err
			}
			if shapes.Failed == 0 {
				say("events         can be read and upcast, as far as a sample tells (%s in it)", plural(int64(len(shapes.All())), "event type"))
			} else {
				say("quarantine     %s of the sample would go there; the first: %v", plural(shapes.Failed, "event"), shapes.FirstFailed)
			}
			var jobs, warnings []string
			known := int64(0) // in quarantine already
			for i, j := range a.jobs {
				if err := j.Check(ctx); err != nil {
					return err
				}
				s, err := j.Status(ctx, false)
				if err != nil {
					return err
				}
				known += s.Totals.Quarantined
				say("job            %s: ledger and output agree", j.Name)
				jobs = append(jobs, j.Name)
				text, warning, err := checkQuotas(ctx, j, runsADay(a.config.jobs[i]))
				if err != nil {
					return err
				}
				if text != "" {
					say("quotas         %s: %s", j.Name, text)
				}
				if warning != "" {
					warnings = append(warnings, warning)
					fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s\n", warning)
				}
			}
			if g.json {
				if err := json.NewEncoder(out).Encode(checked{g.config, mark.Head, mark.Safe, len(shapes.All()), shapes.Failed, jobs, warnings}); err != nil {
					return err
				}
			}
			if shapes.Failed > max(known, a.quarantine.Threshold) {
				return shapes.FirstFailed
			}
			return nil
		},
	}
}
