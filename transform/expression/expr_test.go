package expression

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/expr-lang/expr"
	"pgregory.net/rapid"

	"backstory/transform"
)

// Where both give a result, expr's own machine and this package give the same
// one: the language is expr's. What is stricter here is an error, not another
// result; what differs on purpose is left out of the grammar: index of what
// is not there, characters of text beyond ASCII, int of a fraction, whole
// floats as text.
func TestAsExpr(t *testing.T) {
	both := 0
	rapid.Check(t, func(t *rapid.T) {
		payload := `{"i":` + rapid.SampledFrom([]string{"0", "1", "7", "-3"}).Draw(t, "i") +
			`,"f":` + rapid.SampledFrom([]string{"0.5", "2.25", "-1.75"}).Draw(t, "f") +
			`,"s":` + rapid.SampledFrom([]string{`""`, `"abc"`, `"a,b"`}).Draw(t, "s") +
			`,"t":` + rapid.SampledFrom([]string{"true", "false"}).Draw(t, "t") +
			`,"n":null,"l":[3,1,2],"w":["a","b"],"o":{"i":5,"s":"x"},"r":[{"i":1,"s":"p"},{"i":2,"s":"q"}]}`
		text := generate(t, rapid.IntRange(1, 4).Draw(t, "depth"), rapid.SampledFrom([]string{"int", "num", "bool", "text", "list"}).Draw(t, "kind"), false)
		got, _, err := evaluate(envOf(parsed(t, payload)), text, Options{})
		if err != nil {
			return
		}
		var data any
		d := json.NewDecoder(strings.NewReader(payload))
		d.UseNumber()
		if err := d.Decode(&data); err != nil {
			t.Fatal(err)
		}
		result, err := expr.Eval(text, map[string]any{"data": plain(data)})
		if err != nil {
			return
		}
		var have any
		d = json.NewDecoder(strings.NewReader(got))
		d.UseNumber()
		if err := d.Decode(&have); err != nil {
			t.Fatalf("%s gives %s, which is not JSON: %v", text, got, err)
		}
		have, want := normal(plain(have)), normal(result)
		if !reflect.DeepEqual(have, want) {
			t.Fatalf("%s over %s: got %v, expr gives %v", text, payload, have, want)
		}
		both++
	})
	if both < 50 {
		t.Errorf("only %d expressions gave a result in both", both)
	}
}

// generate writes a random expression of a kind.
func generate(t *rapid.T, depth int, kind string, element bool) string {
	pick := func(options ...string) string { return rapid.SampledFrom(options).Draw(t, kind) }
	sub := func(kind string) string { return generate(t, depth-1, kind, element) }
	in := func(kind string) string { return generate(t, depth-1, kind, true) } // with # known
	leaf := depth <= 0
	switch kind {
	case "int":
		if element && rapid.Bool().Draw(t, "element") {
			return "#"
		}
		if leaf {
			return pick("data.i", "data.o.i", "data?.l[0]", "data.r[-1].i", "1", "3", "-2", "len(data.l)", "len(data.s)")
		}
		switch pick("+", "%", "?", "??", "len", "count", "findIndex", "sum", "index", "reduce", "let", "minmax") {
		case "+":
			return fmt.Sprintf("(%s %s %s)", sub("int"), pick("+", "-", "*"), sub("int"))
		case "%":
			return fmt.Sprintf("(%s %% %s)", sub("int"), sub("int"))
		case "?":
			return fmt.Sprintf("(%s ? %s : %s)", sub("bool"), sub("int"), sub("int"))
		case "??":
			return fmt.Sprintf("(data.n ?? %s)", sub("int"))
		case "len":
			return fmt.Sprintf("len(%s)", sub(pick("list", "text")))
		case "count":
			return fmt.Sprintf("count(%s, %s)", sub("list"), in("bool"))
		case "findIndex":
			return fmt.Sprintf("(findIndex(%s, %s) ?? -1)", sub("list"), in("bool"))
		case "sum":
			return fmt.Sprintf("sum(%s, %s)", sub("list"), in("int"))
		case "index":
			return fmt.Sprintf("(%s)[0]", "["+sub("int")+", 2]")
		case "reduce":
			// (# in the start value is the outer element here, the inner one in expr.)
			return fmt.Sprintf("reduce(%s, #acc + #, %s)", sub("list"), generate(t, depth-1, "int", false))
		case "let":
			return fmt.Sprintf("(let v%d = %s; v%d + 1)", depth, sub("int"), depth)
		}
		return fmt.Sprintf("%s(%s, %s)", pick("min", "max"), sub("int"), sub("int"))
	case "num":
		if leaf {
			return pick("data.f", "0.5", "1.25", "data.i")
		}
		return pick(
			fmt.Sprintf("(%s %s %s)", sub("num"), pick("+", "-", "*", "/"), sub("num")),
			fmt.Sprintf("-%s", sub("num")), fmt.Sprintf("abs(%s)", sub("num")), fmt.Sprintf("%s(%s)", pick("round", "floor", "ceil"), sub("num")))
	case "bool":
		if leaf {
			return pick("data.t", "true", "false")
		}
		switch pick("logic", "not", "compare", "equal", "in", "text", "list") {
		case "logic":
			return fmt.Sprintf("(%s %s %s)", sub("bool"), pick("and", "or", "&&", "||"), sub("bool"))
		case "not":
			return fmt.Sprintf("%s (%s)", pick("not", "!"), sub("bool"))
		case "compare":
			k := pick("num", "int", "text")
			return fmt.Sprintf("(%s %s %s)", sub(k), pick("<", "<=", ">", ">="), sub(k))
		case "equal":
			k := pick("num", "int", "text", "bool", "list")
			return fmt.Sprintf("(%s %s %s)", sub(k), pick("==", "!="), sub(k))
		case "in":
			return fmt.Sprintf("(%s %s %s)", sub("int"), pick("in", "not in"), sub("list"))
		case "text":
			return fmt.Sprintf("(%s %s %s)", sub("text"), pick("contains", "startsWith", "endsWith", "not contains"), sub("text"))
		}
		return fmt.Sprintf("%s(%s, %s)", pick("all", "any", "none", "one"), sub("list"), in("bool"))
	case "text":
		if leaf {
			return pick("data.s", "data.o.s", `"a"`, `","`, `'b'`, "data.w[1]", "data.r[0].s")
		}
		return pick(
			fmt.Sprintf("(%s + %s)", sub("text"), sub("text")),
			fmt.Sprintf("%s(%s)", pick("upper", "lower", "trim"), sub("text")),
			fmt.Sprintf("%s(%s, %s)", pick("trimPrefix", "trimSuffix", "trim"), sub("text"), sub("text")),
			fmt.Sprintf("replace(%s, %s, %s)", sub("text"), sub("text"), sub("text")),
			fmt.Sprintf("join(split(%s, %s), %s)", sub("text"), sub("text"), sub("text")),
			fmt.Sprintf("(%s)[%s:%s]", sub("text"), sub("int"), sub("int")),
			fmt.Sprintf("string(%s)", sub("int")), fmt.Sprintf("type(%s)", sub(pick("int", "text", "bool", "list"))),
			fmt.Sprintf("(data.w | map(# + %s) | join(%s))", sub("text"), sub("text")))
	}
	if leaf {
		return pick("data.l", "[1, 2]", "1..3", "[]", "map(data.r, .i)")
	}
	return pick(
		fmt.Sprintf("map(%s, %s)", sub("list"), in("int")),
		fmt.Sprintf("filter(%s, %s)", sub("list"), in("bool")),
		fmt.Sprintf("concat(%s, %s)", sub("list"), sub("list")),
		fmt.Sprintf("(%s)[%s:%s]", sub("list"), sub("int"), sub("int")),
		fmt.Sprintf("[%s, %s]", sub("int"), sub("int")))
}

func parsed(t *rapid.T, json string) *transform.Document {
	var d transform.Document
	if err := d.Parse([]byte(json), true); err != nil {
		t.Fatal(err)
	}
	return &d
}

// plain makes numbers of JSON ints and floats.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return int(i)
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	}
	return v
}

// normal brings results to one form: numbers to doubles, lists to []any.
func normal(v any) any {
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Int:
		return float64(r.Int())
	case reflect.Float64:
		if r.Float() == 0 {
			return 0.0 // not -0
		}
		return r.Float()
	case reflect.Slice:
		out := []any{}
		for i := range r.Len() {
			out = append(out, normal(r.Index(i).Interface()))
		}
		return out
	}
	return v
}
