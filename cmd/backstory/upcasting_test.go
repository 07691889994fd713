package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestUpcastingPage reads each piece of configuration of docs/upcasting.md as
// one, and runs the examples of its rules, of which each must have some.
func TestUpcastingPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/upcasting.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("BACKSTORY_MASK_KEY", "a key of sixteen bytes or more")
	blocks := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```\n").FindAllSubmatchIndex(page, -1)
	examples := 0
	for _, b := range blocks {
		text := string(page[b[2]:b[3]])
		if strings.HasPrefix(text, "- ") {
			text = "upcasters:\n" + text
		}
		text += "source: {driver: sqlite, path: shop.sqlite}\nsink: {driver: parquet, path: out}\njobs: [{name: shop}]\n"
		file := filepath.Join(t.TempDir(), "backstory.yaml")
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		line := 1 + strings.Count(string(page[:b[2]]), "\n")
		c, err := readConfigFor(toTest, file)
		if err != nil {
			t.Errorf("docs/upcasting.md:%d: %v", line, err)
			continue
		}
		if c.rules.upcasters == nil {
			continue
		}
		proved := 0 // rules that have an example
		for _, r := range c.rules.upcasters.Test() {
			if !r.OK() {
				t.Errorf("docs/upcasting.md:%d: %s (- wanted, + got):\n%s", line, r.Name, r.Diff)
			}
			if strings.HasSuffix(r.Name, " example 1") {
				proved++
			}
			examples++
		}
		if rules := strings.Count(text, "- event: "); proved != rules {
			t.Errorf("docs/upcasting.md:%d: %d of %d rules have examples", line, proved, rules)
		}
	}
	if examples < 30 {
		t.Errorf("the page has %d examples, want at least 30", examples)
	}
}
