package layout

import (
	"bytes"
	"strings"
	"testing"
)

func TestAppendUUID(t *testing.T) {
	const dashed = "d23f0824-128b-4f33-8c5c-7fd0a6a3a450"
	plain := strings.ReplaceAll(dashed, "-", "")
	raw := unhex(t, plain)
	for name, c := range map[string]struct{ got, want string }{
		"bytes":          {string(AppendUUID(nil, [16]byte(raw))), dashed},
		"hex":            {string(AppendHexUUID(nil, []byte(plain))), dashed},
		"upper case":     {string(AppendHexUUID(nil, []byte(strings.ToUpper(plain)))), dashed},
		"behind":         {string(AppendHexUUID([]byte("id "), []byte(plain))), "id " + dashed},
		"dashed already": {string(AppendHexUUID(nil, []byte(dashed))), dashed},
		"other text":     {string(AppendHexUUID(nil, []byte("order-12"))), "order-12"},
		"32 other chars": {string(AppendHexUUID(nil, []byte(strings.Repeat("x", 32)))), strings.Repeat("x", 32)},
		"empty":          {string(AppendHexUUID(nil, nil)), ""},
		"id of 16 bytes": {string(AppendBytesID(nil, raw)), dashed},
		"id of 2 bytes":  {string(AppendBytesID(nil, []byte{0xab, 1})), "ab01"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", name, c.got, c.want)
		}
	}
}

// FuzzHexUUID holds AppendHexUUID to what it promises: a dashed UUID for 32
// hexadecimal digits, and everything else as it is.
func FuzzHexUUID(f *testing.F) {
	f.Add([]byte("d23f0824128b4f338c5c7fd0a6a3a450"))
	f.Add([]byte("order-12"))
	f.Fuzz(func(t *testing.T, text []byte) {
		dst := make([]byte, 3, 64)
		got := AppendHexUUID(dst, text)[3:]
		if bytes.Equal(got, text) {
			return
		}
		back := strings.ReplaceAll(string(got), "-", "")
		if len(got) != 36 || !strings.EqualFold(back, string(text)) || got[8] != '-' || got[23] != '-' {
			t.Errorf("got %q from %q", got, text)
		}
	})
}
