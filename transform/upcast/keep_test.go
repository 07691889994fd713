package upcast

import "testing"

func TestKeep(t *testing.T) {
	testOperations(t, []fieldTest{
		{name: "some", operation: `{"keep":["b","data.d"]}`, given: `{"a":1,"b":{"x":2},"c":3,"d":4,"e":5}`, want: `{"b":{"x":2},"d":4}`, meta: `{"m":1}`, wantMeta: `{"m":1}`},
		{name: "none that is there", operation: `{"keep":["x"]}`, given: `{"a":1}`, want: `{}`},
		{name: "all", operation: `{"keep":["b","a"]}`, given: `{"a":1,"b":2}`, want: `{"a":1,"b":2}`},
		{name: "of metadata alone", operation: `{"keep":["meta.u"]}`, given: `{"a":1}`, want: `{"a":1}`, meta: `{"u":1,"v":2}`, wantMeta: `{"u":1}`},
		{name: "of metadata that is not there", operation: `{"keep":["meta.u"]}`, given: `{"a":1}`, want: `{"a":1}`},
		{name: "of elements", operation: `{"each":{"l":[{"keep":["a"]}]}}`, given: `{"l":[{"a":1,"b":2},{"b":3}]}`, want: `{"l":[{"a":1},{}]}`},
		{name: "of null", operation: `{"keep":["a"]}`, given: `null`, want: `null`},
		{name: "of no object", operation: `{"keep":["a"]}`, given: `[1]`, err: "keep data: want an object, got a list"},
		{name: "of elements that are no objects", operation: `{"each":{"l":[{"keep":["a"]}]}}`, given: `{"l":[1]}`, err: "keep l[0]: want an object, got an integer"},
	})
	testBadRules(t, []badRule{
		{`{"keep":["a.b"]}`, "keep wants names of the top level, got a.b"},
		{`{"keep":["a[0]"]}`, "want the path of a member, got that of an element: a[0]"},
		{`{"keep":"a"}`, `want a list of paths, got "a"`},
	})
}
