package upcast

import "testing"

func TestMap(t *testing.T) {
	testOperations(t, []fieldTest{
		{name: "strings", operation: `{"map":{"s":{"A":"active","I":"inactive"}}}`, given: `{"s":"I"}`, want: `{"s":"inactive"}`},
		{name: "numbers and strings", operation: `{"map":{"a":{"1":"one"},"b":{"1":"one"},"c":{"1.50":"x"}}}`, given: `{"a":1,"b":"1","c":1.50}`, want: `{"a":"one","b":"one","c":"x"}`},
		{name: "bools", operation: `{"map":{"a":{"true":1,"false":0},"b":{"true":1}}}`, given: `{"a":false,"b":"true"}`, want: `{"a":0,"b":1}`},
		{name: "typed values", operation: `{"map":{"u":{"6b0d549b-6f03-475a-9600-a35a099950d8":"x"},"d":{"9.50":"y"}}}`, given: `{"u":{"_type_":"uuid_hex","_data_":"6B0d549b6f03475a9600a35a099950d8"},"d":{"_type_":"decimal_str","_data_":"9.50"}}`, want: `{"u":"x","d":"y"}`},
		{name: "to anything", operation: `{"map":{"s":{"A":{"code":[1.10]},"B":null}}}`, given: `{"s":"A"}`, want: `{"s":{"code":[1.10]}}`},
		{name: "to null", operation: `{"map":{"s":{"":null}}}`, given: `{"s":""}`, want: `{"s":null}`},
		{name: "else", operation: `{"map":{"s":{"A":"active","else":"unknown"}}}`, given: `{"s":"Z"}`, want: `{"s":"unknown"}`},
		{name: "else as it is", operation: `{"map":{"s":{"A":"active","else":"$"}}}`, given: `{"s":"Z"}`, want: `{"s":"Z"}`},
		{name: "the value else", operation: `{"map":{"s":{"values":{"else":"otherwise"}}}}`, given: `{"s":"else"}`, want: `{"s":"otherwise"}`},
		{name: "the long form with else", operation: `{"map":{"s":{"values":{"A":1},"else":2}}}`, given: `{"s":"else"}`, want: `{"s":2}`},
		{name: "the value values", operation: `{"map":{"s":{"values":"v"}}}`, given: `{"s":"values"}`, want: `{"s":"v"}`},
		{name: "null and nothing", operation: `{"map":{"a":{"x":1},"b":{"x":1}}}`, given: `{"a":null}`, want: `{"a":null}`},
		{name: "the string null", operation: `{"map":{"a":{"null":1}}}`, given: `{"a":"null"}`, want: `{"a":1}`},
		{name: "elements", operation: `{"each":{"l":[{"map":{"$":{"a":1,"b":2}}}]}}`, given: `{"l":["b","a",null]}`, want: `{"l":[2,1,null]}`},
		{name: "unknown", operation: `{"map":{"s":{"A":1}}}`, given: `{"s":"B"}`, err: `map s: the string "B" is not in the table`},
		{name: "an unknown element", operation: `{"each":{"l":[{"map":{"$":{"a":1}}}]}}`, given: `{"l":["a","b"]}`, err: `map l[1]: the string "b" is not in the table`},
		{name: "a list", operation: `{"map":{"s":{"A":1,"else":2}}}`, given: `{"s":["A"]}`, err: "map s: want a single value, got a list"},
	})
	testBadRules(t, []badRule{
		{`{"map":{"s":{"else":1}}}`, "want values to map, got none"},
		{`{"map":{"s":{}}}`, "want paths with values, got 0 keys"},
		{`{"map":{"s":"A"}}`, `want paths with values, got "A"`},
	})
}
