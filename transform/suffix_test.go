package transform

import (
	"testing"

	"backstory/source"
)

func TestVersionSuffix(t *testing.T) {
	tests := []struct {
		stored  string
		name    string
		version int
	}{
		{"ItemAddedV2", "ItemAdded", 2},
		{"Item1V2", "Item1", 2},
		{"Cart.ItemAdded.v2", "Cart.ItemAdded", 2},
		{"item_added_V12", "item_added", 12},
		{"item-added-v0003", "item-added", 3},
		{"ItemAdded@9999", "ItemAdded", 9999},
		{"ItemAddedV2.v3", "ItemAddedV2", 3},
		{"TV2", "TV2", 0},
		{"Rev2", "Rev2", 0},
		{"Item\u00e9V2", "Item\u00e9V2", 0},
		{"ItemAdded", "ItemAdded", 0},
		{"Item2", "Item2", 0},
		{"Item.v", "Item.v", 0},
		{"Item.v0", "Item.v0", 0},
		{"Item.v12345", "Item.v12345", 0},
		{"Item 2", "Item 2", 0},
		{"V2", "V2", 0},
		{".v2", ".v2", 0},
		{"@2", "@2", 0},
		{"2", "2", 0},
		{"", "", 0},
	}
	for _, tt := range tests {
		if name, version := splitVersion(tt.stored); name != tt.name || version != tt.version {
			t.Errorf("%q: got %q, version %d, want %q, version %d", tt.stored, name, version, tt.name, tt.version)
		}
	}
}

// The suffix counts before what else tells the version; without one that
// counts, or else it is 1.
func TestVersionSuffixOfEvents(t *testing.T) {
	path := source.Path{Names: []string{"v"}}
	o := compile(t, Rules{Payload: source.Payload{VersionSuffix: true, SchemaVersion: path}}).NewOpener()
	for _, tt := range []struct {
		stored, data string
		schema, want int
	}{
		{"E", `{}`, 0, 1}, {"E", `{}`, 4, 4}, {"E", `{"v":5}`, 4, 5}, {"E@3", `{}`, 0, 3}, {"E@3", `{"v":5}`, 4, 3},
	} {
		e := event(1, tt.data)
		e.Type, e.SchemaVersion = tt.stored, tt.schema
		env, err := o.Open(&e)
		if err != nil {
			t.Fatal(err)
		}
		if env.Type != "E" || env.Stored != tt.want || env.SchemaVersion != tt.want {
			t.Errorf("%+v: got %s, version %d", tt, env.Type, env.Stored)
		}
	}
	e := event(1, `{}`)
	e.Type = "ItemAddedV2"
	if n := testing.AllocsPerRun(100, func() { o.Open(&e) }); n != 0 {
		t.Errorf("%v allocations an event", n)
	}
	if env, _ := compile(t, Rules{}).NewOpener().Open(&e); env.Type != "ItemAddedV2" || env.Stored != 1 {
		t.Errorf("a type that is to be taken as it is became %s, version %d", env.Type, env.Stored)
	}
}
