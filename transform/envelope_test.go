package transform

import (
	"errors"
	"fmt"
	"testing"

	"backstory/source"
)

func liftingPayload() source.Payload {
	in := func(meta bool, names ...string) source.Path { return source.Path{Meta: meta, Names: names} }
	return source.Payload{
		Markers: true, ID: in(false, "id"), Stream: in(true, "agg", "id"), StreamVersion: in(true, "version"),
		Type: in(false, "type"), SchemaVersion: in(false, "v"), Time: in(false, "at"), Repeats: []string{"originator"},
		Names: source.Names{Aliases: map[string]string{"old": "New"}},
	}
}

func TestLift(t *testing.T) {
	in := compile(t, Rules{Payload: liftingPayload()}).newIntake
	tests := []struct{ data, meta, want string }{
		{`{}`, ``, ` s-1 E 1 0 1000000000000001`},
		{`{"id":"i","type":"old","v":2,"at":"2025-01-01T00:00:00Z"}`, `{"agg":{"id":"a"},"version":3}`, `i a New 2 3 1735689600000000`},
		{`{"id":{"_type_":"uuid_hex","_data_":"6B0d549b6f03475a9600a35a099950d8"},"at":{"_type_":"datetime_iso","_data_":"2025-01-01T00:00:00"}}`, `{"agg":{"id":12},"version":"4"}`, `6b0d549b-6f03-475a-9600-a35a099950d8 12 E 1 4 1735689600000000`},
		{`{"id":null,"v":null,"at":null,"type":null}`, `{"agg":null,"version":null}`, ` s-1 E 1 0 1000000000000001`},
		{`{"id":true}`, `{"agg":{"id":[1]}}`, `true [1] E 1 0 1000000000000001`},
	}
	for _, tt := range tests {
		var got string
		intake := in(func(e *Envelope) error {
			got = fmt.Sprintf("%s %s %s %d %d %d", e.ID, e.Stream, e.Type, e.Stored, e.StreamVersion, e.Micros)
			return nil
		})
		e := event(1, tt.data)
		e.Meta, e.StreamVersion, e.SchemaVersion = []byte(tt.meta), 0, 0
		if err := intake.take(&e); err != nil {
			t.Fatal(err)
		}
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.data, got, tt.want)
		}
	}
}

func TestLiftErrors(t *testing.T) {
	tests := []struct{ data, meta, step, path, want string }{
		{`{"at":"today"}`, ``, "open", "at", "want an ISO 8601 date and time with its offset"},
		{`{"at":7}`, ``, "open", "at", "want an ISO 8601 date and time with its offset"},
		{`{"v":"x"}`, ``, "open", "v", "want a schema version, an integer from 1 on"},
		{`{"v":-1}`, ``, "open", "v", "want a schema version, an integer from 1 on"},
		{`{"type":1}`, ``, "open", "type", "want text"},
		{`{}`, `{"version":1.5}`, "open", "meta.version", "want an integer"},
		{`{}`, `{"version":9223372036854775808}`, "open", "meta.version", "want an integer"},
		{`{`, ``, "parse", "data", "byte 1: want a member name in quotes"},
		{`{}`, `x`, "parse", "meta", "byte 0: unexpected 'x' where a value should begin"},
	}
	for _, tt := range tests {
		intake := compile(t, Rules{Payload: liftingPayload()}).newIntake(func(*Envelope) error { return nil })
		e := event(5, tt.data)
		e.Meta = []byte(tt.meta)
		err := intake.take(&e)
		var ee *source.EventError
		if !errors.As(err, &ee) {
			t.Errorf("%s: got %v, want an EventError", tt.data, err)
			continue
		}
		if ee.Step != tt.step || ee.Path != tt.path || ee.Err.Error() != tt.want || ee.Position.Seq != 5 || ee.Stream != "s-1" || ee.Type != "E" || ee.Hint() == "" {
			t.Errorf("%s: got %+v", tt.data, ee)
		}
	}
}

// What stands in the envelope does not stand again among the columns.
func TestLiftedColumns(t *testing.T) {
	for _, nested := range []bool{false, true} {
		e := event(1, `{"id":"i","originator":"s","type":"E","a":1}`)
		e.Meta = []byte(`{"agg":{"id":"a","kind":"k"},"version":3}`)
		r := flattenAll(t, Rules{Payload: liftingPayload(), Options: Options{Nested: nested}}, []source.Event{e})
		if got := fmt.Sprint(columnNames(r.table("e"))[8:]); got != "[a meta_agg_kind _extra]" {
			t.Errorf("nested %v: got %s", nested, got)
		}
	}
}
