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
		for range 3 * maxSteps {
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
	if err := in.take(&e); err != nil || rows != 3*maxSteps {
		t.Errorf("got %d rows, %v", rows, err)
	}
	endless := func(to string) Upcaster {
		return upcast(func(e *Envelope, emit Emit) error {
			e.Type = to
			return emit(e)
		})
	}
	var opts []Option
	for v := 1; v <= maxSteps+1; v++ {
		opts = append(opts, WithUpcaster("E", v, endless("F")), WithUpcaster("F", v, endless("E")))
	}
	in = compile(t, Rules{}, opts...).newIntake(func(*Envelope) error { return nil })
	if err := in.take(&e); err == nil || !strings.Contains(err.Error(), "the chain does not end") {
		t.Errorf("got %v", err)
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
		err := in.take(&e)
		var ee *source.EventError
		if !errors.As(err, &ee) || ee.Step != "upcast" || ee.Position.Seq != 7 || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	// An event that its source could not read is not read here either.
	unread := &source.EventError{Step: "decrypt", Err: odd}
	in := compile(t, Rules{}).newIntake(func(*Envelope) error { t.Error("it was read"); return nil })
	if err := in.take(&source.Event{Data: []byte(`{}`), Err: unread}); err != error(unread) {
		t.Errorf("got %v", err)
	}
}

func TestFingerprint(t *testing.T) {
	seen := make(map[string]string)
	for name, p := range map[string]*Pipeline{
		"none":     compile(t, Rules{}),
		"markers":  compile(t, markerRules()),
		"nested":   compile(t, Rules{Options: Options{Nested: true}}),
		"upcaster": compile(t, Rules{}, WithUpcaster("E", 1, set("a", "b"))),
		"event":    compile(t, Rules{}, WithUpcaster("F", 1, set("a", "b"))),
	} {
		if other, ok := seen[p.Fingerprint()]; ok {
			t.Errorf("%s and %s have the same fingerprint", name, other)
		}
		seen[p.Fingerprint()] = name
	}
	if a, b := compile(t, markerRules()), compile(t, markerRules()); a.Fingerprint() != b.Fingerprint() {
		t.Error("the same rules have two fingerprints")
	}
}
