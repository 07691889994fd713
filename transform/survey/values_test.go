package survey

import (
	"fmt"
	"math"
	"testing"

	"backstory/source"
	"backstory/transform"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func seen(texts ...string) *values {
	v := &values{}
	for _, s := range texts {
		v.add(transform.ValueString, []byte(s))
	}
	return v
}

func numbered(from, to int) *values {
	v := &values{}
	for i := from; i < to; i++ {
		v.add(transform.ValueString, fmt.Appendf(nil, "value %d", i))
	}
	return v
}

// The estimate of how many values two paths share is near the truth, for few
// values exact, and the same in whatever parts they were seen.
func TestOverlap(t *testing.T) {
	for _, c := range []struct {
		a, b     *values
		want, by float64
	}{
		{numbered(0, 20), numbered(0, 20), 1, 0},
		{numbered(0, 20), numbered(10, 30), 0.5, 0},
		{numbered(0, 20), numbered(20, 40), 0, 0},
		{numbered(0, 10000), numbered(0, 10000), 1, 0},
		{numbered(0, 10000), numbered(5000, 15000), 0.5, 0.2},
		{numbered(0, 10000), numbered(10000, 20000), 0, 0.05},
		{numbered(0, 10000), numbered(0, 20), 1, 0},
		{&values{}, numbered(0, 20), 0, 0},
	} {
		got, back := c.a.overlap(c.b), c.b.overlap(c.a)
		if math.Abs(got-c.want) > c.by || got != back {
			t.Errorf("got %v and %v, want %v", got, back, c.want)
		}
	}
	whole, parts := numbered(0, 3000), &values{}
	for i := range 30 {
		parts.merge(numbered(100*i, 100*i+100))
	}
	if d := cmp.Diff(whole.hashes, parts.hashes); d != "" {
		t.Errorf("a sketch of parts (-whole +parts):\n%s", d)
	}
}

func TestForms(t *testing.T) {
	for text, want := range map[string]string{
		"SKU-0307": "A-9", "Ada Lovelace": "a a", "søren.rossi445@example.com": "a.a9@a.a", "": "", "2024-01-31": "9-9-9",
		"Ünal": "a", "ÉCOLE 7": "A 9", "日本": "a", "..........................": "........................",
	} {
		var f [maxForm]byte
		if got := string(f[:formOf(&f, []byte(text))]); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if x := seen("SKU-1", "SKU-2").alike(seen("ART-77")); x != 1 {
		t.Errorf("got %v for texts of one form", x)
	}
	if x := seen("SKU-1", "SKU-2").alike(seen("red", "SKU-1")); x != 0.5 {
		t.Errorf("got %v for texts of which half have one form", x)
	}
}

func TestSigns(t *testing.T) {
	for text, want := range map[string]sign{
		"ada@example.com": email, "ada@example": noSign, "@example.com": noSign, "a b@example.com": noSign, "http://u@example.com": noSign,
		"+31 20 555 0123": phone, "+1 (415) 555-2671": phone, "2024-01-31": noSign, "0205550123": noSign, "+12": noSign,
		"192.168.0.1": address, "256.1.1.1": noSign, "1.2.3": noSign, "1.2.3.4.5": noSign, "fe80::1ff:fe23:4567:890a": address, "12:30:15": noSign,
		"2001:0db8:0000:0000:0000:ff00:0042:8329": address, "4111 1111 1111 1111": card, "4111 1111 1111 1112": noSign, "378282246310005": card,
		"DE89 3704 0044 0532 0130 00": iban, "GB82WEST12345698765432": iban, "GB82WEST12345698765433": noSign, "SKU-0307": noSign,
	} {
		if got := signOf([]byte(text)); got != want {
			t.Errorf("%q: got sign %d, want %d", text, got, want)
		}
	}
}

// FuzzSigns holds the recognition of texts to take any.
func FuzzSigns(f *testing.F) {
	for _, s := range []string{"ada@example.com", "+31 20 555 0123", "fe80::1", "4111111111111111", "GB82WEST12345698765432", "Ünal\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		signOf(text)
		isNumber(text)
		v := &values{}
		v.add(transform.ValueString, text)
		if v.looked != 1 || len(masked(string(text))) == 0 && len(text) > 0 {
			t.Errorf("%q was looked at %d times", text, v.looked)
		}
	})
}

// Eras hold all that was seen, in order, with the widest gaps between them,
// also when they were merged.
func TestEras(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 300).Draw(t, "events")
		there := rapid.SliceOfN(rapid.Bool(), int(n), int(n)).Draw(t, "there")
		cut := rapid.Int64Range(0, n).Draw(t, "cut")
		var whole, first, second eras
		var gaps []int64
		last, count := int64(0), int64(0)
		for i, is := range there {
			number := int64(i + 1)
			if !is {
				continue
			}
			at := place{source.Position{Seq: number}, noTime}
			whole.add(number, at)
			if number <= cut {
				first.add(number, at)
			} else {
				second.add(number-cut, at)
			}
			if gap := number - last; count > 0 && gap > 1 {
				gaps = append(gaps, gap)
			}
			last = number
			count++
		}
		first.merge(&second, cut)
		for _, e := range []*eras{&whole, &first} {
			var sum int64
			before := int64(-1)
			for _, x := range e.list {
				if x.from <= before+1 && before >= 0 || x.to < x.from || x.first.position.Seq != x.from || x.last.position.Seq != x.to || !there[x.from-1] || !there[x.to-1] {
					t.Fatalf("got eras %+v", e.list)
				}
				sum += x.count
				before = x.to
			}
			if sum != count || e.count != count {
				t.Fatalf("eras of %d, want %d", sum, count)
			}
			if want := min(len(gaps)+1, maxEras); count > 0 && len(e.list) != want {
				t.Fatalf("got %d eras, want %d", len(e.list), want)
			}
		}
	})
}

func TestCutVersion(t *testing.T) {
	for event, want := range map[string][2]string{
		"ItemAddedV2": {"ItemAdded", "2"}, "item-added.v12": {"item-added", "12"}, "item_added_v3": {"item_added", "3"}, "item-v2": {"item", "2"},
		"Item@2": {"Item", "2"}, "ItemAdded": {"ItemAdded", ""}, "TV2": {"TV2", ""}, "V2": {"V2", ""}, "2": {"2", ""}, "Item2": {"Item2", ""},
		"ItemV02": {"ItemV02", ""}, "ItemV12345": {"ItemV12345", ""}, "Step1V2": {"Step1", "2"}, "": {"", ""},
	} {
		if base, version := cutVersion(event); base != want[0] || version != want[1] {
			t.Errorf("%s: got %q, %q", event, base, version)
		}
	}
}

func TestWords(t *testing.T) {
	for name, want := range map[string][]string{
		"shipTo": {"ship", "to"}, "ship_to": {"ship", "to"}, "Cart.ItemAdded": {"cart", "item", "added"}, "ip": {"ip"}, "": nil,
	} {
		if d := cmp.Diff(want, wordsOf(name)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}
