// Package checksum tells whether two places hold the same rows, without
// keeping any of them: each row is hashed out of its columns, and the hashes
// of many rows are added up, whatever their order. A Sum is equal for equal
// rows, and else not, but for a chance of about one in 2^64 at most.
//
// A row's hash is of its values by the names of their columns. What is null
// adds nothing, so that a table has the same rows before and after it gets a
// column. The hash begins with a secret that is new for each Hasher Key: the
// sums of one Key can be compared, and nobody can prepare rows that collide.
// It is xxHash3 of 128 bits for texts (https://xxhash.com) and a mix of
// MurmurHash3's finalizer for numbers; neither is cryptography.
package checksum

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/zeebo/xxh3"
)

// Key makes sums that can be compared with each other.
type Key struct{ hash Hash }

// NewKey makes a key of chance.
func NewKey() Key {
	var b [16]byte
	rand.Read(b[:]) // which never fails
	return Key{Hash{binary.LittleEndian.Uint64(b[:8]), binary.LittleEndian.Uint64(b[8:])}}
}

// Hash is the hash of a row.
type Hash struct{ hi, lo uint64 }

func (h *Hash) add(o Hash) {
	var carry uint64
	h.lo, carry = bits.Add64(h.lo, o.lo, 0)
	h.hi, _ = bits.Add64(h.hi, o.hi, carry)
}

// Sum is the checksum of rows, in any order. The zero Sum is of none.
type Sum struct {
	// Rows counts them.
	Rows int64
	hash Hash
}

// Add adds a row.
func (s *Sum) Add(h Hash) {
	s.Rows++
	s.hash.add(h)
}

// Merge adds the rows of another sum of the same Key.
func (s *Sum) Merge(o Sum) {
	s.Rows += o.Rows
	s.hash.add(o.hash)
}

// Hasher hashes records. It is for one goroutine, and keeps its memory.
type Hasher struct {
	key     Key
	schema  *arrow.Schema // the last one, of which columns are the salts
	columns []Hash
	rows    []Hash
	spare   [][]Hash // memory for what is nested
}

// NewHasher makes a Hasher whose sums can be compared with others of the key.
func NewHasher(k Key) *Hasher { return &Hasher{key: k} }

// Rows gives the hashes of a record's rows and their positions; both are
// borrowed until the next call. Without a column of positions these are nil.
func (h *Hasher) Rows(r transform.Record) ([]Hash, []int64, error) {
	if s := r.Schema(); s != h.schema {
		h.schema, h.columns = s, h.columns[:0]
		for _, f := range s.Fields() {
			h.columns = append(h.columns, h.key.hash.named(f.Name))
		}
	}
	n := int(r.NumRows())
	h.rows = zeros(h.rows, n)
	var positions []int64
	for i, c := range r.Columns() {
		if r.ColumnName(i) == transform.ColPosition {
			if ints, ok := c.(*array.Int64); ok {
				positions = ints.Int64Values()
			}
		}
		if err := h.add(h.rows, c, 0, h.columns[i]); err != nil {
			return nil, nil, fmt.Errorf("hash column %s: %w", r.ColumnName(i), err)
		}
	}
	for i := range h.rows {
		h.rows[i] = h.rows[i].closed()
	}
	return h.rows, positions, nil
}

// Into adds all rows of a record to a sum.
func (h *Hasher) Into(s *Sum, r transform.Record) error {
	rows, _, err := h.Rows(r)
	for _, row := range rows {
		s.Add(row)
	}
	return err
}

// named is the salt of a column or field below what has the salt h.
func (h Hash) named(name string) Hash {
	u := xxh3.HashString128Seed(name, h.lo)
	return Hash{mix(u.Hi ^ h.hi), mix(u.Lo + h.hi)}
}

// number is the hash of 64 bits.
func (h Hash) number(v uint64) Hash { return Hash{mix(v ^ h.hi), mix(v ^ h.lo)} }

// closed makes a hash of a sum of hashes: without it, values could change
// places between rows and nobody would see.
func (h Hash) closed() Hash {
	hi := mix(h.hi ^ mix(h.lo))
	return Hash{hi, mix(h.lo + hi)}
}

// mix is the finalizer of MurmurHash3, every bit of which depends on all.
func mix(v uint64) uint64 {
	v ^= v >> 33
	v *= 0xff51afd7ed558ccd
	v ^= v >> 33
	v *= 0xc4ceb9fe1a85ec53
	return v ^ v>>33
}

// zeros gives n hashes that are zero, in the memory of s if it is enough.
func zeros(s []Hash, n int) []Hash {
	if cap(s) < n {
		return make([]Hash, n, n+n/4)
	}
	s = s[:n]
	clear(s)
	return s
}

func floatBits(f float64) uint64 {
	if f != f {
		return math.Float64bits(math.NaN()) // there are many
	}
	return math.Float64bits(f)
}
