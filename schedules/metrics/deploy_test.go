package metrics

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// names finds the figures that a text names.
var names = regexp.MustCompile(`\bbackstory_[a-z_]+`)

// labels finds the labels of ours that a text selects or sums by.
var labels = regexp.MustCompile(`\b(job_name|step|outcome|state)\b`)

// TestDeploy holds the dashboard and the alarms to the figures there are.
func TestDeploy(t *testing.T) {
	families, _ := scrape(t, full(t))
	known := func(name string) bool {
		for _, end := range []string{"", "_bucket", "_sum", "_count"} {
			if family, ok := strings.CutSuffix(name, end); ok && families[family] != nil {
				return true
			}
		}
		return false
	}
	if known("backstory_nothing") {
		t.Fatal("everything is known")
	}
	for _, file := range []string{"grafana.json", "alerts.yaml", "../operations.md"} {
		text, err := os.ReadFile("../../docs/deploy/" + file)
		if err != nil {
			t.Fatal(err)
		}
		found := names.FindAllString(string(text), -1)
		if len(found) < 10 {
			t.Errorf("%s names %d figures; that cannot be all", file, len(found))
		}
		for _, name := range found {
			if !known(name) {
				t.Errorf("%s names %s, which there is not", file, name)
			}
		}
	}
}

// TestDashboard reads the dashboard as Grafana does: each panel has a query
// with our labels, lies within the 24 columns, and upon no other.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("../../docs/deploy/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		UID    string
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	if dashboard.UID == "" || len(dashboard.Panels) < 10 {
		t.Fatalf("the dashboard %q has %d panels", dashboard.UID, len(dashboard.Panels))
	}
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range dashboard.Panels {
		if ids[p.ID] || p.Title == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d, %q, has no name, no query, or an ID that is taken", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, q := range p.Targets {
			if !names.MatchString(q.Expr) || strings.Count(q.Expr, "(") != strings.Count(q.Expr, ")") {
				t.Errorf("panel %q asks for %s", p.Title, q.Expr)
			}
			for _, l := range labels.FindAllString(q.LegendFormat, -1) {
				if !strings.Contains(q.Expr, "("+l) && !strings.Contains(q.Expr, ", "+l) {
					t.Errorf("panel %q names the label %s, by which %s does not sum", p.Title, l, q.Expr)
				}
			}
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("panel %q lies on %q or beside the board", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

// TestAlarmsAreExplained looks for each alarm in the table of docs/operations.md.
func TestAlarmsAreExplained(t *testing.T) {
	alarms, err := os.ReadFile("../../docs/deploy/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	operations, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllStringSubmatch(string(alarms), -1)
	if len(found) < 5 {
		t.Fatalf("found %d alarms", len(found))
	}
	for _, alarm := range found {
		if !strings.Contains(string(operations), "| `"+alarm[1]+"` |") {
			t.Errorf("docs/operations.md does not say what %s means", alarm[1])
		}
	}
	for _, explained := range regexp.MustCompile("(?m)^\\| `(Backstory\\w+)` \\|").FindAllStringSubmatch(string(operations), -1) {
		if !strings.Contains(string(alarms), "alert: "+explained[1]+"\n") {
			t.Errorf("docs/operations.md explains %s, which there is not", explained[1])
		}
	}
}
