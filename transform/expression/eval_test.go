package expression

import (
	"strings"
	"testing"

	"backstory/transform"
)

const payload = `{"a":{"b":"x","odd name":1,"deep":{"er":[1,[2,3]]}},"n":7,"neg":-3,"f":9.50,"half":2.5,"t":true,"nul":null,
	"big":123456789012345678901,"long":0.12345678901234567890123,"max":9223372036854775807,"nan":NaN,"inf":-Infinity,
	"s":"Héllo, wörld","empty":"","list":[3,1,2],"none":[],"obj":{"x":1,"y":2},
	"lines":[{"sku":"A","qty":2},{"sku":"B","qty":3}],
	"amt":{"_type_":"decimal_str","_data_":"12.30"},"sci":{"_type_":"decimal_str","_data_":"1E+3"},
	"id":{"_type_":"uuid_hex","_data_":"0123456789ABCDEF0123456789abcdef"},
	"at":{"_type_":"datetime_iso","_data_":"2025-01-31T08:00:00+00:00"},
	"odd":{"_type_":"money","_data_":"5"},"half_pair":"\ud800","iso":"2025-01-31T08:00:00+02:00"}`

func TestValues(t *testing.T) {
	const (
		i, f, s, b = transform.ValueInteger, transform.ValueFloat, transform.ValueString, transform.ValueTrue
		no         = transform.ValueFalse
		null, dec  = transform.ValueNull, transform.ValueDecimal
		arr, obj   = transform.ValueArray, transform.ValueObject
		stamp      = transform.ValueTimestamp
	)
	tests := []struct {
		text, want string
		kind       transform.ValueKind
	}{
		// Paths.
		{`data.a.b`, `"x"`, s},
		{`data.a["odd name"]`, `1`, i},
		{`data?.a?.b`, `"x"`, s},
		{`data.list[0]`, `3`, i},
		{`data.list[-1]`, `2`, i},
		{`data.list[7]`, `null`, null},
		{`data.list[-7]`, `null`, null},
		{`data.list[9223372036854775807]`, `null`, null},
		{`data.a.deep.er[1][0]`, `2`, i},
		{`data.missing`, `null`, null},
		{`data.missing.more[3].still`, `null`, null},
		{`data.nul.more`, `null`, null},
		{`data[data.a.b]`, `null`, null},
		{`data["a"]["b"]`, `"x"`, s},
		{`data.list[data.neg + 5]`, `2`, i},
		{`data.obj`, `{"x":1,"y":2}`, obj},
		{`meta.user + "@" + meta.trace.id`, `"ana@x"`, s},
		{`{x: {y: 5}}.x.y`, `5`, i},
		{`[4, 5][1]`, `5`, i},
		{`[4, 5][-3]`, `null`, null},
		{`(1..3)[1]`, `2`, i},
		{`get(data.lines, 1)?.sku`, `"B"`, s},
		{`get(data.obj, "y")`, `2`, i},

		// Passing on keeps digits and kinds.
		{`data.f`, `9.50`, f},
		{`data.big`, `123456789012345678901`, i},
		{`data.long ?? 1`, `0.12345678901234567890123`, f},
		{`data.t ? data.amt : 0`, `"12.30"`, dec},
		{`[data.amt][0]`, `"12.30"`, dec},
		{`data.id`, `"01234567-89ab-cdef-0123-456789abcdef"`, transform.ValueUUID},
		{`data.at`, `"2025-01-31T08:00:00+00:00"`, stamp},
		{`data.odd`, `"5"`, s},
		{`data.half_pair`, `"\ud800"`, s},
		{`let x = data.sci; x`, `"1E+3"`, dec},
		{`max(data.f, 3)`, `9.50`, f},
		{`map([data.f], #)`, `[9.50]`, arr},
		{`first(filter(data.lines, .qty == 3))`, `{"sku":"B","qty":3}`, obj},
		{`data.nan`, `"NaN"`, f},

		// Numbers.
		{`data.n + 1`, `8`, i},
		{`data.n - 10`, `-3`, i},
		{`data.n * data.neg`, `-21`, i},
		{`data.n / 2`, `3.5`, f},
		{`data.n / 7`, `1.0`, f},
		{`data.n % 4`, `3`, i},
		{`data.neg % 2`, `-1`, i},
		{`-data.n`, `-7`, i},
		{`+data.n`, `7`, i},
		{`-data.amt`, `"-12.30"`, dec},
		{`-data.half`, `-2.5`, f},
		{`data.max + 0`, `9223372036854775807`, i},
		{`-9223372036854775807 - 1`, `-9223372036854775808`, i},
		{`data.f * 2`, `19.0`, f},
		{`0.1 + 0.2`, `0.30000000000000004`, f},
		{`1e20 * 10`, `1e+21`, f},
		{`0.00002 / 2`, `1e-05`, f},
		{`data.amt + 1`, `"13.30"`, dec},
		{`data.amt - 0.3`, `"12.00"`, dec},
		{`data.amt * data.amt`, `"151.2900"`, dec},
		{`data.amt / 100`, `"0.123"`, dec},
		{`data.sci / 8`, `"125"`, dec},
		{`decimal("1") / -16`, `"-0.0625"`, dec},
		{`decimal("0.00") / 3`, `"0.00"`, dec},
		{`decimal("6") / 3`, `"2"`, dec},
		{`decimal("-0.05") * 1`, `"-0.05"`, dec},
		{`decimal(data.big) + 1`, `"123456789012345678902"`, dec},
		{`decimal(data.long) * 2`, `"0.24691357802469135780246"`, dec},
		{`data.sci + 0.5`, `"1000.5"`, dec},
		{`data.nan + 1`, `"NaN"`, f},
		{`data.inf * 2`, `"-Infinity"`, f},
		{`0x1F + 1_000`, `1031`, i},

		// Comparisons.
		{`data.f == 9.5`, `true`, b},
		{`1 == 1.0`, `true`, b},
		{`decimal("0.1") == 0.1`, `true`, b},
		{`0.1 + 0.2 == 0.3`, `false`, no},
		{`9007199254740993 == 9007199254740992.0`, `false`, no},
		{`9007199254740993 > 9007199254740992.0`, `true`, b},
		{`data.big > data.max`, `true`, b},
		{`data.big == 123456789012345678901.0`, ``, 0},
		{`data.long > 0.123456789012345678`, ``, 0},
		{`data.long > 0.1234567890123456`, `true`, b},
		{`data.sci == 1000`, `true`, b},
		{`data.amt < 12.31 and data.amt > 12.299`, `true`, b},
		{`decimal("-1E+400") < data.max`, `true`, b},
		{`decimal("-2") < decimal("-1.5")`, `true`, b},
		{`decimal("1E-400") > 0`, `true`, b},
		{`data.nan == data.nan`, `false`, no},
		{`data.nan != data.nan`, `true`, b},
		{`data.nan < 1 or data.nan >= 1`, `false`, no},
		{`data.inf < data.amt`, `true`, b},
		{`data.inf == data.inf`, `true`, b},
		{`"a" < "b"`, `true`, b},
		{`"2" == data.n`, `false`, no},
		{`data.nul == nil and data.missing == nil`, `true`, b},
		{`data.list == [3, 1, 2.0]`, `true`, b},
		{`data.list == [3, 1]`, `false`, no},
		{`data.obj == {y: 2, x: 1}`, `true`, b},
		{`data.obj != {y: 2}`, `true`, b},
		{`data.id == "01234567-89ab-cdef-0123-456789abcdef"`, `true`, b},
		{`1 < data.n <= 7`, `true`, b},

		// Choice.
		{`data.t ? 1 : data.a.b.c`, `1`, i},
		{`if data.n > 5 { "big" } else if data.n > 1 { "some" } else { "few" }`, `"big"`, s},
		{`not data.t or data.missing == 1`, `false`, no},
		{`!(data.n == 7)`, `false`, no},
		{`data.missing ?? data.nul ?? 5`, `5`, i},
		{`let x = data.n; let y = x + 1; x * y`, `56`, i},
		{`nil`, `null`, null},

		// Lists and objects.
		{`3 in data.list`, `true`, b},
		{`3.0 in data.list`, `true`, b},
		{`5 not in data.list`, `true`, b},
		{`5 in 1..9`, `true`, b},
		{`"nul" in data`, `true`, b},
		{`"missing" in data`, `false`, no},
		{`1 in data.missing`, `false`, no},
		{`all(data.lines, .qty > 1)`, `true`, b},
		{`any(data.lines, .sku == "B")`, `true`, b},
		{`none(data.lines, #.qty > 5)`, `true`, b},
		{`one(data.lines, .qty > 2)`, `true`, b},
		{`one(data.lines, .qty > 1)`, `false`, no},
		{`all(data.none, false)`, `true`, b},
		{`any(data.none, true)`, `false`, no},
		{`count(data.list, # > 1)`, `2`, i},
		{`count([true, false, true])`, `2`, i},
		{`find(data.lines, .qty == 3).sku`, `"B"`, s},
		{`find(data.lines, .qty == 9)`, `null`, null},
		{`findIndex(data.lines, .sku == "B")`, `1`, i},
		{`map(data.lines, .qty * 2)`, `[4,6]`, arr},
		{`map(data.obj, # + 1)`, `[2,3]`, arr},
		{`map(data.lines, #index)`, `[0,1]`, arr},
		{`map(data.none, 1)`, `[]`, arr},
		{`filter(1..6, # % 2 == 0)`, `[2,4,6]`, arr},
		{`map(data.list, map(1..#, # * 2))`, `[[2,4,6],[2],[2,4]]`, arr},
		{`sum(data.lines, .qty)`, `5`, i},
		{`sum(data.list)`, `6`, i},
		{`sum([data.amt, 1, 0.5])`, `"13.80"`, dec},
		{`sum(data.none)`, `0`, i},
		{`reduce(data.list, #acc * 10 + #)`, `312`, i},
		{`reduce(data.list, #acc + string(#), "")`, `"312"`, s},
		{`data.lines | filter(.qty > 2) | map(.sku) | join("-")`, `"B"`, s},
		{`len(data.list) + len(data.obj) + len(data.s) + len(1..4)`, `21`, i},
		{`first(data.list) + last(data.list)`, `5`, i},
		{`first(data.none)`, `null`, null},
		{`keys(data.obj)`, `["x","y"]`, arr},
		{`values(data.obj)`, `[1,2]`, arr},
		{`concat(data.list, [4], 5..6)`, `[3,1,2,4,5,6]`, arr},
		{`data.list[1:]`, `[1,2]`, arr},
		{`data.list[:-1]`, `[3,1]`, arr},
		{`data.list[2:1]`, `[]`, arr},
		{`(1..5)[1:3]`, `[2,3]`, arr},
		{`min(data.list)`, `1`, i},
		{`max(1, data.amt, 3.5)`, `"12.30"`, dec},
		{`min("b", "a")`, `"a"`, s},
		{`min([])`, `null`, null},
		{`{a: 1, "b c": [data.f, nil], (data.a.b): {}}`, `{"a":1,"b c":[9.50,null],"x":{}}`, obj},

		// Text.
		{`data.s[1:4]`, `"éll"`, s},
		{`data.s[-5:]`, `"wörld"`, s},
		{`len(data.s)`, `12`, i},
		{`upper(data.s)`, `"HÉLLO, WÖRLD"`, s},
		{`lower("ÀB")`, `"àb"`, s},
		{`trim("  x ")`, `"x"`, s},
		{`trim("--x-", "-")`, `"x"`, s},
		{`trimPrefix("v2", "v") + trimSuffix("a.b", ".b")`, `"2a"`, s},
		{`split("a,b,c", ",")`, `["a","b","c"]`, arr},
		{`split("a,b,c", ",", 2)`, `["a","b,c"]`, arr},
		{`split("héy", "")`, `["h","é","y"]`, arr},
		{`split("", ",")`, `[""]`, arr},
		{`join(["", "", "a"], ",")`, `",,a"`, s},
		{`join(["a", data.id])`, `"a01234567-89ab-cdef-0123-456789abcdef"`, s},
		{`replace("aXbX", "X", "--")`, `"a--b--"`, s},
		{`indexOf(data.s, "l") + lastIndexOf(data.s, "l")`, `12`, i},
		{`indexOf("a", "z")`, `-1`, i},
		{`hasPrefix(data.s, "H") and hasSuffix(data.s, "d")`, `true`, b},
		{`data.s contains "wör" and data.s startsWith "Hé" and data.s endsWith "ld"`, `true`, b},
		{`data.missing contains "x"`, `false`, no},
		{`data.s matches "^H.llo"`, `true`, b},
		{`data.s not matches "z"`, `true`, b},
		{`data.missing matches "x"`, `false`, no},
		{`"a\tb\u00e9" + 'c"' + ` + "`\\d`", `"a\tbéc\"\\d"`, s},

		// From one kind to another.
		{`int("12") + int(3.0) + int(data.sci)`, `1015`, i},
		{`int(" 7" | trim())`, `7`, i},
		{`int("-9223372036854775808")`, `-9223372036854775808`, i},
		{`float("0.5") + float(1) + float(data.amt)`, `13.8`, f},
		{`float(data.long)`, `0.12345678901234568`, f},
		{`float(data.max)`, `9.223372036854776e+18`, f},
		{`decimal("9.50")`, `"9.50"`, dec},
		{`decimal(data.f)`, `"9.50"`, dec},
		{`string(data.f) + string(1) + string(true) + string(data.amt) + string(2.0)`, `"9.501true12.302.0"`, s},
		{`string(data.id)`, `"01234567-89ab-cdef-0123-456789abcdef"`, s},
		{`toJSON(data.lines[0])`, `"{\"sku\":\"A\",\"qty\":2}"`, s},
		{`toJSON({a: [data.f]})`, `"{\"a\":[9.50]}"`, s},
		{`map([nil, true, 1, 1.5, data.amt, "s", [], {}, event_time], type(#))`,
			`["nil","bool","int","float","decimal","string","array","map","time"]`, arr},
		{`abs(-3) + abs(3)`, `6`, i},
		{`abs(decimal("-1.50"))`, `"1.50"`, dec},
		{`abs(-0.5)`, `0.5`, f},
		{`[round(2.5), round(-2.5), floor(-0.5), ceil(0.2), round(7)]`, `[3.0,-3.0,-1.0,1.0,7]`, arr},
		{`[round(data.amt, 1), round(decimal("-0.125"), 2), floor(decimal("-1.1")), ceil(decimal("-1.9")), round(decimal("2.5"))]`,
			`["12.3","-0.13","-2","-1","3"]`, arr},
		{`round(1.005, 2)`, `1.01`, f},
		{`round(1.2, 5)`, `1.2`, f},

		// Envelope and time.
		{`[position, stream_version, schema_version]`, `[120,3,2]`, arr},
		{`stream_id + " " + event_id + " " + event_type`, `"cart-7 e-1 Cart.ItemAdded"`, s},
		{`event_time`, `"2025-01-31T10:00:00.000001Z"`, stamp},
		{`event_time.Year() * 10000 + event_time.Month() * 100 + event_time.Day()`, `20250131`, i},
		{`event_time.Format("02.01.06 15h")`, `"31.01.25 10h"`, s},
		{`(event_time - date(data.at)).Minutes() > 120`, `true`, b},
		{`date(data.iso) < date(data.at)`, `true`, b},
		{`date("2025-03-01") - duration("24h") == date("2025-02-28")`, `true`, b},
		{`(date("2025-03-01") + duration("1m30s"))`, `"2025-03-01T00:01:30Z"`, stamp},
		{`date("31/12/24 23:59 -0100", "02/01/06 15:04 -0700")`, `"2025-01-01T00:59:00Z"`, stamp},
		{`duration("90s").Minutes()`, `1.5`, f},
		{`sum([duration("1s"), duration("2s")]).Seconds()`, `3.0`, f},
		{`date("1969-12-31").Unix()`, `-86400`, i},
	}
	env := event(t, payload)
	before := string(env.Event.Data.AppendJSON(nil, env.Event.Data.Root()))
	for _, tt := range tests {
		if tt.want == "" { // a literal of too many digits
			if _, err := Compile(tt.text, Options{}); err == nil {
				t.Errorf("%s: compiled, want an error", tt.text)
			}
			continue
		}
		got, kind, err := evaluate(env, tt.text, Options{})
		if err != nil || got != tt.want || kind != tt.kind {
			t.Errorf("%s: got %s (%s), error %v, want %s (%s)", tt.text, got, kind, err, tt.want, tt.kind)
		}
	}
	if after := string(env.Event.Data.AppendJSON(nil, env.Event.Data.Root())); after != before {
		t.Errorf("the payload was changed: %s", after)
	}
}

// What an expression gives may become part of the document it read.
func TestValueIntoItsOwnDocument(t *testing.T) {
	env := event(t, `{"a":{"n":1.50,"l":["x"]}}`)
	d := env.Event.Data
	v, err := mustCompile(t, `[data.a, data.a.l, "new"]`).Value(env, d)
	if err != nil {
		t.Fatal(err)
	}
	d.Put(d.Root(), "b", v)
	const want = `{"a":{"n":1.50,"l":["x"]},"b":[{"n":1.50,"l":["x"]},["x"],"new"]}`
	if got := string(d.AppendJSON(nil, d.Root())); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestEach(t *testing.T) {
	env := event(t, `{"factor":2,"lines":[{"qty":3}]}`)
	env.Doc = env.Event.Data
	env.Root = env.Doc.First(env.Doc.Get("lines"))
	got, _, err := evaluate(env, `it.qty * data.factor`, Options{InEach: true})
	if err != nil || got != "6" {
		t.Errorf("got %s, error %v, want 6", got, err)
	}
}

func TestNoMetadata(t *testing.T) {
	var none transform.Document
	env := event(t, `{}`)
	env.Event.Meta, env.Event.HasTime, env.Event.ID = &none, false, nil
	got, _, err := evaluate(env, `[meta, meta.user, event_time, event_id]`, Options{})
	if err != nil || got != `[null,null,null,null]` {
		t.Errorf("got %s, error %v", got, err)
	}
	env.Event.Meta = nil
	if got, _, err = evaluate(env, `meta.user ?? "nobody"`, Options{}); err != nil || got != `"nobody"` {
		t.Errorf("got %s, error %v", got, err)
	}
}

func TestBool(t *testing.T) {
	env := event(t, payload)
	for text, want := range map[string]bool{`data.n > 3`: true, `data.t`: true, `data.n > 3 and data.n < 5`: false, `true`: true} {
		p, err := Compile(text, Options{Bool: true})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Bool(env); got != want || err != nil {
			t.Errorf("%s: got %v, error %v", text, got, err)
		}
	}
	p, err := Compile(`data.missing`, Options{Bool: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Bool(env); err == nil || !strings.Contains(err.Error(), "gives nil, want a bool") {
		t.Errorf("got %v", err)
	}
	if p.Text() != `data.missing` {
		t.Errorf("text is %q", p.Text())
	}
}
