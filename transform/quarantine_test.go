package transform

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"backstory/source"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// splits hands each of a payload's lines on as an event of its own, and fails at one
// that says so.
var splits = UpcasterFunc(func(e *Envelope, emit Emit) error {
	d := e.Data
	for v := d.First(d.Get("lines")); v != None; v = d.Next(v) {
		if string(d.AppendJSON(nil, v)) == `"fail"` {
			return &source.EventError{Step: "split", Path: "lines[1]", Err: errors.New("a line of nothing"), Advice: "mend the line"}
		}
		var line Document
		if err := line.Parse(d.AppendJSON(nil, v), false); err != nil {
			return err
		}
		out := *e
		out.Data = &line
		if err := emit(&out); err != nil {
			return err
		}
	}
	return nil
})

// Every way to fail, and what stands in _quarantine then.
func TestQuarantine(t *testing.T) {
	rules := Rules{Payload: source.Payload{Stream: source.Path{Meta: true, Names: []string{"of"}}, Time: source.Path{Names: []string{"at"}}}}
	steps := []Option{WithUpcaster("Lines", 1, splits), WithUpcaster("Late", 3, splits)}
	long := "x" + strings.Repeat("\u00e9", maxReason) // a character lies across the end
	broken := event(1, `{"a":`)
	notTime := event(2, `{"at":7}`)
	split := event(3, `{"at":"2025-01-01T00:00:00Z","lines":[{"a":1},"fail"]}`)
	split.Type, split.Meta, split.ID = "Lines", []byte(`{"of":"s-3"}`), []byte("id-3")
	early := event(4, `{}`)
	early.Type = "Late"
	unread := event(5, "\xff\x00")
	unread.Type, unread.Err = "Secret", &source.EventError{Step: "decrypt", Err: errors.New(long), Advice: "look at the key"}
	untyped := event(6, `{}`)
	untyped.Type, untyped.Time, untyped.SchemaVersion = "", time.Time{}, 0
	good := event(7, `{"a":1}`)

	p := compile(t, rules, steps...)
	r := flatten(t, p, p.NewCatalog(nil), Limits{}, []source.Event{broken, notTime, split, early, unread, untyped, good})
	at := func(n int64) time.Time { return time.UnixMicro(1e15 + n).UTC() }
	want := []tableRow{
		{ColPosition: int64(1), ColStreamID: "s-1", ColStreamVersion: int64(1), ColEventType: "E", ColSchemaVersion: int64(1), ColEventTime: at(1),
			ColStep: "parse", ColPath: "data", ColReason: "byte 5: document ends where a value should begin", ColHint: "?", ColData: `{"a":`},
		{ColPosition: int64(2), ColStreamID: "s-1", ColStreamVersion: int64(2), ColEventType: "E", ColSchemaVersion: int64(1), ColEventTime: at(2),
			ColStep: "open", ColPath: "at", ColReason: errNotTime.Error(), ColHint: "?", ColData: `{"at":7}`},
		{ColPosition: int64(3), ColStreamID: "s-3", ColStreamVersion: int64(3), ColEventID: "id-3", ColEventType: "Lines", ColSchemaVersion: int64(1),
			ColEventTime: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC),
			ColStep:      "split", ColPath: "lines[1]", ColReason: "a line of nothing", ColHint: "mend the line", ColData: string(split.Data), ColMeta: `{"of":"s-3"}`},
		{ColPosition: int64(4), ColStreamID: "s-1", ColStreamVersion: int64(4), ColEventType: "Late", ColSchemaVersion: int64(1), ColEventTime: at(4),
			ColStep: "upcast", ColReason: "no upcaster leads on from schema version 1 of Late: the first takes version 3", ColHint: "add an upcaster of Late from: 1", ColData: `{}`},
		{ColPosition: int64(5), ColStreamID: "s-1", ColStreamVersion: int64(5), ColEventType: "Secret", ColSchemaVersion: int64(1), ColEventTime: at(5),
			ColStep: "decrypt", ColReason: long[:maxReason-1] + "...", ColHint: "look at the key", ColData: "base64:/wA="},
		{ColPosition: int64(6), ColStreamID: "s-1", ColStreamVersion: int64(6),
			ColStep: "open", ColReason: "it has no type", ColHint: "?", ColData: `{}`},
	}
	got := r.rows[Quarantine]
	for i, w := range want {
		if i < len(got) && w[ColHint] == "?" && got[i][ColHint] != nil {
			w[ColHint] = got[i][ColHint]
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if s := r.stats; s.Events != 7 || s.Quarantined != 6 || s.Rows != 7 || len(r.rows["e"]) != 1 || len(r.catalog.Tables()) != 2 {
		t.Errorf("%+v, tables %v", s, r.rows)
	}

	rules.Options = Options{QuarantinePayload: NoPayload, Partition: ByDay, Layout: One}
	p = compile(t, rules, steps...)
	r = flatten(t, p, p.NewCatalog(nil), Limits{}, []source.Event{split, good})
	if row := r.rows[Quarantine][0]; row[ColData] != nil || row[ColMeta] != nil {
		t.Errorf("the payload is kept: %v", row)
	}
	if table := r.table(Quarantine); table.Partition != ByNone || len(r.rows[AllEvents]) != 1 {
		t.Errorf("%s has partition %q; all events: %v", table.Name, table.Partition, r.rows[AllEvents])
	}
}

// Shapes leave out what fails, and tell of it.
func TestShapesFailed(t *testing.T) {
	p := compile(t, Rules{}, WithUpcaster("E", 1, splits))
	observe := func(first int64, data ...string) *Shapes {
		s := p.NewShapes()
		o := p.NewObserver(s)
		for i, d := range data {
			e := event(first+int64(i), d)
			if err := o.Observe(&e); err != nil {
				t.Fatal(err)
			}
		}
		return s
	}
	a, b := observe(5, `{"lines":[{"a":1},{"b":2}]}`, `{`), observe(1, `{"lines":[{"c":1},"fail"]}`, `[`)
	a.Merge(b)
	if a.Failed != 3 || a.FirstFailed.Position.Seq != 1 || a.FirstFailed.Step != "split" {
		t.Errorf("%d failed, first %v", a.Failed, a.FirstFailed)
	}
	catalog, _ := p.NewCatalog(nil).Evolve(a)
	if n := len(catalog.Tables()); n != 2 || catalog.Tables()[0].Column("a") < 0 || catalog.Tables()[0].Column("c") >= 0 || a.All()[0].Events != 2 {
		t.Errorf("%d tables, %v", n, columnNames(catalog.Tables()[0]))
	}
}

// A table that config names _quarantine gets another name.
func TestQuarantineName(t *testing.T) {
	r := flattenAll(t, Rules{Options: Options{Tables: map[string]string{"E": Quarantine}}}, events(`{"a":1}`, `{`))
	if table := r.table(Quarantine); !table.IsQuarantine() || len(r.rows[Quarantine]) != 1 || len(r.rows["_quarantine_2"]) != 1 {
		t.Errorf("got %v", r.rows)
	}
}

// Events that fail leave no trace in the tables of the others, whatever they
// had put there before they failed.
func TestTakeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := Rules{Payload: source.Payload{Markers: true}}
		rules.Options.Layout = rapid.SampledFrom([]Layout{PerType, Both}).Draw(t, "layout")
		rules.Options.Nested = rapid.Bool().Draw(t, "nested")
		rules.Options.Explode = map[string][][]string{"E": {{"b"}}}
		p := compile(t, rules, WithUpcaster("E", 1, splits))
		var good, all []source.Event
		for n := range rapid.IntRange(1, 12).Draw(t, "events") {
			var lines []string
			for range rapid.IntRange(0, 3).Draw(t, "lines") {
				lines = append(lines, drawObject(t, 2, false))
			}
			bad := rapid.Bool().Draw(t, "bad")
			if bad {
				lines = append(lines, `"fail"`)
			}
			e := event(int64(n+1), `{"lines":[`+strings.Join(lines, ",")+`]}`)
			all = append(all, e)
			if !bad {
				good = append(good, e)
			}
		}
		// The tables are made for a part of the events, so that values go to
		// _extra too.
		first := good[:rapid.IntRange(0, len(good)).Draw(t, "first")]
		catalog := flatten(t, p, p.NewCatalog(nil), Limits{}, first).catalog
		catalog = flatten(t, p, catalog, Limits{}, good).catalog
		limits := Limits{Rows: rapid.IntRange(1, 5).Draw(t, "rows")}
		want, got := flatten(t, p, catalog, limits, good), flatten(t, p, catalog, limits, all)
		if n := len(got.rows[Quarantine]); n != len(all)-len(good) || got.stats.Quarantined != int64(n) {
			t.Fatalf("%d rows in quarantine for %d events, %+v", n, len(all)-len(good), got.stats)
		}
		if got.stats.Extra != want.stats.Extra || got.stats.Discarded != want.stats.Discarded || got.stats.Rows != want.stats.Rows+got.stats.Quarantined {
			t.Fatalf("%+v with events that fail, %+v without", got.stats, want.stats)
		}
		delete(got.rows, Quarantine)
		if diff := cmp.Diff(want.rows, got.rows, cmp.Comparer(equalRats), cmpopts.EquateNaNs()); diff != "" {
			t.Fatalf("(-without +with events that fail):\n%s", diff)
		}
	})
}

func TestStats(t *testing.T) {
	discard := UpcasterFunc(func(*Envelope, Emit) error { return nil })
	p := compile(t, Rules{}, WithUpcaster("E", 1, discard), WithUpcaster("E", 2, set("a", "b")))
	var evs []source.Event
	for i, version := range []int{1, 2, 3, 4, 9, 1} {
		e := event(int64(i+1), `{}`)
		e.SchemaVersion = version
		evs = append(evs, e)
	}
	evs = append(evs, event(7, `{`))
	got := flatten(t, p, p.NewCatalog(nil), Limits{}, evs).stats
	want := Stats{Events: 7, Rows: 5, Bytes: 13, Quarantined: 1, Discarded: 2, Newer: 2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Payloads in quarantine count for the limits of memory.
func TestQuarantineLimits(t *testing.T) {
	p := compile(t, Rules{})
	catalog := flatten(t, p, p.NewCatalog(nil), Limits{}, events(`{`)).catalog
	writes := 0
	b := p.NewBatcher(catalog, Limits{Bytes: 10000}, func(*Table, Record) error { writes++; return nil })
	e := event(1, fmt.Sprintf(`{"a":"%s"`, strings.Repeat("x", 3000)))
	for range 10 {
		if err := b.Append(&e); err != nil {
			t.Fatal(err)
		}
		if b.held > 10000 {
			t.Fatalf("%d bytes are held", b.held)
		}
	}
	if writes == 0 {
		t.Error("nothing was written")
	}
}

// Where payloads are not kept, no reason tells a value of an event, neither in
// _quarantine nor in what is said of the first one.
func TestNoPayload(t *testing.T) {
	failing := UpcasterFunc(func(e *Envelope, emit Emit) error {
		v := e.Data.Get("secret")
		if v == None {
			return emit(e)
		}
		told := source.Told{Value: string(e.Data.Text(v)), Kind: "a value"}
		return &source.EventError{Err: fmt.Errorf("look at it: %w", source.Telling("want better than %s", told)), Advice: "mend it"}
	})
	var evs []source.Event
	for i, data := range []string{`{"secret":4111}`, `{"ana":1,"ana":2}`, `{"a":[s]}`, `{"a":1 t}`, `{"a":"\z"}`} {
		evs = append(evs, event(int64(i+1), data))
	}
	for payload, want := range map[QuarantinePayload][]string{
		RawPayload: {
			"look at it: want better than 4111", `byte 9: the name "ana" stands twice in an object`,
			"byte 6: unexpected 's' where a value should begin", "byte 7: unexpected 't' in an object", `byte 6: unknown escape \z`,
		},
		NoPayload: {
			"want better than a value", "byte 9: the name of a member stands twice in an object",
			"byte 6: unexpected character where a value should begin", "byte 7: unexpected character in an object", "byte 6: unknown escape sequence",
		},
	} {
		p := compile(t, Rules{Options: Options{QuarantinePayload: payload}}, WithUpcaster("E", 1, failing))
		r := flatten(t, p, p.NewCatalog(nil), Limits{}, evs)
		var got []string
		for _, row := range r.rows[Quarantine] {
			got = append(got, row[ColReason].(string))
			if (row[ColData] != nil) != (payload == RawPayload) {
				t.Errorf("%s: %v", payload, row)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", payload, diff)
		}
		s := p.NewShapes()
		b, o := p.NewBatcher(r.catalog, Limits{}, func(*Table, Record) error { return nil }), p.NewObserver(s)
		if err := errors.Join(b.Append(&evs[0]), o.Observe(&evs[0])); err != nil {
			t.Fatal(err)
		}
		for _, why := range []*source.EventError{b.FirstFailed(), s.FirstFailed} {
			if why.Err.Error() != want[0] || why.Hint() != "mend it" || why.Position.Seq != 1 {
				t.Errorf("%s: the first is %v", payload, why)
			}
		}
	}
}
