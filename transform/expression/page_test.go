package expression

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What an expression may call. A new name is added here, and to the page for
// users, after asking: does it depend on the clock, the machine or chance, and
// can it run away?
var offered = strings.Fields(`
	abs all any ceil concat count date decimal duration filter find findIndex first float floor get hasPrefix hasSuffix
	indexOf int join keys last lastIndexOf len lower map max min none one reduce replace round split string sum toJSON
	trim trimPrefix trimSuffix type upper values
	.Day .Format .Hour .Hours .Milliseconds .Minute .Minutes .Month .Second .Seconds .Unix .UnixMicro .UnixMilli
	.Weekday .Year .YearDay`)

func TestOffered(t *testing.T) {
	got := names(functions())
	for _, p := range passes {
		got = append(got, p.name)
	}
	for _, m := range methods() {
		got = append(got, "."+m.name)
	}
	slices.Sort(got)
	want := slices.Sorted(slices.Values(offered))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("functions (-want +got):\n%s", diff)
	}
	text := page(t)
	text = text[:strings.Index(text, "## Examples")]
	for _, name := range got {
		if !regexp.MustCompile(regexp.QuoteMeta(name) + `\b`).MatchString(text) {
			t.Errorf("docs/expressions.md does not name %s", name)
		}
	}
	for _, r := range roots {
		if !strings.Contains(text, "`"+r.name+"`") {
			t.Errorf("docs/expressions.md does not name %s", r.name)
		}
	}
	for _, e := range envelope {
		if !strings.Contains(text, "`"+e.name+"`") {
			t.Errorf("docs/expressions.md does not name %s", e.name)
		}
	}
}

func TestPageExamples(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```expression\n(.*?)```").FindAllStringSubmatch(page(t), -1)
	if len(blocks) < 10 {
		t.Fatalf("found %d examples, want ten", len(blocks))
	}
	for _, b := range blocks {
		lines := strings.Split(strings.TrimSpace(b[1]), "\n")
		if len(lines) != 3 {
			t.Errorf("example has %d lines, want 3:\n%s", len(lines), b[1])
			continue
		}
		got, _, err := evaluate(event(t, lines[1]), lines[0], Options{})
		if err != nil || got != lines[2] {
			t.Errorf("%s: got %s, error %v, want %s", lines[0], got, err, lines[2])
		}
	}
}

func page(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../docs/expressions.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFields(t *testing.T) {
	tests := []struct {
		text string
		want []string
	}{
		{`data.a.b + data.a.b`, []string{"data.a.b"}},
		{`data?.a ?? meta.user`, []string{"data.a", "meta.user"}},
		{`data.lines[0].sku + data["odd name"]["x.y"]`, []string{"data.lines[0].sku", `data."odd name"."x.y"`}},
		{`data.lines[-1]`, []string{"data.lines[-1]"}},
		{`data[data.key].x`, []string{"data.key", "data"}},
		{`sum(data.lines, .qty * meta.factor)`, []string{"data.lines", "meta.factor"}},
		{`let x = data.a; x.b`, []string{"data.a"}},
		{`it.qty > 0 and it`, []string{"it.qty", "it"}},
		{`data`, []string{"data"}},
		{`data.a | len()`, []string{"data.a"}},
		{`stream_id`, nil},
		{`"text"`, nil},
	}
	for _, tt := range tests {
		p, err := Compile(tt.text, Options{InEach: true})
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		got := slices.Sorted(slices.Values(p.Fields()))
		slices.Sort(tt.want)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: fields (-want +got):\n%s", tt.text, diff)
		}
	}
}
