package upcast

import "testing"

func TestDefault(t *testing.T) {
	testOperations(t, []fieldTest{
		{name: "what is not there", operation: `{"default":{"currency":"USD","tags":[]}}`, given: `{"a":1}`, want: `{"a":1,"currency":"USD","tags":[]}`},
		{name: "null", operation: `{"default":{"b":true}}`, given: `{"a":1,"b":null,"c":3}`, want: `{"a":1,"b":true,"c":3}`},
		{name: "what is there", operation: `{"default":{"a":2,"b":2,"c":2,"d":2}}`, given: `{"a":0,"b":"","c":[],"d":false}`, want: `{"a":0,"b":"","c":[],"d":false}`},
		{name: "deep", operation: `{"default":{"a.b.c":1}}`, given: `{"a":{"x":1}}`, want: `{"a":{"x":1,"b":{"c":1}}}`},
		{name: "digits", operation: `{"default":{"n":1.10,"i":123456789012345678901234567890,"e":1E5}}`, given: `{}`, want: `{"n":1.10,"i":123456789012345678901234567890,"e":1E5}`},
		{name: "objects and lists", operation: `{"default":{"o":{"a":{"b":[1,null,{"c":"\u00e9\n"}]}}}}`, given: `{}`, want: `{"o":{"a":{"b":[1,null,{"c":"é\n"}]}}}`},
		{name: "null itself", operation: `{"default":{"n":null}}`, given: `{}`, want: `{"n":null}`},
		{name: "metadata", operation: `{"default":{"meta.tenant":"main"}}`, given: `{}`, want: `{}`, wantMeta: `{"tenant":"main"}`},
		{name: "a payload that is null", operation: `{"default":{"data":{"a":1}}}`, given: `null`, want: `{"a":1}`},
		{name: "an element that is null", operation: `{"default":{"l[1]":0}}`, given: `{"l":[1,null]}`, want: `{"l":[1,0]}`},
		{name: "an element that is not there", operation: `{"default":{"l[1]":0}}`, given: `{"l":[1]}`, err: "default l[1]: there is no element 1 in l, which has 1"},
		{name: "below a scalar", operation: `{"default":{"a.b":0}}`, given: `{"a":1}`, err: "default a.b: a is an integer, not an object"},
	})
	testBadRules(t, []badRule{
		{`{"default":["a"]}`, "want paths with values, got a list of 1"},
		{`{"default":{"a..b":1}}`, "bad path a..b: a name is missing"},
	})
}

// A rule's value is put into one event after the other, and stays what it is.
func TestDefaultIsCopied(t *testing.T) {
	o := compileOne(t, `{"default":{"o":{"a":1}}}`, Options{})
	set := compileOne(t, `{"rename":{"o.a":"b"}}`, Options{})
	for range 3 {
		s := scopeOf(t, `{}`, "")
		for _, o := range []Operation{o, set} {
			if err := o.Apply(s); err != nil {
				t.Fatal(err)
			}
		}
		if got := payload(s); got != `{"o":{"b":1}}` {
			t.Errorf("got %s", got)
		}
	}
}
