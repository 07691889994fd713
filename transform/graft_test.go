package transform

import (
	"fmt"
	"testing"
)

func parsed(t *testing.T, src string) *Document {
	t.Helper()
	d := new(Document)
	if err := d.Parse([]byte(src), true); err != nil {
		t.Fatal(err)
	}
	return d
}

func wantJSON(t *testing.T, d *Document, v Value, want string) {
	t.Helper()
	if got := string(d.AppendJSON(nil, v)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestImport(t *testing.T) {
	for _, src := range []string{
		`null`, `true`, `12`, `1.50`, `"x"`, `""`, `"\u00e9\n"`, `"x\ud800"`, `[]`, `{}`, `{"":1}`, `{"a":[1,{"b":null,"\u00e9":"\ud800"}],"c":{"d":{}}}`,
		`{"_type_":"uuid_hex","_data_":"6b0d549b6f03475a9600a35a099950d8"}`, `{"_type_":"odd\n","_data_":{"x":[1]}}`,
	} {
		from, to := parsed(t, src), parsed(t, `{"first":1}`)
		want := string(from.AppendJSON(nil, from.Root()))

		v := to.Import(from, from.Root())
		marker := string(from.Marker(from.Root()))
		if got := string(to.Marker(v)); got != marker {
			t.Errorf("%s: got marker %q, want %q", src, got, marker)
		}
		if err := from.Parse([]byte(`"something else that is longer than all the others were"`), true); err != nil {
			t.Fatal(err)
		}
		to.Put(to.Root(), "v", v)
		wantJSON(t, to, to.Root(), `{"first":1,"v":`+want+`}`)

		again := to.Import(to, v)
		to.Put(to.Root(), "w", again)
		wantJSON(t, to, to.Root(), `{"first":1,"v":`+want+`,"w":`+want+`}`)
		if got := string(to.Marker(again)); got != marker {
			t.Errorf("%s: got marker %q in a copy, want %q", src, got, marker)
		}
	}
}

// A copy is one of its own.
func TestImportedIsApart(t *testing.T) {
	d := parsed(t, `{"a":{"b":{"c":1}}}`)
	v := d.Import(d, d.Root())
	d.Put(d.Get("a"), "self", v)
	d.Put(d.Get("a", "self", "a", "b"), "c", d.NewInt(2))
	wantJSON(t, d, d.Root(), `{"a":{"b":{"c":1},"self":{"a":{"b":{"c":2}}}}}`)
}

func TestBecome(t *testing.T) {
	d := parsed(t, `{"a":[1,{"x":1},3],"m":{"_type_":"odd","_data_":"x"},"z":0}`)
	d.Become(d.Element(d.Get("a"), 1), d.NewString("new"))
	wantJSON(t, d, d.Root(), `{"a":[1,"new",3],"m":"x","z":0}`)

	// Into an object, with name and neighbours kept, and out of the marker.
	object := d.NewObject()
	d.Put(object, "y", d.NewBool(true))
	d.Become(d.Get("m"), object)
	wantJSON(t, d, d.Root(), `{"a":[1,"new",3],"m":{"y":true},"z":0}`)
	if m := d.Marker(d.Get("m")); m != nil {
		t.Errorf("got marker %s, want none", m)
	}

	// A marker goes along.
	from := parsed(t, `{"_type_":"odd","_data_":7}`)
	d.Become(d.Get("z"), d.Import(from, from.Root()))
	if m := string(d.Marker(d.Get("z"))); m != "odd" {
		t.Errorf("got marker %q, want odd", m)
	}
	d.Become(d.Root(), d.NewNull())
	wantJSON(t, d, d.Root(), `null`)
}

// The first value made in a document without one is not its root.
func TestSetRoot(t *testing.T) {
	var d Document
	for range 2 {
		v := d.NewObject()
		if d.Root() != None {
			t.Errorf("got root %d, want none", d.Root())
		}
		d.Put(v, "a", d.NewInt(1))
		d.SetRoot(v)
		wantJSON(t, &d, d.Root(), `{"a":1}`)
		d.Reset()
	}
	from := parsed(t, `[1]`)
	v := d.Import(from, from.Root())
	if d.Root() != None {
		t.Errorf("got root %d, want none", d.Root())
	}
	d.SetRoot(v)
	wantJSON(t, &d, d.Root(), `[1]`)
	if err := d.Parse([]byte(`2`), false); err != nil {
		t.Fatal(err)
	}
	wantJSON(t, &d, d.Root(), `2`)
}

func TestFilter(t *testing.T) {
	for _, tt := range []struct{ src, want string }{
		{`[1,2,3,4]`, `[2,4]`}, {`[2,1]`, `[2]`}, {`[1,1]`, `[]`}, {`[]`, `[]`}, {`{"a":1,"b":2,"c":4}`, `{"b":2,"c":4}`},
	} {
		d := parsed(t, tt.src)
		d.Filter(d.Root(), func(v Value) bool { return d.Text(v)[0]%2 == 0 })
		wantJSON(t, d, d.Root(), tt.want)
	}
}

func TestElement(t *testing.T) {
	d := parsed(t, `[0,1,2]`)
	for place, want := range map[int]string{0: "0", 2: "2", -1: "2", -3: "0", 3: "", -4: ""} {
		got := ""
		if v := d.Element(d.Root(), place); v != None {
			got = string(d.Text(v))
		}
		if got != want {
			t.Errorf("element %d: got %q, want %q", place, got, want)
		}
	}
	if n := d.Len(d.Root()); n != 3 {
		t.Errorf("got length %d, want 3", n)
	}
}

func TestNewText(t *testing.T) {
	const id = "6b0d549b6f03475a9600a35a099950d8"
	for _, tt := range []struct {
		kind ValueKind
		text string
		ok   bool
	}{
		{ValueInteger, "-12", true}, {ValueInteger, "1.0", false}, {ValueInteger, "007", false}, {ValueInteger, "", false}, {ValueInteger, "1 ", false},
		{ValueFloat, "1.0", true}, {ValueFloat, "12", true}, {ValueFloat, "NaN", true}, {ValueFloat, "true", false}, {ValueFloat, ".5", false},
		{ValueString, "é", true}, {ValueString, "", true}, {ValueString, "\xff", false},
		{ValueUUID, id, true}, {ValueUUID, id[1:], false}, {ValueDecimal, "+1E+3", true}, {ValueDecimal, "1,5", false},
		{ValueTimestamp, "2025-01-31T09:30:00Z", true}, {ValueTimestamp, "2025-01-31", false},
		{ValueNull, "null", false}, {ValueTrue, "true", false}, {ValueObject, "{}", false},
	} {
		var d Document
		v, ok := d.NewText(tt.kind, []byte(tt.text))
		if ok != tt.ok || ok && (d.Kind(v) != tt.kind || string(d.Text(v)) != tt.text) {
			t.Errorf("%s %q: got %v, want %v", tt.kind, tt.text, ok, tt.ok)
		}
	}
}

// A text may be that of another value of the document, which grows meanwhile.
func TestNewTextOfItsOwn(t *testing.T) {
	d := parsed(t, `["\u00e9"]`)
	v := d.First(d.Root())
	for range 20 {
		w, ok := d.NewText(ValueString, d.Text(v))
		if !ok {
			t.Fatal("got no value")
		}
		d.Append(d.Root(), w)
		v = w
	}
	if got := string(d.Text(v)); got != "é" {
		t.Errorf("got %s", got)
	}
}

func TestTimeAndFloatOf(t *testing.T) {
	d := parsed(t, `["1970-01-01T00:00:01Z","1970-01-01T00:00:01","x",1.5,12,9007199254740993,true]`)
	for i, want := range []string{"1000000 true true", "1000000 false true", "0 false false", "0 false false"} {
		micros, zoned, ok := d.Time(d.Element(d.Root(), i))
		if got := fmt.Sprint(micros, " ", zoned, " ", ok); got != want {
			t.Errorf("time of element %d: got %s, want %s", i, got, want)
		}
	}
	for i, want := range []string{"0 false", "0 false", "0 false", "1.5 true", "12 true", "9.007199254740992e+15 false", "0 false"} {
		x, ok := d.Float(d.Element(d.Root(), i))
		if got := fmt.Sprint(x, " ", ok); got != want {
			t.Errorf("float of element %d: got %s, want %s", i, got, want)
		}
	}
}
