package upcast

import (
	"fmt"
	"strings"
	"testing"

	"backstory/source"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"
)

// rulesOf are the texts of the upcasters of a set.
func rulesOf(s *Set) []string {
	var all []string
	for _, r := range s.rules {
		all = append(all, r.upcaster.String()+" "+r.upcaster.Rule())
	}
	return all
}

// TestText shows what is kept of rules, and what has no part in it.
func TestText(t *testing.T) {
	s := compileYAML(t, `
- event: Cart.ItemAdded
  note: as of the spring of 2024
  from: 1
  strict: true
  do:
    - rename: {qty: quantity}
    - default: {price: 9.50}
  examples:
    - {given: {qty: 1}, then: {quantity: 1, price: 9.50}}
- at: 2
  do: [mask: {email: hmac}]
  when: 'data.email != "ü"'
  event: Cart.ItemAdded`)
	want := `[{"event":"Cart.ItemAdded","from":1,"strict":"load","do":[{"rename":{"qty":"quantity"}},{"default":{"price":9.50}}]},` +
		`{"event":"Cart.ItemAdded","at":2,"when":"data.email != \"ü\"","do":[{"mask":{"email":"hmac"}}]}]`
	if diff := cmp.Diff(want, string(s.Text())); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	if n := len(s.Options()); n != 2 {
		t.Errorf("got %d options, want 2", n)
	}
	n, err := Parse(s.Text())
	if err != nil {
		t.Fatal(err)
	}
	again, problems := Compile(n, Options{MaskKey: testKey})
	if len(problems) > 0 {
		t.Fatal(problems[0].Message)
	}
	if diff := cmp.Diff(rulesOf(s), rulesOf(again)); diff != "" {
		t.Errorf("rules of the text (-want +got):\n%s", diff)
	}
	other, _ := Compile(n, Options{MaskKey: []byte("another key of sixteen bytes")})
	if a, b := rulesOf(s), rulesOf(other); a[0] != b[0] || a[1] == b[1] {
		t.Errorf("another key makes of %q %q; want another text of the rule that masks only", a, b)
	}
	if all := strings.Join(rulesOf(s), "") + string(s.Text()); strings.Contains(all, string(testKey)) {
		t.Errorf("%s shows the key", all)
	}
}

// TestNothing compiles what stands behind an empty section.
func TestNothing(t *testing.T) {
	parsed, err := Parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []*Node{nil, parsed, {}, {Kind: List}} {
		s, problems := Compile(n, Options{})
		if len(problems) > 0 || len(s.Options()) > 0 || s.Text() != nil {
			t.Errorf("got %d options, text %s and problems %v, want none", len(s.Options()), s.Text(), problems)
		}
	}
}

// TestLongChain takes an event through 50 versions.
func TestLongChain(t *testing.T) {
	var rules strings.Builder
	for v := 1; v < 50; v++ {
		fmt.Fprintf(&rules, "- {event: E, from: %d, do: [{rename: {v%d: v%d}}]}\n", v, v, v+1)
	}
	if got, want := outcomeOf(t, rules.String(), stored("E", 1, `{"v1":"x"}`)), `0 E 50 {"v50":"x"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestTooMany splits what was split, 40 times over.
func TestTooMany(t *testing.T) {
	var rules strings.Builder
	for v := 1; v <= 40; v++ {
		fmt.Fprintf(&rules, "- {event: E, from: %d, do: [{split: [{do: []}, {do: []}]}]}\n", v)
	}
	if got, want := outcomeOf(t, rules.String(), stored("E", 1, `{}`)), "one event becomes more than"; !strings.Contains(got, want) {
		t.Errorf("got %.200s, want an error with %q", got, want)
	}
}

var someOperations = []string{
	`{"rename":{"a":"b","c":"d"}}`, `{"rename":{"o.x":"y"}}`, `{"drop":["a"]}`, `{"keep":["a","o","l"]}`, `{"move":{"b":"o.b"}}`, `{"copy":{"o.x":"meta.x"}}`,
	`{"default":{"a":1.50,"o.z":[1,{"k":"v"}]}}`, `{"cast":{"n":"string"}}`, `{"set":{"b":"data.a ?? 0"}}`, `{"set":{"meta.s":"event_type"}}`,
	`{"each":{"l":[{"default":{"q":"\u00fc"}},{"set":{"w":"it.q"}}]}}`, `{"mask":{"s":"hmac"}}`, `{"map":{"s":{"x":"y","else":"z"}}}`,
}

// drawRules draws a chain of steps and repairs of E, of which some end in
// another type, as JSON.
func drawRules(t *rapid.T) string {
	var rules []string
	do := func() string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(someOperations), 0, 4).Draw(t, "do"), ",")
	}
	for v := range rapid.IntRange(1, 4).Draw(t, "versions") {
		for range rapid.IntRange(0, 2).Draw(t, "repairs") {
			rules = append(rules, fmt.Sprintf(`{"event":"E","at":%d,"when":"data.a != nil","do":[%s{"drop":["a"]}]}`, v+1, comma(do())))
		}
		end := rapid.SampledFrom([]string{`{"drop":["c"]}`, `{"retype":"E"}`, `{"retype":{"to":"F","version":9}}`, `{"discard":"data.n == 3"}`,
			`{"split":[{"when":"data.n == 1","type":"G","version":2},{"do":[{"drop":["n"]}]}]}`}).Draw(t, "end")
		rules = append(rules, fmt.Sprintf(`{"note":"%d","event":"E","do":[%s%s],"from":%d}`, v, comma(do()), end, v+1))
	}
	return "[" + strings.Join(rules, ",") + "]"
}

func comma(list string) string {
	if list == "" {
		return ""
	}
	return list + ","
}

// TestRoundTrip: rules and the text that is kept of them are the same.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, err := Parse([]byte(drawRules(t)))
		if err != nil {
			t.Fatal(err)
		}
		s, problems := Compile(n, Options{MaskKey: testKey})
		if len(problems) > 0 {
			t.Fatal(problems[0].Message)
		}
		n, err = Parse(s.Text())
		if err != nil {
			t.Fatal(err)
		}
		again, problems := Compile(n, Options{MaskKey: testKey})
		if len(problems) > 0 {
			t.Fatalf("%s: %s", s.Text(), problems[0].Message)
		}
		if diff := cmp.Diff(rulesOf(s), rulesOf(again)); diff != "" {
			t.Errorf("rules (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(string(s.Text()), string(again.Text())); diff != "" {
			t.Errorf("text (-want +got):\n%s", diff)
		}
	})
}

var someEvents = []string{
	`{"a":1,"c":2,"n":1,"s":"x","o":{"x":[1]},"l":[{},{"q":1},null]}`, `{"n":3}`, `{"a":null,"n":2,"o":null,"s":null}`, `{"l":[]}`,
	`{"a":1,"b":2}`, `{"o":7,"l":{"no":"list"}}`, `[]`, `"text"`, `{"n":1,"l":[1]}`,
}

// TestSameAgain: an event comes out the same, whatever came before.
func TestSameAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, err := Parse([]byte(drawRules(t)))
		if err != nil {
			t.Fatal(err)
		}
		s, problems := Compile(n, Options{MaskKey: testKey})
		if len(problems) > 0 {
			t.Fatal(problems[0].Message)
		}
		r := s.rules[rapid.IntRange(0, len(s.rules)-1).Draw(t, "rule")]
		seen := make(map[string]string)
		for _, given := range rapid.SliceOfN(rapid.SampledFrom(someEvents), 2, 8).Draw(t, "events") {
			e := example{given: []byte(given)}
			got, err := e.run(r, &witness{rule: r})
			text := fmt.Sprint(e.text(got, nil), err)
			if before, ok := seen[given]; ok && before != text {
				t.Errorf("%s of %s: got\n%s\nand before\n%s", r, given, text, before)
			}
			seen[given] = text
		}
	})
}

func FuzzCompileRules(f *testing.F) {
	f.Add(`[{"event":"E","from":1,"do":[` + strings.Join(someOperations, ",") + `]}]`)
	f.Add(`[{"event":"E","at":1,"when":"data.a > 1","do":[{"split":[{"when":"true","type":"F","version":3,"do":[{"drop":["a"]}]}]}]}]`)
	f.Add(`[{"event":"E","from":1,"strict":true,"do":[{"retype":{"to":"F","version":1}},{"discard":"data.b"}],"examples":[{"given":{"a":1},"then":[{"type":"F","data":{"a":1}}]},{"given":1,"discard":true},{"given":[],"error":"x","event":{"event_time":"2024-01-01T00:00:00Z"}}]}]`)
	f.Add(`{}`)
	f.Add(`[1,[],{"event":1,"from":[],"at":{},"do":{"a":null}}]`)
	f.Fuzz(func(t *testing.T, text string) {
		n, err := Parse([]byte(text))
		if err != nil {
			return
		}
		s, problems := Compile(n, Options{MaskKey: testKey})
		s.Test()
		if len(problems) > 0 {
			return
		}
		n, err = Parse(s.Text())
		if err != nil {
			t.Fatalf("the text is not JSON: %v", err)
		}
		again, problems := Compile(n, Options{MaskKey: testKey})
		for _, p := range problems {
			t.Fatalf("%s: %s", s.Text(), p.Message)
		}
		if diff := cmp.Diff(rulesOf(s), rulesOf(again)); diff != "" {
			t.Errorf("rules (-want +got):\n%s", diff)
		}
	})
}

// TestWindowsAtOnce upcasts in several goroutines by one pipeline.
func TestWindowsAtOnce(t *testing.T) {
	p := pipeline(t, compileYAML(t, `
- event: E
  from: 1
  do: [{each: {l: [{set: {n: it.a * 2}}]}}, {mask: {s: hmac}}, {split: [{when: data.n > 0, type: F, version: 1}, {do: [{drop: [l]}]}]}]
- {event: F, from: 1, do: [{set: {f: data.n / 2}}]}`), source.Payload{})
	want := make([]string, 8)
	for i := range want {
		got, err := upcast(p, numbered(i))
		if err != nil {
			t.Fatal(err)
		}
		want[i] = got
	}
	var g errgroup.Group
	for range 4 {
		g.Go(func() error {
			for i := range 400 {
				got, err := upcast(p, numbered(i%len(want)))
				if err != nil || got != want[i%len(want)] {
					return fmt.Errorf("event %d: got %s and error %v, want %s", i, got, err, want[i%len(want)])
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

func numbered(i int) source.Event {
	return stored("E", 1, fmt.Sprintf(`{"n":%d,"s":"s%d","l":[{"a":%d},{"a":1}]}`, i, i, i))
}
