package ledgersql

import (
	"errors"
	"strings"
	"testing"

	"backstory/schedules"
)

// whole is a small exported ledger.
const whole = `{"backstory":"ledger","format":3}
{"job":{"name":"shop","generation":2}}
{"lease":{"job":"shop","next":0,"number":7}}
{"generation":{"job":"shop","number":2,"fingerprint":"f","windows":1,"events":9,"row_count":9,"bytes":90,"stored":9,"extra":0,"quarantined":0,"discarded":0}}
{"window":{"job":"shop","generation":2,"after_tx":0,"after_seq":0,"through_tx":0,"through_seq":9,"state":"loaded","events":9,"row_count":9,"bytes":90,"stored":9,"extra":0,"planned_at":"x","loaded_at":"y","ms":1,"quarantined":0,"discarded":0,"again":0}}
{"loaded":{"job":"shop","generation":2,"after_tx":0,"after_seq":0,"through_tx":0,"through_seq":9}}
{"run":{"job":"shop","id":1,"kind":"run","started":"x","windows":1,"events":9}}
{"end":6}
`

func TestParseLines(t *testing.T) {
	in, err := parseLines(strings.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	if len(in.rows) != 6 || in.rows["generation"][0][3] != "" || in.rows["generation"][0][5] != "[]" {
		t.Errorf("got %v", in.rows)
	}
	if _, err := parseLines(strings.NewReader(strings.TrimSuffix(whole, "\n"))); err != nil {
		t.Errorf("without the last line's end: %v", err)
	}
}

// Whatever is wrong with a file, the line is named, and what to do.
func TestParseBadLines(t *testing.T) {
	tests := map[string]struct {
		old, new string
		line     int
		says     string
	}{
		"nothing":            {whole, "", 1, "ends before its last line"},
		"no ledger":          {`{"backstory":"ledger","format":3}`, `{"a":1}`, 1, "this is no exported ledger"},
		"of the future":      {`"format":3`, `"format":4`, 1, "its format is 4"},
		"cut at a line":      {"{\"end\":6}\n", "", 8, "ends before its last line"},
		"cut in a line":      {`:9}}` + "\n" + `{"end":6}` + "\n", `:9`, 7, "unexpected end"},
		"a line is missing":  {`{"lease":{"job":"shop","next":0,"number":7}}` + "\n", "", 7, "it counts 6 lines, and there are 5"},
		"more behind it":     {`{"end":6}`, "{\"end\":6}\n{\"end\":6}", 9, "behind the last line"},
		"no count":           {`{"end":6}`, `{"end":null}`, 8, "it counts null lines"},
		"an empty line":      {`{"loaded"`, "\n" + `{"loaded"`, 6, "unexpected end"},
		"no object":          {`{"job":{"name":"shop","generation":2}}`, `[]`, 2, "cannot unmarshal"},
		"two in one":         {`{"job":{"name":"shop","generation":2}}`, `{"job":{},"lease":{}}`, 2, "one member"},
		"of unknown kind":    {`{"lease"`, `{"lore"`, 3, "this Backstory does not know it"},
		"unknown member":     {`"kind":"run"`, `"kind":"run","mood":1`, 7, "mood of run"},
		"a member missing":   {`"kind":"run",`, ``, 7, "run wants a member kind"},
		"a fraction":         {`"number":7`, `"number":7.5`, 3, "want a whole number, got 7.5"},
		"null for a number":  {`"number":7`, `"number":null`, 3, "want a whole number"},
		"number for text":    {`"kind":"run"`, `"kind":1`, 7, "want text, got 1"},
		"twice":              {`{"lease":{"job":"shop","next":0,"number":7}}`, `{"job":{"name":"shop","generation":2}}`, 3, `job ["shop"] stands there twice`},
		"of no job":          {`{"lease":{"job":"shop"`, `{"lease":{"job":"shoe"`, 3, "of a job that comes later or not at all"},
		"of no generation":   {`"shop","number":2`, `"shop","number":3`, 5, "of a generation that comes later or not at all"},
		"empty window":       {`"through_tx":0,"through_seq":9,"state"`, `"through_tx":0,"through_seq":0,"state"`, 5, "is empty"},
		"of no state":        {`"state":"loaded"`, `"state":"lost"`, 5, "neither planned nor loaded"},
		"not text":           {`"kind":"run"`, "\"kind\":\"r\xffn\"", 7, "not UTF-8"},
		"overlapping ranges": {`{"run":`, `{"loaded":{"job":"shop","generation":2,"after_tx":0,"after_seq":8,"through_tx":0,"through_seq":19}}` + "\n" + `{"run":`, 7, "overlaps the one before it"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if strings.Count(whole, test.old) < 1 {
				t.Fatalf("there is no %s", test.old)
			}
			_, err := parseLines(strings.NewReader(strings.Replace(whole, test.old, test.new, 1)))
			var wrong *schedules.LineError
			if !errors.As(err, &wrong) || wrong.Line != test.line || !strings.Contains(err.Error(), test.says) || wrong.Hint() == "" {
				t.Errorf("got %v, want one of line %d that says %q", err, test.line, test.says)
			}
		})
	}
}

// Whatever the file, reading it ends with a ledger or with a line that is wrong.
func FuzzParseLines(f *testing.F) {
	f.Add(whole)
	for cut := 0; cut < len(whole); cut += 97 {
		f.Add(whole[:cut])
	}
	f.Fuzz(func(t *testing.T, text string) {
		in, err := parseLines(strings.NewReader(text))
		var wrong *schedules.LineError
		if err != nil && !errors.As(err, &wrong) {
			t.Fatalf("got %v", err)
		}
		if err == nil {
			for _, s := range sections {
				for _, row := range in.rows[s.name] {
					if len(row) != len(s.columns) {
						t.Fatalf("a row of %s has %d values", s.name, len(row))
					}
				}
			}
		}
	})
}
