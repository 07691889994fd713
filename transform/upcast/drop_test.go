package upcast

import "testing"

func TestDrop(t *testing.T) {
	testOperations(t, []fieldTest{
		{name: "members", operation: `{"drop":["a","c.d"]}`, given: `{"a":1,"b":2,"c":{"d":3,"e":4}}`, want: `{"b":2,"c":{"e":4}}`},
		{name: "what is not there", operation: `{"drop":["a","x.y"]}`, given: `{"b":2}`, want: `{"b":2}`},
		{name: "the last one", operation: `{"drop":["a"]}`, given: `{"a":{"b":[1]}}`, want: `{}`},
		{name: "an element", operation: `{"drop":["l[0]","l[-1]"]}`, given: `{"l":[1,2,3]}`, want: `{"l":[2]}`},
		{name: "neighbours", operation: `{"drop":["l[0]","l[1]","l[0]","o.m[-1].x"]}`, given: `{"l":[0,1,2,3],"o":{"m":[{"x":1},{"x":2}]}}`, want: `{"l":[2,3],"o":{"m":[{"x":1},{}]}}`},
		{name: "an object and what is in it", operation: `{"drop":["a","a.b"]}`, given: `{"a":{"b":1},"c":2}`, want: `{"c":2}`},
		{name: "in metadata", operation: `{"drop":["meta.a"]}`, given: `{"a":1}`, want: `{"a":1}`, meta: `{"a":1}`, wantMeta: `{}`},
		{name: "a member called meta", operation: `{"drop":["data.meta.a"]}`, given: `{"meta":{"a":1}}`, want: `{"meta":{}}`, meta: `{"a":1}`, wantMeta: `{"a":1}`},
		{name: "below a scalar", operation: `{"drop":["a.b"]}`, given: `{"a":1}`, err: "drop a.b: a is an integer, not an object"},
	})
	testBadRules(t, []badRule{
		{`{"drop":[]}`, "want a list of paths, got a list of 0"},
		{`{"drop":"a"}`, `want a list of paths, got "a"`},
	})
}
