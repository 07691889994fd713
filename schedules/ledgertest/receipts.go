package ledgertest

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"backstory/schedules"
	"backstory/source"
	"backstory/transform"

	"github.com/google/go-cmp/cmp"
)

// Receipts are of the job, whatever becomes of its generations, and what the
// ledger has said of a stream that is forgotten is blanked.
func testReceipts(t *testing.T, p Place) {
	const secret = "cart-4711"
	l := p.open(t)
	live, next := lease(t, l, job), lease(t, l.Next(), job)
	asked := time.Date(2026, 2, 3, 4, 5, 6, 7000, time.UTC)
	digest := func(name string) transform.Digest {
		return transform.DigestOf([transform.SaltBytes]byte{1}, []byte(name))
	}
	const quoted = "rosa \"dvor\"\x00"
	named, other := loaded(window(0, 10)), loaded(window(10, 20))
	named.First.Stream, named.Last.Stream = secret, secret
	other.Last.Stream = "cart-47110"
	failed := schedules.Run{Kind: "run", Started: asked}
	save(t, live, schedules.Change{Finish: []schedules.Loaded{named, other}, Begin: &failed})
	failed.Finished, failed.Error = asked, "read event 3 of stream "+secret+": no "+strconv.Quote(quoted)
	save(t, live, schedules.Change{End: &failed})
	save(t, next, schedules.Change{Finish: []schedules.Loaded{named}})

	first := schedules.Receipt{Asked: asked, Streams: []transform.Digest{digest(secret), digest("x")}, Rows: 12, Windows: 1}
	save(t, live, schedules.Change{Forget: &first, Erase: []string{secret, "x", quoted, quoted[:4]}, Again: []source.Window{named.Window}})
	if first.ID != 1 {
		t.Errorf("the first receipt has the ID %d", first.ID)
	}
	s := state(t, p.open(t), job)
	if diff := cmp.Diff([]schedules.Receipt{first}, s.Receipts); diff != "" {
		t.Errorf("receipts (-want +got):\n%s", diff)
	}
	if s.First.Stream != "" || s.First.Position != named.First.Position || s.First.Type != named.First.Type || s.Last != other.Last {
		t.Errorf("anchors: got %+v and %+v", s.First, s.Last)
	}
	if len(s.Again) != 1 || strings.Contains(s.Runs[0].Error, secret) || strings.Contains(s.Runs[0].Error, "rosa") || strings.Contains(s.Runs[0].Error, "dvor") || !strings.HasPrefix(s.Runs[0].Error, "read event 3 of stream ") {
		t.Errorf("again: got %v; run: %+v", s.Again, s.Runs[0])
	}
	if s := state(t, l.Next(), job); s.First.Stream != "" || len(s.Receipts) != 1 {
		t.Errorf("the next generation: got %+v, %+v", s.First, s.Receipts)
	}
	if got := state(t, l, "another job"); len(got.Receipts) > 0 {
		t.Errorf("another job: got %+v", got.Receipts)
	}

	save(t, live, schedules.Change{Replace: []schedules.Loaded{named}})
	save(t, live, schedules.Change{Forgot: true})
	second := schedules.Receipt{Asked: asked, Done: asked, Streams: []transform.Digest{digest("y")}}
	save(t, live, schedules.Change{Forget: &second})
	save(t, next, schedules.Change{Reset: true, Finish: []schedules.Loaded{other}})
	save(t, next, schedules.Change{Promote: true})
	got := state(t, p.open(t), job).Receipts
	if len(got) != 2 || got[0].Done.IsZero() || !got[1].Done.Equal(asked) || got[1].ID != 2 {
		t.Errorf("receipts at the end: got %+v", got)
	}
}
