package transform

import (
	"encoding/json"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var numberSeeds = []string{
	"0", "-0", "1", "-1", "12.340", "1E+3", "1e-3", "0.000", "0E-50", "1e37", "1e38", "99999999999999999999999999999999999999",
	"100000000000000000000000000000000000000", "0.00000000000000000000000000000000000001", "1.0000000000000000000000000000000000000000000",
	"-170141183460469231731687303715884105728", "9007199254740993", "0.1", "0.30000000000000004", "1e400", "1e-400", "5e-324", "4.9e-324", "2.2250738585072014e-308",
	"1.7976931348623157e308", "1e999999999999", "1e-999999999999", "123456789012345", "1234567890123456789", "+5", ".5", "5.", ".", "e5", "1e", "--1", "NaN",
}

var decimalForm = regexp.MustCompile(`^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$`)

// FuzzDecimal compares decimals with math/big.
func FuzzDecimal(f *testing.F) {
	for _, s := range numberSeeds {
		f.Add(s, int32(38), int32(9))
		f.Add(s, int32(5), int32(2))
	}
	f.Fuzz(func(t *testing.T, text string, precision, scale int32) {
		if precision < 1 || precision > MaxPrecision || scale < 0 || scale > precision {
			return
		}
		x, ok := parseDecimal([]byte(text))
		if !decimalForm.MatchString(text) {
			if ok {
				t.Fatalf("took %q", text)
			}
			return
		}
		if i := strings.IndexAny(text, "eE"); i >= 0 {
			if e, err := strconv.Atoi(text[i+1:]); err != nil || e > 5000 || e < -5000 {
				return // math/big would write out all of it
			}
		}
		want, _ := new(big.Rat).SetString(text)
		unit := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
		scaled := new(big.Rat).Mul(want, unit)
		limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(precision)), nil)
		fits := scaled.IsInt() && new(big.Int).Abs(scaled.Num()).Cmp(limit) < 0
		if !ok {
			if fits {
				t.Fatalf("refused %s, which decimal(%d,%d) holds", text, precision, scale)
			}
			return
		}
		got, ok := x.fit(precision, scale)
		if ok != fits {
			t.Fatalf("%s in decimal(%d,%d): got %v, want %v", text, precision, scale, ok, fits)
		}
		if ok && got.BigInt().Cmp(scaled.Num()) != 0 {
			t.Fatalf("%s in decimal(%d,%d): got %v, want %v", text, precision, scale, got.BigInt(), scaled.Num())
		}
	})
}

// FuzzFloat checks that a number is taken for a double exactly if the
// shortest text of the double is that number.
func FuzzFloat(f *testing.F) {
	for _, s := range numberSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) || text[0] != '-' && (text[0] < '0' || text[0] > '9') || strings.TrimSpace(text) != text {
			return
		}
		got, ok := parseFloat([]byte(text))
		want, err := strconv.ParseFloat(text, 64)
		if err != nil {
			if ok {
				t.Fatalf("took %s, which no double holds", text)
			}
			return
		}
		if i := strings.IndexAny(text, "eE"); i >= 0 {
			if e, err := strconv.Atoi(text[i+1:]); err != nil || e > 5000 || e < -5000 {
				return
			}
		}
		if keeps := sameFloat(text, want); ok != keeps {
			t.Fatalf("%s: got %v, want %v", text, ok, keeps)
		}
		if ok && (got != want || math.Signbit(got) != math.Signbit(want)) {
			t.Fatalf("%s: got %v, want %v", text, got, want)
		}
	})
}

func TestFloat(t *testing.T) {
	tests := []struct {
		text string
		want float64
		ok   bool
	}{
		{"0.1", 0.1, true},
		{"1.10", 1.1, true},
		{"9007199254740992", 1 << 53, true},
		{"9007199254740993", 0, false},
		{"0.12345678901234567890", 0, false},
		{"1e400", 0, false},
		{"1e-400", 0, false},
		{"5e-324", 5e-324, true},
		{"3e-324", 0, false},
		{"-Infinity", math.Inf(-1), true},
	}
	for _, tt := range tests {
		got, ok := parseFloat([]byte(tt.text))
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("%s: got %v %v, want %v %v", tt.text, got, ok, tt.want, tt.ok)
		}
	}
	if x, ok := parseFloat([]byte("NaN")); !ok || !math.IsNaN(x) {
		t.Errorf("NaN: got %v %v", x, ok)
	}
}
