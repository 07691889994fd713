package expression

import (
	"bytes"
	"testing"
	"time"

	"backstory/transform"
)

// run evaluates a program, and checks what is true of any result.
func run(t *testing.T, p *Program, env *Env) {
	t.Helper()
	began := time.Now()
	var results [2][]byte
	for i := range results {
		var out transform.Document
		v, err := p.Value(env, &out)
		if err != nil {
			asError(t, err)
			results[i] = []byte(err.Error())
			continue
		}
		results[i] = out.AppendJSON(nil, v)
		var again transform.Document
		if err := again.Parse(results[i], false); err != nil {
			t.Fatalf("%s gives %s, which is not JSON: %v", p.Text(), results[i], err)
		}
	}
	if !bytes.Equal(results[0], results[1]) {
		t.Fatalf("%s gives %s, then %s", p.Text(), results[0], results[1])
	}
	if took := time.Since(began); took > time.Minute {
		t.Fatalf("%s: took %v", p.Text(), took)
	}
}

// Any text compiles or is refused, and evaluates or fails, soon.
func FuzzCompile(f *testing.F) {
	for _, list := range [][]string{refused, failing} {
		for _, text := range list {
			f.Add(text)
		}
	}
	for _, text := range []string{
		`let x = data.l | map(# * 2); {a: x[1:], "b": sum(x)}`, `data?.a ?? (meta.user + "x")`, `if 1 in data.l { nil } else { event_time }`,
		`data.s matches "^(a|b)*$" and not (data.n in 1..3)`, `reduce(data.l, [#acc, #], [])`, `round(decimal(data.f), 1) / 4`,
	} {
		f.Add(text)
	}
	env := event(f, payload)
	f.Fuzz(func(t *testing.T, text string) {
		for _, o := range []Options{{}, {Bool: true}, {InEach: true}} {
			p, err := Compile(text, o)
			if err != nil {
				e := asError(t, err)
				if e.Column < 0 || e.Column > len(text)+1 || e.Message == "" {
					t.Fatalf("%q: column %d, message %q", text, e.Column, e.Message)
				}
				continue
			}
			env.Doc, env.Root = env.Event.Data, env.Event.Data.Root()
			run(t, p, env)
		}
	})
}

// Any document can be evaluated over.
func FuzzEval(f *testing.F) {
	var programs []*Program
	for _, text := range []string{
		`data`, `data.a`, `data.a.b ?? data.b`, `data.a + data.b`, `data.a - data.b`, `data.a * data.b`, `data.a / data.b`, `data.a % data.b`, `-data.a`,
		`data.a == data.b`, `data.a < data.b`, `data.a in data.b`, `data.a == data.a`, `[data.a, data.b, data]`, `{x: data.a, y: [data]}`,
		`map(data.a, #)`, `filter(data, # == data.a)`, `sum(data.a)`, `min(data.a)`, `max(data.a, data.b)`, `len(data.a)`, `data.a[1:2]`, `data.a[data.b]`,
		`keys(data)`, `concat(data.a, data.b)`, `join(data.a, data.b)`, `split(data.a, data.b)`, `replace(data.a, data.b, "x")`, `trim(data.a, data.b)`,
		`upper(data.a) + lower(data.a)`, `indexOf(data.a, data.b)`, `data.a contains data.b`, `data.a matches "a+"`,
		`int(data.a)`, `float(data.a)`, `decimal(data.a)`, `string(data.a)`, `toJSON(data)`, `type(data.a)`, `abs(data.a)`, `round(data.a)`,
		`round(data.a, 2)`, `floor(data.a)`, `ceil(data.a)`, `decimal(data.a) + data.b`, `decimal(data.a) / data.b`, `date(data.a)`, `date(data.a, data.b)`,
		`duration(data.a).Hours()`, `event_time.Format(data.a)`, `get(data.a, data.b)`, `first(data.a) ?? last(data.b)`, `reduce(data.a, #acc + #)`,
	} {
		p, err := Compile(text, Options{})
		if err != nil {
			f.Fatal(err)
		}
		programs = append(programs, p)
	}
	for _, json := range []string{
		payload, `{"a":1,"b":2.5}`, `{"a":"x, y","b":", "}`, `{"a":[1,2,{"b":3}],"b":[]}`, `{"a":{"_type_":"decimal_str","_data_":"1E+2"},"b":-0.0}`,
		`{"a":{"_type_":"decimal_str","_data_":"NaN"},"b":1}`, `{"a":{"_type_":"odd","_data_":{"b":1}}}`, `{"a":"\ud800","b":"\ud800"}`, `{"a":1e400,"b":1e-400}`,
		`{"a":"1738-01-01T00:00:00Z","b":"2006"}`, `{"a":-0,"b":0}`, `NaN`, `[]`, `"x"`, `null`, `{"a":"12","b":NaN}`, `{"a":"Jan _2 15:04:05.999999999","b":"x"}`,
		`{"a":99999999999999999999999999999999999999999999999999999999999999999999999999999999,"b":0.1e-20}`,
	} {
		f.Add([]byte(json))
	}
	f.Fuzz(func(t *testing.T, json []byte) {
		var d transform.Document
		if d.Parse(json, true) != nil {
			return
		}
		env := envOf(&d)
		before := d.AppendJSON(nil, d.Root())
		for _, p := range programs {
			run(t, p, env)
		}
		if after := d.AppendJSON(nil, d.Root()); !bytes.Equal(before, after) {
			t.Fatalf("the payload was changed from %s to %s", before, after)
		}
	})
}
