package upcast

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCastInt(t *testing.T) {
	testCasts(t, `"int"`, []castTest{
		{`12`, "integer 12"}, {`-12`, "integer -12"}, {`null`, "null null"}, {`-0`, "integer -0"},
		{`2.0`, "integer 2"}, {`-2.50e1`, "integer -25"}, {`1e3`, "integer 1000"}, {`0.0`, "integer 0"}, {`-0.0`, "integer 0"}, {`0e99`, "integer 0"},
		{`"12"`, "integer 12"}, {`"-7"`, "integer -7"}, {`"2.0"`, "integer 2"}, {decimalMarker("12.00"), "integer 12"}, {decimalMarker("+1E+3"), "integer 1000"},
		{`9223372036854775807`, "integer 9223372036854775807"}, {`-9223372036854775808`, "integer -9223372036854775808"},
		{`"9223372036854775807"`, "integer 9223372036854775807"},
		{`9223372036854775808`, "error: 9223372036854775808 does not fit into 64 bits"}, {`1e19`, "error: 1e19 does not fit into 64 bits"},
		{`1e999999999999999999999`, "error: 1e999999999999999999999 does not fit into 64 bits"},
		{`2.5`, "error: 2.5 has a fraction"}, {`1e-999999999999999999999`, "error: 1e-999999999999999999999 has a fraction"}, {`"2.5"`, `error: the string "2.5" has a fraction`},
		{`"007"`, `error: want an integer, got the string "007"`}, {`"+7"`, `error: want an integer, got the string "+7"`},
		{`" 7"`, `error: want an integer, got the string " 7"`}, {`"1,000"`, `error: want an integer, got the string "1,000"`},
		{`""`, `error: want an integer, got the string ""`}, {`"-"`, `error: want an integer, got the string "-"`}, {`"1e"`, `error: want an integer, got the string "1e"`},
		{`true`, "error: want an integer, got true"}, {`NaN`, "error: want an integer, got NaN"}, {decimalMarker("NaN"), "error: want an integer, got NaN"},
		{`[1]`, "error: want an integer, got a list"}, {timeMarker, "error: want an integer, got 2025-01-01T08:28:09.736868+00:00"},
	})
}

func TestCastFloat(t *testing.T) {
	testCasts(t, `"float"`, []castTest{
		{`9.5`, "float 9.5"}, {`1E5`, "float 1E5"}, {`null`, "null null"}, {`NaN`, `float "NaN"`}, {`-Infinity`, `float "-Infinity"`},
		{`12`, "float 12.0"}, {`-3`, "float -3.0"}, {`0`, "float 0.0"}, {`"9.50"`, "float 9.5"}, {`"12"`, "float 12.0"}, {`"NaN"`, `float "NaN"`},
		{decimalMarker("9.50"), "float 9.5"}, {decimalMarker(".5"), "float 0.5"}, {decimalMarker("1E+3"), "float 1000.0"}, {decimalMarker("1E-30"), "float 1.0e-30"},
		{decimalMarker("-Infinity"), `float "-Infinity"`}, {`"1e300"`, "float 1.0e300"},
		{`9007199254740993`, "error: a float would lose digits of 9007199254740993"}, {`"0.1000000000000000055"`, `error: a float would lose digits of the string "0.1000000000000000055"`},
		{`0.1000000000000000055`, "error: a float would lose digits of 0.1000000000000000055"},
		{`1e400`, "error: a float would lose digits of 1e400"}, {decimalMarker("1E+400"), "error: a float would lose digits of 1E+400"},
		{decimalMarker("sNaN"), "error: want a number, got sNaN"}, {`"abc"`, `error: want a number, got the string "abc"`}, {`true`, "error: want a number, got true"},
		{uuidMarker, "error: want a number, got 6b0d549b-6f03-475a-9600-a35a099950d8"},
	})
}

func TestCastDecimal(t *testing.T) {
	testCasts(t, `{"decimal":[18,2]}`, []castTest{
		{`977.2`, `decimal "977.20"`}, {`9.5`, `decimal "9.50"`}, {`12`, `decimal "12.00"`}, {`0`, `decimal "0.00"`}, {`-0.0`, `decimal "0.00"`}, {`null`, "null null"},
		{`-0.05`, `decimal "-0.05"`}, {`1e3`, `decimal "1000.00"`}, {`1.50e-1`, `decimal "0.15"`}, {`1.5000`, `decimal "1.50"`}, {`100`, `decimal "100.00"`},
		{`"594.82"`, `decimal "594.82"`}, {decimalMarker("594.8"), `decimal "594.80"`}, {decimalMarker("594.82"), `decimal "594.82"`}, {decimalMarker("1E+3"), `decimal "1000.00"`},
		{`9999999999999999.99`, `decimal "9999999999999999.99"`}, {`10000000000000000`, "error: 10000000000000000 has more than 16 digits in front of the point"},
		{`1e16`, "error: 1e16 has more than 16 digits in front of the point"}, {`1e999999`, "error: 1e999999 has more than 16 digits in front of the point"},
		{`1.999`, "error: 1.999 has more than 2 digits behind the point"}, {`"0.001"`, `error: the string "0.001" has more than 2 digits behind the point`},
		{`NaN`, "error: want a number, got NaN"}, {decimalMarker("Infinity"), "error: want a number, got Infinity"},
		{`"9,50"`, `error: want a number, got the string "9,50"`}, {`true`, "error: want a number, got true"}, {`{}`, "error: want a number, got an object"},
	})
	testCasts(t, `{"decimal":[18,2],"round":"half_even"}`, []castTest{
		{`1.995`, `decimal "2.00"`}, {`1.985`, `decimal "1.98"`}, {`1.9850000001`, `decimal "1.99"`}, {`-1.985`, `decimal "-1.98"`}, {`-1.975`, `decimal "-1.98"`},
		{`0.005`, `decimal "0.00"`}, {`0.015`, `decimal "0.02"`}, {`0.0051`, `decimal "0.01"`}, {`-0.005`, `decimal "0.00"`}, {`1e-300`, `decimal "0.00"`},
		{`99.999`, `decimal "100.00"`}, {`9999999999999999.995`, `error: 9999999999999999.995 has more than 16 digits in front of the point`}, {`14326.230000000001`, `decimal "14326.23"`},
		{`0.09999`, `decimal "0.10"`}, {`2.5`, `decimal "2.50"`},
	})
	testCasts(t, `{"decimal":[18,0],"round":"half_up"}`, []castTest{
		{`0.5`, `decimal "1"`}, {`-0.5`, `decimal "-1"`}, {`2.5`, `decimal "3"`}, {`0.49`, `decimal "0"`}, {`0.05`, `decimal "0"`}, {`99.5`, `decimal "100"`}, {`1200`, `decimal "1200"`},
	})
	testCasts(t, `{"decimal":[38,38]}`, []castTest{
		{`0.12345678901234567890123456789012345678`, `decimal "0.12345678901234567890123456789012345678"`},
		{`1`, "error: 1 has more than 0 digits in front of the point"},
	})
}

// Rounding agrees with exact arithmetic.
func TestRoundAgainstRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`-?(0|[1-9][0-9]{0,5})\.[0-9]{1,8}`).Draw(t, "number")
		scale := rapid.IntRange(0, 5).Draw(t, "scale")
		way := rapid.SampledFrom([]string{"half_even", "half_up"}).Draw(t, "way")
		op := fmt.Sprintf(`{"cast":{"v":{"decimal":[38,%d],"round":"%s"}}}`, scale, way)
		n, err := Parse([]byte(op))
		if err != nil {
			t.Fatal(err)
		}
		c := &compiler{}
		o := c.operation(&n.Keys[0], &n.Values[0])
		s := scopeOf(t, `{"v":`+digits+`}`, "")
		if err := o.Apply(s); err != nil {
			t.Fatal(err)
		}
		got := string(s.Doc.Text(s.Doc.Get("v")))

		x, _ := new(big.Rat).SetString(digits)
		unit := new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
		scaled := new(big.Rat).Quo(new(big.Rat).Abs(x), unit)
		whole, rest := new(big.Int).DivMod(scaled.Num(), scaled.Denom(), new(big.Int))
		half := new(big.Int).Mul(rest, big.NewInt(2)).Cmp(scaled.Denom())
		if half > 0 || half == 0 && (way == "half_up" || whole.Bit(0) == 1) {
			whole.Add(whole, big.NewInt(1))
		}
		want := new(big.Rat).Mul(new(big.Rat).SetInt(whole), unit)
		if x.Sign() < 0 {
			want.Neg(want)
		}
		if text := want.FloatString(scale); got != text && got != strings.TrimPrefix(text, "-") {
			t.Fatalf("%s to %d places, %s: got %s, want %s", digits, scale, way, got, text)
		}
		if g, _ := new(big.Rat).SetString(got); g.Cmp(want) != 0 {
			t.Fatalf("%s to %d places, %s: got %s, want %s", digits, scale, way, got, want.FloatString(scale))
		}
	})
}
