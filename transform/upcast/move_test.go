package upcast

import "testing"

func TestMove(t *testing.T) {
	testOperations(t, []fieldTest{
		{name: "into a new object", operation: `{"move":{"sku":"line.sku","price":"line.price"}}`, given: `{"sku":"A","price":{"_type_":"decimal_str","_data_":"9.50"},"x":1}`, want: `{"x":1,"line":{"sku":"A","price":"9.50"}}`},
		{name: "out of an object", operation: `{"move":{"a.b":"b"}}`, given: `{"a":{"b":[1]},"c":2}`, want: `{"a":{},"c":2,"b":[1]}`},
		{name: "what is not there", operation: `{"move":{"a.b":"x.y"}}`, given: `{"c":2}`, want: `{"c":2}`},
		{name: "below itself", operation: `{"move":{"price":"price.amount"}}`, given: `{"price":5}`, want: `{"price":{"amount":5}}`},
		{name: "above itself", operation: `{"move":{"name.full":"name"}}`, given: `{"name":{"full":"Ana"}}`, want: `{"name":"Ana"}`},
		{name: "above itself, with others", operation: `{"move":{"name.full":"name"}}`, given: `{"name":{"full":"Ana","x":1}}`, err: "move name.full: there is another value at name already"},
		{name: "above an object emptied by another", operation: `{"move":{"b":"a"}}`, given: `{"a":{},"b":1}`, err: "move b: there is another value at a already"},
		{name: "to the metadata", operation: `{"move":{"user.id":"meta.user.id"}}`, given: `{"user":{"id":{"_type_":"uuid_hex","_data_":"6b0d549b6f03475a9600a35a099950d8"},"x":[{"y":1}]}}`, want: `{"user":{"x":[{"y":1}]}}`, wantMeta: `{"user":{"id":"6b0d549b-6f03-475a-9600-a35a099950d8"}}`},
		{name: "from the metadata", operation: `{"move":{"meta.user":"user"}}`, given: `{}`, want: `{"user":{"x":[1,"é"]}}`, meta: `{"user":{"x":[1,"\u00e9"]},"t":1}`, wantMeta: `{"t":1}`},
		{name: "an element", operation: `{"move":{"lines[-1]":"last"}}`, given: `{"lines":[1,2,3]}`, want: `{"lines":[1,2],"last":3}`},
		{name: "neighbours", operation: `{"move":{"l[0]":"lat","l[1]":"lon"}}`, given: `{"l":[52.1,4.3,9]}`, want: `{"l":[9],"lat":52.1,"lon":4.3}`},
		{name: "one element to two places", operation: `{"move":{"l[0]":"a","l[-1]":"b"}}`, given: `{"l":[1]}`, want: `{"l":[],"a":1}`},
		{name: "one after the other", operation: `{"move":{"a":"b","b":"c"}}`, given: `{"a":1}`, want: `{"c":1}`},
		{name: "out of what has moved", operation: `{"move":{"l":"m","l[0].x":"x"}}`, given: `{"l":[{"x":1,"y":2}]}`, want: `{"m":[{"y":2}],"x":1}`},
		{name: "a null gives way", operation: `{"move":{"a":"b.c"}}`, given: `{"a":1,"b":null}`, want: `{"b":{"c":1}}`},
		{name: "a moved null gives way", operation: `{"move":{"a":"b"}}`, given: `{"a":null,"b":1}`, want: `{"b":1}`},
		{name: "a null to nothing", operation: `{"move":{"a":"b"}}`, given: `{"a":null}`, want: `{"b":null}`},
		{name: "both are there", operation: `{"move":{"a":"b.c"}}`, given: `{"a":1,"b":{"c":1}}`, err: "move a: there is another value at b.c already"},
		{name: "wrong kind on the way from", operation: `{"move":{"a.b":"c"}}`, given: `{"a":[1]}`, err: "move a.b: a is a list, not an object"},
		{name: "wrong kind on the way to", operation: `{"move":{"a":"b.c"}}`, given: `{"a":1,"b":true}`, err: "move a: b is a bool, not an object"},
		{name: "elements become what is in them", operation: `{"each":{"l":[{"move":{"v":"$"}}]}}`, given: `{"l":[{"v":1},{"v":{"v":2}},null]}`, want: `{"l":[1,{"v":2},null]}`},
		{name: "elements with more in them", operation: `{"each":{"l":[{"move":{"v":"$"}}]}}`, given: `{"l":[{"v":1},{"v":1,"w":2}]}`, err: "move l[1].v: there is another value at $ already"},
	})
	testBadRules(t, []badRule{
		{`{"move":{"a":"a"}}`, "both paths are the same: a"},
		{`{"move":{"data.a":"a"}}`, "both paths are the same: a"},
		{`{"move":{"data":"x"}}`, "data has no place here: it is the payload"},
		{`{"move":{"a":"c","b":["c"]}}`, "want a path, got a list of 1"},
		{`{"move":"a"}`, `want paths with values, got "a"`},
	})
}
