package upcast

import "testing"

// What Masker masks joins with what the operation masks.
func TestMasker(t *testing.T) {
	mask := Masker(fieldKey)
	for _, text := range []string{"", "1", "ana@example.com"} {
		if got, want := string(mask([]byte("x"), []byte(text))), "x"+hmacOf(text); got != want {
			t.Errorf("mask of %q: got %s, want %s", text, got, want)
		}
	}
}
