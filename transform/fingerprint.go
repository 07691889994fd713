package transform

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"backstory/source"
)

// sign makes the fingerprint from all that decides what rows come out. What
// is not set has no part in it, so that an option of a later version does not
// change the fingerprints of those who do not use it.
func (p *Pipeline) sign() error {
	type signed struct {
		Options Options        `json:"options,omitzero"`
		Payload source.Payload `json:"payload,omitzero"`
		Steps   []string       `json:"steps,omitzero"`
		Mask    string         `json:"mask,omitzero"`
	}
	s := signed{Options: p.rules.Options, Payload: p.rules.Payload, Mask: p.rules.Mask}
	for _, event := range slices.Sorted(maps.Keys(p.chains)) {
		s.Steps = append(s.Steps, p.chains[event].rules(event)...)
	}
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("sign rules: %w", err)
	}
	sum := sha256.Sum256(text)
	p.fingerprint = hex.EncodeToString(sum[:8])
	return nil
}

// rules says what the chain of a type does, one text an upcaster.
func (c *typeChain) rules(event string) []string {
	var all []string
	for _, v := range slices.Sorted(maps.Keys(c.places)) {
		pl := c.places[v]
		for i, u := range pl.repairs {
			all = append(all, fmt.Sprintf("%s at %d.%d %s", event, v, i+1, ruleOf(u)))
		}
		if pl.step != nil {
			all = append(all, fmt.Sprintf("%s %d %s", event, v, ruleOf(pl.step)))
		}
	}
	return all
}

// ruleOf is the text of an upcaster, or else its Go type.
func ruleOf(u Upcaster) string {
	if r, ok := u.(Ruled); ok {
		return r.Rule()
	}
	return fmt.Sprintf("%T", u)
}

// Fingerprint names the rules: it changes when rows of the same events could
// come out differently, but for upcasters that are not Ruled, of which it only
// knows the Go type: give a changed one a type of another name.
func (p *Pipeline) Fingerprint() string { return p.fingerprint }

// Rules gives the rules the pipeline was made of, and tells whether they are
// all: whether a pipeline made of them has the same upcasters.
func (p *Pipeline) Rules() (Rules, bool) {
	for _, c := range p.chains {
		for _, pl := range c.places {
			for _, u := range append(pl.repairs[:len(pl.repairs):len(pl.repairs)], pl.step) {
				if _, ok := u.(Ruled); !ok && u != nil {
					return p.rules, false
				}
			}
		}
	}
	return p.rules, true
}

// Change is one reason why rows that were made under old rules would come out
// otherwise under new ones.
type Change struct {
	// Event is the event type whose tables are concerned, "" for all tables.
	Event string `json:"event,omitempty"`
	// Why says what changed, for people.
	Why string `json:"why"`
}

// Changes lists why rows made by old may differ from those p makes: one entry
// an event type, by name, or one for all tables. Contracts have no part in
// it: they say what becomes of what is new from now on.
func (p *Pipeline) Changes(old *Pipeline) []Change {
	if p.fingerprint == old.fingerprint {
		return nil
	}
	was, now := old.rules, p.rules
	was.Options, now.Options = was.Options.sameColumns(), now.Options.sameColumns()
	if why := wholeChange(was, now); why != "" {
		return []Change{{Why: why}}
	}
	if old.masksNew() && p.masksNew() && old.rules.Mask != p.rules.Mask {
		return []Change{{Why: "the mask of new fields changed"}}
	}
	why := make(map[string]string)
	for _, event := range eventsOf(old, p) {
		switch {
		case !slices.Equal(old.rulesOf(event), p.rulesOf(event)):
			why[event] = "its upcasters changed"
		case !reflect.DeepEqual(was.Options.of(event), now.Options.of(event)):
			why[event] = "what is said of its table changed"
		}
	}
	for _, event := range slices.Sorted(maps.Keys(why)) {
		for _, q := range []*Pipeline{old, p} {
			for _, target := range q.reached(event) {
				if why[target] == "" {
					why[target] = "the upcasters of " + event + ", which becomes it, changed"
				}
			}
		}
	}
	var all []Change
	for _, event := range slices.Sorted(maps.Keys(why)) {
		all = append(all, Change{Event: event, Why: why[event]})
	}
	return all
}

// masksNew tells whether what is new is masked.
func (p *Pipeline) masksNew() bool { return p.rules.Options.NewFields == NewMasked }

// ChangesOf is Changes where the tables are known that hold the rows: it also
// lists those that are frozen otherwise than they are, and those with columns
// of masks that p makes otherwise.
func (p *Pipeline) ChangesOf(old *Pipeline, tables []*Table) []Change {
	all := slices.Concat(p.Changes(old), p.Unlike(tables))
	if old.rules.Mask == p.rules.Mask {
		return all
	}
	for _, t := range tables {
		told := slices.ContainsFunc(all, func(c Change) bool { return c.Event == "" || c.Event == t.Event })
		if !told && slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Masked }) {
			all = append(all, Change{Event: t.Event, Why: "the mask of its masked columns changed"})
		}
	}
	return all
}

// Unlike lists the tables that are frozen otherwise than they are.
func (p *Pipeline) Unlike(tables []*Table) []Change {
	var all []Change
	for _, f := range p.rules.Options.Frozen {
		i := slices.IndexFunc(tables, func(t *Table) bool {
			return t.Event == f.Event && slices.Equal(t.Explode, f.Explode) && (t.Event != "" || t.Name == f.Name)
		})
		if i < 0 {
			continue
		}
		if why := unlike(tables[i], f); why != "" {
			all = append(all, Change{Event: f.Event, Why: why})
		}
	}
	return all
}

// unlike says how a table differs from what is frozen of it; it may have more
// columns.
func unlike(t, frozen *Table) string {
	if t.Name != frozen.Name {
		return "its frozen table is called " + frozen.Name
	}
	for _, c := range frozen.Columns {
		switch i := t.Column(c.Name); {
		case i < 0:
			return "its frozen table also has the column " + c.Name
		case !t.Columns[i].Type.Equal(c.Type) || t.Columns[i].Meta != c.Meta || !slices.Equal(t.Columns[i].Path, c.Path):
			return "the column " + c.Name + " is frozen otherwise"
		}
	}
	return ""
}

// wholeChange says what changed that concerns every table.
func wholeChange(old, now Rules) string {
	if !reflect.DeepEqual(old.Payload, now.Payload) {
		return "how the source's payloads are read changed"
	}
	if !reflect.DeepEqual(old.Options.common(), now.Options.common()) {
		return "options of all tables changed"
	}
	return ""
}

// eventsOf are the event types that rules say anything of.
func eventsOf(pipelines ...*Pipeline) []string {
	all := make(map[string]bool)
	for _, p := range pipelines {
		for event := range p.chains {
			all[event] = true
		}
		for _, event := range p.rules.Options.events() {
			all[event] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func (p *Pipeline) rulesOf(event string) []string {
	if c := p.chains[event]; c != nil {
		return c.rules(event)
	}
	return nil
}

// reached are the event types that an event of a type may become.
func (p *Pipeline) reached(event string) []string {
	seen := map[string]bool{event: true}
	todo := []string{event}
	for len(todo) > 0 {
		c := p.chains[todo[0]]
		todo = todo[1:]
		if c == nil {
			continue
		}
		for _, pl := range c.places {
			for _, u := range append(pl.repairs[:len(pl.repairs):len(pl.repairs)], pl.step) {
				r, ok := u.(Ruled)
				if !ok {
					continue
				}
				for _, target := range r.Targets() {
					if !seen[target] {
						seen[target] = true
						todo = append(todo, target)
					}
				}
			}
		}
	}
	delete(seen, event)
	return slices.Sorted(maps.Keys(seen))
}

// OtherTables says why tables made by old would be others under p even where
// the upcasters make the same of an event, "" where they would not. What
// becomes of what is new or does not fit is no such reason.
func (p *Pipeline) OtherTables(old *Pipeline) string {
	a, b := old.rules, p.rules
	a.Options, b.Options = a.Options.sameColumns(), b.Options.sameColumns()
	if why := wholeChange(a, b); why != "" {
		return why
	}
	for _, event := range eventsOf(old, p) {
		if !reflect.DeepEqual(a.Options.of(event), b.Options.of(event)) {
			return "what is said of the table of " + event + " changed"
		}
	}
	return ""
}

// sameColumns gives the options without those that make no difference to the
// rows of events that fit.
func (o Options) sameColumns() Options {
	o.Contract, o.Contracts, o.ColumnContracts, o.NewFields, o.QuarantinePayload, o.Frozen = "", nil, nil, "", "", nil
	return o
}
