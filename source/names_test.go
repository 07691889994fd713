package source_test

import (
	"testing"

	"backstory/source"
)

func TestNames(t *testing.T) {
	for name, c := range map[string]struct {
		names        source.Names
		stored, want string
	}{
		"as it is":          {source.Names{}, "shop.domain:Cart.Created", "shop.domain:Cart.Created"},
		"topic":             {source.Names{Topics: true}, "shop.domain:Cart.Created", "Cart.Created"},
		"topic of no topic": {source.Names{Topics: true}, "CartCreated", "CartCreated"},
		"alias of a topic":  {source.Names{Topics: true, Aliases: map[string]string{"shop.domain:Cart.Created": "Started"}}, "shop.domain:Cart.Created", "Started"},
		"alias of a type":   {source.Names{Topics: true, Aliases: map[string]string{"Cart.Created": "Started"}}, "old:Cart.Created", "Started"},
		"prefix": {source.Names{Topics: true, Prefixes: map[string]string{"shop.": "x.", "shop.domain:Cart": "shop.cart:Basket"}},
			"shop.domain:Cart.Created", "Basket.Created"},
		"prefix to nothing": {source.Names{Prefixes: map[string]string{"com.example.": ""}}, "com.example.Paid", "Paid"},
		"empty":             {source.Names{Topics: true}, "", ""},
	} {
		if got := c.names.Name(c.stored); got != c.want {
			t.Errorf("%s: got %q for %q, want %q", name, got, c.stored, c.want)
		}
	}
}

// FuzzNameCache holds the cache to the names it caches, and to keeping
// nothing of what it was given.
func FuzzNameCache(f *testing.F) {
	f.Add([]byte("shop.domain:Cart.Created"), "shop.", "x")
	f.Add([]byte(":"), "", "")
	f.Fuzz(func(t *testing.T, stored []byte, prefix, to string) {
		names := source.Names{Topics: true, Prefixes: map[string]string{prefix: to}}
		cache := source.NewNameCache(names)
		want := names.Name(string(stored))
		kept := cache.Name(stored)
		again := append([]byte(nil), stored...)
		for i := range stored {
			stored[i] = '#'
		}
		if kept != want || cache.Name(again) != want {
			t.Errorf("got %q, then %q, want %q", kept, cache.Name(again), want)
		}
	})
}

func TestNameCacheDoesNotAllocate(t *testing.T) {
	cache := source.NewNameCache(source.Names{Topics: true})
	stored := []byte("shop.domain:Cart.Created")
	cache.Name(stored)
	if n := testing.AllocsPerRun(100, func() { cache.Name(stored) }); n != 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}
