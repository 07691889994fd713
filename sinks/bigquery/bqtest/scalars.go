package bqtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"time"
	"unicode/utf8"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// scalar sets the type of a leaf and how its values are converted, or
// refuses what the table of conversions does not have.
func (s *shape) scalar(c *column, n pq.Node, path string) *apiError {
	t := n.Type()
	kind, lt := t.Kind(), logical(n)
	refuse := func() *apiError {
		return unreadable("Parquet column '%s' of type %s (%v) has no BigQuery type", path, kind, lt)
	}
	if d, ok := lt.(*format.DecimalType); ok {
		return s.decimal(c, int(d.Precision), int(d.Scale), kind)
	}
	switch kind {
	case pq.Boolean:
		c.typ, c.convert = "BOOLEAN", func(v pq.Value) (any, error) { return v.Boolean(), nil }
	case pq.Int32:
		return c.int32(lt, refuse)
	case pq.Int64:
		return c.int64(lt, refuse)
	case pq.Int96:
		c.typ = "TIMESTAMP"
		c.convert = func(v pq.Value) (any, error) { return instant(julianMicros(v.Int96())) }
	case pq.Float:
		c.typ, c.convert = "FLOAT", func(v pq.Value) (any, error) { return float64(v.Float()), nil }
	case pq.Double:
		c.typ, c.convert = "FLOAT", func(v pq.Value) (any, error) { return v.Double(), nil }
	case pq.ByteArray:
		switch lt.(type) {
		case *format.StringType:
			c.typ, c.convert = "STRING", text
		case *format.EnumType:
			c.typ, c.convert = "BYTES", raw
			if s.enums {
				c.typ, c.convert = "STRING", text
			}
		case nil:
			c.typ, c.convert = "BYTES", raw
		default:
			return refuse() // JSON, BSON, VARIANT, GEOMETRY...
		}
	case pq.FixedLenByteArray:
		if lt != nil {
			return refuse() // UUID; checkFooter knows others
		}
		c.typ, c.convert = "BYTES", raw
	}
	if c.typ == "" {
		return refuse()
	}
	return nil
}

func (c *column) int32(lt format.LogicalTypeValue, refuse func() *apiError) *apiError {
	c.typ, c.convert = "INTEGER", func(v pq.Value) (any, error) { return int64(v.Int32()), nil }
	switch lt := lt.(type) {
	case *format.DateType:
		c.typ = "DATE"
	case *format.IntType:
		if !lt.IsSigned {
			c.convert = func(v pq.Value) (any, error) { return int64(uint32(v.Int32())), nil }
		}
	case nil:
	default:
		return refuse() // TIME
	}
	return nil
}

func (c *column) int64(lt format.LogicalTypeValue, refuse func() *apiError) *apiError {
	c.typ, c.convert = "INTEGER", func(v pq.Value) (any, error) { return v.Int64(), nil }
	switch lt := lt.(type) {
	case *format.TimestampType:
		c.typ, c.local = "TIMESTAMP", !lt.IsAdjustedToUTC
		switch lt.Unit.Value.(type) {
		case *format.MicroSeconds:
			c.convert = func(v pq.Value) (any, error) { return instant(v.Int64()) }
		case *format.MilliSeconds:
			c.convert = func(v pq.Value) (any, error) { return instant(v.Int64() * 1000) }
		default:
			return refuse() // nanoseconds
		}
	case *format.IntType:
		if !lt.IsSigned {
			c.unsigned = true
			c.convert = func(v pq.Value) (any, error) {
				if v.Int64() < 0 {
					return nil, fmt.Errorf("value %d does not fit INT64", uint64(v.Int64()))
				}
				return v.Int64(), nil
			}
		}
	case nil:
	default:
		return refuse() // TIME
	}
	return nil
}

// decimal chooses the target as the reference of decimalTargetTypes says: of
// NUMERIC, BIGNUMERIC and STRING, the first one named that holds precision and
// scale, or else the widest one named, whose values are then checked.
func (s *shape) decimal(c *column, precision, scale int, kind pq.Kind) *apiError {
	named := map[string]bool{}
	for _, t := range s.decimals {
		named[t] = true
	}
	holds := map[string]bool{
		"NUMERIC":    precision-scale <= 29 && scale <= 9,
		"BIGNUMERIC": precision-scale <= 38 && scale <= 38,
		"STRING":     true,
	}
	for _, t := range []string{"NUMERIC", "BIGNUMERIC", "STRING"} {
		if named[t] {
			c.typ = t
			if holds[t] {
				break
			}
		}
	}
	target := c.typ
	c.convert = func(v pq.Value) (any, error) {
		unscaled := new(big.Int)
		switch kind {
		case pq.Int32:
			unscaled.SetInt64(int64(v.Int32()))
		case pq.Int64:
			unscaled.SetInt64(v.Int64())
		default:
			twosComplement(unscaled, v.ByteArray())
		}
		return decimalText(unscaled, scale, target)
	}
	return nil
}

func twosComplement(n *big.Int, b []byte) {
	n.SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
}

var (
	ten             = big.NewInt(10)
	numericLimit    = new(big.Int).Exp(ten, big.NewInt(38), nil) // of the unscaled value at scale 9
	bignumericLimit = new(big.Int).Lsh(big.NewInt(1), 255)       // at scale 38
)

// decimalText gives a decimal without trailing zeros, as the service shows
// it, or an error if it is not one of the target's values.
func decimalText(unscaled *big.Int, scale int, target string) (string, error) {
	places, limit := scale, (*big.Int)(nil)
	switch target {
	case "NUMERIC":
		places, limit = 9, numericLimit
	case "BIGNUMERIC":
		places, limit = 38, bignumericLimit
	}
	n := new(big.Int).Set(unscaled)
	if places >= scale {
		n.Mul(n, new(big.Int).Exp(ten, big.NewInt(int64(places-scale)), nil))
	} else {
		rest := new(big.Int)
		n.QuoRem(n, new(big.Int).Exp(ten, big.NewInt(int64(scale-places)), nil), rest)
		if rest.Sign() != 0 {
			return "", fmt.Errorf("a decimal of scale %d does not fit %s", scale, target)
		}
	}
	if limit != nil && n.CmpAbs(limit) >= 0 {
		return "", fmt.Errorf("a decimal of scale %d does not fit %s", scale, target)
	}
	r := new(big.Rat).SetFrac(n, new(big.Int).Exp(ten, big.NewInt(int64(places)), nil))
	s := r.FloatString(places)
	if places > 0 {
		for s[len(s)-1] == '0' {
			s = s[:len(s)-1]
		}
		if s[len(s)-1] == '.' {
			s = s[:len(s)-1]
		}
	}
	return s, nil
}

func text(v pq.Value) (any, error) {
	b := v.ByteArray()
	if !utf8.Valid(b) {
		return nil, errors.New("text is not UTF-8")
	}
	return string(b), nil
}

func raw(v pq.Value) (any, error) { return append([]byte{}, v.ByteArray()...), nil }

// The range of TIMESTAMP: 0001-01-01 to 9999-12-31.
var (
	firstInstant = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	lastInstant  = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() - 1
)

func instant(micros int64) (any, error) {
	if micros < firstInstant || micros > lastInstant {
		return nil, fmt.Errorf("timestamp %d is out of range", micros)
	}
	return micros, nil
}

// julianMicros is the instant of an INT96: nanoseconds of the day, then the
// Julian day, of which 1970-01-01 is 2440588.
func julianMicros(v deprecated.Int96) int64 {
	var b [12]byte
	for i, w := range v {
		binary.LittleEndian.PutUint32(b[4*i:], w)
	}
	nanos := int64(binary.LittleEndian.Uint64(b[:8]))
	day := int64(binary.LittleEndian.Uint32(b[8:]))
	if day > math.MaxInt32 {
		return math.MaxInt64
	}
	return (day-2440588)*86_400_000_000 + nanos/1000
}
