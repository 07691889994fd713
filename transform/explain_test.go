package transform

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// text writes an explanation as a test wants to read it.
func (x *Explanation) text() string {
	var out strings.Builder
	view := func(v View) string {
		return fmt.Sprintf("%s %d #%d %s %s", v.Type, v.SchemaVersion, v.SubIndex, v.Data, v.Meta)
	}
	if x.Stored != nil {
		fmt.Fprintln(&out, "stored", view(*x.Stored))
	}
	for _, s := range x.Steps {
		fmt.Fprintf(&out, "%s%s %d.%d: %s\n", strings.Repeat("  ", s.Depth), s.Event, s.Version, s.Repair, view(s.Result))
	}
	for _, v := range x.Results {
		fmt.Fprintln(&out, "result", view(v))
	}
	for _, r := range x.Rows {
		fmt.Fprint(&out, r.Table)
		for _, c := range r.Cells {
			if !strings.Contains(" sub_index stream_id stream_version event_id schema_version event_time hint ", " "+c.Column+" ") {
				fmt.Fprintf(&out, " %s=%s", c.Column, c.Value)
			}
		}
		fmt.Fprintln(&out)
	}
	if x.Failed != nil {
		fmt.Fprintln(&out, "failed", x.Failed)
	}
	return strings.TrimSpace(out.String())
}

func TestExplain(t *testing.T) {
	steps := []Option{WithRepair("E", 1, set("mended", "yes")), WithUpcaster("E", 1, splits), WithUpcaster("E", 2, set("x", "<2>"))}
	var r Rules
	r.Payload.Markers = true
	p := compile(t, r, steps...)
	explain := func(c *Catalog, data string, version int) *Explanation {
		t.Helper()
		e := event(7, data)
		e.SchemaVersion, e.Meta = version, []byte(`{"m": 1}`)
		x, err := p.Explain(c, &e)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := json.Marshal(x); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		return x
	}
	none := p.NewCatalog(nil)
	x := explain(none, `{"lines":[{"a":{"_type_":"decimal_str","_data_":"1.50"}},{"a":{"_type_":"decimal_str","_data_":"2.00"},"l":[{"b":true}]}]}`, 1)
	want := `
stored E 1 #0 {"lines":[{"a":"1.50"},{"a":"2.00","l":[{"b":true}]}]} {"m":1}
E 1.1: E 1 #0 {"lines":[{"a":"1.50"},{"a":"2.00","l":[{"b":true}]}],"mended":"yes"} {"m":1}
  E 1.0: E 2 #0 {"a":"1.50"} {"m":1}
    E 2.0: E 3 #0 {"a":"1.50","x":"<2>"} {"m":1}
  E 1.0: E 2 #0 {"a":"2.00","l":[{"b":true}]} {"m":1}
    E 2.0: E 3 #0 {"a":"2.00","l":[{"b":true}],"x":"<2>"} {"m":1}
result E 3 #0 {"a":"1.50","x":"<2>"} {"m":1}
result E 3 #1 {"a":"2.00","l":[{"b":true}],"x":"<2>"} {"m":1}
e position=7 event_type="E" a="1.50" x="<2>" meta_m=1
e position=7 event_type="E" a="2.00" x="<2>" l=[{"b":true}] meta_m=1`
	if diff := cmp.Diff(strings.TrimSpace(want), x.text()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !x.Evolved || x.Newer || len(none.Tables()) != 0 || len(x.Catalog.Tables()) != 1 {
		t.Errorf("%+v", x)
	}
	if again := explain(x.Catalog, `{"a":[{"b":1}],"x":"t"}`, 9); again.Evolved || !again.Newer || again.Rows[0].Cells[len(again.Rows[0].Cells)-1].Column != ColExtra ||
		string(again.Rows[0].Cells[len(again.Rows[0].Cells)-1].Value) != `{"a":[{"b":1}]}` {
		t.Errorf("got %s", again.text())
	}

	x = explain(x.Catalog, `{"lines":[{"a":1},"fail"]}`, 1)
	want = `
stored E 1 #0 {"lines":[{"a":1},"fail"]} {"m":1}
E 1.1: E 1 #0 {"lines":[{"a":1},"fail"],"mended":"yes"} {"m":1}
  E 1.0: E 2 #0 {"a":1} {"m":1}
    E 2.0: E 3 #0 {"a":1,"x":"<2>"} {"m":1}
_quarantine position=7 event_type="E" step="split" path="lines[1]" reason="a line of nothing" data="{\"lines\":[{\"a\":1},\"fail\"]}" meta="{\"m\": 1}"
failed split event 7 of stream s-1 (E, schema version 1) at lines[1]: a line of nothing`
	if diff := cmp.Diff(strings.TrimSpace(want), x.text()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if x = explain(none, `{`, 1); x.Stored != nil || x.Failed == nil || len(x.Rows) != 1 {
		t.Errorf("got %s", x.text())
	}
	if x = explain(none, `{"lines":[]}`, 1); x.Failed != nil || len(x.Results)+len(x.Rows) != 0 || len(x.Steps) != 1 {
		t.Errorf("got %s", x.text())
	}
}

// What a contract refuses is told too.
func TestExplainContract(t *testing.T) {
	p := compile(t, Rules{Options: Options{Contract: ContractQuarantine}})
	catalog := flatten(t, p, p.NewCatalog(nil), Limits{}, events(`{"a":1}`)).catalog
	e := event(7, `{"a":"x"}`)
	x, err := p.Explain(catalog, &e)
	if err != nil || x.Failed == nil || x.Failed.Path != "a" || len(x.Rows) != 1 || x.Rows[0].Table != Quarantine {
		t.Errorf("%v: %s", err, x.text())
	}
}

// An event that upcasters blow up is told in part.
func TestExplainManySteps(t *testing.T) {
	many := upcast(func(e *Envelope, emit Emit) error {
		for range maxResults + 1 {
			if err := emit(e); err != nil {
				return err
			}
		}
		return nil
	})
	p := compile(t, Rules{}, WithUpcaster("E", 1, many))
	e := event(1, `{}`)
	x, err := p.Explain(p.NewCatalog(nil), &e)
	if err != nil || x.Failed == nil || len(x.Steps) != maxExplainedSteps || x.MoreSteps != maxResults+1-maxExplainedSteps {
		t.Errorf("%d steps and %d more, %v", len(x.Steps), x.MoreSteps, err)
	}
}
