package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"backstory/source"
	"backstory/transform"
)

// rulesOf reads the rules of a configuration with these sections.
func rulesOf(t *testing.T, sections string) *rules {
	t.Helper()
	file := filepath.Join(t.TempDir(), "backstory.yaml")
	text := "source: {driver: sqlite, path: shop.sqlite}\nsink: {driver: parquet, path: out}\njobs: [{name: shop}]\n" + sections
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	c, err := readConfig(file)
	if err != nil {
		t.Fatalf("%v\nin:\n%s", err, sections)
	}
	return c.rules
}

// Where anything is masked, with a key or without, events in quarantine are
// kept without their payloads, unless the configuration says otherwise.
func TestQuarantineOfMasked(t *testing.T) {
	frozen := filepath.Join(t.TempDir(), "tables.yaml")
	table := transform.NewTable("a", "A", nil, transform.ByNone, []transform.Column{
		{Name: "mail", Path: []string{"mail"}, Type: transform.Type{Kind: transform.String}, Masked: true},
	})
	if err := os.WriteFile(frozen, []byte(frozenText("shop", []*transform.Table{table})), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		sections string
		want     transform.QuarantinePayload
	}{
		{"", ""},
		{"upcasters: [{event: A, from: 1, do: [{drop: [a]}]}]", ""},
		{"upcasters: [{event: A, from: 1, do: [{mask: {a: redact}}]}]", transform.NoPayload},
		{"upcasters: [{event: A, from: 1, do: [{each: {l: [{mask: {a: {partial: {last: 4}}}}]}}]}]", transform.NoPayload},
		{"mask: {key: a-key-of-16-bytes-or-more}", transform.NoPayload},
		{"defaults: {new_fields: mask}", transform.NoPayload},
		{"tables: {schema: " + frozen + "}", transform.NoPayload},
		{"upcasters: [{event: A, from: 1, do: [{mask: {a: redact}}]}]\nquarantine: {payload: raw}", ""},
		{"quarantine: {payload: none}", transform.NoPayload},
	} {
		if got := rulesOf(t, tt.sections).tables.QuarantinePayload; got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.sections, got, tt.want)
		}
	}
}

// Rules that were kept before there was a key for masks are read back as they
// were; with another key than theirs they cannot be.
func TestRecompileMasks(t *testing.T) {
	const first, second = "mask: {key: a-key-of-16-bytes-or-more}", "mask: {key: another-key-of-16-bytes}"
	for _, tt := range []struct {
		name, kept, now string
		same            bool
	}{
		{"a key that is new", "defaults: {new_fields: mask}", first, true},
		{"the same key", first, first, true},
		{"another key", first, second, false},
		{"no key any more", first, "", false},
	} {
		old, err := rulesOf(t, tt.kept).pipeline(source.Payload{})
		if err != nil {
			t.Fatal(err)
		}
		kept, _ := old.Rules()
		text, err := json.Marshal(kept)
		if err != nil {
			t.Fatal(err)
		}
		var back transform.Rules
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		again, err := rulesOf(t, tt.now).recompile(back)
		if err != nil {
			t.Fatal(err)
		}
		if got := again.Fingerprint() == old.Fingerprint(); got != tt.same {
			t.Errorf("%s: the same fingerprint is %t", tt.name, got)
		}
	}
}
