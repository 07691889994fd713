package upcast

import (
	"crypto/sha256"
	"encoding/hex"
)

// Masker gives the mask hmac as transform.WithMask wants it: the same mask for
// the same text as the operation makes under that key.
func Masker(key []byte) func(dst, text []byte) []byte {
	k := newKeyed(key)
	return func(dst, text []byte) []byte {
		h := k.hashes.Get().(*keyedHash)
		defer k.hashes.Put(h)
		h.Reset()
		h.Write(text)
		var sum [sha256.Size]byte
		return hex.AppendEncode(dst, h.Sum(sum[:0])[:sha256.Size/2])
	}
}
