package upcast

import "testing"

func TestCopy(t *testing.T) {
	testOperations(t, []fieldTest{
		{name: "a value", operation: `{"copy":{"a.b":"c"}}`, given: `{"a":{"b":[1,{"x":"é"}]}}`, want: `{"a":{"b":[1,{"x":"é"}]},"c":[1,{"x":"é"}]}`},
		{name: "below itself", operation: `{"copy":{"a":"a.b"}}`, given: `{"a":{"x":1}}`, want: `{"a":{"x":1,"b":{"x":1}}}`},
		{name: "all of the payload", operation: `{"copy":{"data":"meta.original"}}`, given: `{"a":1}`, want: `{"a":1}`, wantMeta: `{"original":{"a":1}}`},
		{name: "the payload into itself", operation: `{"copy":{"data":"self"}}`, given: `{"a":1}`, want: `{"a":1,"self":{"a":1}}`},
		{name: "an element into itself", operation: `{"each":{"l":[{"copy":{"$":"self"}}]}}`, given: `{"l":[{"a":1}]}`, want: `{"l":[{"a":1,"self":{"a":1}}]}`},
		{name: "from the metadata that is not there", operation: `{"copy":{"meta.a":"a"}}`, given: `{}`, want: `{}`},
		{name: "what is not there", operation: `{"copy":{"a":"x.y"}}`, given: `{}`, want: `{}`},
		{name: "a null gives way", operation: `{"copy":{"a":"b"}}`, given: `{"a":1,"b":null}`, want: `{"a":1,"b":1}`},
		{name: "a copied null gives way", operation: `{"copy":{"a":"b"}}`, given: `{"a":null,"b":1}`, want: `{"a":null,"b":1}`},
		{name: "both are there", operation: `{"copy":{"a":"b"}}`, given: `{"a":1,"b":2}`, err: "copy a: there is another value at b already"},
		{name: "half a character", operation: `{"copy":{"a":"meta.a"}}`, given: `{"a":"x\ud800"}`, want: `{"a":"x\ud800"}`, wantMeta: `{"a":"x\ud800"}`},
	})
}

// Copies of copies double a document again and again; at some size it is an
// error, and no memory is taken without end.
func TestCopyIsBounded(t *testing.T) {
	s := scopeOf(t, `{"a":{"x":[1,2,3,4,5,6,7,8,9]}}`, "")
	o := compileOne(t, `{"copy":{"data":"a.b"}}`, Options{})
	again := compileOne(t, `{"move":{"a":"b"}}`, Options{})
	back := compileOne(t, `{"move":{"b":"a.c"}}`, Options{})
	for i := range 64 {
		if err := o.Apply(s); err != nil {
			if want := "copy data: copies have made the event too large"; err.Error() != want || i < 10 {
				t.Errorf("got %v after %d copies, want %s", err, i, want)
			}
			return
		}
		if err := again.Apply(s); err != nil {
			t.Fatal(err)
		}
		if err := back.Apply(s); err != nil {
			t.Fatal(err)
		}
	}
	t.Error("got no error")
}
