package transform

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"backstory/source"

	"github.com/google/go-cmp/cmp"
)

// forgetting gives the pipeline without some streams, with a salt each.
func forgetting(t *testing.T, p *Pipeline, streams ...string) *Pipeline {
	t.Helper()
	var digests []Digest
	for i, s := range streams {
		digests = append(digests, DigestOf([SaltBytes]byte{byte(i)}, []byte(s)))
	}
	next, err := p.Forget(digests)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// of makes an event one of a stream.
func of(e source.Event, stream string) source.Event {
	e.Stream = []byte(stream)
	return e
}

// Events of forgotten streams have no rows, no columns and no place in
// quarantine, wherever a store keeps the stream.
func TestForget(t *testing.T) {
	unread := of(event(4, "\xff\x00"), "b")
	unread.Err = &source.EventError{Step: "decrypt", Err: errors.New("no key"), Advice: "find it"}
	stored := []source.Event{
		of(event(1, `{"x":1}`), "a"), of(event(2, `{"secret":1}`), "b"), of(event(3, `{"bro`), "b"), unread,
		of(event(5, `{"x":2}`), "c"), of(event(6, `{"x":3}`), "b"), of(event(7, `{"x":4}`), ""),
	}
	var lifted []source.Event
	for _, e := range stored {
		if e.Err == nil && e.Data[len(e.Data)-1] == '}' {
			e.Meta, e.Stream = fmt.Appendf(nil, `{"of":%q}`, e.Stream), nil
			if string(e.Meta) == `{"of":"b"}` {
				e.Data = []byte(`{"at":"no time","secret":1}`)
			}
			lifted = append(lifted, e)
		}
	}
	for _, tt := range []struct {
		name   string
		rules  Rules
		events []source.Event
		lost   int64
	}{
		{"beside the payload", Rules{}, stored, 4},
		{"in the metadata", Rules{Payload: source.Payload{Stream: source.Path{Meta: true, Names: []string{"of"}}, Time: source.Path{Names: []string{"at"}}}}, lifted, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			whole := compile(t, tt.rules)
			p := forgetting(t, whole, "b", "never seen")
			if p.Fingerprint() != whole.Fingerprint() {
				t.Error("the fingerprint has changed")
			}
			r := flatten(t, p, p.NewCatalog(nil), Limits{}, tt.events)
			var xs []any
			for _, row := range r.rows["e"] {
				xs = append(xs, row["x"])
			}
			if diff := cmp.Diff([]any{int64(1), int64(2), int64(4)}, xs); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if r.table("e").Column("secret") >= 0 || r.table(Quarantine) != nil {
				t.Errorf("tables show what is forgotten: %v", columnNames(r.table("e")))
			}
			if r.stats.Forgotten != tt.lost || r.stats.Discarded != 0 || r.stats.Quarantined != 0 || r.stats.Events != int64(len(tt.events)) {
				t.Errorf("got %+v, want %d events forgotten", r.stats, tt.lost)
			}
			if again := forgetting(t, p); flatten(t, again, again.NewCatalog(nil), Limits{}, tt.events).stats.Rows <= 3 {
				t.Error("a pipeline that forgets nothing has forgotten something")
			}
		})
	}
}

// Rules that differ in events that are forgotten make no difference.
func TestForgetCompared(t *testing.T) {
	old, now := compile(t, Rules{}), compile(t, Rules{}, WithUpcaster("E", 1, UpcasterFunc(func(e *Envelope, emit Emit) error {
		return nil
	})))
	e := of(event(1, `{}`), "a")
	if now.NewComparer(old).Same(&e) {
		t.Error("they are the same without forgetting")
	}
	if !forgetting(t, now, "a").NewComparer(forgetting(t, old, "a")).Same(&e) {
		t.Error("an event that both forget differs")
	}
}

func TestForgetterMet(t *testing.T) {
	f := forgetting(t, compile(t, Rules{}), "a", "b").NewForgetter()
	for _, s := range []string{"a", "a", "x", "b", "", "x", "a"} {
		if got, want := f.Forgets([]byte(s)), s == "a" || s == "b"; got != want {
			t.Errorf("%q: got %t", s, got)
		}
	}
	want := []Digest{DigestOf([SaltBytes]byte{0}, []byte("a")), DigestOf([SaltBytes]byte{1}, []byte("b"))}
	if got := f.Met(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	f.Reset()
	if f.Forgets([]byte("a")); len(f.Met()) != 1 {
		t.Errorf("after Reset: %v", f.Met())
	}
}

func TestDigestErrors(t *testing.T) {
	good := DigestOf([SaltBytes]byte{7}, []byte("a"))
	if salt, err := good.Salt(); err != nil || salt != [SaltBytes]byte{7} {
		t.Errorf("salt of %s: %x, %v", good, salt, err)
	}
	for _, bad := range []Digest{"", ":", "00:00", good[:40], good + "0", "x" + good[1:], good[:len(good)-1] + "x"} {
		if _, err := compile(t, Rules{}).Forget([]Digest{bad}); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

// Most jobs forget nothing; the others should not feel it.
func BenchmarkForgets(b *testing.B) {
	for _, n := range []int{0, 1, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var digests []Digest
			for i := range n {
				digests = append(digests, DigestOf([SaltBytes]byte{}, fmt.Append(nil, i)))
			}
			p, err := Compile(Rules{})
			if err != nil {
				b.Fatal(err)
			}
			if p, err = p.Forget(digests); err != nil {
				b.Fatal(err)
			}
			f := p.NewForgetter()
			streams := [2][]byte{[]byte("3f2b8c1e-0d7a-5e44-9b1a-111111111111"), []byte("3f2b8c1e-0d7a-5e44-9b1a-222222222222")}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				f.Forgets(streams[i&1])
			}
		})
	}
}
