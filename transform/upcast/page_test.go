package upcast

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestPage looks for each operation in docs/upcasting.md, whose examples are
// run by a test of cmd/backstory.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/upcasting.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range operationKinds() {
		name := regexp.QuoteMeta(k.name)
		if !regexp.MustCompile("(?m)^### .*`" + name + "`").Match(page) {
			t.Errorf("docs/upcasting.md has no section on %s", k.name)
		}
		// In an example, it stands behind a dash or a brace.
		if !regexp.MustCompile(`[-\[{] ?\{?` + name + `:\s`).MatchString(strings.Join(pageRules(page), "\n")) {
			t.Errorf("docs/upcasting.md has no example of %s", k.name)
		}
	}
}

// pageRules gives the pieces of configuration of a page.
func pageRules(page []byte) (all []string) {
	for _, m := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```\n").FindAllSubmatch(page, -1) {
		all = append(all, string(m[1]))
	}
	return all
}
