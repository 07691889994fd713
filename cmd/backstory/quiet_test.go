package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"backstory/sinks/sinktest/readback"
)

// TestQuietHours runs in hours in which the store is to be left alone.
func TestQuietHours(t *testing.T) {
	store, err := filepath.Abs("../../testdata/stores/shop/shop.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	hours := fmt.Sprintf("%s-%s UTC", now.Add(-2*time.Hour).Format("15:04"), now.Add(2*time.Hour).Format("15:04"))
	dir := t.TempDir()
	config := filepath.Join(dir, "backstory.yaml")
	text := fmt.Sprintf("source: {driver: sqlite, path: %s, quiet: [%q], limits: {rows_per_second: 1000000}}\nsink: {driver: parquet, path: out}\njobs: [{name: shop}]\n", store, hours)
	if err := os.WriteFile(config, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	command := func(code int, args ...string) string {
		t.Helper()
		root := newRoot()
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetErr(&out)
		root.SetArgs(append([]string{"-c", config, "--progress", "never"}, args...))
		err := root.ExecuteContext(t.Context())
		if got := exitCode(err); got != code {
			t.Errorf("%v ended with exit code %d, want %d: %v\n%s", args, got, code, err, &out)
		}
		return out.String()
	}
	until := "quiet until " + now.Add(2*time.Hour).Format("Mon 15:04 MST")
	for range 2 {
		if out := command(exitDone, "run"); !strings.Contains(out, "shop: nothing loaded; "+until) || !strings.Contains(out, "--hurry") {
			t.Errorf("run says:\n%s", out)
		}
	}
	if out := command(exitDone, "run", "--json"); !strings.Contains(out, `"quiet_until"`) {
		t.Errorf("run --json says:\n%s", out)
	}
	command(exitDone, "backfill", "--from", "2021-01-01")
	command(exitEnvironment, "plan") // which looks for columns
	command(exitDone, "plan", "--hurry")
	command(exitDone, "status")
	command(exitEnvironment, "discover")
	command(exitDone, "discover", "--hurry")
	if out := command(exitDone, "run", "--hurry"); !strings.Contains(out, "loaded 20,000 events") {
		t.Errorf("run --hurry says:\n%s", out)
	}
	files, err := readback.Files(filepath.Join(dir, "out"))
	if err != nil || len(files) == 0 {
		t.Errorf("got files %v (%v)", files, err)
	}
}
