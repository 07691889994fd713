package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"backstory/sinks/sinktest/readback"
)

// The customer who wants to be forgotten: the first of the shop, so that the
// ledger's and the manifests' first event is one of hers.
const (
	forgottenCustomer = "d23f0824-128b-4f33-8c5c-7fd0a6a3a450"
	forgottenCart     = "6b0d549b-6f03-475a-9600-a35a099950d8"
	forgottenEmail    = "rosa.dvořák1@example.com"
)

// TestForget looks for a customer's traces byte for byte in everything that
// Backstory keeps and says, before she is forgotten and after.
func TestForget(t *testing.T) {
	f := newForgetShop(t)
	f.exec(0, "run")
	f.exec(0, "compact")
	f.exec(0, "rebuild", "shop") // the generation before is kept
	if n := f.traces(); n < 10 {
		t.Fatalf("before: got %d traces, which is too few for the test to prove anything", n)
	}
	all := f.rows()

	person := []string{"forget", "--stream", forgottenCustomer, "--where", "customer_id=" + forgottenCustomer}
	dry := f.exec(0, person...)
	if f.rows() != all || !strings.Contains(dry, "would forget") || !strings.Contains(dry, "_quarantine: ") {
		t.Errorf("without --yes: got %s", dry)
	}
	f.exec(0, append(person, "--yes")...)
	f.expectGone("forgotten", all)
	f.exec(0, "run")
	f.expectGone("after a run", all)
	if out := f.exec(0, "explain", "1"); !strings.Contains(out, "its stream is forgotten") {
		t.Errorf("explain: got %s", out)
	}
	f.said.Reset() // the store's own event was asked for
	f.exec(0, "discover", "--starter", filepath.Join(filepath.Dir(f.config), "out", "starter.yaml"))
	f.expectGone("after discover", all)
	if out := f.exec(0, append(person, "--yes")...); !strings.Contains(out, "0 rows of 0 windows") {
		t.Errorf("a second time: got %s", out)
	}
	f.exec(0, "rebuild", "shop")
	f.expectGone("after a rebuild", all)

	// The receipts can be had back from the tables.
	if err := os.Remove(filepath.Join(f.out, "_backstory", "ledger.db")); err != nil {
		t.Fatal(err)
	}
	f.exec(0, "run")
	f.exec(0, "rebuild", "shop")
	f.expectGone("after a rebuild with a new ledger", all)
	if list := f.exec(0, "forget", "--list"); !strings.Contains(list, "receipt 1: ") {
		t.Errorf("receipts: got %s", list)
	}
}

// forgetShop is the shop's history in Parquet without compression, so that
// values can be searched for. Created carts go to quarantine with their
// payloads.
type forgetShop struct {
	t            *testing.T
	config, out  string
	said         bytes.Buffer // since the customer was forgotten
	lookFor      [][]byte
	beforeForget bool
}

func newForgetShop(t *testing.T) *forgetShop {
	t.Helper()
	store, err := filepath.Abs("../../testdata/stores/shop/shop.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	f := &forgetShop{t: t, config: filepath.Join(dir, "backstory.yaml"), out: filepath.Join(dir, "out"), beforeForget: true}
	text := fmt.Sprintf(`source: {driver: sqlite, path: %s}
sink: {driver: parquet, path: out, codec: none}
tables: {layout: both}
load: {window: 1500}
quarantine: {threshold: 100000}
upcasters:
  - event: Cart.Created
    from: 1
    do: [{cast: {channel: int}}]
jobs: [{name: shop}]
`, store)
	if err := os.WriteFile(f.config, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{forgottenCustomer, forgottenCart} {
		raw, err := hex.DecodeString(strings.ReplaceAll(name, "-", ""))
		if err != nil {
			t.Fatal(err)
		}
		f.lookFor = append(f.lookFor, []byte(name), raw, []byte(strings.ReplaceAll(name, "-", "")))
	}
	f.lookFor = append(f.lookFor, []byte(forgottenEmail))
	return f
}

// exec runs a process that must end with that code, and gives what it said.
// What is said after the first forget --yes, but for the arguments, is kept.
func (f *forgetShop) exec(code int, args ...string) string {
	f.t.Helper()
	if args[0] == "forget" && args[len(args)-1] == "--yes" {
		f.beforeForget = false
	}
	cmd := exec.Command(os.Args[0], append([]string{"-c", f.config, "--log-level", "debug", "--progress", "never"}, args...)...)
	cmd.Args[0] = "backstory"
	out, _ := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != code {
		f.t.Fatalf("backstory %s: exit code %d, want %d\n%s", args[0], got, code, out)
	}
	if !f.beforeForget {
		f.said.Write(out)
	}
	return string(out)
}

// traces counts the files that tell of the customer.
func (f *forgetShop) traces() (n int) {
	f.t.Helper()
	err := filepath.WalkDir(f.out, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, secret := range f.lookFor {
			if bytes.Contains(text, secret) || strings.Contains(path, string(secret)) {
				if n++; !f.beforeForget {
					f.t.Errorf("%s holds %q", path, secret)
				}
				break
			}
		}
		return nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}

// rows counts the rows of the table of all events and of _quarantine.
func (f *forgetShop) rows() (n int) {
	f.t.Helper()
	for _, table := range []string{"events", "_quarantine"} {
		rows, err := readback.Folder(filepath.Join(f.out, table))
		if err != nil {
			f.t.Fatal(err)
		}
		n += len(rows)
	}
	return n
}

// expectGone looks for traces in all files and in all that was said.
func (f *forgetShop) expectGone(when string, all int) {
	f.t.Helper()
	if n := f.traces(); n > 0 {
		f.t.Fatalf("%s: %d files tell of the customer", when, n)
	}
	for _, secret := range f.lookFor {
		if bytes.Contains(f.said.Bytes(), secret) {
			f.t.Fatalf("%s: %q was said:\n%s", when, secret, f.said.Bytes())
		}
	}
	if n := f.rows(); n >= all || n < all-200 {
		f.t.Errorf("%s: got %d rows of %d", when, n, all)
	}
}
