package transform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"backstory/source"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// Explanation tells what becomes of one event, and how. It borrows nothing.
type Explanation struct {
	// Stored is the event as it is stored, nil where it cannot be read.
	Stored *View `json:"stored,omitempty"`
	// Steps are what came out of the upcasters, in the order in which it did:
	// what an upcaster emits goes on through the chain before it emits again.
	// MoreSteps counts those that are left out behind the first 1,000.
	Steps     []ExplainedStep `json:"steps,omitempty"`
	MoreSteps int             `json:"more_steps,omitempty"`
	// Results are what comes out of the chain: none for an event that is
	// discarded.
	Results []View `json:"results,omitempty"`
	// Rows are what stands in the tables.
	Rows []ExplainedRow `json:"rows,omitempty"`
	// Forgotten says that the event's stream is forgotten, so that nothing
	// becomes of it.
	Forgotten bool `json:"forgotten,omitempty"`
	// Newer says that the stored schema version is above the end of the
	// type's chain.
	Newer bool `json:"newer,omitempty"`
	// Failed is why the event goes to quarantine, nil if it does not.
	Failed *source.EventError `json:"-"`
	// Catalog is that of the rows. It differs from the one that was given if
	// the event has something new: Evolved tells.
	Catalog *Catalog `json:"-"`
	Evolved bool     `json:"evolved,omitempty"`
}

// View is an event between two upcasters, or before the first, or behind the
// last.
type View struct {
	Type          string          `json:"type"`
	SchemaVersion int             `json:"schema_version"`
	SubIndex      int             `json:"sub_index"`
	Data          json.RawMessage `json:"data"`
	Meta          json.RawMessage `json:"meta,omitempty"`
}

// ExplainedStep is an event as an upcaster emitted it.
type ExplainedStep struct {
	Trace
	// Depth counts the upcasters above this one, and so tells what this one took:
	// the result of the last step before it whose Depth is one less, or for
	// 0 the stored event.
	Depth  int  `json:"depth"`
	Result View `json:"result"`
}

// ExplainedRow is a row of a table.
type ExplainedRow struct {
	Table string `json:"table"`
	Cells []Cell `json:"cells"`
}

// Cell is a value of a row that is not null.
type Cell struct {
	Column string `json:"column"`
	// Value is the value as JSON: that of a JSON column as it is, decimals and
	// times as text.
	Value json.RawMessage `json:"value"`
}

// Explain tells what becomes of an event in the tables of a catalog. What is
// new in the event is given its columns as for an event that is loaded. An
// event that fails is no error.
func (p *Pipeline) Explain(c *Catalog, e *source.Event) (*Explanation, error) {
	x := &Explanation{Catalog: c}
	if env, err := p.NewOpener().Open(e); err == nil {
		v := view(env)
		x.Stored = &v
	}
	in := p.newIntake(func(env *Envelope) error {
		x.Results = append(x.Results, view(env))
		return nil
	})
	in.chain.trace = func(t Trace, depth int, env *Envelope) {
		if len(x.Steps) == maxExplainedSteps {
			x.MoreSteps++
			return
		}
		x.Steps = append(x.Steps, ExplainedStep{Trace: t, Depth: depth, Result: view(env)})
	}
	if x.Failed = in.take(e); x.Failed == nil {
		x.Newer, x.Forgotten = in.chain.newer, in.forgotten
	} else {
		x.Results = nil
	}
	for range maxExplainRounds {
		err := x.load(p, e)
		var found *NewShapesError
		if !errors.As(err, &found) {
			return x, err
		}
		next, changed := x.Catalog.Evolve(found.Shapes)
		if !changed {
			return x, fmt.Errorf("explain event %s: %w", e.Position, errNothingNew)
		}
		x.Catalog, x.Evolved = next, true
	}
	return x, fmt.Errorf("explain event %s: %w", e.Position, errNothingNew)
}

// maxExplainedSteps is how many steps are kept: upcasters may emit a million.
const maxExplainedSteps = 1000

// maxExplainRounds is how often the catalog may evolve for one event: for
// what it holds, for the table of events that fail, and once to spare.
const maxExplainRounds = 4

var errNothingNew = errors.New("it has something new that makes no change to the tables")

// load makes the event's rows as a window of nothing else would have them.
func (x *Explanation) load(p *Pipeline, e *source.Event) error {
	x.Rows = nil
	b := p.NewBatcher(x.Catalog, Limits{}, func(t *Table, r arrow.Record) error {
		for i := range int(r.NumRows()) {
			row, err := explainRow(t, r, i)
			if err != nil {
				return err
			}
			x.Rows = append(x.Rows, row)
		}
		return nil
	})
	b.failed = func(why *source.EventError) { x.Failed, x.Results = why, nil }
	if err := b.Append(e); err != nil {
		return err
	}
	return b.Flush()
}

// view copies an envelope.
func view(env *Envelope) View {
	v := View{Type: env.Type, SchemaVersion: env.SchemaVersion, SubIndex: env.SubIndex, Data: env.Data.AppendJSON(nil, env.Data.Root())}
	if env.Meta.Root() != None {
		v.Meta = env.Meta.AppendJSON(nil, env.Meta.Root())
	}
	return v
}

func explainRow(t *Table, r arrow.Record, i int) (ExplainedRow, error) {
	row := ExplainedRow{Table: t.Name}
	for k, c := range t.Columns {
		values := r.Column(k)
		if values.IsNull(i) {
			continue
		}
		text, err := cellJSON(c.Type, values, i)
		if err != nil {
			return row, fmt.Errorf("column %s: %w", c.Name, err)
		}
		row.Cells = append(row.Cells, Cell{Column: c.Name, Value: text})
	}
	return row, nil
}

// cellJSON writes a value as JSON.
func cellJSON(t Type, values arrow.Array, i int) (json.RawMessage, error) {
	switch t.Kind {
	case JSON:
		return json.RawMessage(values.ValueStr(i)), nil
	case Decimal: // Arrow would leave out zeros at the end
		return json.Marshal(values.(*array.Decimal128).Value(i).ToString(t.Scale))
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(values.GetOneForMarshal(i)); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
