package upcast

import (
	"fmt"
	"strings"
	"testing"

	"backstory/transform"

	"pgregory.net/rapid"
)

// castOne casts a value to a type, both JSON, and writes the result with its
// kind, or the error.
func castOne(t rapid.TB, value, typ string) string {
	t.Helper()
	o := compileOne(t, fmt.Sprintf(`{"cast":{"v":%s}}`, typ), Options{})
	s := scopeOf(t, `{"v":`+value+`}`, "")
	if err := o.Apply(s); err != nil {
		return "error: " + strings.TrimPrefix(err.Error(), "cast v: ")
	}
	v := s.Event.Data.Get("v")
	return s.Event.Data.Kind(v).String() + " " + string(s.Event.Data.AppendJSON(nil, v))
}

type castTest struct{ value, want string }

func testCasts(t *testing.T, typ string, tests []castTest) {
	t.Helper()
	for _, tt := range tests {
		if got := castOne(t, tt.value, typ); got != tt.want {
			t.Errorf("%s to %s: got %s, want %s", tt.value, typ, got, tt.want)
		}
	}
}

const (
	uuidMarker = `{"_type_":"uuid_hex","_data_":"6B0d549b6f03475a9600a35a099950d8"}`
	timeMarker = `{"_type_":"datetime_iso","_data_":"2025-01-01T08:28:09.736868+00:00"}`
)

func decimalMarker(text string) string {
	return `{"_type_":"decimal_str","_data_":"` + text + `"}`
}

func TestCastBool(t *testing.T) {
	testCasts(t, `"bool"`, []castTest{
		{`true`, "bool true"}, {`false`, "bool false"}, {`null`, "null null"},
		{`"true"`, "bool true"}, {`"False"`, "bool false"}, {`"TRUE"`, "bool true"},
		{`1`, "error: want true or false, got 1"}, {`"1"`, `error: want true or false, got the string "1"`},
		{`"yes"`, `error: want true or false, got the string "yes"`}, {`""`, `error: want true or false, got the string ""`},
		{`[true]`, "error: want true or false, got a list"},
	})
}

func TestCastString(t *testing.T) {
	testCasts(t, `"string"`, []castTest{
		{`"x"`, `string "x"`}, {`null`, "null null"}, {`""`, `string ""`},
		{`12`, `string "12"`}, {`1.50`, `string "1.50"`}, {`1E5`, `string "1E5"`}, {`NaN`, `string "NaN"`}, {`true`, `string "true"`},
		{`123456789012345678901234567890`, `string "123456789012345678901234567890"`},
		{uuidMarker, `string "6b0d549b-6f03-475a-9600-a35a099950d8"`}, {decimalMarker("9.50"), `string "9.50"`},
		{timeMarker, `string "2025-01-01T08:28:09.736868+00:00"`},
		{`{"a":1}`, "error: want a single value, got an object"},
	})
}

func TestCastUUID(t *testing.T) {
	const want = `uuid "6b0d549b-6f03-475a-9600-a35a099950d8"`
	testCasts(t, `"uuid"`, []castTest{
		{uuidMarker, want}, {`null`, "null null"},
		{`"6b0d549b6f03475a9600a35a099950d8"`, want}, {`"6B0D549B-6F03-475A-9600-A35A099950D8"`, want},
		{`"6b0d549b-6f03-475a-9600-a35a099950d"`, `error: want a UUID, got the string "6b0d549b-6f03-475a-9600-a35a099950d"`},
		{`"6b0d549b+6f03-475a-9600-a35a099950d8"`, `error: want a UUID, got the string "6b0d549b+6f03-475a-9600-a35a099950d8"`},
		{`"6b0d549b-6f03-475a-9600-a35a09995-d8"`, `error: want a UUID, got the string "6b0d549b-6f03-475a-9600-a35a09995-d8"`},
		{`12`, `error: want a UUID, got 12`},
	})
}

func TestCastJSON(t *testing.T) {
	testCasts(t, `"json"`, []castTest{
		{`{"a":[1.10,null,"x"]}`, `string "{\"a\":[1.10,null,\"x\"]}"`}, {`[]`, `string "[]"`},
		{`"x"`, `string "\"x\""`}, {`1`, `string "1"`}, {`null`, "null null"}, {uuidMarker, `string "\"6b0d549b-6f03-475a-9600-a35a099950d8\""`},
	})
}

func TestCast(t *testing.T) {
	testOperations(t, []fieldTest{
		{name: "several", operation: `{"cast":{"a":"int","b.c":"string","x":"int"}}`, given: `{"a":"12","b":{"c":1},"d":2}`, want: `{"a":12,"b":{"c":"1"},"d":2}`},
		{name: "in metadata", operation: `{"cast":{"meta.n":"int"}}`, given: `{}`, want: `{}`, meta: `{"n":"7"}`, wantMeta: `{"n":7}`},
		{name: "elements", operation: `{"each":{"l":[{"cast":{"$":"int"}}]}}`, given: `{"l":["1",null,"2"]}`, want: `{"l":[1,null,2]}`},
		{name: "an element that does not fit", operation: `{"each":{"l":[{"cast":{"$":"int"}}]}}`, given: `{"l":["1","x"]}`, err: `cast l[1]: want an integer, got the string "x"`},
		{name: "below a scalar", operation: `{"cast":{"a.b":"int"}}`, given: `{"a":1}`, err: `cast a.b: a is an integer, not an object`},
	})
	testBadRules(t, []badRule{
		{`{"cast":{"a":"integer"}}`, `unknown type "integer"`},
		{`{"cast":{"a":"decimal(18,2)"}}`, `unknown type "decimal(18,2)"`},
		{`{"cast":{"a":{"decimal":18}}}`, "want [precision, scale], got 18"},
		{`{"cast":{"a":{"decimal":[39,2]}}}`, "there is no decimal of [39, 2]"},
		{`{"cast":{"a":{"decimal":[2,3]}}}`, "there is no decimal of [2, 3]"},
		{`{"cast":{"a":{"decimal":[18,2],"round":"up"}}}`, `unknown way to round "up"`},
		{`{"cast":{"a":{"decimal":[18,2],"rund":"half_up"}}}`, `unknown key rund`},
		{`{"cast":{"a":{"timestamp":"hours"}}}`, `unknown unit "hours"`},
		{`{"cast":{"a":{"timestamp":{"zone":"Europe/Berlin"}}}}`, `unknown zone "Europe/Berlin"`},
		{`{"cast":{"a":{"datetime":{"unit":"seconds"}}}}`, "unknown key unit"},
		{`{"cast":{"a":{"datetime":"seconds"}}}`, `want a unit or zone for datetime, got "seconds"`},
		{`{"cast":{"a":["int"]}}`, "unknown type a list of 1"},
	})
}

// FuzzCast casts any value to any type: the result is of the type and the
// document well formed, and a second cast changes nothing any more.
func FuzzCast(f *testing.F) {
	types := []string{
		`"int"`, `"float"`, `"bool"`, `"string"`, `"uuid"`, `"timestamp"`, `"datetime"`, `{"decimal":[18,2]}`,
		`{"decimal":[38,10],"round":"half_even"}`, `{"decimal":[5,0],"round":"half_up"}`, `{"timestamp":{"unit":"seconds","zone":"+02:00"}}`,
		`{"timestamp":"millis"}`, `{"datetime":{"zone":"UTC"}}`,
	}
	kinds := []string{
		"integer", "float", "bool", "string", "uuid", "timestamp", "timestamp", "decimal", "decimal", "decimal", "timestamp", "timestamp", "timestamp",
	}
	casts := make([]Operation, len(types))
	for i, typ := range types {
		casts[i] = compileOne(f, `{"cast":{"v":`+typ+`}}`, Options{})
	}
	for i := range types {
		for _, v := range []string{
			`1`, `-0`, `9.5`, `1e400`, `-1E-7`, `"12"`, `"1.999"`, `"true"`, `"2025-01-31T09:30:00"`, `"2025-01-31 09:30:00.5+01:00"`, `1735689600.123456`,
			`NaN`, uuidMarker, timeMarker, decimalMarker("1E+3"), decimalMarker("-.5"), decimalMarker("sNaN"), `"\ud800"`, `{"a":[1]}`, `99999999999999999999999999999999999999`,
		} {
			f.Add(i, []byte(v))
		}
	}
	f.Fuzz(func(t *testing.T, which int, value []byte) {
		var d transform.Document
		src := append(append([]byte(`{"v":`), value...), '}')
		if which < 0 || which >= len(casts) || d.Parse(src, true) != nil {
			return
		}
		e := &transform.Envelope{Data: &d, Meta: new(transform.Document)}
		s := new(Scope)
		s.begin(e, nil, nil)
		if casts[which].Apply(s) != nil {
			return
		}
		v := d.Get("v")
		if v == transform.None {
			return
		}
		if k := d.Kind(v); k.String() != kinds[which] && k != transform.ValueNull {
			t.Fatalf("%s to %s: got %s", value, types[which], k)
		}
		first := payload(s)
		var again transform.Document
		if err := again.Parse([]byte(first), false); err != nil {
			t.Fatalf("%s to %s: %s: %v", value, types[which], first, err)
		}
		if err := casts[which].Apply(s); err != nil {
			t.Fatalf("%s to %s, again: %v", value, types[which], err)
		}
		if second := payload(s); second != first {
			t.Fatalf("%s to %s: got %s, and again %s", value, types[which], first, second)
		}
	})
}
