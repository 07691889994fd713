package transform

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Digest names a stream that is forgotten without telling its name: the
// salt and the first 16 bytes of SHA-256 over salt and name, both as hex
// digits, with a colon between. Who has a digest can find out whether a name
// he knows is the one, and no more.
type Digest string

// SaltBytes is how long the salt of a Digest is. A name of up to 39 bytes
// then makes one block for SHA-256.
const SaltBytes = 16

// DigestOf makes the digest of a stream's name.
func DigestOf(salt [SaltBytes]byte, stream []byte) Digest {
	var h hasher
	sum := h.of(salt, stream)
	return Digest(hex.EncodeToString(salt[:]) + ":" + hex.EncodeToString(sum[:]))
}

// Salt gives the salt that a digest was made with.
func (d Digest) Salt() ([SaltBytes]byte, error) {
	salt, _, err := d.parse()
	return salt, err
}

func (d Digest) parse() (salt, sum [16]byte, err error) {
	first, second, ok := strings.Cut(string(d), ":")
	if !ok || hex.DecodedLen(len(first)) != len(salt) || hex.DecodedLen(len(second)) != len(sum) {
		return salt, sum, fmt.Errorf("read digest of a forgotten stream: %q is none", string(d))
	}
	if _, err := hex.Decode(salt[:], []byte(first)); err != nil {
		return salt, sum, fmt.Errorf("read digest of a forgotten stream: %w", err)
	}
	if _, err := hex.Decode(sum[:], []byte(second)); err != nil {
		return salt, sum, fmt.Errorf("read digest of a forgotten stream: %w", err)
	}
	return salt, sum, nil
}

// Forget gives the same pipeline, but for the events of those streams: it
// makes nothing of them, whatever they hold. That changes neither its rules nor
// its fingerprint.
func (p *Pipeline) Forget(streams []Digest) (*Pipeline, error) {
	next := *p
	next.forgotten = nil
	for _, d := range streams {
		salt, sum, err := d.parse()
		if err != nil {
			return nil, err
		}
		if next.forgotten == nil {
			next.forgotten = make(forgotten)
		}
		if next.forgotten[salt] == nil {
			next.forgotten[salt] = make(map[[16]byte]struct{})
		}
		next.forgotten[salt][sum] = struct{}{}
	}
	return &next, nil
}

// forgotten are the sums of streams, by their salts. A ledger uses one salt
// for all.
type forgotten map[[SaltBytes]byte]map[[16]byte]struct{}

// A Forgetter tells which streams a pipeline forgets. It is for one goroutine.
type Forgetter struct {
	forgotten forgotten
	hasher    hasher
	last      []byte // the stream asked for last, and what the answer was
	answer    bool
	met       map[Digest]struct{}
}

// NewForgetter makes a Forgetter of the streams that p forgets.
func (p *Pipeline) NewForgetter() *Forgetter { return &Forgetter{forgotten: p.forgotten} }

// Any tells whether any stream is forgotten.
func (f *Forgetter) Any() bool { return len(f.forgotten) > 0 }

// Forgets tells whether a stream is forgotten.
func (f *Forgetter) Forgets(stream []byte) bool {
	if len(f.forgotten) == 0 || len(stream) == 0 {
		return false
	}
	if f.last != nil && string(f.last) == string(stream) {
		return f.answer
	}
	f.last, f.answer = append(f.last[:0], stream...), false
	for salt, sums := range f.forgotten {
		sum := f.hasher.of(salt, stream)
		if _, f.answer = sums[sum]; f.answer {
			if f.met == nil {
				f.met = make(map[Digest]struct{})
			}
			f.met[DigestOf(salt, stream)] = struct{}{}
			break
		}
	}
	return f.answer
}

// Reset makes it as new.
func (f *Forgetter) Reset() { f.last, f.met = nil, nil }

// Met gives the forgotten streams that were asked for, in order.
func (f *Forgetter) Met() []Digest { return slices.Sorted(maps.Keys(f.met)) }

// A hasher makes sums in memory of its own.
type hasher struct{ text []byte }

func (h *hasher) of(salt [SaltBytes]byte, stream []byte) (sum [16]byte) {
	h.text = append(append(h.text[:0], salt[:]...), stream...)
	all := sha256.Sum256(h.text)
	copy(sum[:], all[:])
	return sum
}
