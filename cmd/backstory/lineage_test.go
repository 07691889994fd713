package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestLineage follows values back through the upcasters, over the names they
// had before.
func TestLineage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "backstory.yaml")
	text := `source: {driver: sqlite, path: shop.sqlite}
sink: {driver: parquet, path: out}
jobs: [{name: shop}]
upcasters:
  - {event: A, from: 2, do: [{move: {price: line.price, meta.user: by}}, {default: {line.currency: USD}}]}
  - {event: A, from: 1, do: [{rename: {cost: price, old.name: nick}}, {cast: {price: {decimal: [18, 2]}}}, {copy: {price: first_price}}]}
  - {event: A, at: 2, when: data.prize != nil, do: [{rename: {prize: price}}]}
  - {event: A, from: 3, do: [{parse: {ship_to: {split: ",", into: [region, country], as: to}}}, {set: {total: data.line.price * 2}}, {each: {lines: [{drop: [x]}]}}]}
`
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	c, err := readConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	history := c.rules.lineage()
	for _, tc := range []struct {
		event string
		meta  bool
		path  []string
		want  []string
	}{
		{"A", false, []string{"line", "price"}, []string{"move of price from 2", "rename of prize at 2", "cast from 1", "rename of cost from 1"}},
		{"A", false, []string{"line", "currency"}, []string{"default from 2"}},
		{"A", false, []string{"by"}, []string{"move of meta.user from 2"}},
		{"A", false, []string{"to", "region"}, []string{"parse from 3"}},
		{"A", false, []string{"old", "nick"}, []string{"rename of old.name from 1"}},
		{"A", false, []string{"first_price"}, []string{"copy of price from 1", "cast from 1", "rename of cost from 1"}},
		{"A", false, []string{"total"}, []string{"set from 3"}},
		{"A", false, []string{"lines", "sku"}, []string{"each from 3"}},
		{"A", false, []string{"price_list"}, nil},
		{"A", true, []string{"user"}, nil},
		{"B", false, []string{"price"}, nil},
	} {
		if got := history.of(tc.event, tc.meta, tc.path); !slices.Equal(got, tc.want) {
			t.Errorf("%s %v: got %q, want %q", tc.event, tc.path, got, tc.want)
		}
	}
}
