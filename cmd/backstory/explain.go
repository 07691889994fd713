package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"backstory/source"
	"backstory/transform"

	"github.com/spf13/cobra"
)

func newExplain(g *globals) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "explain POSITION",
		Short: "Show what becomes of one event, step by step",
		Long: `Explain shows an event as it is stored, what each upcaster makes of it, and the
rows it becomes under the present rules, or why it goes to quarantine. The event
is that at a position of the store or, with --event, one in a file of JSON:

  {"type": "Cart.ItemAdded", "version": 1, "data": {"sku": "A", "qty": 2}}

of which all but type and data may be left out: version (of the schema),
position, stream_id, stream_version, event_id, event_time and meta. Nothing is
written.`,
		Example: "  backstory explain 4711\n  backstory explain --event event.json\n  echo '{\"type\": \"A\", \"data\": {}}' | backstory explain --event -",
		Args:    args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, a []string) (err error) {
			if (len(a) == 1) == (file != "") {
				return &usageError{errors.New("explain wants the position of an event, or --event with a file")}
			}
			x, err := openExplainer(cmd, g)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, x.close()) }()
			if file != "" {
				e, err := readEvent(cmd.InOrStdin(), file)
				if err != nil {
					return err
				}
				e.Type = source.PayloadOf(x.source).Names.Name(e.Type)
				return x.explain(e)
			}
			at, err := source.ParsePosition(a[0])
			if err != nil {
				return &usageError{err}
			}
			return x.at(cmd.Context(), at)
		},
	}
	cmd.Flags().StringVar(&file, "event", "", "a file with one event as JSON; - is standard input")
	return cmd
}

// explainer explains events in the tables of a job.
type explainer struct {
	*app
	cmd     *cobra.Command
	json    bool
	catalog *transform.Catalog
}

// openExplainer opens what explaining needs: the tables of the ledger, or
// before the first load those that it would make.
func openExplainer(cmd *cobra.Command, g *globals) (_ *explainer, err error) {
	ctx := cmd.Context()
	// An example that fails is a reason to look at events, not to refuse that.
	c, err := readConfigFor(toLook, g.config)
	if err != nil {
		return nil, err
	}
	a, err := c.open(ctx, g, false, nil)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	if failing := c.rules.failing(); failing > 0 && !g.quiet {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s of the upcasters failed, and nothing is loaded while one does; see: backstory test\n", plural(int64(failing), "example"))
	}
	if err := a.openLedgerToRead(ctx); err != nil {
		return nil, err
	}
	s, err := a.jobs[0].Ledger.State(ctx, a.jobs[0].Name)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	if a.pipeline, err = s.Forgets(a.pipeline); err != nil {
		return nil, err
	}
	if len(s.Loaded) > 0 && s.Fingerprint != a.pipeline.Fingerprint() && !g.quiet {
		fmt.Fprintf(cmd.ErrOrStderr(), "the tables of generation %d were loaded under other rules; shown is what the present ones make\n", s.Generation)
	}
	tables := s.Tables
	if len(tables) == 0 {
		if tables, err = a.discovered(ctx, a.sampleSize()); err != nil {
			return nil, err
		}
	}
	return &explainer{app: a, cmd: cmd, json: g.json, catalog: a.pipeline.NewCatalog(tables)}, nil
}

// at explains the events at a position: several may share one.
func (x *explainer) at(ctx context.Context, at source.Position) error {
	w := source.Window{After: at, Through: at}
	w.After.Seq--
	found := 0
	err := x.source.Read(ctx, w, func(e *source.Event) error {
		found++
		return x.explain(e)
	})
	if err != nil || found > 0 {
		return err
	}
	mark, err := x.source.Watermark(ctx)
	if err != nil {
		return err
	}
	return source.Setup(fmt.Sprintf("the store ends at position %s; backstory discover shows where each event type begins and ends", mark.Head), "explain %s: there is no event at this position", at)
}

// explained is an event and what becomes of it, for scripts.
type explained struct {
	Position      source.Position `json:"position"`
	Stream        string          `json:"stream_id"`
	StreamVersion int64           `json:"stream_version"`
	ID            string          `json:"event_id,omitempty"`
	Type          string          `json:"event_type"`
	Time          time.Time       `json:"event_time,omitzero"`
	*transform.Explanation
	Discarded   bool         `json:"discarded,omitempty"`
	Quarantined *quarantined `json:"quarantined,omitempty"`
	raw         string
}

func (x *explainer) explain(e *source.Event) error {
	explanation, err := x.pipeline.Explain(x.catalog, e)
	if err != nil {
		return err
	}
	out := &explained{
		Position: e.Position, Stream: string(e.Stream), StreamVersion: e.StreamVersion, ID: string(e.ID), Type: strings.Clone(e.Type), Time: e.Time,
		Explanation: explanation, raw: string(e.Data),
	}
	out.Quarantined = quarantinedBy(explanation.Failed)
	out.Discarded = explanation.Failed == nil && !explanation.Forgotten && len(explanation.Results) == 0
	if x.json {
		return writeJSON(x.cmd.OutOrStdout(), out)
	}
	return out.write(x.cmd.OutOrStdout())
}
