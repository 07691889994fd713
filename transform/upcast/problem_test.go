package upcast

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestProblems compiles the rules of testdata/problems, which must have
// exactly the problems that stand beside them. UPDATE=1 writes these; look at
// them as a reader at night would.
func TestProblems(t *testing.T) {
	files, err := filepath.Glob("testdata/problems/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 8 {
		t.Fatalf("found %d files of rules; that cannot be all", len(files))
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			_, problems := Compile(yamlNode(t, string(text)), Options{})
			var got strings.Builder
			for _, p := range problems {
				fmt.Fprintf(&got, "%d:%d %s\n", p.Line, p.Column, p.Message)
				line := strings.Split(string(text), "\n")[p.Line-1]
				if p.Column > len(line) {
					t.Errorf("problem %q is at column %d of a line of %d", p.Message, p.Column, len(line))
				}
				fmt.Fprintf(&got, "    %s\n    %s^\n", line, strings.Repeat(" ", max(p.Column-1, 0)))
				if p.Hint == "" {
					t.Errorf("problem %q has no hint", p.Message)
				}
				fmt.Fprintf(&got, "  hint: %s\n", p.Hint)
			}
			if got.Len() == 0 {
				t.Error("there are no problems")
			}
			want := strings.TrimSuffix(name, ".yaml") + ".want"
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(want, []byte(got.String()), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			golden, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(golden), got.String()); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
