package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDiffers shows that the comparison at the end of a soak finds what is
// wrong with a row.
func TestDiffers(t *testing.T) {
	e := storedEvent{
		stream: [16]byte{0xab, 1}, version: 3, topic: "soak.domain:Order.Paid",
		state: []byte(`{"timestamp":{"_type_":"datetime_iso","_data_":"2026-01-01T00:00:00+00:00"},"n":7,"amount":{"_type_":"decimal_str","_data_":"1.50"},"note":"x"}`),
	}
	row := fmt.Sprintf(`{"position":9,"sub_index":0,"stream_id":%q,"stream_version":3,"event_id":null,"event_type":"Order.Paid","schema_version":1,`+
		`"event_time":"2026-01-01T00:00:00Z","n":7,"amount":1.50,"note":"x","later_1":null,"_extra":null}`, soakUUID(e.stream))
	if err := differs(e, row, false); err != nil {
		t.Errorf("a row as it should be: %v", err)
	}
	for what, c := range map[string]struct {
		event    storedEvent
		old, new string
		broken   bool
	}{
		"no such event":          {event: storedEvent{}},
		"another stream":         {event: e, old: "ab010000", new: "ac010000"},
		"another version":        {event: e, old: `"stream_version":3`, new: `"stream_version":4`},
		"another type":           {event: e, old: "Order.Paid", new: "Order.Placed"},
		"a number that is lost":  {event: e, old: `"n":7`, new: `"n":null`},
		"a digit that is lost":   {event: e, old: "1.50", new: "1.5"},
		"a value from elsewhere": {event: e, old: `"later_1":null`, new: `"later_1":4`},
		"a value in _extra":      {event: e, old: `"_extra":null`, new: `"_extra":"{}"`},
		"in quarantine":          {event: e, broken: true},
	} {
		line := strings.Replace(row, c.old, c.new, 1)
		if err := differs(c.event, line, c.broken); err == nil {
			t.Errorf("%s: nothing was found", what)
		}
	}
}

// TestJudge shows which ends of a process are not accepted.
func TestJudge(t *testing.T) {
	s := &soak{survived: newTally()}
	for _, c := range []struct {
		fate fate
		code int
		by   syscall.Signal
		out  string
		ok   bool
	}{
		{spared, 0, 0, "", true}, {spared, 4, 0, "", true}, {spared, 1, 0, "connect: refused", true}, {killed, -1, syscall.SIGKILL, "", true},
		{told, -1, syscall.SIGTERM, "", true}, {told, -1, syscall.SIGTERM, "run begins", false}, // it listens then
		{spared, -1, syscall.SIGSEGV, "", false}, {told, 5, 0, "the data does not agree", false}, {told, 2, 0, "", false},
		{spared, 0, 0, "closed windows have changed in the source", false}, {spared, 1, 0, "panic: runtime error", false},
		{told, 2, 0, "fatal error: concurrent map writes", false},
	} {
		if err := s.judge("run", c.fate, c.code, c.by, c.out); (err == nil) != c.ok {
			t.Errorf("%s, exit code %d, %q: %v", c.fate, c.code, c.out, err)
		}
	}
}

// TestClock runs a program whose clock is set back while it runs.
func TestClock(t *testing.T) {
	dir := t.TempDir()
	overlay, err := clockOverlay(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(overlay)
	if err != nil || !strings.Contains(string(text), "time.go") {
		t.Fatalf("got overlay %s (%v)", text, err)
	}
	program := dir + "/main.go"
	source := `package main
import "time"
func main() {
	start := time.Now()
	time.Sleep(50 * time.Millisecond)
	println(time.Now().Unix() - start.Unix() < -3500, time.Since(start) > 0)
}`
	if err := os.WriteFile(program, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "run", "-overlay", overlay, program)
	cmd.Env = append(os.Environ(), clockVar+"=3600 20")
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "true true" {
		t.Errorf("got %s and %v, want a clock that goes back by an hour, and a time that does not", out, err)
	}
	t.Logf("in %v", time.Since(began))
}
