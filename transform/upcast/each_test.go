package upcast

import "testing"

func TestEach(t *testing.T) {
	testOperations(t, []fieldTest{
		{name: "objects", operation: `{"each":{"lines":[{"rename":{"qty":"quantity"}},{"cast":{"price":{"decimal":[18,2]}}}]}}`, given: `{"lines":[{"qty":1,"price":9.5},null,{"price":2}]}`, want: `{"lines":[{"quantity":1,"price":"9.50"},null,{"price":"2.00"}]}`},
		{name: "two lists", operation: `{"each":{"a":[{"drop":["x"]}],"o.b":[{"drop":["y"]}]}}`, given: `{"a":[{"x":1,"y":1}],"o":{"b":[{"x":1,"y":1}]}}`, want: `{"a":[{"y":1}],"o":{"b":[{"x":1}]}}`},
		{name: "lists in lists", operation: `{"each":{"a":[{"each":{"b":[{"rename":{"x":"y"}}]}},{"default":{"z":0}}]}}`, given: `{"a":[{"b":[{"x":1},{"x":2}]},{"b":[]}]}`, want: `{"a":[{"b":[{"y":1},{"y":2}],"z":0},{"b":[],"z":0}]}`},
		{name: "lists of lists", operation: `{"each":{"a":[{"each":{"$":[{"cast":{"$":"string"}}]}}]}}`, given: `{"a":[[1,2],[],[3]]}`, want: `{"a":[["1","2"],[],["3"]]}`},
		{name: "by elements", operation: `{"each":{"a":[{"default":{"$[0]":0}}]}}`, given: `{"a":[[null,1]]}`, want: `{"a":[[0,1]]}`},
		{name: "the payload itself", operation: `{"each":{"data":[{"drop":["x"]}]}}`, given: `[{"x":1},{"y":2}]`, want: `[{},{"y":2}]`},
		{name: "in metadata", operation: `{"each":{"meta.tags":[{"cast":{"$":"string"}}]}}`, given: `{}`, want: `{}`, meta: `{"tags":[1]}`, wantMeta: `{"tags":["1"]}`},
		{name: "after it, paths begin at the payload", operation: `{"each":{"a":[{"drop":["x"]}],"b":[{"drop":["x"]}]}}`, given: `{"a":[{"x":1}],"b":[{"x":1}]}`, want: `{"a":[{}],"b":[{}]}`},
		{name: "no list", operation: `{"each":{"x":[{"drop":["x"]}],"n":[{"drop":["x"]}]}}`, given: `{"n":null}`, want: `{"n":null}`},
		{name: "an object", operation: `{"each":{"x":[{"drop":["x"]}]}}`, given: `{"x":{}}`, err: "each x: want a list, got an object"},
		{name: "elements of the wrong kind", operation: `{"each":{"x":[{"drop":["y"]}]}}`, given: `{"x":[{},1]}`, err: "drop x[1].y: the element is an integer, not an object"},
		{name: "deep", operation: `{"each":{"a":[{"each":{"b.c":[{"cast":{"n":"int"}}]}}]}}`, given: `{"a":[{},{"b":{"c":[{"n":1},{"n":"x"}]}}]}`, err: `cast a[1].b.c[1].n: want an integer, got the string "x"`},
		{name: "deep in lists of lists", operation: `{"each":{"a":[{"each":{"$":[{"cast":{"$":"int"}}]}}]}}`, given: `{"a":[[1],[2,"x"]]}`, err: `cast a[1][1]: want an integer, got the string "x"`},
	})
	testBadRules(t, []badRule{
		{`{"each":{"a":{"drop":["x"]}}}`, "want a list of operations, got keys with values"},
		{`{"each":{"a":[{"drop":["a..b"]}]}}`, "bad path a..b: a name is missing"},
		{`{"each":["a"]}`, "want paths with values, got a list of 1"},
	})
}

// An error inside leaves the scope as it was.
func TestEachGivesScopeBack(t *testing.T) {
	s := scopeOf(t, `{"a":[1]}`, "")
	root, list := s.Root, s.List
	if err := compileOne(t, `{"each":{"a":[{"drop":["x"]}]}}`, Options{}).Apply(s); err == nil {
		t.Error("got no error")
	}
	if s.Root != root || s.List != list || s.Doc != s.Event.Data {
		t.Errorf("got %+v", s)
	}
}
