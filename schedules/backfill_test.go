package schedules_test

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"backstory/schedules"
	"backstory/source"
)

// TestBackfillSuitsTheRest loads the first part of a history whose later part
// has other types: columns are kept, so they must suit both.
func TestBackfillSuitsTheRest(t *testing.T) {
	r := newRig(t)
	for i := range 40 {
		price := fmt.Sprint(i)
		if i >= 20 {
			price += ".5"
		}
		r.src.Append(source.Event{Stream: []byte("s"), Type: "E", StreamVersion: int64(i + 1), Data: fmt.Appendf(nil, `{"price": %s}`, price)})
	}
	if _, err := r.job(t).Backfill(t.Context(), schedules.Range{Through: at(20)}); err != nil {
		t.Fatal(err)
	}
	if rep := r.run(t); rep.Events != 20 || rep.Extra != 0 {
		t.Errorf("the rest: %d events with %d values in _extra, want 20 and none", rep.Events, rep.Extra)
	}
}

// TestBytesAfterLedgerLost counts payloads once, whoever remembers them.
func TestBytesAfterLedgerLost(t *testing.T) {
	r := newRig(t)
	r.append(35, "E", "a")
	r.run(t)
	want := r.state(t).Totals.Bytes
	if err := os.Remove(r.ledger); err != nil {
		t.Fatal(err)
	}
	r.run(t)
	if got := r.state(t).Totals.Bytes; got != want || want == 0 {
		t.Errorf("bytes after the ledger was lost: got %d, want %d", got, want)
	}
}

// TestSeekTellsWhatFailed looks for a time among events that cannot be read.
func TestSeekTellsWhatFailed(t *testing.T) {
	r := newRig(t)
	unread := &source.EventError{Position: at(1), Step: "decrypt", Err: errors.New("the key is another one")}
	r.src.Append(source.Event{Stream: []byte("s"), Type: "E", Data: []byte{1, 2}, Err: unread})
	_, err := r.job(t).PositionBefore(t.Context(), time.Now())
	var ee *source.EventError
	if !errors.As(err, &ee) || ee.Step != "decrypt" {
		t.Errorf("got %v, want what the event says", err)
	}
}
