package upcast

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExamples judges examples: ok says whether they come out as they say.
func TestExamples(t *testing.T) {
	const decimal = `[{event: E, from: 1, do: [{cast: {price: {decimal: [18, 2]}}}], examples: [%]}]`
	const nothing = `[{event: E, from: 1, do: [], examples: [%]}]`
	const splits = `[{event: E, from: 1, do: [{split: [{when: data.a > 1, type: F, version: 7}, {when: data.a > 0, do: [{set: {meta.b: data.a}}]}]}], examples: [%]}]`
	tests := []struct {
		name, rules, example string
		ok                   bool
	}{
		{"a decimal is text", decimal, `{given: {price: 9.5}, then: {price: "9.50"}}`, true},
		{"a decimal is a number", decimal, `{given: {price: 9.5}, then: {price: 9.50}}`, true},
		{"a decimal has digits", decimal, `{given: {price: 9.5}, then: {price: "9.5"}}`, false},
		{"a typed value", nothing, `{given: {id: {_type_: uuid_hex, _data_: 0123456789abcdef0123456789abcdef}}, then: {id: 01234567-89ab-cdef-0123-456789abcdef}}`, true},
		{"a typed value on both sides", nothing, `{given: {d: {_type_: decimal_str, _data_: "9.50"}}, then: {d: {_type_: decimal_str, _data_: "9.50"}}}`, true},
		{"a typed value and its number", nothing, `{given: {d: {_type_: decimal_str, _data_: "9.50"}}, then: {d: 9.50}}`, true},
		{"an integer is no float", nothing, `{given: {a: 1}, then: {a: 1.0}}`, false},
		{"a number is no text", nothing, `{given: {a: 1}, then: {a: "1"}}`, false},
		{"digits beyond 64 bits", nothing, `{given: {a: 123456789012345678901234567890}, then: {a: 123456789012345678901234567890}}`, true},
		{"members in another order", nothing, `{given: {a: 1, b: {c: 1, d: 2}}, then: {b: {d: 2, c: 1}, a: 1}}`, true},
		{"elements in another order", nothing, `{given: {a: [1, 2]}, then: {a: [2, 1]}}`, false},
		{"a list that goes on", nothing, `{given: {a: [1, 2]}, then: {a: [1]}}`, false},
		{"null is not nothing", nothing, `{given: {a: null}, then: {}}`, false},
		{"a member too many", nothing, `{given: {a: 1, b: 2}, then: {a: 1}}`, false},
		{"a type", splits, `{given: {a: 2}, then: [{type: F, version: 7, data: {a: 2}}, {type: E, version: 2, data: {a: 2}}]}`, true},
		{"another version", splits, `{given: {a: 2}, then: [{type: F, version: 2, data: {a: 2}}, {data: {a: 2}}]}`, false},
		{"another type", splits, `{given: {a: 1}, then: [{type: F, data: {a: 1}}]}`, false},
		{"more events than one", splits, `{given: {a: 2}, then: {a: 2}}`, false},
		{"metadata", splits, `{given: {a: 1}, then: [{data: {a: 1}, meta: {b: 1}}]}`, true},
		{"other metadata", splits, `{given: {a: 1}, meta: {c: 1}, then: [{data: {a: 1}, meta: {b: 1}}]}`, false},
		{"metadata that nothing is said of", splits, `{given: {a: 1}, meta: {c: 1}, then: {a: 1}}`, true},
		{"an error", splits, `{given: {a: 0}, error: none of its parts applies}`, true},
		{"another error", splits, `{given: {a: 0}, error: nobody}`, false},
		{"no error", splits, `{given: {a: 1}, error: none}`, false},
		{"an error in place of an event", splits, `{given: {a: 0}, then: {a: 0}}`, false},
		{"discard", `[{event: E, from: 1, do: [{discard: data.a > 1}], examples: [%]}]`, `{given: {a: 2}, discard: true}`, true},
		{"no discard", `[{event: E, from: 1, do: [{discard: data.a > 1}], examples: [%]}]`, `{given: {a: 1}, discard: true}`, false},
		{"the envelope", `[{event: E, from: 1, do: [{set: {s: stream_id, t: event_time, p: position, v: stream_version, i: event_id, m: meta.m}}], examples: [%]}]`,
			`{given: {}, meta: {m: 5}, event: {stream_id: cart-7, event_time: "2024-03-01T10:00:00+01:00", position: 12, stream_version: 3, event_id: e}, then: {s: cart-7, t: "2024-03-01T09:00:00Z", p: 12, v: 3, i: e, m: 5}}`, true},
		{"a repair that is not wanted", `[{event: E, at: 1, when: data.a == 1, do: [{drop: [a]}], examples: [%]}]`, `{given: {a: 2}, then: [{version: 1, data: {a: 2}}]}`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, problems := Compile(yamlNode(t, strings.Replace(tt.rules, "%", tt.example, 1)), Options{})
			results := s.Test()
			if len(results) != 1 || results[0].Name != "E from 1, example 1" && results[0].Name != "E at 1, example 1" {
				t.Fatalf("got results %+v and problems %+v, want one result", results, problems)
			}
			r := results[0]
			if r.OK() != tt.ok || (r.Diff == "") != tt.ok {
				t.Errorf("got ok %v, want %v: got\n%s\nwant\n%s\ndiff\n%s", r.OK(), tt.ok, r.Got, r.Want, r.Diff)
			}
			if failed := len(problems) == 1 && problems[0].Example && strings.Contains(problems[0].Message, r.Diff); failed == tt.ok {
				t.Errorf("got problems %+v for an example that comes out as it says: %v", problems, tt.ok)
			}
			if !tt.ok && !strings.Contains(r.Diff, "- ") && !strings.Contains(r.Diff, "+ ") {
				t.Errorf("the diff shows no difference:\n%s", r.Diff)
			}
		})
	}
}

func TestDiffLines(t *testing.T) {
	tests := []struct{ name, want, got, diff string }{
		{"one line", "a", "b", "- a\n+ b"},
		{"commas", "[\n  1,\n  2\n]", "[\n  1\n]", "  [\n    1\n-   2\n  ]"},
		{"in the middle", "a\nb\nc\nd", "a\nx\nc\ny\nd", "  a\n- b\n+ x\n  c\n+ y\n  d"},
		{"far from each other", "1\n2\n3\n4\n5\n6\n7\n8\n9", "1\n2\n3\n4\n5\n6\n7\n8\nx", "  ...\n  6\n  7\n  8\n- 9\n+ x"},
		{"nothing in common", "a\nb", "c", "- a\n- b\n+ c"},
		{"too much", strings.Repeat("a\n", 2000) + "b", strings.Repeat("c\n", 2000) + "b",
			strings.Repeat("- a\n", 2000) + strings.Repeat("+ c\n", 2000) + "  b"},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.diff, diffLines(tt.want, tt.got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
