package transform

import (
	"fmt"
	"maps"
	"slices"
)

// Layout says which tables there are.
type Layout string

// The layouts.
const (
	PerType Layout = "per_type" // one table per event type
	One     Layout = "one"      // one table of all events, the payload as JSON text
	Both    Layout = "both"     // all of these
)

// AllEvents is the name of the table of all events.
const AllEvents = "events"

// Options say how payloads become tables. The zero Options flatten each
// event type into a table of its own.
type Options struct {
	Layout Layout `json:"layout,omitzero"`
	// Nested keeps objects as structs instead of flattening them.
	Nested bool `json:"nested,omitzero"`
	// Explode lists, by event type, the paths of the lists whose elements
	// become rows of a child table.
	Explode map[string][][]string `json:"explode,omitzero"`
	// Types declares, by event type and dotted path, the types of columns.
	// Declared types are not inferred.
	Types map[string]map[string]Type `json:"types,omitzero"`
	// Tables renames tables, by event type.
	Tables    map[string]string `json:"tables,omitzero"`
	Partition Partition         `json:"partition,omitzero"`
	// MaxColumns is how many columns a table may have before what is new
	// goes to _extra; 0 means DefaultMaxColumns, and 10,000, which is what
	// BigQuery takes, is the most.
	MaxColumns int `json:"max_columns,omitzero"`
	// Contract says what becomes of members that are new, and of values that
	// fit no column, once tables were first made: "" is ContractEvolve.
	// Contracts say so by event type, and ColumnContracts by event type and
	// dotted path (with meta. in front for the metadata), for the path and all
	// below it; the closest one counts. A list or struct that is a column is
	// under the strictest of the contracts within it.
	Contract        Contract                       `json:"contract,omitzero"`
	Contracts       map[string]Contract            `json:"contracts,omitzero"`
	ColumnContracts map[string]map[string]Contract `json:"column_contracts,omitzero"`
	// NewFields says how members that are new are kept where the contract is
	// ContractEvolve: "" is NewAsColumn.
	NewFields NewFields `json:"new_fields,omitzero"`
	// QuarantinePayload says how much of an event stands in _quarantine: ""
	// is RawPayload.
	QuarantinePayload QuarantinePayload `json:"quarantine_payload,omitzero"`
	// Frozen are the tables that a job begins with, in place of what a
	// history shows. They are not changed.
	Frozen []*Table `json:"frozen,omitzero"`
}

// check refuses options that say nothing or contradict each other.
func (o Options) check() error {
	contracts := []Contract{o.Contract}
	contracts = slices.AppendSeq(contracts, maps.Values(o.Contracts))
	for _, byPath := range o.ColumnContracts {
		contracts = slices.AppendSeq(contracts, maps.Values(byPath))
	}
	for _, c := range contracts {
		switch c {
		case "", ContractEvolve, ContractFreeze, ContractQuarantine:
		default:
			return fmt.Errorf("contract %q: want %s, %s or %s", c, ContractEvolve, ContractFreeze, ContractQuarantine)
		}
	}
	switch o.NewFields {
	case "", NewAsColumn, NewInExtra:
	case NewMasked:
		if o.Layout == One || o.Layout == Both {
			return fmt.Errorf("new fields %q: the table of all events holds whole payloads, in which nothing is masked", o.NewFields)
		}
	default:
		return fmt.Errorf("new fields %q: want %s, %s or %s", o.NewFields, NewAsColumn, NewInExtra, NewMasked)
	}
	switch o.QuarantinePayload {
	case "", RawPayload, NoPayload:
	default:
		return fmt.Errorf("quarantine payload %q: want %s or %s", o.QuarantinePayload, RawPayload, NoPayload)
	}
	return checkFrozen(o.Frozen)
}

// of gives the options that concern one event type only.
func (o Options) of(event string) Options {
	return Options{
		Explode: only(o.Explode, event), Types: only(o.Types, event), Tables: only(o.Tables, event),
	}
}

func only[V any](m map[string]V, event string) map[string]V {
	if v, ok := m[event]; ok {
		return map[string]V{event: v}
	}
	return nil
}

// common gives the options that concern all tables.
func (o Options) common() Options {
	o.Explode, o.Types, o.Tables = nil, nil, nil
	return o
}

// events are the event types that the options say something of.
func (o Options) events() []string {
	return slices.Concat(slices.Collect(maps.Keys(o.Explode)), slices.Collect(maps.Keys(o.Types)), slices.Collect(maps.Keys(o.Tables)))
}

// DefaultMaxColumns keeps a table within what readers and warehouses take.
const DefaultMaxColumns = 1000
