package transform

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"backstory/source"

	"github.com/google/go-cmp/cmp"
)

func upcast(f func(e *Envelope, emit Emit) error) Upcaster { return UpcasterFunc(f) }

// set makes an upcaster that puts a member and hands the event on.
func set(name, value string) Upcaster {
	return upcast(func(e *Envelope, emit Emit) error {
		e.Data.Put(e.Data.Root(), name, e.Data.NewString(value))
		return emit(e)
	})
}

func TestCompileErrors(t *testing.T) {
	u := set("a", "b")
	tests := []struct {
		opts []Option
		want string
	}{
		{[]Option{WithUpcaster("E", 1, u), WithUpcaster("E", 1, u)}, "compile upcasters: two steps take E from schema version 1 to 2"},
		{[]Option{WithUpcaster("E", 1, u), WithUpcaster("E", 3, u)}, "compile upcasters: E has no step from schema version 2 to 3, but one from a later version"},
		{[]Option{WithUpcaster("E", 0, u)}, "compile upcasters: E has a step or a repair for schema version 0; versions begin at 1"},
	}
	for _, tt := range tests {
		if _, err := Compile(Rules{}, tt.opts...); err == nil || err.Error() != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
	for _, opts := range [][]Option{{WithUpcaster("E", 2, u), WithUpcaster("E", 3, u)}, {WithUpcaster("E", 1, u), WithUpcaster("F", 3, u)}} {
		if _, err := Compile(Rules{}, opts...); err != nil {
			t.Error(err)
		}
	}
}

func TestChain(t *testing.T) {
	split := upcast(func(e *Envelope, emit Emit) error {
		for v := e.Data.First(e.Data.Get("lines")); v != None; v = e.Data.Next(v) {
			var d Document
			if err := d.Parse(e.Data.AppendJSON(nil, v), false); err != nil {
				return err
			}
			out := *e
			out.Data = &d
			if err := emit(&out); err != nil {
				return err
			}
		}
		return nil
	})
	drop := upcast(func(*Envelope, Emit) error { return nil })
	retype := upcast(func(e *Envelope, emit Emit) error { e.Type = "F"; return emit(e) })
	retypeTo := func(version int) Upcaster {
		return upcast(func(e *Envelope, emit Emit) error { e.Retype("F", version); return emit(e) })
	}
	// more puts a letter behind those that are there: they tell the order.
	more := func(letter string) Upcaster {
		return upcast(func(e *Envelope, emit Emit) error {
			was := ""
			if v := e.Data.Get("x"); v != None {
				was = string(e.Data.Text(v))
			}
			e.Data.Put(e.Data.Root(), "x", e.Data.NewString(was+letter))
			return emit(e)
		})
	}
	twice := upcast(func(e *Envelope, emit Emit) error {
		for range 2 {
			out := *e
			out.Data = new(Document)
			if err := errors.Join(out.Data.Parse(e.Data.AppendJSON(nil, e.Data.Root()), false), emit(&out)); err != nil {
				return err
			}
		}
		return nil
	})
	tests := []struct {
		name    string
		opts    []Option
		version int
		data    string
		want    []string // table, sub_index, stored version, payload
	}{
		{"all steps in order", []Option{WithUpcaster("E", 1, set("x", "1")), WithUpcaster("E", 2, set("x", "2"))}, 1, `{"a":0}`, []string{`E 0 1 {"a":0,"x":"2"}`}},
		{"from the version that is stored", []Option{WithUpcaster("E", 1, set("x", "1")), WithUpcaster("E", 2, set("y", "2"))}, 2, `{}`, []string{`E 0 2 {"y":"2"}`}},
		{"a version newer than the chain", []Option{WithUpcaster("E", 1, set("x", "1"))}, 9, `{}`, []string{`E 0 9 {}`}},
		{"a split is numbered", []Option{WithUpcaster("E", 1, split), WithUpcaster("E", 2, set("x", "2"))}, 1, `{"lines":[{"a":1},{"a":2}]}`, []string{`E 0 1 {"a":1,"x":"2"}`, `E 1 1 {"a":2,"x":"2"}`}},
		{"a split of a split", []Option{WithUpcaster("E", 1, split), WithUpcaster("E", 2, split)}, 1, `{"lines":[{"lines":[{},{}]},{"lines":[{"a":1}]}]}`, []string{`E 0 1 {}`, `E 1 1 {}`, `E 2 1 {"a":1}`}},
		{"dropped", []Option{WithUpcaster("E", 1, drop)}, 1, `{}`, nil},
		{"repairs in order, then the step", []Option{WithRepair("E", 1, more("a")), WithUpcaster("E", 1, more("s")), WithRepair("E", 1, more("b")), WithRepair("E", 2, more("c"))}, 1, `{}`, []string{`E 0 1 {"x":"absc"}`}},
		{"repairs of the stored version only", []Option{WithRepair("E", 1, more("a")), WithRepair("E", 2, more("b"))}, 2, `{}`, []string{`E 0 2 {"x":"b"}`}},
		{"each result of a repair goes on with the next", []Option{WithRepair("E", 1, twice), WithRepair("E", 1, more("b")), WithUpcaster("E", 1, more("s"))}, 1, `{}`, []string{`E 0 1 {"x":"bs"}`, `E 1 1 {"x":"bs"}`}},
		{"a repair that discards", []Option{WithRepair("E", 1, drop), WithUpcaster("E", 1, more("s"))}, 1, `{}`, nil},
		{"a repair that retypes keeps the version", []Option{WithRepair("E", 2, retype), WithRepair("E", 2, more("E")), WithRepair("F", 2, more("F"))}, 2, `{}`, []string{`F 0 2 {"x":"F"}`}},
		{"a step that retypes to a version", []Option{WithUpcaster("E", 1, retypeTo(7)), WithUpcaster("F", 7, more("7")), WithUpcaster("F", 8, more("8"))}, 1, `{}`, []string{`F 0 1 {"x":"78"}`}},
		{"to a version below", []Option{WithUpcaster("E", 5, retypeTo(1)), WithRepair("F", 1, more("1"))}, 5, `{}`, []string{`F 0 5 {"x":"1"}`}},
		{"the version of one result is not that of the next", []Option{WithUpcaster("E", 1, upcast(func(e *Envelope, emit Emit) error {
			a, b := *e, *e
			a.Retype("F", 4)
			return errors.Join(emit(&a), emit(&b))
		})), WithUpcaster("F", 4, upcast(func(e *Envelope, emit Emit) error { e.Type = fmt.Sprint(e.Type, e.SchemaVersion); return emit(e) })),
			WithUpcaster("E", 2, upcast(func(e *Envelope, emit Emit) error { e.Type = fmt.Sprint(e.Type, e.SchemaVersion); return emit(e) }))}, 1, `{}`, []string{`F4 0 1 {}`, `E2 1 1 {}`}},
		{"a repair's own envelope is of its version", []Option{WithRepair("E", 2, upcast(func(e *Envelope, emit Emit) error {
			return emit(&Envelope{Position: e.Position, Type: e.Type, Stored: e.Stored, Data: e.Data})
		})), WithRepair("E", 2, more("r")), WithUpcaster("E", 2, more("s"))}, 2, `{}`, []string{`E 0 2 {"x":"rs"}`}},
		{"another type goes its own way", []Option{WithUpcaster("E", 1, retype), WithUpcaster("E", 2, set("x", "E")), WithUpcaster("F", 2, set("x", "F"))}, 1, `{}`, []string{`F 0 1 {"x":"F"}`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			in := compile(t, Rules{}, tt.opts...).newIntake(func(e *Envelope) error {
				got = append(got, fmt.Sprintf("%s %d %d %s", e.Type, e.SubIndex, e.Stored, e.Data.AppendJSON(nil, e.Data.Root())))
				return nil
			})
			for range 2 { // nothing is left over from the first time
				got = nil
				e := event(1, tt.data)
				e.SchemaVersion = tt.version
				if err := in.take(&e); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

// One event may become any number of rows; only a chain without end stops.
func TestChainEnds(t *testing.T) {
	many := upcast(func(e *Envelope, emit Emit) error {
		for range 3 * MaxSteps {
			out := *e
			if err := emit(&out); err != nil {
				return err
			}
		}
		return nil
	})
	rows := 0
	in := compile(t, Rules{}, WithUpcaster("E", 1, many), WithUpcaster("E", 2, set("a", "b"))).newIntake(func(*Envelope) error { rows++; return nil })
	e := event(1, `{}`)
	if err := in.take(&e); err != nil || rows != 3*MaxSteps {
		t.Errorf("got %d rows, %v", rows, err)
	}
	endless := func(to string) Upcaster {
		return upcast(func(e *Envelope, emit Emit) error {
			e.Type = to
			return emit(e)
		})
	}
	var opts []Option
	for v := 1; v <= MaxSteps+1; v++ {
		opts = append(opts, WithUpcaster("E", v, endless("F")), WithUpcaster("F", v, endless("E")))
	}
	circle := []Option{
		WithUpcaster("E", 1, upcast(func(e *Envelope, emit Emit) error { e.Retype("F", 1); return emit(e) })),
		WithRepair("F", 1, upcast(func(e *Envelope, emit Emit) error { e.Retype("E", 1); return emit(e) })),
	}
	for _, opts := range [][]Option{opts, circle} {
		in = compile(t, Rules{}, opts...).newIntake(func(*Envelope) error { return nil })
		if err := in.take(&e); err == nil || !strings.Contains(err.Error(), "the chain does not end") || err.Hint() != "look for upcasters that retype events in a circle" {
			t.Errorf("got %v", err)
		}
	}
}

// An event below the first step of its chain has no way on; one above the end
// is counted, whatever it becomes.
func TestChainBounds(t *testing.T) {
	retype := upcast(func(e *Envelope, emit Emit) error { e.Retype("E", 1); return emit(e) })
	in := compile(t, Rules{}, WithUpcaster("E", 3, set("a", "b")), WithUpcaster("F", 1, retype), WithRepair("G", 2, set("a", "b"))).newIntake(func(*Envelope) error { return nil })
	for _, tt := range []struct {
		typ     string
		version int
		newer   bool
		want    string
	}{
		{"E", 2, false, "upcast event 1 of stream s-1 (E, schema version 2): no upcaster leads on from schema version 2 of E: the first takes version 3"},
		{"E", 3, false, ""}, {"E", 4, false, ""}, {"E", 5, true, ""},
		{"F", 1, false, "upcast event 1 of stream s-1 (F, schema version 1): no upcaster leads on from schema version 1 of E: the first takes version 3"},
		{"G", 1, false, ""}, {"G", 9, false, ""}, // repairs alone make no chain
	} {
		e := event(1, `{}`)
		e.Type, e.SchemaVersion = tt.typ, tt.version
		err := in.take(&e)
		if got := fmt.Sprint(err); err == nil && tt.want != "" || err != nil && got != tt.want {
			t.Errorf("%s %d: got %v, want %s", tt.typ, tt.version, got, tt.want)
		}
		if err == nil && in.chain.newer != tt.newer {
			t.Errorf("%s %d: newer is %t", tt.typ, tt.version, in.chain.newer)
		}
	}
}

// Steps that each make two events of one are stopped long before the end.
func TestChainFansOut(t *testing.T) {
	twice := upcast(func(e *Envelope, emit Emit) error {
		a, b := *e, *e
		if err := emit(&a); err != nil {
			return err
		}
		return emit(&b)
	})
	var opts []Option
	for v := 1; v <= 60; v++ {
		opts = append(opts, WithUpcaster("E", v, twice))
	}
	opts = append(opts, WithUpcaster("E", 61, upcast(func(*Envelope, Emit) error { return nil })))
	for want, opts := range map[string][]Option{
		"one event becomes more than 10000 events":   opts[:60],
		"one event becomes more than 1000000 events": opts,
	} {
		in := compile(t, Rules{}, opts...).newIntake(func(*Envelope) error { return nil })
		e := event(1, `{}`)
		if err := in.take(&e); err == nil || !strings.Contains(err.Error(), want) || err.Hint() == "" {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// An upcaster cannot pass over what becomes of the events it emits.
func TestChainKeepsErrors(t *testing.T) {
	deaf := upcast(func(e *Envelope, emit Emit) error {
		out := *e
		_ = emit(&out)
		return emit(e)
	})
	odd := errors.New("odd")
	calls := 0
	fail := upcast(func(*Envelope, Emit) error { calls++; return odd })
	in := compile(t, Rules{}, WithUpcaster("E", 1, deaf), WithUpcaster("E", 2, fail)).newIntake(func(*Envelope) error { return nil })
	e := event(1, `{}`)
	if err := in.take(&e); !errors.Is(err, odd) || calls != 1 {
		t.Errorf("got %v after %d calls", err, calls)
	}
}

func TestUpcastErrors(t *testing.T) {
	odd := errors.New("a price of nothing")
	fail := upcast(func(e *Envelope, emit Emit) error { e.Type = "changed"; return odd })
	empty := upcast(func(e *Envelope, emit Emit) error { return emit(&Envelope{}) })
	for u, want := range map[*Upcaster]string{
		&fail:  "upcast event 7 of stream s-1 (E, schema version 1): a price of nothing",
		&empty: "upcast event 7 of stream s-1 (E, schema version 1): an upcaster emitted an event without a payload",
	} {
		in := compile(t, Rules{}, WithUpcaster("E", 1, *u)).newIntake(func(*Envelope) error { return nil })
		e := event(7, `{}`)
		if err := in.take(&e); err == nil || err.Step != "upcast" || err.Position.Seq != 7 || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	// An event that its source could not read is not read here either.
	unread := &source.EventError{Step: "decrypt", Err: odd, Advice: "look at the key"}
	in := compile(t, Rules{}).newIntake(func(*Envelope) error { t.Error("it was read"); return nil })
	e := event(7, `{}`)
	e.Err = unread
	want := "decrypt event 7 of stream s-1 (E, schema version 1): a price of nothing"
	if err := in.take(&e); err == nil || err.Error() != want || err.Hint() != "look at the key" {
		t.Errorf("got %v, want %s", err, want)
	}
}
