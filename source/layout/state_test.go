package layout

import (
	"bytes"
	"compress/zlib"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"backstory/source"
)

// The vectors were made with pyeventsourcing/eventsourcing 9.3: {"note":"hi"}
// compressed, and that encrypted with a nonce of 00 to 0b.
const (
	vectorKey  = "AAECAwQFBgcICQoLDA0ODw=="
	vectorText = `{"note":"hi"}`
	vectorZlib = "789cab56cacb2f4955b252cac854aa05001ec00442"
	vectorAES  = "000102030405060708090a0b" + "f11ae6b299caf3adf31d0a42f0fcc99c" + "ebf00c98acd0d81d1e603340fef7da0db338dae211"
)

var (
	zlibbed = State{Compress: Zlib}
	sealed  = State{Cipher: AESGCM, Key: vectorKey}
	both    = State{Cipher: AESGCM, Key: vectorKey, Compress: Zlib}
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func decoder(tb testing.TB, s State) *Decoder {
	tb.Helper()
	d, err := NewDecoder(s)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// seal encrypts as the library does.
func seal(tb testing.TB, key string, plain []byte) []byte {
	tb.Helper()
	k, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		tb.Fatal(err)
	}
	block, err := aes.NewCipher(k)
	if err != nil {
		tb.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		tb.Fatal(err)
	}
	nonce := []byte("twelve bytes")
	out := gcm.Seal(nil, nonce, plain, nil)
	text, tag := out[:len(plain)], out[len(plain):]
	return append(append(append([]byte(nil), nonce...), tag...), text...)
}

func deflate(tb testing.TB, plain []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	if _, err := w.Write(plain); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func TestDecode(t *testing.T) {
	for name, c := range map[string]struct {
		state  State
		stored []byte
	}{
		"plain":              {State{}, []byte(vectorText)},
		"zlib":               {zlibbed, unhex(t, vectorZlib)},
		"aes":                {sealed, seal(t, vectorKey, []byte(vectorText))},
		"aes over zlib":      {both, unhex(t, vectorAES)},
		"key with a newline": {State{Cipher: AESGCM, Key: vectorKey + "\n", Compress: Zlib}, unhex(t, vectorAES)},
	} {
		t.Run(name, func(t *testing.T) {
			d := decoder(t, c.state)
			before := bytes.Clone(c.stored)
			for range 2 {
				var e source.Event
				d.Decode(&e, c.stored)
				if e.Err != nil || string(e.Data) != vectorText {
					t.Errorf("got %q (%v), want %q", e.Data, e.Err, vectorText)
				}
			}
			if !bytes.Equal(before, c.stored) {
				t.Error("the stored bytes were changed")
			}
		})
	}
}

func TestCannotDecode(t *testing.T) {
	flipped := unhex(t, vectorAES)
	flipped[len(flipped)-1] ^= 1
	badSum := unhex(t, vectorZlib)
	badSum[len(badSum)-1] ^= 1
	for name, c := range map[string]struct {
		state      State
		stored     []byte
		step, text string
	}{
		"short":            {both, []byte("short"), "decrypt", "5 bytes are too few"},
		"empty":            {both, nil, "decrypt", "0 bytes are too few"},
		"wrong key":        {State{Cipher: AESGCM, Key: "BBECAwQFBgcICQoLDA0ODw=="}, unhex(t, vectorAES), "decrypt", "another one"},
		"changed":          {both, flipped, "decrypt", "were changed"},
		"not encrypted":    {both, []byte(strings.Repeat(vectorText, 4)), "decrypt", "another one"},
		"not compressed":   {zlibbed, []byte(vectorText), "decompress", "no zlib stream"},
		"nothing":          {zlibbed, nil, "decompress", "ends early"},
		"truncated":        {zlibbed, unhex(t, vectorZlib)[:12], "decompress", "ends early"},
		"without checksum": {zlibbed, unhex(t, vectorZlib)[:17], "decompress", "ends early"},
		"wrong checksum":   {zlibbed, badSum, "decompress", "checksum"},
		"damaged":          {zlibbed, []byte{0x78, 0x9c, 0xff, 0xff, 0xff, 0xff}, "decompress", "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			d := decoder(t, c.state)
			e := source.Event{Position: source.Position{Seq: 7}, Stream: []byte("s"), Type: "T"}
			d.Decode(&e, c.stored)
			if e.Err == nil {
				t.Fatalf("got %q, want an error", e.Data)
			}
			if e.Err.Step != c.step || !strings.Contains(e.Err.Error(), c.text) || e.Err.Hint() == "" ||
				e.Err.Position.Seq != 7 || e.Err.Stream != "s" || e.Err.Type != "T" {
				t.Errorf("got %#v, want step %s and %q", e.Err, c.step, c.text)
			}
			if !bytes.Equal(e.Data, c.stored) {
				t.Errorf("got data %q, want what is stored", e.Data)
			}
			// The next event does not suffer.
			good := map[State][]byte{zlibbed: unhex(t, vectorZlib), both: unhex(t, vectorAES)}[c.state]
			if good != nil {
				var next source.Event
				if d.Decode(&next, good); next.Err != nil || string(next.Data) != vectorText {
					t.Errorf("the next event: got %q (%v)", next.Data, next.Err)
				}
			}
		})
	}
}

func TestDecodeBound(t *testing.T) {
	d := decoder(t, zlibbed)
	d.limit = 1 << 20
	var e source.Event
	if d.Decode(&e, deflate(t, make([]byte, d.limit))); e.Err != nil || len(e.Data) != d.limit {
		t.Errorf("got %d bytes (%v), want the %d of the limit", len(e.Data), e.Err, d.limit)
	}
	e = source.Event{}
	if d.Decode(&e, deflate(t, make([]byte, d.limit+1))); e.Err == nil || !strings.Contains(e.Err.Error(), "more than 1 MiB") {
		t.Errorf("got %v for more than the limit", e.Err)
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	stored := seal(t, vectorKey, deflate(t, bytes.Repeat([]byte(vectorText), 30)))
	d := decoder(t, both)
	var e source.Event
	allocs := testing.AllocsPerRun(100, func() { d.Decode(&e, stored) })
	if allocs != 0 || e.Err != nil {
		t.Errorf("got %v allocations for an event (%v), want none", allocs, e.Err)
	}
}

func TestSecretIsHidden(t *testing.T) {
	c := Config{State: both}
	all := fmt.Sprintf("%v %+v %#v %s %q", c, c, c, c.State.Key, c.State.Key)
	if strings.Contains(all, vectorKey) {
		t.Errorf("the key stands in %s", all)
	}
	_, err := NewDecoder(State{Cipher: AESGCM, Key: "bm90IGEga2V5"})
	var setup *source.SetupError
	if !errors.As(err, &setup) || strings.Contains(err.Error(), "bm90") {
		t.Errorf("got %v for a key of a wrong length, want a setup error without the key", err)
	}
}

func BenchmarkDecode(b *testing.B) {
	plain := bytes.Repeat([]byte(`{"note":"hi","n":12345}`), 15)
	for name, c := range map[string]struct {
		state  State
		stored []byte
	}{
		"zlib": {zlibbed, deflate(b, plain)},
		"aes":  {sealed, seal(b, vectorKey, plain)},
		"both": {both, seal(b, vectorKey, deflate(b, plain))},
	} {
		b.Run(name, func(b *testing.B) {
			d := decoder(b, c.state)
			var e source.Event
			b.ReportAllocs()
			for b.Loop() {
				d.Decode(&e, c.stored)
			}
		})
	}
}

// FuzzDecode feeds any bytes to every decoder: none may panic, grow without
// bound, or take what it was not given for an event.
func FuzzDecode(f *testing.F) {
	f.Add(unhex(f, vectorAES))
	f.Add(unhex(f, vectorZlib))
	f.Add([]byte(vectorText))
	f.Fuzz(func(t *testing.T, stored []byte) {
		for _, s := range []State{{}, zlibbed, sealed, both} {
			d := decoder(t, s)
			d.limit = 1 << 16
			var e source.Event
			d.Decode(&e, stored)
			if e.Err != nil && !bytes.Equal(e.Data, stored) {
				t.Errorf("%v: failed with other data than what is stored", s)
			}
			if e.Err == nil && s.Compress == Zlib && len(e.Data) > d.limit {
				t.Errorf("got %d bytes, above the limit", len(e.Data))
			}
		}
		// What is sealed and compressed comes back.
		d := decoder(t, both)
		var e source.Event
		if d.Decode(&e, seal(t, vectorKey, deflate(t, stored))); e.Err != nil || !bytes.Equal(e.Data, stored) {
			t.Errorf("got %q (%v), want %q", e.Data, e.Err, stored)
		}
	})
}
