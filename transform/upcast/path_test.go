package upcast

import (
	"fmt"
	"testing"

	"backstory/transform"

	"github.com/google/go-cmp/cmp"
)

func TestParsePath(t *testing.T) {
	name := func(n string) step { return step{name: n} }
	at := func(i int) step { return step{element: true, index: i} }
	tests := []struct {
		text  string
		first string
		meta  bool
		steps []step
	}{
		{"a", "", false, []step{name("a")}},
		{"a.b.c", "", false, []step{name("a"), name("b"), name("c")}},
		{"data.a", "data", false, []step{name("a")}},
		{"data", "data", false, nil},
		{"meta.a", "meta", true, []step{name("a")}},
		{"meta", "meta", true, nil},
		{`"meta".a`, "", false, []step{name("meta"), name("a")}},
		{"data.meta.a", "data", false, []step{name("meta"), name("a")}},
		{"a.data", "", false, []step{name("a"), name("data")}},
		{`"a.b".c`, "", false, []step{name("a.b"), name("c")}},
		{`"a\"\\"`, "", false, []step{name(`a"\`)}},
		{`""`, "", false, []step{name("")}},
		{"lines[0].sku", "", false, []step{name("lines"), at(0), name("sku")}},
		{"lines[-1]", "", false, []step{name("lines"), at(-1)}},
		{"a[1][2]", "", false, []step{name("a"), at(1), at(2)}},
		{"data[3]", "data", false, []step{at(3)}},
		{"$", "$", false, nil},
		{"$.a", "$", false, []step{name("a")}},
		{"$[0]", "$", false, []step{at(0)}},
		{"$type", "", false, []step{name("$type")}},
		{"odd name", "", false, []step{name("odd name")}},
		{"größe", "", false, []step{name("größe")}},
	}
	for _, tt := range tests {
		p, first, err := parsePath(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		want := path{text: tt.text, meta: tt.meta, steps: tt.steps}
		if diff := cmp.Diff(want, p, cmp.AllowUnexported(path{}, step{})); diff != "" || first != tt.first {
			t.Errorf("%s: first %q, %s", tt.text, first, diff)
		}
	}
}

func TestParsePathErrors(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", "0: a name is missing"},
		{"a.", "2: a name is missing"},
		{"a..b", "2: a name is missing"},
		{"[0]", "0: a name is missing"},
		{" a", "0: a name with spaces at its ends stands in quotes"},
		{"a. b", "2: a name with spaces at its ends stands in quotes"},
		{`"a`, "0: the closing quote is missing"},
		{`"a\n"`, `2: in quotes, a backslash stands in front of " or \`},
		{`"a"b`, `3: want a dot in front of b`},
		{`a"b"`, `1: want a dot in front of "b"`},
		{"a[", "1: the closing ] is missing"},
		{"lines[].sku", "5: [] has no number: operations on all elements stand in each"},
		{"a[x]", "2: x is no element's number"},
		{"a[+1]", "2: +1 is no element's number"},
		{"a[1.5]", "2: 1.5 is no element's number"},
		{"a[99999999999]", "2: 99999999999 is no element's number"},
		{"a]", "1: want a dot in front of ]"},
		{"a[0]b", "4: want a dot in front of b"},
	} {
		_, _, err := parsePath(tt.text)
		e, ok := err.(*pathSyntaxError)
		if !ok {
			t.Errorf("%s: got %v, want %s", tt.text, err, tt.want)
			continue
		}
		if got := fmt.Sprintf("%d: %s", e.offset, e.msg); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestPathFind(t *testing.T) {
	const data = `{"a":{"b":[{"c":1},[2,3],null]},"n":null,"s":"text","odd.name":{"x":4},"meta":{"y":5}}`
	for _, tt := range []struct{ path, want, err string }{
		{"a.b[0].c", "1", ""},
		{"a.b[1][-1]", "3", ""},
		{"a.b[-2][0]", "2", ""},
		{"a.b[2]", "null", ""},
		{"a.b[2].x", "", ""},
		{"a.b[3]", "", ""},
		{"a.b[-4]", "", ""},
		{"n.x.y", "", ""},
		{"no.x", "", ""},
		{`"odd.name".x`, "4", ""},
		{"data.meta.y", "5", ""},
		{"meta.user", `"ana"`, ""},
		{"data.s", `"text"`, ""},
		{"s.x", "", "s is a string, not an object"},
		{"a.b.c", "", "a.b is a list, not an object"},
		{"a[0]", "", "a is an object, not a list"},
		{"a.b[0].c.d", "", "a.b[0].c is an integer, not an object"},
		{`"odd.name".x.y`, "", `"odd.name".x is an integer, not an object`},
		{"data[0]", "", "the payload is an object, not a list"},
		{"meta.user.x", "", "meta.user is a string, not an object"},
	} {
		p, _, err := parsePath(tt.path)
		if err != nil {
			t.Fatal(err)
		}
		pl, err := p.find(scopeOf(t, data, `{"user":"ana"}`))
		got, message := "", ""
		if err != nil {
			message = err.Error()
		} else if pl.at != transform.None {
			got = string(pl.doc.AppendJSON(nil, pl.at))
		}
		if got != tt.want || message != tt.err {
			t.Errorf("%s: got %s, error %q; want %s, error %q", tt.path, got, message, tt.want, tt.err)
		}
	}
}

func TestPathFindAllocates(t *testing.T) {
	s := scopeOf(t, `{"a":{"b":[{"c":1}]}}`, "")
	p, _, _ := parsePath("a.b[0].c")
	if n := testing.AllocsPerRun(100, func() {
		if pl, err := p.find(s); err != nil || pl.at == transform.None {
			t.Fatal("not found")
		}
	}); n > 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}

func TestPathReach(t *testing.T) {
	for _, tt := range []struct{ given, path, want, err string }{
		{`{}`, "a", `{"a":7}`, ""},
		{`{}`, "a.b.c", `{"a":{"b":{"c":7}}}`, ""},
		{`{"a":null}`, "a.b", `{"a":{"b":7}}`, ""},
		{`{"a":1}`, "a", `{"a":7}`, ""},
		{`{"a":[{}]}`, "a[0].x.y", `{"a":[{"x":{"y":7}}]}`, ""},
		{`{"a":[1,2]}`, "a[-1]", `{"a":[1,7]}`, ""},
		{`{"a":[null]}`, "a[0].x", `{"a":[{"x":7}]}`, ""},
		{`null`, "a", `{"a":7}`, ""},
		{`{"a":1}`, "data", `7`, ""},
		{`{"a":[]}`, "a[0]", "", "there is no element 0 in a, which has 0"},
		{`{"a":[1]}`, "a[1].x", "", "there is no element 1 in a, which has 1"},
		{`{}`, "a[0]", "", "there is no list a"},
		{`{"a":null}`, "a[0].x", "", "there is no list a"},
		{`{"a":1}`, "a.b", "", "a is an integer, not an object"},
		{`{"a":{}}`, "a[0]", "", "a is an object, not a list"},
		{`[1]`, "a", "", "the payload is a list, not an object"},
		{`[1]`, "data[0]", "[7]", ""},
	} {
		p, _, err := parsePath(tt.path)
		if err != nil {
			t.Fatal(err)
		}
		s := scopeOf(t, tt.given, "")
		pl, err := p.reach(s)
		message := ""
		if err != nil {
			message = err.Error()
		} else {
			p.put(pl, pl.doc.NewInt(7))
		}
		if got := payload(s); message != tt.err || err == nil && got != tt.want {
			t.Errorf("%s in %s: got %s, error %q; want %s, error %q", tt.path, tt.given, got, message, tt.want, tt.err)
		}
	}
}

// Metadata that an event lacks is made.
func TestPathReachMeta(t *testing.T) {
	p, _, _ := parsePath("meta.a.b")
	s := scopeOf(t, `{}`, "")
	pl, err := p.reach(s)
	if err != nil {
		t.Fatal(err)
	}
	p.put(pl, pl.doc.NewInt(7))
	if got := jsonOf(s.Event.Meta); got != `{"a":{"b":7}}` {
		t.Errorf("got %s", got)
	}
	s.Event.Meta = nil
	if _, err := p.reach(s); err != errNoMeta {
		t.Errorf("got %v, want %v", err, errNoMeta)
	}
	if pl, err := p.find(s); err != nil || pl.at != transform.None {
		t.Errorf("got %v, error %v", pl, err)
	}
}

func TestPathsThatHaveNoPlace(t *testing.T) {
	testBadRules(t, []badRule{
		{`{"drop":["a..b"]}`, "bad path a..b: a name is missing"},
		{`{"drop":["data"]}`, "data has no place here: it is the payload"},
		{`{"drop":["meta"]}`, "meta has no place here: it is the metadata"},
		{`{"drop":["$"]}`, "$ stands for an element inside each, and has no place here"},
		{`{"drop":["$.a"]}`, "$ stands for an element inside each, and has no place here"},
		{`{"each":{"lines":[{"drop":["meta.a","data.b","$"]}]}}`, "meta has no place inside each; data has no place inside each; $ has no place here: it is the element"},
		{`{"rename":{"lines[0]":"a"}}`, "want the path of a member, got that of an element: lines[0]"},
		{`{"drop":[{"a":1}]}`, "want a path, got 1 key"},
	})
}

// FuzzPath checks that what is a path says the same when it is written anew.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"a", "a.b", `"a.b".c`, "a[0][-1].b", "meta.x", "data.meta", "$", "$.a", `"\"\\"`, "a..b", "lines[].x", "[", `"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, _, err := parsePath(text)
		if err != nil {
			if e, ok := err.(*pathSyntaxError); !ok || e.offset < 0 || e.offset > len(text) {
				t.Fatalf("got error %v", err)
			}
			return
		}
		if len(p.steps) == 0 {
			return
		}
		written := p.to(len(p.steps))
		again, _, err := parsePath(written)
		if err != nil {
			t.Fatalf("%q, written as %q: %v", text, written, err)
		}
		if again.text = p.text; !cmp.Equal(p, again, cmp.AllowUnexported(path{}, step{})) {
			t.Fatalf("%q, written as %q, is %v, want %v", text, written, again, p)
		}
	})
}
