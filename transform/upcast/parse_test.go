package upcast

import "testing"

func TestParseSplit(t *testing.T) {
	const shipTo = `{"parse":{"ship_to":{"split":", ","into":["region","country"]}}}`
	testOperations(t, []fieldTest{
		{name: "in its place", operation: shipTo, given: `{"total":1,"ship_to":"CA, US","x":2}`, want: `{"total":1,"ship_to":{"region":"CA","country":"US"},"x":2}`},
		{name: "the last takes the rest", operation: `{"parse":{"name":{"split":" ","into":["first","last"]}}}`, given: `{"name":"Ana Maria Silva"}`, want: `{"name":{"first":"Ana","last":"Maria Silva"}}`},
		{name: "empty parts", operation: shipTo, given: `{"ship_to":", "}`, want: `{"ship_to":{"region":"","country":""}}`},
		{name: "parts passed over", operation: `{"parse":{"a":{"split":"-","into":[null,"b",null]}}}`, given: `{"a":"1-2-3"}`, want: `{"a":{"b":"2"}}`},
		{name: "null and nothing", operation: `{"parse":{"a":{"split":"-","into":["b"]},"x":{"split":"-","into":["b"]}}}`, given: `{"a":null}`, want: `{"a":null}`},
		{name: "too few parts", operation: shipTo, given: `{"ship_to":"US"}`, err: `parse ship_to: want 2 parts between ", ", got 1 in "US"`},
		{name: "missing parts are null", operation: `{"parse":{"a":{"split":"-","into":["x","y","z"],"optional":true}}}`, given: `{"a":"1-2"}`, want: `{"a":{"x":"1","y":"2","z":null}}`},
		{name: "escapes", operation: shipTo, given: `{"ship_to":"Br\u00e9sil \"x\", US"}`, want: `{"ship_to":{"region":"Brésil \"x\"","country":"US"}}`},
		{name: "elsewhere", operation: `{"parse":{"a":{"split":"-","into":["x","y"],"as":"b.c"}}}`, given: `{"a":"1-2"}`, want: `{"a":"1-2","b":{"c":{"x":"1","y":"2"}}}`},
		{name: "beside", operation: `{"parse":{"a":{"split":"-","into":["x","y"],"as":"data"}}}`, given: `{"a":"1-2","x":null}`, want: `{"a":"1-2","x":"1","y":"2"}`},
		{name: "into an object that is there", operation: `{"parse":{"a":{"split":"-","into":["x","y"],"as":"o"}}}`, given: `{"a":"1-2","o":{"z":0}}`, want: `{"a":"1-2","o":{"z":0,"x":"1","y":"2"}}`},
		{name: "into an object with such a member", operation: `{"parse":{"a":{"split":"-","into":["x","y"],"as":"o"}}}`, given: `{"a":"1-2","o":{"y":0}}`, err: "parse a: there is another value at y already"},
		{name: "missing parts into an object with such members", operation: `{"parse":{"a":{"split":"-","into":["x","y"],"as":"o","optional":true}}}`, given: `{"a":"1","o":{"y":0}}`, want: `{"a":"1","o":{"y":0,"x":"1"}}`},
		{name: "where a value is", operation: `{"parse":{"a":{"split":"-","into":["x"],"as":"o"}}}`, given: `{"a":"1-2","o":1}`, err: "parse a: there is another value at o already"},
		{name: "into the metadata", operation: `{"parse":{"a":{"split":"-","into":["x","y"],"as":"meta"}}}`, given: `{"a":"1-2"}`, want: `{"a":"1-2"}`, wantMeta: `{"x":"1","y":"2"}`},
		{name: "elements", operation: `{"each":{"l":[{"parse":{"$":{"split":"-","into":["x","y"]}}}]}}`, given: `{"l":["1-2","3-4"]}`, want: `{"l":[{"x":"1","y":"2"},{"x":"3","y":"4"}]}`},
		{name: "an integer", operation: `{"parse":{"a":{"split":"0","into":["x","y"]}}}`, given: `{"a":1203}`, want: `{"a":{"x":"12","y":"3"}}`},
		{name: "an object", operation: shipTo, given: `{"ship_to":{}}`, err: "parse ship_to: want text, got an object"},
		{name: "half a character", operation: shipTo, given: `{"ship_to":"\ud800, US"}`, err: "parse ship_to: the text holds half a character (a surrogate without the other), which would be lost"},
	})
	testBadRules(t, []badRule{
		{`{"parse":{"a":{"split":"-"}}}`, "split wants the parts' names in into"},
		{`{"parse":{"a":{"split":"","into":["a"]}}}`, `want the text to split at, got ""`},
		{`{"parse":{"a":{"split":"-","into":["a","a"]}}}`, "the name a stands twice"},
		{`{"parse":{"a":{"split":"-","into":["a.b"]}}}`, `want a name, got "a.b"`},
		{`{"parse":{"a":{"split":"-","into":["a"],"optional":1}}}`, "want true or false, got 1"},
		{`{"parse":{"a":{"split":"-","into":["a"],"regex":"x"}}}`, "unknown key regex"},
		{`{"parse":{"a":{"into":["a"]}}}`, "want a way to parse: split, regex, json or date"},
		{`{"parse":{"a":"json"}}`, "want a way to parse: split, regex, json or date"},
		{`{"parse":{"a":{"json":true,"as":"b..c"}}}`, "bad path b..c: a name is missing"},
	})
}

func TestParseRegex(t *testing.T) {
	testOperations(t, []fieldTest{
		{name: "named groups", operation: `{"parse":{"sku":{"regex":"(?P<brand>[A-Z]+)-(?<number>\\d+)"}}}`, given: `{"sku":"SKU-0292"}`, want: `{"sku":{"brand":"SKU","number":"0292"}}`},
		{name: "names in into", operation: `{"parse":{"sku":{"regex":"([A-Z]+)(-)(\\d+)","into":["brand",null,"number"],"as":"article"}}}`, given: `{"sku":"SKU-0292"}`, want: `{"sku":"SKU-0292","article":{"brand":"SKU","number":"0292"}}`},
		{name: "a group that took no part", operation: `{"parse":{"a":{"regex":"(?P<x>\\d+)(-(?P<y>\\d+))?"}}}`, given: `{"a":"1"}`, want: `{"a":{"x":"1","y":null}}`},
		{name: "an empty group", operation: `{"parse":{"a":{"regex":"(?P<x>\\d*)é"}}}`, given: `{"a":"é"}`, want: `{"a":{"x":""}}`},
		{name: "not the whole text", operation: `{"parse":{"a":{"regex":"(?P<x>\\d+)"}}}`, given: `{"a":"12 "}`, err: `parse a: want what the regular expression matches as a whole, got the text "12 "`},
		{name: "alternatives as a whole", operation: `{"parse":{"a":{"regex":"(?P<x>a)|b"}}}`, given: `{"a":"ac"}`, err: `parse a: want what the regular expression matches as a whole, got the text "ac"`},
	})
	testBadRules(t, []badRule{
		{`{"parse":{"a":{"regex":"("}}}`, "bad regular expression: missing closing ): `(`"},
		{`{"parse":{"a":{"regex":"a"}}}`, "the expression has no group with a name"},
		{`{"parse":{"a":{"regex":"(a)","into":["x","y"]}}}`, "into has 2 names, and the expression 1 groups"},
		{`{"parse":{"a":{"regex":"(?P<x>a)","into":["x"]}}}`, "into has 1 names, and the expression 1 groups"},
		{`{"parse":{"a":{"regex":"(?P<x>a)(?P<x>b)"}}}`, "two groups are called x"},
		{`{"parse":{"a":{"regex":""}}}`, `want a regular expression, got ""`},
	})
}

func TestParseJSON(t *testing.T) {
	testOperations(t, []fieldTest{
		{name: "an object", operation: `{"parse":{"a":{"json":true}}}`, given: `{"a":"{\"x\":[1.10,null,\"\\u00e9\"]}","b":1}`, want: `{"a":{"x":[1.10,null,"é"]},"b":1}`},
		{name: "elsewhere", operation: `{"parse":{"a":{"json":true,"as":"data"}}}`, given: `{"a":"{\"x\":1}"}`, want: `{"a":"{\"x\":1}","x":1}`},
		{name: "a scalar where values go together", operation: `{"parse":{"a":{"json":true,"as":"data"}}}`, given: `{"a":"7"}`, err: "parse a: there is another value at data already"},
		{name: "null", operation: `{"parse":{"a":{"json":true}}}`, given: `{"a":"null"}`, want: `{"a":null}`},
		{name: "no document", operation: `{"parse":{"a":{"json":true}}}`, given: `{"a":"{x"}`, err: `parse a: want a JSON document (byte 1: want a member name in quotes), got the text "{x"`},
		{name: "a long text", operation: `{"parse":{"a":{"json":true}}}`, given: `{"a":"0123456789012345678901234567890123456789012345678901234567890123456789"}`, err: `parse a: want a JSON document (byte 0: a number must not begin with 0), got the text "012345678901234567890123456789012345678901234567890123456789..."`},
	})
	testBadRules(t, []badRule{
		{`{"parse":{"a":{"json":false}}}`, "want json: true, got false"},
		{`{"parse":{"a":{"json":true,"into":["x"]}}}`, "unknown key into"},
	})
}
