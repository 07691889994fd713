package upcast

import "testing"

func TestRename(t *testing.T) {
	testOperations(t, []fieldTest{
		{name: "a member keeps its place", operation: `{"rename":{"qty":"quantity"}}`, given: `{"sku":"A","qty":2,"price":9.5}`, want: `{"sku":"A","quantity":2,"price":9.5}`},
		{name: "what is not there", operation: `{"rename":{"qty":"quantity"}}`, given: `{"sku":"A"}`, want: `{"sku":"A"}`},
		{name: "in an object", operation: `{"rename":{"line.qty":"quantity"}}`, given: `{"qty":1,"line":{"qty":2}}`, want: `{"qty":1,"line":{"quantity":2}}`},
		{name: "in metadata", operation: `{"rename":{"meta.usr":"user"}}`, given: `{"usr":1}`, want: `{"usr":1}`, meta: `{"usr":2}`, wantMeta: `{"user":2}`},
		{name: "in metadata that is not there", operation: `{"rename":{"meta.usr":"user"}}`, given: `{}`, want: `{}`},
		{name: "odd names", operation: `{"rename":{"\"a.b\"":"\"c.d\""}}`, given: `{"a.b":1}`, want: `{"c.d":1}`},
		{name: "to a word of paths", operation: `{"rename":{"a":"data","b":"$"}}`, given: `{"a":1,"b":2}`, want: `{"data":1,"$":2}`},
		{name: "one after the other", operation: `{"rename":{"a":"c","b":"a"}}`, given: `{"a":1,"b":2}`, want: `{"c":1,"a":2}`},
		{name: "null", operation: `{"rename":{"a":"b"}}`, given: `{"a":null}`, want: `{"b":null}`},
		{name: "a null gives way", operation: `{"rename":{"a":"b"}}`, given: `{"b":null,"c":3,"a":1}`, want: `{"c":3,"b":1}`},
		{name: "a renamed null gives way", operation: `{"rename":{"a":"b"}}`, given: `{"a":null,"b":1}`, want: `{"b":1}`},
		{name: "both are there", operation: `{"rename":{"a":"b"}}`, given: `{"a":1,"b":1}`, err: "rename a: there is another value at b already"},
		{name: "no object on the way", operation: `{"rename":{"line.qty":"quantity"}}`, given: `{"line":"x"}`, err: "rename line.qty: line is a string, not an object"},
		{name: "a payload that is no object", operation: `{"rename":{"a":"b"}}`, given: `[1]`, err: "rename a: the payload is a list, not an object"},
		{name: "a payload that is null", operation: `{"rename":{"a":"b"}}`, given: `null`, want: `null`},
	})
	testBadRules(t, []badRule{
		{`{"rename":{"a":"b.c"}}`, `want a name, got "b.c"`},
		{`{"rename":{"a":"a"}}`, "the new name is the old one: a"},
		{`{"rename":{"x.a":"a"}}`, "the new name is the old one: a"},
		{`{"rename":{}}`, "want paths with values, got 0 keys"},
		{`{"rename":["a","b"]}`, "want paths with values, got a list of 2"},
		{`{"rename":{"a":null,"b":""}}`, `want a name, got nothing; want a name, got ""`},
	})
}
