package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"backstory/source"
)

// wantSetup sees that err is a setup error that is not transient, with these
// words in its text and hint.
func wantSetup(t *testing.T, err error, text, hint string) {
	t.Helper()
	var setup *source.SetupError
	if !errors.As(err, &setup) {
		t.Fatalf("got %v, want a setup error", err)
	}
	if !strings.Contains(err.Error(), text) || !strings.Contains(setup.Hint(), hint) {
		t.Errorf("got %q with hint %q, want %q and %q in them", err, setup.Hint(), text, hint)
	}
}
