package survey_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"backstory/source"
	"backstory/transform/survey"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares a text with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

func indented(t *testing.T, r *survey.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", " ")
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The whole report of the shop's history, and its starter.
func TestShop(t *testing.T) {
	r := look(t, shopPayload, shopEvents(t), 3).Report(survey.Options{})
	golden(t, "shop.json", indented(t, r))
	var b bytes.Buffer
	if err := r.WriteStarter(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "shop.yaml", b.Bytes())
}

// Into how many windows a history is divided makes no difference to what is
// found in it.
func TestWindows(t *testing.T) {
	events := shopEvents(t)
	want := look(t, shopPayload, events, 1).Report(survey.Options{})
	for _, windows := range []int{2, 9, 100} {
		got := look(t, shopPayload, events, windows).Report(survey.Options{})
		got.Upcasters = want.Upcasters // they say what part of some values is what
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%d windows (-want +got):\n%s", windows, d)
		}
	}
}

// An event of a made-up history: payloads of type E, version 1, unless said
// otherwise.
type made struct {
	event   string
	version int
	data    string
}

func history(all []made) []source.Event {
	var events []source.Event
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, m := range all {
		e := source.Event{
			Position: source.Position{Seq: int64(i + 1)}, Type: "E", SchemaVersion: 1,
			Time: at.Add(time.Duration(i) * time.Hour), Data: []byte(m.data),
		}
		if m.event != "" {
			e.Type = m.event
		}
		if m.version > 0 {
			e.SchemaVersion = m.version
		}
		events = append(events, e)
	}
	return events
}

// repeat makes n events; each verb of the format gets the event's number.
func repeat(n int, version int, format string) []made {
	var all []made
	for i := range n {
		args := make([]any, strings.Count(format, "%"))
		for k := range args {
			args[k] = (i*7919 + k) % 97
		}
		all = append(all, made{version: version, data: fmt.Sprintf(format, args...)})
	}
	return all
}

func typed(event string, all []made) []made {
	for i := range all {
		all[i].event = event
	}
	return all
}

// mix puts the elements of both in turn.
func mix(a, b []made) []made {
	var all []made
	for i := range max(len(a), len(b)) {
		if i < len(a) {
			all = append(all, a[i])
		}
		if i < len(b) {
			all = append(all, b[i])
		}
	}
	return all
}

func report(t *testing.T, all []made) *survey.Report {
	t.Helper()
	return look(t, source.Payload{}, history(all), 3).Report(survey.Options{})
}

func TestFindings(t *testing.T) {
	for name, c := range map[string]struct {
		history []made
		kind    survey.FindingKind
		want    string // a part of the text
	}{
		"renamed for good": {
			slices.Concat(repeat(300, 1, `{"sku":"S-%d","n":%d}`), repeat(200, 1, `{"product":"S-%d","n":%d}`)),
			survey.Renamed, "product was written as sku from 1 (2024-01-01) to 300",
		},
		"renamed and back": {
			slices.Concat(repeat(300, 1, `{"sku":"S-%d"}`), repeat(20, 1, `{"product":"S-%d"}`), repeat(300, 1, `{"sku":"S-%d"}`)),
			survey.Renamed, "sku was written as product from 301 (2024-01-13) to 320",
		},
		"renamed while both programs ran": {
			slices.Concat(repeat(300, 1, `{"sku":"S-%d"}`), mix(repeat(9, 1, `{"sku":"S-%d"}`), repeat(9, 1, `{"product":"S-%d"}`)), repeat(300, 1, `{"product":"S-%d"}`)),
			survey.Renamed, "product was written as sku from 1 ",
		},
		"null in place of the old one": {
			slices.Concat(repeat(300, 1, `{"sku":"S-%d","product":null}`), repeat(300, 1, `{"sku":null,"product":"S-%d"}`)),
			survey.Renamed, "product was written as sku",
		},
		"renamed in the elements of a list": {
			slices.Concat(repeat(300, 1, `{"lines":[{"sku":"S-%d"},{"sku":"S-%d"}]}`), repeat(300, 1, `{"lines":[{"article":"S-%d"}]}`)),
			survey.Renamed, "lines[].article was written as lines[].sku",
		},
		"a field that only some events have": {
			slices.Concat(mix(repeat(300, 1, `{"coupon":"C-%d"}`), repeat(300, 1, `{}`)), mix(repeat(300, 1, `{"voucher":"C-%d"}`), repeat(300, 1, `{}`))),
			survey.Renamed, "voucher was written as coupon",
		},
		"an object": {
			slices.Concat(repeat(300, 1, `{"ship":{"zip":"%d","city":"C%d"}}`), repeat(300, 1, `{"delivery":{"zip":"%d","city":"C%d"}}`)),
			survey.Renamed, "delivery was written as ship",
		},
		"kinds one after the other": {
			slices.Concat(repeat(300, 1, `{"a":1}`), repeat(300, 1, `{"a":"x"}`)),
			survey.KindsDiffer, "a is integer from 1 (2024-01-01) to 300 (2024-01-13), string from 301",
		},
		"kinds in no order": {
			mix(repeat(300, 1, `{"a":1}`), repeat(300, 1, `{"a":"x"}`)),
			survey.KindsDiffer, "a is integer in 300, string in 300",
		},
		"integers and decimals": {
			mix(repeat(300, 1, `{"a":1}`), repeat(300, 1, `{"a":1.5}`)),
			survey.Numbers, "a is integer in 300, float in 300",
		},
		"kinds in a list": {
			mix(repeat(300, 1, `{"a":[1]}`), repeat(300, 1, `{"a":["x"]}`)),
			survey.KindsDiffer, "a[] is integer in 300, string in 300",
		},
		"begins": {
			slices.Concat(repeat(300, 1, `{"a":"%d"}`), repeat(300, 1, `{"a":"%d","b":"%d"}`)),
			survey.Shifted, "b begins at 301",
		},
		"ends": {
			slices.Concat(repeat(300, 1, `{"a":"%d","b":"%d"}`), repeat(300, 1, `{"a":"%d"}`)),
			survey.Shifted, "b ends at 300",
		},
		"alternatives": {
			mix(repeat(300, 1, `{"card":"%d"}`), repeat(300, 1, `{"transfer":"%d"}`)),
			survey.Alternative, "each has card or transfer, never both",
		},
		"sparse": {
			slices.Concat(repeat(299, 1, `{"a":"%d"}`), repeat(1, 1, `{"a":"%d","b":"%d"}`)),
			survey.Sparse, "b (1 of 300)",
		},
		"always null": {repeat(299, 1, `{"a":"%d","b":null}`), survey.Sparse, "b (0 of 299)"},
		"constant":    {repeat(299, 1, `{"a":"%d","b":"EUR"}`), survey.Constant, "b (EUR)"},
		"identifiers as names": {
			repeat(500, 1, `{"stock":{"1000%d":1,"2000%d":2,"3000%d":3}}`), survey.NamesAsData, "the member names of stock are data: about",
		},
		"an older version again": {
			slices.Concat(repeat(100, 1, `{}`), repeat(100, 2, `{}`), repeat(100, 1, `{}`), repeat(100, 2, `{}`)),
			survey.WentBack, "version 1 was written after version 2: from 201",
		},
		"versions side by side": {
			mix(repeat(100, 1, `{}`), repeat(100, 2, `{}`)),
			survey.WentBack, "versions 1 and 2 were written side by side",
		},
		"version in the name": {
			slices.Concat(typed("ItemAdded", repeat(9, 1, `{}`)), typed("ItemAddedV2", repeat(9, 1, `{}`))),
			survey.Suffix, "version 2 of ItemAdded",
		},
		"e-mail addresses": {repeat(50, 1, `{"x":"ada%d@example.com"}`), survey.Personal, "x (values are e-mail addresses, such as xxx9@xxxxxxx.xxx)"},
		"telephone":        {repeat(50, 1, `{"x":"+31 20 555 01%d"}`), survey.Personal, "x (values are telephone numbers, such as +99 99 999 999)"},
		"by name":          {repeat(50, 1, `{"date_of_birth":"19%d-01-01","lastName":"N%d"}`), survey.Personal, "lastName (by its name, such as X9)"},
		"a person's name":  {repeat(50, 1, `{"customer":{"name":"Ada %d"}}`), survey.Personal, "customer.name (the name of a customer, such as Xxx 9)"},
	} {
		t.Run(name, func(t *testing.T) {
			r := report(t, c.history)
			for _, f := range r.Findings {
				if f.Kind == c.kind && strings.Contains(f.Text, c.want) {
					return
				}
			}
			t.Errorf("got no %s with %q in\n%s", c.kind, c.want, texts(r))
		})
	}
}

func texts(r *survey.Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s %s %d: %s\n", f.Kind, f.Event, f.Version, f.Text)
	}
	return b.String()
}

// What is no accident is not called one.
func TestNoFalseAlarm(t *testing.T) {
	for name, h := range map[string][]made{
		"one field for another that is like it in nothing": slices.Concat(
			repeat(300, 1, `{"a":1,"colour":"red %d"}`), repeat(300, 1, `{"a":1,"size":"%d x %d"}`)),
		"one ends long before the other begins": slices.Concat(
			repeat(300, 1, `{"sku":"S-%d"}`), repeat(300, 1, `{}`), repeat(300, 1, `{"product":"S-%d"}`)),
		"both for a while": slices.Concat(
			repeat(300, 1, `{"sku":"S-%d"}`), repeat(30, 1, `{"sku":"S-%d","product":"S-%d"}`), repeat(300, 1, `{"product":"S-%d"}`)),
		"few events": {{data: `{"sku":"S-1"}`}, {data: `{"sku":"S-1"}`}, {data: `{"sku":"S-2"}`}, {data: `{"product":"S-1"}`}, {data: `{"product":"S-1"}`}},
		"a new version": slices.Concat(
			repeat(300, 1, `{"sku":"S-%d"}`), mix(repeat(9, 1, `{"sku":"S-%d"}`), repeat(9, 2, `{"product":"S-%d"}`)), repeat(300, 2, `{"product":"S-%d"}`)),
		"names with digits": slices.Concat(typed("HTTP2", repeat(9, 1, `{}`)), typed("TV2", repeat(9, 1, `{}`)), typed("T", repeat(9, 1, `{}`))),
	} {
		t.Run(name, func(t *testing.T) {
			r := report(t, h)
			for _, f := range r.Findings {
				if f.Kind.Accident() {
					t.Errorf("got %s: %s", f.Kind, f.Text)
				}
			}
		})
	}
}

// Fields that come and go by chance are no accident, however many there are.
func TestChanceIsNoAccident(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rates := rapid.SliceOfN(rapid.SampledFrom([]int{1, 2, 5, 10, 30, 50, 80, 97, 100}), 2, 12).Draw(t, "percent")
		n := rapid.IntRange(1, 400).Draw(t, "events")
		seed := rapid.Uint64().Draw(t, "seed")
		next := func() uint64 { // splitmix64: rapid's own numbers are not random enough
			seed += 0x9e3779b97f4a7c15
			z := seed
			z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
			z = (z ^ z>>27) * 0x94d049bb133111eb
			return z ^ z>>31
		}
		var h []made
		for range n {
			var members []string
			for k, rate := range rates {
				if int(next()%100) < rate {
					members = append(members, fmt.Sprintf(`"f%d":"v%d"`, k, next()%40))
				}
			}
			h = append(h, made{data: "{" + strings.Join(members, ",") + "}"})
		}
		s := survey.New(source.Payload{})
		events := history(h)
		o := openerOf(t)
		for i := range events {
			if err := s.Take(o, &events[i]); err != nil {
				t.Fatal(err)
			}
		}
		r := s.Report(survey.Options{})
		for _, f := range r.Findings {
			if f.Kind.Accident() || f.Kind == survey.Shifted {
				t.Errorf("%s: %s", f.Kind, f.Text)
			}
		}
	})
}

// A field that was renamed for a while is found wherever that was, among
// fields that come and go, and also where only some events have it.
func TestPlantedRenameIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := rapid.IntRange(80, 300).Draw(t, "before")
		during := rapid.IntRange(40, 300).Draw(t, "during")
		after := rapid.SampledFrom([]int{0, 80, 300}).Draw(t, "after")
		every := rapid.IntRange(1, 2).Draw(t, "one event in")
		noise := rapid.IntRange(0, 5).Draw(t, "other fields")
		windows := rapid.IntRange(1, 7).Draw(t, "windows")
		var h []made
		for i := range before + during + after {
			name := "sku"
			if i >= before && i < before+during {
				name = "product"
			}
			members := []string{`"n":1`}
			if i%every == 0 {
				members = append(members, fmt.Sprintf(`"%s":"S-%d"`, name, i*7919%60))
			}
			for k := range noise {
				if (i*2654435761>>5)%(k+2) == 0 {
					members = append(members, fmt.Sprintf(`"f%d":%d`, k, i))
				}
			}
			h = append(h, made{data: "{" + strings.Join(members, ",") + "}"})
		}
		events, o := history(h), openerOf(t)
		s := survey.New(source.Payload{})
		for w := range windows {
			part := survey.New(source.Payload{})
			for i := w * len(events) / windows; i < (w+1)*len(events)/windows; i++ {
				if err := part.Take(o, &events[i]); err != nil {
					t.Fatal(err)
				}
			}
			s.Merge(part)
		}
		r := s.Report(survey.Options{})
		found := slices.IndexFunc(r.Findings, func(f survey.Finding) bool { return f.Kind == survey.Renamed })
		if found < 0 {
			t.Fatalf("got no rename in\n%s", texts(r))
		}
		e := r.Findings[found].Evidence
		if len(e) != 2+min(after, 1) || e[0].What != "sku" || e[1].What != "product" || e[1].First.Position.Seq-int64(before) > int64(every) {
			t.Errorf("got %+v", e)
		}
	})
}

// Versions newer than what the upcasters lead to are told.
func TestNewer(t *testing.T) {
	s := look(t, source.Payload{}, history(slices.Concat(repeat(9, 1, `{}`), repeat(9, 3, `{}`))), 1)
	r := s.Report(survey.Options{Ends: map[string]int{"E": 2}})
	if len(r.Findings) != 1 || r.Findings[0].Kind != survey.Newer || r.Findings[0].Version != 3 {
		t.Errorf("got %s", texts(r))
	}
}

// An event that cannot be opened is counted, and the rest is surveyed.
func TestFailed(t *testing.T) {
	r := report(t, []made{{data: `{"a":1}`}, {data: `{"a":`}, {data: `no`}, {data: `{"a":2}`}})
	if r.Events != 2 || r.Failed != 2 || !strings.Contains(r.FirstFailed, "parse event 2") {
		t.Errorf("got %d events, %d failed: %s", r.Events, r.Failed, r.FirstFailed)
	}
}
