package transform

import (
	"errors"
	"testing"
)

func TestMutate(t *testing.T) {
	tests := []struct {
		name, src, want string
		do              func(d *Document, root Value) bool
	}{
		{"put at the end", `{"a":1}`, `{"a":1,"b":"x"}`, func(d *Document, r Value) bool { d.Put(r, "b", d.NewString("x")); return true }},
		{"put in an empty object", `{}`, `{"a":-5}`, func(d *Document, r Value) bool { d.Put(r, "a", d.NewInt(-5)); return true }},
		{"put in place", `{"a":1,"b":2,"c":3}`, `{"a":1,"b":true,"c":3}`, func(d *Document, r Value) bool { d.Put(r, "b", d.NewBool(true)); return true }},
		{"put in the first place", `{"a":1,"b":2}`, `{"a":null,"b":2}`, func(d *Document, r Value) bool { d.Put(r, "a", d.NewNull()); return true }},
		{"append", `{"a":[1]}`, `{"a":[1,false,{}]}`, func(d *Document, r Value) bool {
			d.Append(d.Get("a"), d.NewBool(false))
			d.Append(d.Get("a"), d.NewObject())
			return true
		}},
		{"build a list", `{}`, `{"a":["12.30",[]]}`, func(d *Document, r Value) bool {
			list := d.NewArray()
			d.Put(r, "a", list)
			v, ok := d.NewDecimal("12.30")
			d.Append(list, v)
			d.Append(list, d.NewArray())
			return ok
		}},
		{"remove the first", `{"a":1,"b":2}`, `{"b":2}`, func(d *Document, r Value) bool { return d.Remove(r, d.Get("a")) }},
		{"remove the last", `{"a":1,"b":2}`, `{"a":1}`, func(d *Document, r Value) bool { return d.Remove(r, d.Get("b")) }},
		{"remove what is elsewhere", `{"a":{"b":1}}`, `{"a":{"b":1}}`, func(d *Document, r Value) bool { return !d.Remove(r, d.Get("a", "b")) }},
		{"move", `{"a":{"b":[1]},"c":2}`, `{"a":{},"c":2,"b":[1]}`, func(d *Document, r Value) bool {
			v := d.Get("a", "b")
			ok := d.Remove(d.Get("a"), v)
			d.Put(r, "b", v)
			return ok
		}},
		{"rename", `{"a":1,"b":2}`, `{"x":1,"b":2}`, func(d *Document, r Value) bool { return d.Rename(r, "a", "x") }},
		{"rename what is not there", `{"a":1}`, `{"a":1}`, func(d *Document, r Value) bool { return !d.Rename(r, "b", "x") }},
		{"rename to what is there", `{"a":1,"b":2}`, `{"a":1,"b":2}`, func(d *Document, r Value) bool { return !d.Rename(r, "a", "b") }},
		{"no decimal", `{}`, `{}`, func(d *Document, r Value) bool { _, ok := d.NewDecimal("1,5"); return !ok }},
		{"text that is not UTF-8", `{}`, `{"a` + "\ufffd" + `":"x` + "\ufffd" + `"}`, func(d *Document, r Value) bool { d.Put(r, "a\xff", d.NewString("x\xfe")); return true }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var d Document
			if err := d.Parse([]byte(tt.src), false); err != nil {
				t.Fatal(err)
			}
			if !tt.do(&d, d.Root()) {
				t.Error("got the other answer")
			}
			if got := string(d.AppendJSON(nil, d.Root())); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// Texts that no offset reaches are an error of the event, not of the program.
func TestVast(t *testing.T) {
	// The pages of aux are never touched, and so take no memory.
	nearly := make([]byte, maxTexts-4, maxTexts)
	grow := func(d *Document) { d.aux = nearly }
	for name, do := range map[string]func(d *Document, r Value){
		"text": func(d *Document, r Value) { d.Put(r, "b", d.NewString("too long")) },
		"int":  func(d *Document, r Value) { d.Put(r, "b", d.NewInt(1e9)) },
		"name": func(d *Document, r Value) { d.Put(r, "too long", d.NewNull()) },
		"import": func(d *Document, r Value) {
			var other Document
			if err := other.Parse([]byte(`{"x":["\ud800"]}`), false); err != nil {
				t.Fatal(err)
			}
			d.Put(r, "b", d.Import(&other, other.Root()))
		},
	} {
		p := compile(t, Rules{}, WithUpcaster("E", 1, UpcasterFunc(func(e *Envelope, emit Emit) error {
			grow(e.Data)
			do(e.Data, e.Data.Root())
			e.Data.AppendJSON(nil, e.Data.Root())
			return emit(e)
		})))
		e := event(1, `{"a":1}`)
		if why := p.newIntake(func(*Envelope) error { return nil }).take(&e); why == nil || !errors.Is(why, errVast) {
			t.Errorf("%s: got %v", name, why)
		}
	}
	var d Document
	grow(&d)
	d.NewString("too long")
	if d.Reset(); d.vast {
		t.Error("an empty document is vast")
	}
}
