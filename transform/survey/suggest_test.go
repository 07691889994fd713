package survey_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"backstory/source"
	"backstory/transform/survey"

	"github.com/google/go-cmp/cmp"
)

func TestSuggestions(t *testing.T) {
	for name, c := range map[string]struct {
		old, now string
		want     string // the operations, one a line; ? before those that are open
		then     string // of the first example
	}{
		"rename by name":       {`{"qty":%d}`, `{"quantity":5}`, `{"rename":{"qty":"quantity"}}`, `{"quantity":0}`},
		"rename by values":     {`{"sku":"S-%d","x":"a b"}`, `{"article":"S-%d","x":"a b"}`, `{"rename":{"sku":"article"}}`, `{"article":"S-0","x":"a b"}`},
		"cast":                 {`{"a":1.5}`, `{"a":%d}`, `{"cast":{"a":"int"}}`, ""},
		"cast text to numbers": {`{"a":"%d"}`, `{"a":%d}`, `{"cast":{"a":"int"}}`, `{"a":0}`},
		"cast numbers to text": {`{"a":%d}`, `{"a":"x%d"}`, `{"cast":{"a":"string"}}`, `{"a":"0"}`},
		"move":                 {`{"sku":"S-%d"}`, `{"line":{"sku":"S-%d"}}`, `{"move":{"sku":"line.sku"}}`, `{"line":{"sku":"S-0"}}`},
		"move out":             {`{"by":{"user":"u%d"}}`, `{"user":"u%d"}`, `{"move":{"by.user":"user"}}`, `{"by":{},"user":"u0"}`},
		"drop":                 {`{"a":"%d","legacy":true}`, `{"a":"%d"}`, `{"drop":["legacy"]}`, `{"a":"0"}`},
		"constant":             {`{"a":"%d"}`, `{"a":"%d","currency":"EUR"}`, `{"default":{"currency":"EUR"}}`, `{"a":"0","currency":"EUR"}`},
		"a number always":      {`{"a":"%d"}`, `{"a":"%d","rate":0.10}`, `{"default":{"rate":0.10}}`, `{"a":"0","rate":0.10}`},
		"list":                 {`{"a":"%d"}`, `{"a":"%d","tags":["x%d"]}`, `{"default":{"tags":[]}}`, `{"a":"0","tags":[]}`},
		"nobody knows":         {`{"a":"%d"}`, `{"a":"%d","b":%d}`, `?{"default":{"b":null}}`, `{"a":"0"}`},
		"split":                {`{"to":"C%d, US"}`, `{"to":{"region":"C%d","country":"US"}}`, `{"parse":{"to":{"split":", ","into":["region","country"]}}}`, `{"to":{"region":"C0","country":"US"}}`},
		"split the other way":  {`{"to":"C%d, US"}`, `{"to":{"country":"US","region":"C%d"}}`, `{"parse":{"to":{"split":", ","into":["region","country"]}}}`, `{"to":{"region":"C0","country":"US"}}`},
		"in a list": {
			`{"lines":[{"qty":%d,"sku":"S-%d"}]}`, `{"lines":[{"quantity":%d,"sku":"S-%d"}]}`,
			`{"each":{"lines":[{"rename":{"qty":"quantity"}}]}}`, `{"lines":[{"sku":"S-1","quantity":0}]}`,
		},
		"odd names": {`{"a.b":"S-%d"}`, `{"data":{"a.b":"S-%d"}}`, `{"move":{"\"a.b\"":"\"data\".\"a.b\""}}`, `{"data":{"a.b":"S-0"}}`},
		"nothing":   {`{"a":"%d"}`, `{"a":"%d"}`, "", `{"a":"0"}`},
	} {
		t.Run(name, func(t *testing.T) {
			r := report(t, slices.Concat(repeat(200, 1, c.old), repeat(200, 2, c.now)))
			if len(r.Upcasters) != 1 {
				t.Fatalf("got %d upcasters", len(r.Upcasters))
			}
			checkStarter(t, r)
			u := r.Upcasters[0]
			var got []string
			for _, op := range u.Do {
				if op.Open {
					got = append(got, "?"+string(op.Rule))
				} else {
					got = append(got, string(op.Rule))
				}
			}
			if text := strings.Join(got, "\n"); text != c.want {
				t.Errorf("got\n%s\nwant\n%s", text, c.want)
			}
			if c.then != "" && (len(u.Examples) != 1 || !sameJSON(t, string(u.Examples[0].Then), c.then)) {
				t.Errorf("got examples %s (%v), want %s", u.Examples, u.Why, c.then)
			}
		})
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if err := errors.Join(json.Unmarshal([]byte(a), &x), json.Unmarshal([]byte(b), &y)); err != nil {
		t.Fatal(err)
	}
	return cmp.Equal(x, y)
}

// A repair for each accident, before the step from its version, which takes
// the right name.
func TestRepairs(t *testing.T) {
	r := report(t, slices.Concat(
		repeat(300, 1, `{"sku":"S-%d","n":%d}`), repeat(100, 1, `{"product":"S-%d","n":%d}`), repeat(300, 2, `{"line":{"sku":"S-%d","n":%d}}`)))
	checkStarter(t, r)
	if len(r.Upcasters) != 2 {
		t.Fatalf("got %d upcasters\n%s", len(r.Upcasters), texts(r))
	}
	repair, step := r.Upcasters[0], r.Upcasters[1]
	if repair.At != 1 || repair.When != "data.product != nil" || string(repair.Do[0].Rule) != `{"rename":{"product":"sku"}}` {
		t.Errorf("got repair %+v", repair)
	}
	if step.From != 1 || len(step.Do) != 1 || string(step.Do[0].Rule) != `{"move":{"sku":"line.sku","n":"line.n"}}` {
		t.Errorf("got step %+v", step)
	}
}

// Repairs of fields wherever they are compile, and mend the example.
func TestRepairsAnywhere(t *testing.T) {
	for name, c := range map[string]struct{ wrong, right, want string }{
		"within an object":   {`{"by":{"sku":"S-%d"}}`, `{"by":{"product":"S-%d"}}`, `{"rename":{"by.sku":"product"}}`},
		"into an object":     {`{"sku":"S-%d"}`, `{"line":{"sku":"S-%d"}}`, `{"move":{"sku":"line.sku"}}`},
		"odd names":          {`{"a b.c":{"the sku":"S-%d"}}`, `{"a b.c":{"the-product":"S-%d"}}`, `{"rename":{"\"a b.c\".the sku":"the-product"}}`},
		"in a list":          {`{"lines":[{"sku":"S-%d"}]}`, `{"lines":[{"product":"S-%d"}]}`, `{"each":{"lines":[{"rename":{"sku":"product"}}]}}`},
		"in lists of a list": {`{"a":{"l":[{"m":[{"sku":"S-%d"}]}]}}`, `{"a":{"l":[{"m":[{"product":"S-%d"}]}]}}`, `{"each":{"a.l":[{"each":{"m":[{"rename":{"sku":"product"}}]}}]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			r := report(t, slices.Concat(repeat(300, 1, c.wrong), repeat(300, 1, c.right)))
			checkStarter(t, r)
			if len(r.Upcasters) != 1 || r.Upcasters[0].Broken || len(r.Upcasters[0].Examples) != 1 {
				t.Fatalf("got %+v\n%s", r.Upcasters, texts(r))
			}
			u := r.Upcasters[0]
			if got := string(u.Do[0].Rule); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			want := strings.ReplaceAll(c.right, "%d", "0")
			if !sameJSON(t, string(u.Examples[0].Then), want) {
				t.Errorf("got %s from %s, want %s", u.Examples[0].Then, u.Examples[0].Given, want)
			}
		})
	}
}

// What upcasters lead on from already is not suggested again.
func TestNothingForWhatThereIs(t *testing.T) {
	s := look(t, source.Payload{}, history(slices.Concat(repeat(200, 1, `{"qty":%d}`), repeat(200, 2, `{"quantity":%d}`))), 1)
	if u := s.Report(survey.Options{Ends: map[string]int{"E": 2}}).Upcasters; len(u) != 0 {
		t.Errorf("got %+v", u)
	}
}

// No personal value is shown, wherever the report shows one.
func TestPersonalValuesAreMasked(t *testing.T) {
	h := slices.Concat(
		repeat(200, 1, `{"email":"secretive@example.com","customer":{"name":"Secretive","age":4711},"ip":"10.20.30.40","phone":"+4711"}`),
		repeat(200, 2, `{"mail":"secretive@example.com","customer":{"name":"Secretive","age":4711},"ip":"10.20.30.40","phone":"+4711","birth_date":"4711"}`))
	r := report(t, h)
	var starter strings.Builder
	if err := r.WriteStarter(&starter); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{starter.String(), string(indented(t, r))} {
		for _, secret := range []string{"ecretive", "10.20", "+4711", `"4711"`} {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s is shown: %s", secret, text[max(0, i-80):min(len(text), i+80)])
			}
		}
	}
}
