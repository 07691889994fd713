package survey_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"backstory/source"
	"backstory/transform/survey"
	"backstory/transform/upcast"

	"pgregory.net/rapid"
)

// hostile histories grow in all that a survey tells apart.
var hostile = map[string]func(r *rand.Rand, i int) made{
	"random names": func(r *rand.Rand, i int) made {
		return made{data: fmt.Sprintf(`{"n%d":1,"m%d":{"o%d":2}}`, r.Uint64(), r.Uint64(), r.Uint64())}
	},
	"many random names": func(r *rand.Rand, i int) made {
		var names []string
		for range 150 {
			names = append(names, fmt.Sprintf(`"x%x":{"y%x":"z%x"}`, r.Uint64(), r.Uint64(), r.Uint64()))
		}
		return made{data: "{" + strings.Join(names, ",") + "}"}
	},
	"random types":    func(r *rand.Rand, i int) made { return made{event: fmt.Sprintf("T%d", i), data: `{"a":1}`} },
	"random versions": func(r *rand.Rand, i int) made { return made{version: i + 1, data: `{"a":1}`} },
	"random shapes": func(r *rand.Rand, i int) made {
		var members []string
		for k := range 60 {
			if r.IntN(2) == 0 {
				members = append(members, fmt.Sprintf(`"f%d":%d`, k, r.Uint32()))
			}
		}
		return made{data: "{" + strings.Join(members, ",") + "}"}
	},
	"random kinds": func(r *rand.Rand, i int) made {
		var members []string
		for k := range 30 {
			members = append(members, fmt.Sprintf(`"f%d":%s`, k, []string{`1`, `"x"`, `[1]`, `{"a":1}`, `null`, `true`, `1.5`}[r.IntN(7)]))
		}
		return made{data: "{" + strings.Join(members, ",") + "}"}
	},
	"long values": func(r *rand.Rand, i int) made {
		return made{data: fmt.Sprintf(`{"a":"%d%s"}`, r.Uint64(), strings.Repeat("x", 5000))}
	},
	"deep": func(r *rand.Rand, i int) made {
		return made{data: strings.Repeat(fmt.Sprintf(`{"a%d":[`, i%50), 40) + strings.Repeat(`]}`, 40)}
	},
	"control characters": func(r *rand.Rand, i int) made {
		text, _ := json.Marshal(fmt.Sprintf("\x1b[31m\nupcasters: %d\u2028", i%5))
		return made{event: "T\n- event: x\x1b", version: 1 + i/500, data: fmt.Sprintf(`{%s:%s,"a b.c":[{%[1]s:1}],"x":%[1]s}`, text, text)}
	},
	"any value": func(r *rand.Rand, i int) made {
		return made{data: []string{`1`, `"x"`, `null`, `[[[]]]`, `true`, `{}`, `[{"a":[{"b":1}]}]`}[r.IntN(7)]}
	},
}

// Whatever a history holds, a survey stays small, and what it says can be
// written and read.
func TestHostile(t *testing.T) {
	for name, make := range hostile {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			before := heap()
			s := survey.New(source.Payload{})
			o := pipeline(t, source.Payload{}).NewOpener()
			for w := range 4 {
				part := survey.New(source.Payload{})
				for i := range 1000 {
					m := make(r, w*1000+i)
					for _, e := range history([]made{m}) {
						e.Position.Seq = int64(w*1000 + i + 1)
						if err := part.Take(o, &e); err != nil {
							t.Fatal(err)
						}
					}
				}
				s.Merge(part)
			}
			if grown := heap() - before; grown > 24<<20 {
				t.Errorf("the survey holds %d MiB", grown>>20)
			}
			report := s.Report(survey.Options{})
			if report.Events != 4000 {
				t.Errorf("got %d events, want 4000", report.Events)
			}
			checkStarter(t, report)
			runtime.KeepAlive(s)
		})
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// checkStarter holds suggestions to the rules they are suggestions for.
func checkStarter(t rapid.TB, r *survey.Report) {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteStarter(&b); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return r < ' ' }) {
			t.Errorf("a control character in %q", line)
		}
	}
	type rule struct {
		Event    string            `json:"event"`
		From     int               `json:"from,omitzero"`
		At       int               `json:"at,omitzero"`
		When     string            `json:"when,omitzero"`
		Do       []json.RawMessage `json:"do"`
		Examples []survey.Example  `json:"examples,omitempty"`
	}
	rules := []rule{}
	for _, u := range r.Upcasters {
		if u.Broken {
			continue
		}
		x := rule{u.Event, u.From, u.At, u.When, []json.RawMessage{}, u.Examples}
		for _, op := range u.Do {
			if !op.Open {
				x.Do = append(x.Do, op.Rule)
			}
		}
		rules = append(rules, x)
	}
	text, err := json.Marshal(rules)
	if err != nil {
		t.Fatal(err)
	}
	n, err := upcast.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, problems := upcast.Compile(n, upcast.Options{}); len(problems) > 0 {
		t.Errorf("%s\n%s", problems[0].Message, text)
	}
}

// An object whose names are data is one path, and its names are counted.
func TestNamesAsData(t *testing.T) {
	r := report(t, repeat(2000, 1, `{"a":1,"stock":{"2024-%d-%d":1,"2025-%d-%d":2}}`))
	v := r.Types[0].Versions[0]
	if len(v.Shapes) != 1 || len(v.Shapes[0].Paths) != 2 {
		t.Fatalf("got shapes %+v", v.Shapes)
	}
	for _, f := range v.Fields {
		if f.Path == "stock" && (f.Names < 97 || f.Names > 400) {
			t.Errorf("got about %d names, want about 194", f.Names)
		}
	}
}

// Shapes of optional fields are bounded, and none is lost.
func TestShapesBeyondTheBounds(t *testing.T) {
	var h []made
	for i := range 3000 {
		var members []string
		for k := range 12 {
			if i>>k&1 == 1 {
				members = append(members, fmt.Sprintf(`"f%d":1`, k))
			}
		}
		h = append(h, made{data: "{" + strings.Join(members, ",") + "}"})
	}
	v := report(t, h).Types[0].Versions[0]
	var n int64
	for _, s := range v.Shapes {
		n += s.Count
	}
	if len(v.Shapes) != 201 || !v.Shapes[200].Pooled || n != 3000 {
		t.Errorf("got %d shapes of %d events", len(v.Shapes), n)
	}
}

func TestObserveDoesNotAllocate(t *testing.T) {
	events := shopEvents(t)
	o := pipeline(t, shopPayload).NewOpener()
	s := survey.New(shopPayload)
	at := 0
	take := func() {
		for range 1000 {
			if err := s.Take(o, &events[at%len(events)]); err != nil {
				t.Fatal(err)
			}
			at++
		}
	}
	for range 40 {
		take()
	}
	if n := testing.AllocsPerRun(10, take); n > 0 {
		t.Errorf("got %v allocations for 1000 events, want none", n)
	}
}
