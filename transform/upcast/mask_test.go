package upcast

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"
)

func hmacOf(text string) string {
	h := hmac.New(sha256.New, fieldKey)
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func TestMask(t *testing.T) {
	testOperations(t, []fieldTest{
		{name: "hmac", operation: `{"mask":{"email":"hmac"}}`, given: `{"email":"ana@example.com","x":1}`, want: fmt.Sprintf(`{"email":"%s","x":1}`, hmacOf("ana@example.com"))},
		{name: "hmac of every kind", operation: `{"mask":{"l":"hmac"}}`, given: `{"l":[1,"1",true,"true",1.50,` + uuidMarker + `,"6b0d549b-6f03-475a-9600-a35a099950d8",` + decimalMarker("1.50") + `,null]}`,
			want: fmt.Sprintf(`{"l":["%s","%s","%s","%s","%s","%s","%s","%s",null]}`, hmacOf("1"), hmacOf("1"), hmacOf("true"), hmacOf("true"), hmacOf("1.50"),
				hmacOf("6b0d549b-6f03-475a-9600-a35a099950d8"), hmacOf("6b0d549b-6f03-475a-9600-a35a099950d8"), hmacOf("1.50"))},
		{name: "hmac of an object", operation: `{"mask":{"o":"hmac"}}`, given: `{"o":{"a":"x","b":{"c":[""]}}}`, want: fmt.Sprintf(`{"o":{"a":"%s","b":{"c":["%s"]}}}`, hmacOf("x"), hmacOf(""))},
		{name: "redact", operation: `{"mask":{"a":"redact","n":"redact","x":"redact"}}`, given: `{"a":{"b":1,"c":["x",null]},"n":null}`, want: `{"a":{"b":"***","c":["***",null]},"n":null}`},
		{name: "partial", operation: `{"mask":{"card":{"partial":{"first":1,"last":4}}}}`, given: `{"card":"4111111111111234"}`, want: `{"card":"4***********1234"}`},
		{name: "partial by characters", operation: `{"mask":{"name":{"partial":{"first":2}}}}`, given: `{"name":"Dvořák"}`, want: `{"name":"Dv****"}`},
		{name: "partial of last ones", operation: `{"mask":{"name":{"partial":{"last":2}}}}`, given: `{"name":"Dvořák"}`, want: `{"name":"****ák"}`},
		{name: "partial of what is too short", operation: `{"mask":{"name":{"partial":{"first":1,"last":1}}}}`, given: `{"name":"Ed"}`, want: `{"name":"**"}`},
		{name: "partial of a number", operation: `{"mask":{"n":{"partial":{"last":2}}}}`, given: `{"n":12345}`, want: `{"n":"***45"}`},
		{name: "the year", operation: `{"mask":{"a":{"date":"year"},"b":{"date":"year"},"c":{"date":"year"}}}`, given: `{"a":"1984-05-17","b":` + timeMarker + `,"c":"2025-06-16 02:27"}`, want: `{"a":"1984-01-01","b":"2025-01-01T00:00:00+00:00","c":"2025-01-01T00:00:00"}`},
		{name: "the month", operation: `{"mask":{"a":{"date":"month"},"b":{"date":"month"}}}`, given: `{"a":"1984-05-17","b":"2025-06-16T23:27:24.5-03:30"}`, want: `{"a":"1984-05-01","b":"2025-06-01T00:00:00-03:30"}`},
		{name: "the day", operation: `{"mask":{"a":{"date":"day"},"b":{"date":"day"}}}`, given: `{"a":"1984-05-17","b":"2025-06-16T23:27:24Z"}`, want: `{"a":"1984-05-17","b":"2025-06-16T00:00:00Z"}`},
		{name: "no date", operation: `{"mask":{"a":{"date":"day"}}}`, given: `{"a":"1984-02-30"}`, err: "mask a: want a date or an ISO 8601 date and time, got a string"},
		{name: "a number for a date", operation: `{"mask":{"a":{"date":"day"}}}`, given: `{"a":1984}`, err: "mask a: want a date or an ISO 8601 date and time, got an integer"},
		{name: "in metadata", operation: `{"mask":{"meta.ip":"redact"}}`, given: `{}`, want: `{}`, meta: `{"ip":"1.2.3.4"}`, wantMeta: `{"ip":"***"}`},
		{name: "elements", operation: `{"each":{"l":[{"mask":{"$":"redact"}}]}}`, given: `{"l":["x",null,["y"]]}`, want: `{"l":["***",null,["***"]]}`},
		{name: "what is not there", operation: `{"mask":{"a":"hmac"}}`, given: `{}`, want: `{}`},
	})
	testBadRules(t, []badRule{
		{`{"mask":{"a":"hmac"}}`, "mask by hmac wants a key, and none is configured"},
		{`{"mask":{"a":"sha1"}}`, `unknown mask "sha1"`},
		{`{"mask":{"a":{"partial":{}}}}`, "want first or last with a number, got 0 keys"},
		{`{"mask":{"a":{"partial":{"first":-1,"middle":2}}}}`, "unknown key middle; want a number of characters, got -1"},
		{`{"mask":{"a":{"partial":{"first":"1"}}}}`, `want a number of characters, got "1"`},
		{`{"mask":{"a":{"date":"week"}}}`, `want year, month or day, got "week"`},
		{`{"mask":["a"]}`, "want paths with values, got a list of 1"},
	})
}

func TestMaskKeyIsLong(t *testing.T) {
	key, arg := operationNode(t, `{"mask":{"a":"hmac"}}`)
	c := &compiler{options: Options{MaskKey: []byte("fifteen bytes!!")}}
	if op := c.operation(key, arg); op != nil || len(c.problems) != 1 || c.problems[0].Message != "the key of mask has 15 bytes" {
		t.Errorf("got %v, %v", op, c.problems)
	}
}
