package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"backstory/transform/upcast"

	"github.com/spf13/cobra"
)

func newTest(g *globals) *cobra.Command {
	var event string
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Run the examples of the upcasters",
		Long: `Test runs the examples of all upcasters, or with --event of those of one event
type, and shows where what comes out differs from what the example says. It reads
the configuration alone; the store need not be there.`,
		Example: "  backstory test\n  backstory test --event Cart.ItemAdded",
		Args:    args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := readConfigFor(toTest, g.config)
			if err != nil {
				return err
			}
			results := []upcast.Result{}
			if c.rules.upcasters != nil {
				for _, r := range c.rules.upcasters.Test() {
					if event == "" || r.Event == event {
						results = append(results, r)
					}
				}
			}
			out := cmd.OutOrStdout()
			switch {
			case g.json:
				err = json.NewEncoder(out).Encode(testedJSON(results))
			case len(results) == 0:
				err = writeUntested(out, c, event)
			default:
				err = writeTested(out, c, results)
			}
			if err != nil {
				return err
			}
			failed := 0
			for _, r := range results {
				if !r.OK() {
					failed++
				}
			}
			if failed > 0 {
				return &examplesError{failed, len(results)}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&event, "event", "", "only the upcasters of this event type")
	return cmd
}

// examplesError is examples that do not come out as they say.
type examplesError struct{ failed, all int }

func (e *examplesError) Error() string {
	return fmt.Sprintf("%d of %s failed", e.failed, plural(int64(e.all), "example"))
}

// Hint says what to do about the error.
func (e *examplesError) Hint() string {
	return "mend the operations, or the examples if these are wrong; nothing is loaded while one fails"
}

func writeUntested(w io.Writer, c *config, event string) (err error) {
	switch {
	case c.rules.upcasters == nil:
		_, err = fmt.Fprintf(w, "%s has no upcasters, and so no examples\n", c.name)
	case event != "":
		_, err = fmt.Fprintf(w, "the upcasters of %s have no examples\n", event)
	default:
		_, err = fmt.Fprintln(w, "the upcasters have no examples; write some under examples:, with given and then")
	}
	return err
}

func writeTested(w io.Writer, c *config, results []upcast.Result) error {
	passed := 0
	for _, r := range results {
		if r.OK() {
			passed++
			fmt.Fprintf(w, "ok    %s\n", r.Name)
			continue
		}
		fmt.Fprintf(w, "FAIL  %s (%s:%d), - wanted, + got:\n%s\n", r.Name, c.name, r.Line, indent(r.Diff, "      "))
	}
	_, err := fmt.Fprintf(w, "%d of %s passed\n", passed, plural(int64(len(results)), "example"))
	return err
}

// indent puts blanks in front of every line.
func indent(text, blanks string) string {
	return blanks + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+blanks)
}

// tested is an example for scripts.
type tested struct {
	Name    string `json:"name"`
	Event   string `json:"event"`
	Version int    `json:"schema_version"`
	Repair  bool   `json:"repair,omitempty"`
	Line    int    `json:"line"`
	OK      bool   `json:"ok"`
	Got     string `json:"got"`
	Want    string `json:"want"`
	Diff    string `json:"diff,omitempty"`
}

func testedJSON(results []upcast.Result) []tested {
	all := []tested{}
	for _, r := range results {
		all = append(all, tested{r.Name, r.Event, r.Version, r.Repair, r.Line, r.OK(), r.Got, r.Want, r.Diff})
	}
	return all
}
