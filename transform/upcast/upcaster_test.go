package upcast

import (
	"errors"
	"strings"
	"testing"

	"backstory/source"
)

func TestUpcaster(t *testing.T) {
	tests := []struct {
		name, rules, event string
		version            int
		data, want         string
	}{
		{"a step", `[{event: E, from: 1, do: [{rename: {a: b}}, {drop: [x]}]}]`, "E", 1, `{"a":1,"x":2}`, `0 E 2 {"b":1}`},
		{"a step that changes nothing", `[{event: E, from: 1, do: []}]`, "E", 1, `{"a":1}`, `0 E 2 {"a":1}`},
		{"another version", `[{event: E, from: 1, do: [{rename: {a: b}}]}]`, "E", 2, `{"a":1}`, `0 E 2 {"a":1}`},
		{"another type", `[{event: E, from: 1, do: [{rename: {a: b}}]}]`, "F", 1, `{"a":1}`, `0 F 1 {"a":1}`},
		{"repairs before the step, in order", `
- {event: E, from: 1, do: [{rename: {c: d}}]}
- {event: E, at: 1, when: data.a != nil, do: [{rename: {a: b}}]}
- {event: E, at: 1, when: data.b != nil, do: [{rename: {b: c}}]}`, "E", 1, `{"a":1}`, `0 E 2 {"d":1}`},
		{"a repair that is not wanted", `[{event: E, at: 1, when: data.a != nil, do: [{set: {b: "1"}}]}]`, "E", 1, `{"x":1}`, `0 E 1 {"x":1}`},
		{"set, each sees what those before have set", `[{event: E, from: 1, do: [{set: {b: data.a + 1, c.d: data.b * 2, meta.by: '"me"', e: meta.by}}]}]`,
			"E", 1, `{"a":1}`, `0 E 2 {"a":1,"b":2,"c":{"d":4},"e":"me"}`},
		{"set in each", `[{event: E, from: 1, do: [{each: {l: [{set: {n: it.a ?? 0, first: event_type}}]}}]}]`,
			"E", 1, `{"l":[{"a":1},{}]}`, `0 E 2 {"l":[{"a":1,"n":1,"first":"E"},{"n":0,"first":"E"}]}`},
		{"set the element", `[{event: E, from: 1, do: [{each: {l: [{set: {$: it * 2}}]}}]}]`, "E", 1, `{"l":[1,2]}`, `0 E 2 {"l":[2,4]}`},
		{"set keeps digits", `[{event: E, from: 1, do: [{set: {b: data.a}}]}]`, "E", 1, `{"a":12345678901234567890.10}`, `0 E 2 {"a":12345678901234567890.10,"b":12345678901234567890.10}`},
		{"discard", `[{event: E, from: 1, do: [{discard: true}]}]`, "E", 1, `{"a":1}`, ``},
		{"discard some", `[{event: E, from: 1, do: [{discard: data.a == 1}, {rename: {a: b}}]}]`, "E", 1, `{"a":1}`, ``},
		{"discard others", `[{event: E, from: 1, do: [{discard: data.a == 1}, {rename: {a: b}}]}]`, "E", 1, `{"a":2}`, `0 E 2 {"b":2}`},
		{"retype in a step", `
- {event: E, from: 1, do: [{retype: F}]}
- {event: F, from: 1, do: [{set: {one: "1"}}]}
- {event: F, from: 2, do: [{set: {two: "2"}}]}`, "E", 1, `{}`, `0 F 3 {"two":2}`},
		{"retype to a version", `
- {event: E, from: 1, do: [{retype: {to: F, version: 1}}]}
- {event: F, from: 1, do: [{set: {one: "1"}}]}
- {event: F, from: 2, do: [{set: {two: "2"}}]}`, "E", 1, `{}`, `0 F 3 {"one":1,"two":2}`},
		{"retype in a repair stays at the version", `
- {event: E, at: 1, when: "true", do: [{retype: F}]}
- {event: E, from: 1, do: [{set: {wrong: "1"}}]}
- {event: F, at: 1, when: "true", do: [{set: {repaired: "1"}}]}
- {event: F, from: 1, do: [{set: {one: "1"}}]}`, "E", 1, `{}`, `0 F 2 {"repaired":1,"one":1}`},
		{"split", `
- event: E
  from: 1
  do:
    - rename: {a: b}
    - split:
        - {when: data.b > 0, type: F, version: 1, do: [{set: {f: data.b}}, {drop: [b]}]}
        - {do: [{set: {e: "true"}}]}
        - {when: data.b > 9, type: G}
- {event: F, from: 1, do: [{rename: {f: g}}]}
- {event: E, from: 2, do: [{set: {more: schema_version}}]}`, "E", 1, `{"a":5}`,
			`0 F 2 {"g":5}` + "\n" + `1 E 3 {"b":5,"e":true,"more":2}`},
		{"split inside a split", `
- {event: E, from: 1, do: [{split: [{do: [{set: {x: "1"}}]}, {do: [{set: {x: "2"}}]}]}]}
- {event: E, from: 2, do: [{split: [{do: [{set: {y: "1"}}]}, {do: [{set: {y: "2"}}]}]}]}`, "E", 1, `{}`,
			"0 E 3 {\"x\":1,\"y\":1}\n1 E 3 {\"x\":1,\"y\":2}\n2 E 3 {\"x\":2,\"y\":1}\n3 E 3 {\"x\":2,\"y\":2}"},
		{"retype, then split", `[{event: E, from: 1, do: [{retype: {to: F, version: 4}}, {split: [{do: []}, {type: G}]}]}]`, "E", 1, `{"a":1}`, "0 F 4 {\"a\":1}\n1 G 4 {\"a\":1}"},
		{"split in a repair", `
- {event: E, at: 1, when: data.l != nil, do: [{split: [{do: [{set: {n: len(data.l)}}]}, {type: F, do: []}, {version: 2, do: []}]}]}
- {event: E, at: 1, when: data.l != nil, do: [{rename: {l: m}}]}
- {event: E, from: 1, do: [{set: {one: "1"}}]}
- {event: E, from: 2, do: [{set: {two: "2"}}]}`, "E", 1, `{"l":[]}`,
			`0 E 3 {"m":[],"n":0,"one":1,"two":2}` + "\n" + `1 F 1 {"l":[]}` + "\n" + `2 E 3 {"l":[],"two":2}`},
		{"metadata of parts is their own", `
- event: E
  from: 1
  do: [{split: [{do: [{set: {meta.n: "1", n: meta.n}}]}, {do: [{set: {n: meta.n ?? 0}}]}]}]`, "E", 1, `{}`, "0 E 2 {\"n\":1}\n1 E 2 {\"n\":0}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := outcomeOf(t, tt.rules, stored(tt.event, tt.version, tt.data)); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestUpcasterErrors(t *testing.T) {
	tests := []struct {
		name, rules, data     string
		step, path, err, hint string
	}{
		{"an operation", `[{event: E, from: 1, do: [{drop: [x]}, {cast: {a: int}}]}]`, `{"a":"one"}`,
			"upcast E from 1, operation 2 (cast)", "a", "want an integer", "parse"},
		{"an expression", `[{event: E, from: 1, do: [{set: {b: data.a + 1}}]}]`, `{"a":{}}`,
			"upcast E from 1, operation 1 (set)", "b", "", ""},
		{"when", `[{event: E, at: 1, when: data.a > 1, do: [{drop: [a]}]}]`, `{"a":"x"}`,
			"upcast E at 1, when", "", "", ""},
		{"a split in which nothing applies", `[{event: E, from: 1, do: [{split: [{when: data.a == 1}, {when: data.a == 2}]}]}]`, `{"a":3}`,
			"upcast E from 1, operation 1 (split)", "", "none of its parts applies", "discard"},
		{"the condition of a part", `[{event: E, from: 1, do: [{split: [{when: data.a > 1}]}]}]`, `{"a":"x"}`,
			"upcast E from 1, operation 1 (split), part 1, when", "", "", ""},
		{"an operation of a part", `[{event: E, from: 1, do: [{split: [{do: []}, {do: [{drop: [x]}, {cast: {a: int}}]}]}]}]`, `{"a":"x"}`,
			"upcast E from 1, operation 1 (split), part 2, operation 2 (cast)", "a", "want an integer", "parse"},
		{"a field that a strict rule wants", `[{event: E, from: 1, strict: load, do: [{rename: {a: b}}]}]`, `{"x":1}`,
			"upcast E from 1, operation 1 (rename)", "a", "there is no such field", "strict"},
		{"a field of elements that a strict rule wants", `[{event: E, from: 1, strict: load, do: [{each: {l: [{rename: {a: b}}]}}]}]`, `{"l":[{"a":1},{"b":1}]}`,
			"upcast E from 1, operation 1 (each)", "l[1].a", "there is no such field", "strict"},
		{"in a later step, of another type", `
- {event: E, from: 1, do: [{retype: {to: F, version: 1}}]}
- {event: F, from: 1, do: [{cast: {a: int}}]}`, `{"a":"x"}`, "upcast F from 1, operation 1 (cast)", "a", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := upcast(pipeline(t, compileYAML(t, tt.rules), source.Payload{}), stored("E", 1, tt.data))
			var ee *source.EventError
			if !errors.As(err, &ee) {
				t.Fatalf("got error %v, want a *source.EventError", err)
			}
			if ee.Step != tt.step || ee.Path != tt.path || ee.Position.Seq != 7 || ee.Stream != "s-1" || ee.Schema != 1 {
				t.Errorf("got step %q, path %q in %+v, want %q, %q", ee.Step, ee.Path, ee, tt.step, tt.path)
			}
			if !strings.Contains(ee.Err.Error(), tt.err) || !strings.Contains(ee.Hint(), tt.hint) {
				t.Errorf("got %q with hint %q, want %q with %q", ee.Err, ee.Hint(), tt.err, tt.hint)
			}
			if strings.Contains(ee.Err.Error(), ee.Step) {
				t.Errorf("the reason %q says the step again", ee.Err)
			}
		})
	}
}

// TestDocumentsOfParts splits an event whose payload was changed before, so
// that texts lie on both sides of the tape.
func TestDocumentsOfParts(t *testing.T) {
	rules := `[{event: E, from: 1, do: [{set: {n: '"new"'}}, {split: [{do: [{rename: {n: first}}, {set: {b: '"x"'}}]}, {do: [{drop: [a]}]}, {do: []}]}]}]`
	want := `0 E 2 {"a":"\u00fc","first":"new","b":"x"}` + "\n" + `1 E 2 {"n":"new"}` + "\n" + `2 E 2 {"a":"\u00fc","n":"new"}`
	got := outcomeOf(t, rules, stored("E", 1, `{"a":"\u00fc"}`))
	if want = strings.ReplaceAll(want, `\u00fc`, "ü"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
