package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestConfig reads the configurations of testdata/config: a good one must be
// taken, and a bad one must be refused with exactly the text beside it.
// UPDATE=1 writes these texts; look at them as a reader at night would.
func TestConfig(t *testing.T) {
	t.Chdir("../../testdata/config")
	t.Setenv("BACKSTORY_TEST_URL", "postgres://reader:hunter2@localhost/shop")
	t.Setenv("BACKSTORY_TEST_KEY", "MDEyMzQ1Njc4OWFiY2RlZg==")
	t.Setenv("BACKSTORY_TEST_SHORT", "0123456789abcde")
	files, err := filepath.Glob("*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("found %d configurations; that cannot be all", len(files))
	}
	for _, name := range files {
		t.Run(name, func(t *testing.T) {
			_, err := readConfig(name)
			base, bad := strings.CutSuffix(name, ".bad.yaml")
			if !bad {
				if err != nil {
					t.Fatalf("%s is refused:\n%v", name, err)
				}
				return
			}
			var config *configError
			if !errors.As(err, &config) {
				t.Fatalf("%s: got error %v, want a configuration error", name, err)
			}
			checkGolden(t, base+".want", err.Error()+"\n")
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "s3cret") {
				t.Error("the text shows a password")
			}
		})
	}
}

func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(name, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}
