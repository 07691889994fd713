package schedules_test

import (
	"encoding/json"
	"fmt"
	"strings"

	"backstory/schedules"
	"backstory/source"
	"backstory/transform"
)

// Rules of tests are told apart by their era: they put it into each event as
// a member. Those of era "" change nothing, and under the others what was paid
// is settled, so that a table goes and another comes.

// kindIn is what becomes of an event type in an era.
func kindIn(era, kind string) string {
	if era != "" && kind == "Cart.Paid" {
		return "Cart.Settled"
	}
	return kind
}

// eraKinds are the event types that have upcasters.
var eraKinds = []string{"Cart.Opened", "Cart.Closed", "Cart.Paid", "A", "B", "C"}

// compileEra makes the rules of an era, "new:A,B" for such that say something of
// A and B only.
func compileEra(payload source.Payload, text string) (*transform.Pipeline, error) {
	rules := transform.Rules{Payload: payload}
	era, only, some := strings.Cut(text, ":")
	kinds := eraKinds
	if some {
		kinds = strings.Split(only, ",")
	}
	if era == "" {
		return transform.Compile(rules)
	}
	var err error
	if rules.Upcasters, err = json.Marshal(text); err != nil {
		return nil, err
	}
	var opts []transform.Option
	for _, kind := range kinds {
		opts = append(opts, transform.WithUpcaster(kind, 1, eraUpcaster{kind, era}))
	}
	return transform.Compile(rules, opts...)
}

// recompile is a schedules.Job's way back from kept rules.
func recompile(r transform.Rules) (*transform.Pipeline, error) {
	era := ""
	if len(r.Upcasters) > 0 {
		if err := json.Unmarshal(r.Upcasters, &era); err != nil {
			return nil, err
		}
	}
	return compileEra(r.Payload, era)
}

// eraUpcaster puts the era into events. Under era "strict" it fails for events
// with a member bad, and under "mended" it mends them.
type eraUpcaster struct{ kind, era string }

func (u eraUpcaster) Upcast(e *transform.Envelope, emit transform.Emit) error {
	d := e.Data
	era := u.era
	switch era {
	case "strict", "mended":
		bad := d.Get("bad")
		if bad != transform.None && era == "strict" {
			return fmt.Errorf("it is bad")
		}
		if bad != transform.None {
			d.Remove(d.Root(), bad)
		}
		era = "mended"
	}
	d.Put(d.Root(), "era", d.NewString(era))
	if kind := kindIn(era, u.kind); kind != u.kind {
		e.Retype(kind, 0)
	}
	return emit(e)
}

func (u eraUpcaster) Rule() string { return u.kind + " to " + u.era }

func (u eraUpcaster) Targets() []string {
	if kind := kindIn(u.era, u.kind); kind != u.kind {
		return []string{kind}
	}
	return nil
}

// under makes a rig's job follow the rules of an era.
func under(era string) func(*schedules.Job) {
	return func(j *schedules.Job) {
		p, err := compileEra(source.Payload{}, era)
		if err != nil {
			panic(err)
		}
		j.Pipeline, j.Recompile = p, recompile
	}
}
