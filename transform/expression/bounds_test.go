package expression

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"backstory/transform"
)

// Whatever is written, an evaluation ends soon and takes little memory.
func TestRunaways(t *testing.T) {
	env := event(t, `{"text":"`+strings.Repeat("ab", 50_000)+`","list":[`+strings.Repeat("1,", 50_000)+`2],"id":{"_type_":"uuid_hex","_data_":"0123456789abcdef0123456789abcdef"},
		"amt":{"_type_":"decimal_str","_data_":"`+strings.Repeat("9", 20_000)+`.5"}}`)
	tests := []struct{ name, text string }{
		{"nested maps", `map(1..1000000, map(1..1000000, #))`},
		{"nested loops without lists", `let r = 1..1000000; all(r, all(r, all(r, true)))`},
		{"count in count", `count(data.list, count(data.list, # == 1) > 0)`},
		{"text that grows", `reduce(1..1000000, #acc + data.text, "")`},
		{"text that doubles", `reduce(1..1000, #acc + #acc, "ab")`},
		{"replace that grows", `reduce(1..1000, replace(#acc, "a", "aa"), "a")`},
		{"lists in lists", `reduce(1..1000000, [#acc])`},
		{"shared lists", `toJSON(reduce(1..60, [#acc, #acc], [1]))`},
		{"shared lists compared", `let x = reduce(1..60, [#acc, #acc], [1]); let y = reduce(1..60, [#acc, #acc], [1]); x == y`},
		{"the document many times", `map(1..100000, data)`},
		{"concat that doubles", `reduce(1..100, concat(#acc, #acc), [1])`},
		{"split to characters", `map(1..1000, split(data.text, ""))`},
		{"element by place", `sum(1..50000, data.list[#])`},
		{"last element", `sum(1..50000, data.list[-1])`},
		{"search in loops", `count(1..1000000, data.text contains "c")`},
		{"patterns in loops", `count(1..1000000, data.text matches "(a|b)*c")`},
		{"comparisons in loops", `count(1..1000000, data.text == data.text)`},
		{"order in loops", `count(1..1000000, data.text < data.text + "")`},
		{"long decimals in loops", `count(1..1000000, data.amt > #)`},
		{"uuids in loops", `count(1..1000000, data.id == stream_id or event_type == "x" or len(data.id) == 1)`},
		{"trim", `count(1..1000000, trim(data.text, data.text) == "")`},
		{"join", `reduce(1..1000, join([#acc, #acc], data.text), "a")`},
		{"slices", `map(1..100000, data.list[1:])`},
		{"upper", `map(1..100000, upper(data.text))`},
		{"formats", `map(1..1000000, event_time.Format("Monday January Monday January"))`},
		{"lists made for each", `count(1..1000000, [1, 2, 3] == data.list[0:3])`},
	}
	for _, tt := range tests {
		p, err := Compile(tt.text, Options{})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		var out transform.Document
		_, err = p.Value(env, &out)
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: no error", tt.name)
			continue
		}
		if e := asError(t, err); e.Hint() == "" && !strings.Contains(e.Message, "nested") {
			t.Errorf("%s: no hint: %v", tt.name, e)
		}
		if took > time.Minute {
			t.Errorf("%s: took %v", tt.name, took)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<30 {
			t.Errorf("%s: allocated %d MiB", tt.name, grown>>20)
		}
		t.Logf("%-30s %8v %5d MiB  %v", tt.name, took.Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20, err)
	}
}

// The compiler is bounded too.
func TestLargeTexts(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"too long", strings.Repeat(" ", maxText) + "1", "bytes"},
		{"too many parts", strings.Repeat("1+", maxNodes) + "1", "parts"},
		{"parentheses", strings.Repeat("(", 4900) + "1" + strings.Repeat(")", 4900), ""},
		{"parentheses that stay open", strings.Repeat("(", 9999), "unexpected"},
		{"lists", strings.Repeat("[", 4999) + strings.Repeat("]", 4999), "parts"},
		{"lists within bounds", strings.Repeat("[", 500) + strings.Repeat("]", 500), "nested"},
		{"nots", strings.Repeat("!", 9990) + "true", "parts"},
		{"minus", strings.Repeat("-", 900) + "1", ""},
		{"members", "data" + strings.Repeat(".a", 450), ""},
		{"chains", "data" + strings.Repeat("?.a", 300), ""},
		{"choices", strings.Repeat("data.a ? 1 : ", 150) + "2", ""},
		{"calls", strings.Repeat(`replace(`, 240) + "data.a" + strings.Repeat(`,"a","b")`, 240), ""},
		{"ifs", strings.Repeat("if true { ", 300) + "1" + strings.Repeat(" } else { 2 }", 300), ""},
		{"braces", strings.Repeat("map(data,{", 300) + "1" + strings.Repeat("})", 300), ""},
		{"open text", `"` + strings.Repeat("a", 9000), "not terminated"},
		{"escapes", strings.Repeat(`\`, 9000), "unrecognized"},
		{"comparisons", "1" + strings.Repeat("<data.a", 150), ""},
		{"a long name", strings.Repeat("a", 9000), "unknown name"},
	}
	for _, tt := range tests {
		began := time.Now()
		_, err := Compile(tt.text, Options{})
		if took := time.Since(began); took > time.Minute {
			t.Errorf("%s: took %v", tt.name, took)
		}
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: got %v, want one with %q", tt.name, err, tt.want)
		}
	}
}

// One program serves many goroutines.
func TestManyGoroutines(t *testing.T) {
	p := mustCompile(t, `let n = sum(data.lines, .qty * data.factor); data.name + ":" + string(n) + map(data.lines, .sku)[0]`)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			letter := string(rune('a' + i))
			env := event(t, `{"name":"`+letter+`","factor":`+string(rune('1'+i))+`,"lines":[{"qty":1,"sku":"`+letter+`"},{"qty":1}]}`)
			want := `"` + letter + ":" + []string{"2", "4", "6", "8", "10", "12", "14", "16"}[i] + letter + `"`
			var out transform.Document
			for range 500 {
				out.Reset()
				v, err := p.Value(env, &out)
				if err != nil {
					t.Error(err)
					return
				}
				if got := string(out.AppendJSON(nil, v)); got != want {
					t.Errorf("got %s, want %s", got, want)
					return
				}
			}
		}()
	}
	wg.Wait()
}

// Evaluating and storing allocate nothing, but for lists that are made.
func TestNoAllocation(t *testing.T) {
	env := event(t, `{"items":4,"total":199.96,"id":{"_type_":"uuid_hex","_data_":"0123456789abcdef0123456789abcdef"},"customer":{"first":"Ana","last":"Silva"}}`)
	into := document(t, `{}`)
	for _, text := range []string{
		`data.items > 0 ? data.total / data.items : 0.0`,
		`data.customer.first + " " + data.customer.last`,
		`data.id == "x" or event_type in ["a", "b"] or event_time.Year() > 2030 or string(data.items) == "5"`,
		`count(data.customer, # contains "a") + sum(1..5)`,
	} {
		p := mustCompile(t, text)
		m := p.machine(env) // not by the pool, which forgets on purpose under the race detector
		got := testing.AllocsPerRun(100, func() {
			if err := into.Parse(empty, false); err != nil {
				t.Fatal(err)
			}
			m.begin(env)
			if err := p.code.run(m, &m.result); err != nil {
				t.Fatal(err)
			}
			if _, err := m.store(p.code.column, &m.result, into); err != nil {
				t.Fatal(err)
			}
			m.clear()
		})
		if got > 0 {
			t.Errorf("%s: %v allocations", text, got)
		}
	}
}
