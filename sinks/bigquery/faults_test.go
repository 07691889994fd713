package bigquery_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"backstory/sinks/bigquery/bqtest"
	"backstory/sinks/sinktest"

	"golang.org/x/sync/errgroup"
)

// TestFaultAtEachRequest loses each request of each operation once, before
// anything was done or the answer to it: the operation must not fail, and each
// row be there once.
func TestFaultAtEachRequest(t *testing.T) {
	var g errgroup.Group
	defer g.Wait()
	g.SetLimit(atOnce)
	for _, c := range changes(t) {
		total := requestsOf(t, c)
		for name, fault := range map[string]bqtest.Fault{"lost": bqtest.DropBefore, "answer lost": bqtest.DropResponseAfterAccept} {
			for n := 1; n <= total; n += stride() {
				g.Go(func() error {
					t.Run(fmt.Sprintf("%s/%s/%d", c.Name, name, n), func(t *testing.T) {
						server := start(t, bqtest.Options{JobDelay: 1})
						p := placeOf(server, c)
						p.Prepare(t, c)
						fired := server.Fail(bqtest.Rule{Nth: n, Do: fault})
						do(t, p, c)
						server.Mend()
						if fired() == 0 {
							t.Fatalf("the operation made less than %d requests", n)
						}
						expectOnce(t, server, p, c)
					})
					return nil
				})
			}
		}
	}
}

// placeOf is a place for a change: rows are replaced in all tables at once,
// which other changes may bring in one after the other.
func placeOf(server *bqtest.Server, c sinktest.Change) sinktest.Place {
	p := place(server, nil)
	p.MayMix = c.Name != "replace"
	return p
}

// stride is from one step of a matrix to the next: the variable TEST_STRIDE,
// with which the slow race detector takes not all of them, or 1.
func stride() int {
	n, _ := strconv.Atoi(os.Getenv("TEST_STRIDE"))
	return max(n, 1)
}

// atOnce is how many cases run side by side: mostly they wait, as the client
// does before it asks again.
const atOnce = 24

// requestsOf counts the requests that a change makes.
func requestsOf(t *testing.T, c sinktest.Change) int {
	t.Helper()
	server := start(t, bqtest.Options{JobDelay: 1})
	p := place(server, nil)
	p.Prepare(t, c)
	before := len(server.History())
	do(t, p, c)
	total := len(server.History()) - before
	if total < 3 {
		t.Fatalf("%s makes %d requests, want more", c.Name, total)
	}
	return total
}

// TestFaultsByChance lets a quarter of all requests go wrong, so that the
// operation may fail: it is done again until it does not.
func TestFaultsByChance(t *testing.T) {
	kinds := []bqtest.Fault{
		bqtest.DropBefore, bqtest.DropResponseAfterAccept, bqtest.Status(500, "internalError"), bqtest.ResetMidUpload,
		bqtest.StatusAfterAccept(502, "backendError"), bqtest.Status(403, "rateLimitExceeded"), bqtest.JobFails("backendError"), bqtest.JobFails("rateLimitExceeded"),
	}
	var g errgroup.Group
	defer g.Wait()
	g.SetLimit(atOnce)
	for _, c := range changes(t) {
		for seed := range uint64(6) {
			g.Go(func() error {
				t.Run(fmt.Sprintf("%s/%d", c.Name, seed), func(t *testing.T) { byChance(t, c, seed, kinds) })
				return nil
			})
		}
	}
}

func byChance(t *testing.T, c sinktest.Change, seed uint64, kinds []bqtest.Fault) {
	server := start(t, bqtest.Options{JobDelay: 1})
	p := placeOf(server, c)
	p.Prepare(t, c)
	r := rand.New(rand.NewPCG(seed, 7))
	for n := 1; n <= 60; n += 1 + r.IntN(6) {
		server.Fail(bqtest.Rule{Method: []string{"", "jobs.insert"}[r.IntN(2)], Nth: n, Do: kinds[r.IntN(len(kinds))]})
	}
	for tries := 1; ; tries++ {
		s := p.Open(t, nil)
		err := c.Do(t, s)
		if e := s.Close(); e != nil {
			t.Fatal(e)
		}
		if err == nil {
			break
		}
		if tries == 20 {
			t.Fatal(err)
		}
	}
	server.Mend()
	expectOnce(t, server, p, c)
}

// expectOnce checks that a change can be finished, and that no job which was
// left behind adds anything when its time comes.
func expectOnce(t *testing.T, server *bqtest.Server, p sinktest.Place, c sinktest.Change) {
	t.Helper()
	p.ExpectRecovery(t, c)
	server.Settle()
	p.ExpectOneState(t, c)
}

// changes are the operations of the suite.
func changes(t *testing.T) []sinktest.Change {
	t.Helper()
	all := sinktest.Changes(open(t, options(start(t, bqtest.Options{}))))
	if len(all) != 7 {
		t.Fatalf("got %d changes, want all that the suite has", len(all))
	}
	return all
}

// do does a change with a sink of its own.
func do(t *testing.T, p sinktest.Place, c sinktest.Change) {
	t.Helper()
	s := p.Open(t, nil)
	defer s.Close()
	if err := c.Do(t, s); err != nil {
		t.Fatal(err)
	}
}
