package upcast

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"backstory/transform"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// jsonValue draws a JSON value, of few names so that paths lead somewhere.
func jsonValue(t *rapid.T, depth int) string {
	kinds := []string{"object", "object", "object", "list", "list", "number", "string", "string", "marker", "bool", "null"}
	if depth == 0 {
		kinds = kinds[5:]
	}
	switch rapid.SampledFrom(kinds).Draw(t, "kind") {
	case "null":
		return "null"
	case "bool":
		return rapid.SampledFrom([]string{"true", "false"}).Draw(t, "bool")
	case "number":
		return rapid.SampledFrom([]string{"0", "-1", "12", "9.50", "1E5", "NaN", "123456789012345678901"}).Draw(t, "number")
	case "string":
		return rapid.SampledFrom([]string{`""`, `"x"`, `"é\n"`, `"\u00e9"`, `"12"`, `"a, b"`, `"x\ud800"`, `"2025-01-31T09:30:00Z"`, `"{\"a\":1}"`}).Draw(t, "string")
	case "marker":
		return rapid.SampledFrom([]string{uuidMarker, timeMarker, decimalMarker("9.50"), `{"_type_":"odd","_data_":{"a":1}}`}).Draw(t, "marker")
	case "object":
		return jsonObject(t, depth)
	}
	var elements []string
	for range rapid.SampledFrom([]int{2, 1, 3, 0}).Draw(t, "elements") {
		elements = append(elements, jsonValue(t, depth-1))
	}
	return "[" + strings.Join(elements, ",") + "]"
}

func jsonObject(t *rapid.T, depth int) string {
	var members []string
	if depth > 0 {
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "l", ""}), 1, 4, rapid.ID).Draw(t, "names") {
			members = append(members, fmt.Sprintf("%q:%s", name, jsonValue(t, depth-1)))
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

func applyAll(t *rapid.T, s *Scope, operations string) {
	t.Helper()
	for _, o := range compileAll(t, operations) {
		if err := o.Apply(s); err != nil {
			t.Fatal(err)
		}
	}
}

func TestThereAndBack(t *testing.T) {
	for name, operations := range map[string]string{
		"rename":  `[{"rename":{"a":"other","other":"a"}}]`,
		"default": `[{"default":{"other":{"x":[1]},"meta.other":2}},{"drop":["other","meta.other"]}]`,
		"copy":    `[{"copy":{"data":"other","a":"meta.other"}},{"drop":["other","meta.other"]}]`,
	} {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			s := scopeOf(t, jsonObject(t, 4), `{}`)
			before := payload(s)
			applyAll(t, s, operations)
			if after := payload(s); after != before {
				t.Fatalf("got %s, want %s", after, before)
			}
		}))
	}
	// What is moved comes back at the end.
	t.Run("move", rapid.MakeCheck(func(t *rapid.T) {
		s := scopeOf(t, jsonObject(t, 4), `{}`)
		before := anyOf(t, payload(s))
		applyAll(t, s, `[{"move":{"a":"other.a","b":"meta.other.b"}},{"move":{"other.a":"a","meta.other.b":"b"}},{"drop":["other"]}]`)
		if diff := cmp.Diff(before, anyOf(t, payload(s))); diff != "" {
			t.Fatal(diff)
		}
	}))
}

func anyOf(t *rapid.T, text string) any {
	t.Helper()
	var v any
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// Masks depend on nothing but the value.
func TestMaskIsDeterministic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := jsonValue(t, 3)
		way := rapid.SampledFrom([]string{`"hmac"`, `"redact"`, `{"partial":{"first":1}}`}).Draw(t, "way")
		s := scopeOf(t, fmt.Sprintf(`{"a":%s,"b":[%s]}`, value, value), "")
		applyAll(t, s, fmt.Sprintf(`[{"mask":{"a":%s}},{"mask":{"b":%s}}]`, way, way))
		a := s.Doc.AppendJSON(nil, s.Doc.Get("a"))
		b := s.Doc.AppendJSON(nil, s.Doc.First(s.Doc.Get("b")))
		if !bytes.Equal(a, b) {
			t.Fatalf("got %s and %s", a, b)
		}
	})
}

// Whatever operations do to whatever event, and also where they fail: the
// document stays a tree, and what is written of it can be read again.
func TestDocumentStaysWellFormed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := scopeOf(t, jsonObject(t, 4), rapid.SampledFrom([]string{"", "{}", `{"a":{"b":1}}`, "null"}).Draw(t, "meta"))
		for range 12 {
			text := operationText(t, 2, "")
			n, err := Parse([]byte(text))
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			c := &compiler{options: Options{MaskKey: fieldKey}}
			o := c.operation(&n.Keys[0], &n.Values[0])
			if o == nil || len(c.problems) > 0 {
				continue
			}
			_ = o.Apply(s) // what fails may have changed a part
			checkTree(t, s.Event.Data, text)
			checkTree(t, s.Event.Meta, text)
		}
	})
}

// operationText draws an operation on fields.
func operationText(t *rapid.T, depth int, element string) string {
	paths := []string{"a", "b", "c", "a.b", "a.b.c", "l", "l[0]", "l[-1].a", "b.a", "c.l[1]", `\"\"`}
	if element == "" {
		paths = append(paths, "data", "data.a", "meta.a", "meta.b.c", "meta")
	} else {
		paths = append(paths, "$", "$.a", "$[0]")
	}
	path := func() string { return rapid.SampledFrom(paths).Draw(t, "path") }
	of := func(name string, values ...string) string {
		return fmt.Sprintf(`{"%s":{"%s":%s}}`, name, path(), rapid.SampledFrom(values).Draw(t, "argument"))
	}
	switch rapid.SampledFrom([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}).Draw(t, "operation") {
	case 0:
		return of("rename", `"a"`, `"b"`, `"x"`, `"l"`)
	case 1, 2:
		return fmt.Sprintf(`{"move":{"%s":"%s"}}`, path(), path())
	case 3, 4:
		return fmt.Sprintf(`{"copy":{"%s":"%s"}}`, path(), path())
	case 5:
		return fmt.Sprintf(`{"drop":["%s"]}`, path())
	case 6:
		return of("default", `1`, `{"a":{"b":[1,"x"]}}`, `null`, `[]`)
	case 7:
		return of("cast", `"int"`, `"float"`, `"string"`, `"json"`, `"uuid"`, `{"decimal":[9,2]}`, `{"timestamp":"seconds"}`, `"datetime"`)
	case 8:
		return of("map", `{"x":{"a":1},"else":[2]}`, `{"12":null,"else":"$"}`)
	case 9:
		return of("parse", `{"split":", ","into":["a","b"],"optional":true}`, `{"json":true}`, `{"regex":"(?P<a>.)(?P<c>.*)","as":"a.b"}`, `{"json":true,"as":"b"}`)
	case 10:
		return of("mask", `"hmac"`, `"redact"`, `{"partial":{"last":1}}`, `{"date":"month"}`)
	}
	if depth == 0 {
		return `{"keep":["a","l"]}`
	}
	return fmt.Sprintf(`{"each":{"%s":[%s,%s]}}`, path(), operationText(t, depth-1, "$"), operationText(t, depth-1, "$"))
}

// checkTree checks that no value stands in two places, and that the text of
// the document is one.
func checkTree(t *rapid.T, d *transform.Document, operation string) {
	t.Helper()
	if d.Root() == transform.None {
		return
	}
	seen := make(map[transform.Value]bool)
	var walk func(v transform.Value)
	walk = func(v transform.Value) {
		if seen[v] {
			t.Fatalf("%s: a value stands in two places", operation)
		}
		seen[v] = true
		if k := d.Kind(v); k == transform.ValueArray || k == transform.ValueObject {
			for c := d.First(v); c != transform.None; c = d.Next(c) {
				walk(c)
			}
		}
	}
	walk(d.Root())
	text := jsonOf(d)
	var again transform.Document
	if err := again.Parse([]byte(text), false); err != nil {
		t.Fatalf("%s: %s: %v", operation, text, err)
	}
	if second := jsonOf(&again); second != text {
		t.Fatalf("%s: got %s, and read again %s", operation, text, second)
	}
}
