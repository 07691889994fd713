package expression

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"backstory/transform"

	"github.com/google/go-cmp/cmp"
)

// Expressions that do not compile, and what is said of them.
var refused = []string{
	``, `  `, `1 +`, `(1`, `data.n +* 3`, `data.a.`, `"open`, `a b`, `@`, `1 ?? 2 + 3`,
	`foo`, `dat.n`, `event_typ == "x"`, `it.x`, `#`, `.x`, `map(data.l, #acc)`, `$env`, `stream_version2`,
	`event_type + 1`, `1 + "a"`, `stream_id > 3`, `event_type == 1`, `event_time == "2025-01-31"`, `nil + 1`, `-"a"`, `not 1`,
	`1 and true`, `"x" ? 1 : 2`, `1 in 2`, `1 in "abc"`, `"a" contains 1`, `2 ** 3`, `2 ^ 3`, `5 % 2.0`,
	`1..2.5`, `event_type.x`, `(1).x`, `event_type[0]`, `data[true]`, `event_time[1:2]`, `1; 2`, `b"bytes"`,
	`let data = 1; data`, `let len = 1; len`, `let x = 1; let x = 2; x`, `{a: 1, a: 2}`, `{(1): 2}`,
	`now()`, `repeat("a", 5)`, `groupBy(data.l, .x)`, `lenn(1)`, `env("HOME")`, `len()`, `len(1, 2)`, `len(5)`, `replace("a")`,
	`data.x()`, `event_time.Local()`, `event_time.Yeer()`, `event_type.Year()`, `event_time.Year(1)`, `map(1, #)`, `all(data.l, 1)`,
	`data.a matches data.b`, `data.a matches "("`, `data.a matches "(a{1000}){1000}"`, `data.a matches "a{900}"`, `1 matches "a"`,
	`9223372036854775808`, `9223372036854775807 + 1`, `1 / 0`, `1 % 0`, `1e999`, `0.12345678901234567890`, `decimal("x")`,
	`int("1.5")`, `decimal("1") / 3`, `duration("1h")`, `event_time - event_time`, `date("tomorrow")`, `date("1", "MST")`,
	`round(1.5, 99)`, `max("a", 1)`, `min(true)`,
}

// Expressions that fail on the payload of TestValues.
var failing = []string{
	`data.a.b.c`, `data.n.x`, `data.list.x`, `data.lines.sku`, `data.obj[0]`, `data.a.b[0]`, `data.t?.x`, `map(data.lines, .sku.x)`,
	`data[data.n]`, `data[data.t]`, `data.list[data.a.b]`, `{a: 1}[data.n]`, `[1].x`,
	`data.n + data.s`, `data.missing + 1`, `data.s + data.missing`, `data.n - data.t`, `-data.s`, `data.s * 2`, `data.list + data.list`,
	`data.max + 1`, `-data.max - 2`, `data.max * 2`, `data.max * -2`, `data.neg * data.max`, `data.big + 1`, `-data.big`, `data.big % 2`, `1 % (data.n - 7)`,
	`data.long * 2`, `-data.long`, `data.max + 0.5`, `data.max / 2`, `data.n / 0`, `data.f / (data.n - 7)`, `1e308 * data.n`,
	`data.amt / 7`, `data.amt / 0`, `data.amt + data.nan`, `decimal("1E+99") * data.n`, `decimal(data.big) * data.big * data.big * data.big`,
	`data.s < 1`, `data.t < data.t`, `data.nul < 1`, `data.s contains data.n`, `data.n contains "a"`, `data.n in data.s`, `data.n in data.obj`,
	`data.n ? 1 : 2`, `data.missing and true`, `not data.nul`, `all(data.lines, .qty)`, `count(data.list)`, `filter(data.missing, true)`, `map(data.n, #)`,
	`sum(data.lines)`, `sum([1, "a"])`, `len(data.n)`, `len(data.missing)`, `upper(data.n)`, `join(data.list)`, `data.n[1:]`, `data.s[data.f:]`,
	`data.n..data.f`, `1..data.max`, `split(data.s, ",", data.big)`, `keys(data.list)`, `get(data.list, data.f)`,
	`int(data.half)`, `int(data.s)`, `int(data.big)`, `int("0x10" + data.empty)`, `float(data.s)`, `decimal(data.nan)`, `string(data.list)`,
	`data.n matches "x"`, `{(data.n): 1}`, `{(data.a.b): 1, x: 2}`, `round(data.amt, data.neg)`,
	`date(data.s)`, `date(data.iso + "x", "2006")`, `date("2025-01-31T10:00:00.0000001" + data.empty)`,
	`duration(data.s).Hours()`, `date("9999-12-31") + duration(data.empty + "48h")`, `map([1], duration("1s"))`, `max(data.list, 1)`, `min(data.lines)`,
}

func TestErrors(t *testing.T) {
	var b strings.Builder
	write := func(text string, err error) {
		fmt.Fprintln(&b, text)
		if err == nil {
			fmt.Fprintln(&b, "    no error")
			t.Errorf("%s: no error", text)
			return
		}
		e := asError(t, err)
		fmt.Fprintf(&b, "    %v\n", e)
		if e.Hint() != "" {
			fmt.Fprintf(&b, "    hint: %s\n", e.Hint())
		}
		if strings.Contains(e.Message, "interface") || strings.Contains(e.Message, "expression.") {
			t.Errorf("%s: the message speaks of Go: %s", text, e.Message)
		}
	}
	fmt.Fprint(&b, "# Refused when compiled\n\n")
	for _, text := range refused {
		_, err := Compile(text, Options{})
		write(text, err)
	}
	for _, text := range []string{`1`, `data.s + "x"`, `nil`, `event_time`} {
		_, err := Compile(text, Options{Bool: true})
		write(text+"    (as a condition)", err)
	}
	fmt.Fprint(&b, "\n# Errors of the event\n\n")
	env := event(t, payload)
	for _, text := range failing {
		_, _, err := evaluate(env, text, Options{})
		if _, compiled := Compile(text, Options{}); compiled != nil {
			t.Errorf("%s: refused, want an error of the event: %v", text, compiled)
		}
		write(text, err)
		checkUntold(t, asError(t, err), env.Event.Data, env.Event.Data.Root(), text)
	}
	golden(t, "errors.txt", b.String())
}

// checkUntold finds values of the event in the text of an error that is to
// tell none; short ones, and those that the expression has, prove nothing.
func checkUntold(t *testing.T, e *Error, d *transform.Document, v transform.Value, text string) {
	t.Helper()
	switch d.Kind(v) {
	case transform.ValueNull, transform.ValueFalse, transform.ValueTrue:
	case transform.ValueArray, transform.ValueObject:
		for c := d.First(v); c != transform.None; c = d.Next(c) {
			checkUntold(t, e, d, c, text)
		}
	default:
		if told := string(d.Text(v)); len(told) > 3 && !strings.Contains(text, told) && strings.Contains(e.Untold(), told) {
			t.Errorf("%s: %q tells the value %s", text, e.Untold(), told)
		}
	}
}

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with a file in testdata; with -update it writes the file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
