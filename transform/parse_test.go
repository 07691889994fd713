package transform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

var parseSeeds = []string{
	``, ` `, `null`, ` [ ] `, `{}`, `{"a":1,"b":[true,false,null]}`, `{"a":{"b":{"c":[{},[],""]}}}`, `"\u0041\u00e9\u4e2d"`, `"\ud83d\ude00"`,
	`"\ud800"`, `"\ud800\ud800\udc00"`, `"\udc00x"`, `"\ud800\u0041"`, `{"\ud800":1}`, `{"\ud800":1,"\ufffd":2}`, `"\ufffd"`,
	`"\"\\\/\b\f\n\r\t"`, `"\x"`, `"\u12g4"`, `"\u12`, `"\`, `"a`, "\"\x01\"", "\"\x7f\"", "\"\xff\"", "\xef\xbb\xbf{}", "\"é漢😀\"",
	`-`, `-0`, `0`, `01`, `-01`, `1.`, `.5`, `1.5`, `1e`, `1e+`, `1E-7`, `1e400`, `123456789012345678901234567890`, `+1`, `0x1`,
	`NaN`, `Infinity`, `-Infinity`, `-NaN`, `[NaN,-Infinity]`, `nan`, `Nan`, `-I`, `tru`, `nulll`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"a":{"a":1}}`,
	`[1,]`, `{"a":1,}`, `{"a"}`, `{"a" 1}`, `{1:2}`, `[1 2]`, `[}`, `{]`, `[[[[`, `1 2`, `{"a":1}}`,
	`{"_type_":"uuid_hex","_data_":"6B0d549b6f03475a9600a35a099950d8"}`, `{"_data_":"1E+3","_type_":"decimal_str"}`,
	`{"_type_":"datetime_iso","_data_":"2025-01-01T08:28:09"}`, `{"_type_":"odd","_data_":{"_type_":"odder","_data_":[{"_type_":"uuid_hex","_data_":1}]}}`,
	`{"_type_":"odd","_data_":"\ud800"}`, `{"_type_":null,"_data_":1}`, `{"_type_":"x","_data_":1,"more":2}`, `{"_type_":"x","_type_":1}`,
	`"01234567\"9abcdef\\01234567\n"`, `"0123456\u0000"`,
}

// FuzzParse compares the tape with encoding/json: both take and refuse the
// same texts but for what Document says of itself, and find the same values.
func FuzzParse(f *testing.F) {
	for _, s := range parseSeeds {
		f.Add([]byte(s))
	}
	f.Add([]byte(strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth)))
	f.Add([]byte(strings.Repeat(`{"a":`, maxDepth+1) + "1" + strings.Repeat("}", maxDepth+1)))
	f.Add([]byte(manyNames(100)))
	f.Add([]byte(`{"k7":0,` + manyNames(100)[1:]))
	f.Add([]byte(strings.TrimSuffix(manyNames(100), "}") + `,"k99":0}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		var d Document
		err := d.Parse(src, false)
		checkAgainstJSON(t, &d, src, err)
		var syntax *SyntaxError
		if err != nil && (!errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > len(src) || d.Root() != None) {
			t.Fatalf("got error %v and root %d", err, d.Root())
		}
		if err == nil {
			checkAgain(t, &d)
		}
		// Markers change what values are, not which texts are documents.
		var m Document
		if merr := m.Parse(src, true); (merr == nil) != (err == nil) {
			t.Fatalf("with markers: %v; without: %v", merr, err)
		} else if merr == nil {
			checkAgain(t, &m)
		}
	})
}

func manyNames(n int) string {
	var members []string
	for i := range n {
		members = append(members, fmt.Sprintf(`"k%d":%d`, i, i))
	}
	return "{" + strings.Join(members, ",") + "}"
}

// checkAgain checks that what AppendJSON writes is the same document.
func checkAgain(t *testing.T, d *Document) {
	t.Helper()
	text := d.AppendJSON(nil, d.Root())
	if !json.Valid(text) {
		t.Fatalf("AppendJSON wrote what is no JSON: %s", text)
	}
	var again Document
	if err := again.Parse(text, false); err != nil {
		t.Fatalf("parse %s again: %v", text, err)
	}
	if second := again.AppendJSON(nil, again.Root()); !bytes.Equal(text, second) {
		t.Fatalf("written again: got %s, want %s", second, text)
	}
}

func checkAgainstJSON(t *testing.T, d *Document, src []byte, err error) {
	t.Helper()
	if !utf8.Valid(src) {
		if err == nil {
			t.Fatal("took text that is not UTF-8")
		}
		return
	}
	// Bare words for what JSON has no number for become strings that no
	// document holds by chance.
	text := replaceWords(src)
	if !json.Valid(text) {
		if err == nil {
			t.Fatalf("took %q, which encoding/json does not", src)
		}
		return
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	want, twice := decodeTree(t, dec)
	if twice != errors.Is(asTwice(err), errTwice) {
		t.Fatalf("a name stands twice: %v, but got error %v for %q", twice, err, src)
	}
	if twice {
		return
	}
	if err != nil {
		t.Fatalf("refused %q: %v", src, err)
	}
	if got := treeOf(d, d.Root()); !reflect.DeepEqual(got, want) { // go-cmp takes minutes for 10,000 levels
		t.Fatalf("%q: got %v, encoding/json has %v", src, got, want)
	}
}

// asTwice gives errTwice if the message of err says so.
func asTwice(err error) error {
	if err != nil && strings.HasSuffix(err.Error(), errTwice.Error()) {
		return errTwice
	}
	return err
}

const wordMark = "\x7fword:"

// replaceWords puts strings in place of NaN, Infinity and -Infinity where
// these stand outside of strings.
func replaceWords(src []byte) []byte {
	var out []byte
	inString := false
	for i := 0; i < len(src); i++ {
		c := src[i]
		if inString {
			if c == '\\' && i+1 < len(src) {
				out = append(out, c)
				i++
				c = src[i]
			} else if c == '"' {
				inString = false
			}
			out = append(out, c)
			continue
		}
		if c == '"' {
			inString = true
		}
		replaced := false
		for _, w := range []string{"NaN", "Infinity", "-Infinity"} {
			after := i + len(w)
			if bytes.HasPrefix(src[i:], []byte(w)) && (after == len(src) || strings.IndexByte(" \t\r\n,]}", src[after]) >= 0) {
				out = append(out, `"`+wordMark+w+`"`...)
				i = after - 1
				replaced = true
				break
			}
		}
		if !replaced {
			out = append(out, c)
		}
	}
	return out
}

// A tree is a value: nil, bool, json.Number, string, []any of elements, or
// an object as a list of names and values.
type treeObject []any

// decodeTree reads one value, keeping the order of members, and tells
// whether a name stands twice in an object.
func decodeTree(t *testing.T, dec *json.Decoder) (any, bool) {
	t.Helper()
	tok, err := dec.Token()
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	delim, ok := tok.(json.Delim)
	if !ok {
		if s, ok := tok.(string); ok && strings.HasPrefix(s, wordMark) {
			return json.Number(s[len(wordMark):]), false
		}
		return tok, false
	}
	twice := false
	if delim == '[' {
		list := []any{}
		for dec.More() {
			v, tw := decodeTree(t, dec)
			list, twice = append(list, v), twice || tw
		}
		dec.Token()
		return list, twice
	}
	object, seen := treeObject{}, make(map[string]bool)
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		twice = twice || seen[name.(string)]
		seen[name.(string)] = true
		v, tw := decodeTree(t, dec)
		object, twice = append(object, name, v), twice || tw
	}
	dec.Token()
	return object, twice
}

func treeOf(d *Document, v Value) any {
	switch d.Kind(v) {
	case ValueNull:
		return nil
	case ValueFalse, ValueTrue:
		return d.Kind(v) == ValueTrue
	case ValueInteger, ValueFloat:
		return json.Number(d.Text(v))
	case ValueArray:
		list := []any{}
		for c := d.First(v); c != None; c = d.Next(c) {
			list = append(list, treeOf(d, c))
		}
		return list
	case ValueObject:
		object := treeObject{}
		for c := d.First(v); c != None; c = d.Next(c) {
			object = append(object, string(d.Name(c)), treeOf(d, c))
		}
		return object
	}
	return string(d.Text(v))
}

func TestParseErrors(t *testing.T) {
	tests := []struct{ src, want string }{
		{``, `byte 0: document ends where a value should begin`},
		{`{"a":1,"b":2,"a":3}`, `byte 13: the name "a" stands twice in an object`},
		{`{"a":tru}`, `byte 5: unknown word where a value should begin`},
		{`{"a":01}`, `byte 5: a number must not begin with 0`},
		{`{"a":1.}`, `byte 7: want a digit after the decimal point`},
		{`{"a":"b`, `byte 7: document ends inside a string`},
		{"[\"\n\"]", `byte 2: control character 0x0a in a string`},
		{`["\q"]`, `byte 2: unknown escape \q`},
		{`[1}`, `byte 2: unexpected '}' in a list`},
		{`{} {}`, `byte 3: more text after the document`},
		{"[\"\xff\"]", `byte 2: text is not UTF-8`},
		{strings.Repeat("[", maxDepth+1), `byte 10000: nested deeper than 10000 levels`},
	}
	for _, tt := range tests {
		var d Document
		err := d.Parse([]byte(tt.src), false)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%.40q: got %v, want %s", tt.src, err, tt.want)
		}
	}
}

func TestHalfSurrogatesAreKept(t *testing.T) {
	var d Document
	const src = `{"a":"x\ud800y","b":"\ud83d\ude00"}`
	if err := d.Parse([]byte(src), false); err != nil {
		t.Fatal(err)
	}
	a, b := d.Get("a"), d.Get("b")
	if got := string(d.Text(a)); got != "x\ufffdy" || d.Exact(a) {
		t.Errorf("a: got %q, exact %v", got, d.Exact(a))
	}
	if got := string(d.Text(b)); got != "😀" || !d.Exact(b) {
		t.Errorf("b: got %q, exact %v", got, d.Exact(b))
	}
	if got, want := string(d.AppendJSON(nil, d.Root())), `{"a":"x\ud800y","b":"😀"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestMarkers(t *testing.T) {
	tests := []struct {
		src    string
		kind   ValueKind
		text   string
		marker string
	}{
		{`{"_type_":"uuid_hex","_data_":"6B0D549b6f03475a9600a35a099950d8"}`, ValueUUID, `"6b0d549b-6f03-475a-9600-a35a099950d8"`, ""},
		{`{"_data_":"12.340","_type_":"decimal_str"}`, ValueDecimal, `"12.340"`, ""},
		{`{"_type_":"datetime_iso","_data_":"2025-01-01T08:28:09"}`, ValueTimestamp, `"2025-01-01T08:28:09"`, ""},
		{`{"_type_":"uuid_hex","_data_":"none"}`, ValueString, `"none"`, "uuid_hex"},
		{`{"_type_":"money","_data_":{"amount":{"_type_":"decimal_str","_data_":"1"}}}`, ValueObject, `{"amount":"1"}`, "money"},
		{`{"_type_":"a\u0062","_data_":[{"_type_":"c","_data_":1}]}`, ValueArray, `[1]`, "ab"},
		{`{"_type_":"x","_data_":1,"more":2}`, ValueObject, `{"_type_":"x","_data_":1,"more":2}`, ""},
		{`{"_type_":7,"_data_":1}`, ValueObject, `{"_type_":7,"_data_":1}`, ""},
	}
	for _, tt := range tests {
		var d Document
		if err := d.Parse([]byte(`{"v":`+tt.src+`,"after":true}`), true); err != nil {
			t.Fatal(err)
		}
		v := d.Get("v")
		if d.Kind(v) != tt.kind || string(d.Marker(v)) != tt.marker || string(d.AppendJSON(nil, v)) != tt.text {
			t.Errorf("%s: got %v %s, marker %q", tt.src, d.Kind(v), d.AppendJSON(nil, v), d.Marker(v))
		}
		if d.Get("after") == None {
			t.Errorf("%s: what follows is lost", tt.src)
		}
	}
}

// A document that is parsed again allocates nothing and remembers nothing.
func TestParseAgain(t *testing.T) {
	var d Document
	payload := benchPayload(1)
	escaped := []byte(`{"a":"\ud800\n","b":[1,2,{"_type_":"x","_data_":1}]}`)
	if n := testing.AllocsPerRun(100, func() {
		if d.Parse(payload, true) != nil || d.Parse(escaped, true) != nil {
			t.Fatal("refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if d.Parse([]byte(`1 2`), true) == nil || d.Root() != None {
		t.Error("a refused document has a root")
	}
}
