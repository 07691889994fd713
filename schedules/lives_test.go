package schedules_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"backstory/schedules"
	ledger "backstory/schedules/sqlite"
	"backstory/source"
	"backstory/transform"
)

var (
	lives = flag.Int("lives", 12, "how many histories TestLives lives through, of each kind")
	first = flag.Int("first-life", 0, "the number of the first of them")
)

// TestLives lives through random histories of a job: everything that can be
// done to it is done in any order, by processes that are killed at any step,
// while the store grows, also below what is loaded, rows are damaged and the
// ledger is lost. No event is ever there twice, and in the end each is there
// once, but for those of streams that were to be forgotten.
func TestLives(t *testing.T) {
	for name, begin := range map[string]func(*tale) ground{"folder": newGroundFolder, "warehouse": newGroundWarehouse} {
		t.Run(name, func(t *testing.T) {
			for seed := *first; seed < *first+*lives; seed += 1 + int(stride())/2 {
				t.Run(fmt.Sprint(seed), func(t *testing.T) {
					t.Parallel()
					l := newTale(t, uint64(seed), begin)
					for range 4 + l.IntN(16) {
						l.turn()
					}
					l.end()
				})
			}
		})
	}
}

// ground is where a job loads to.
type ground interface {
	// read gives what readers see.
	read() (*folder, error)
	// damage changes rows behind the job's back, and tells whether it has.
	damage() bool
	// disturb makes trouble for what is done next.
	disturb()
	// calm ends the trouble.
	calm()
	// tidy looks for what was not meant to stay.
	tidy() error
}

// A tale is one such history.
type tale struct {
	*rand.Rand
	t       *testing.T
	ground  ground
	order   order
	store   *store
	told    []string // what has happened
	through int64    // the last position that was drawn
	late    []int64  // positions whose events are not committed yet
	forget  []string // streams
	damaged bool
	// halfway says that a swap of generations was cut off where tables change one
	// after the other.
	halfway bool
}

func newTale(t *testing.T, seed uint64, begin func(*tale) ground) *tale {
	dir := scratch(t)
	l := &tale{
		Rand: rand.New(rand.NewPCG(seed, 0)), t: t,
		order: order{Driver: "sqlite", Store: filepath.Join(dir, "store.db"), Out: filepath.Join(dir, "out"), Era: "old", Lenient: true},
	}
	l.store = openStore(t, l.order.Driver, l.order.Store)
	var err error
	if l.order.Table, err = l.store.newTable(1); err != nil {
		t.Fatal(err)
	}
	l.through, l.ground = 1, begin(l)
	l.grow()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the history:\n%s", strings.Join(l.told, "\n"))
		}
	})
	return l
}

func (l *tale) tell(format string, args ...any) {
	l.told = append(l.told, fmt.Sprintf(format, args...))
}

// isBad tells for which events era "strict" fails: rare ones, some of which
// are the only ones of their table in a window.
func isBad(id int64) bool { return id%41 == 0 || id%67 == 0 }

func (l *tale) insert(ids []int64) {
	for _, id := range ids {
		e := entryAt(id)
		body := e.body()
		if isBad(id) {
			body = strings.TrimSuffix(body, "}") + `, "bad": true}`
		}
		_, err := l.store.db.Exec("INSERT INTO "+l.order.Table+" VALUES (?, ?, ?, ?, ?)", id, streamAt(id), id, e.kind, body)
		if err != nil {
			l.t.Fatal(err)
		}
	}
}

// grow adds events; some that have drawn their positions stay away for now.
func (l *tale) grow() {
	var ids []int64
	for range 1 + l.IntN(150) {
		if l.through++; l.IntN(40) == 0 {
			l.late = append(l.late, l.through)
		} else {
			ids = append(ids, l.through)
		}
	}
	l.insert(ids)
	l.tell("events up to %d, late %v", l.through, l.late)
}

// turn has something happen.
func (l *tale) turn() {
	o := l.order
	o.WindowEvents = []int{1 + l.IntN(10), 11 + l.IntN(40), 500}[l.IntN(3)]
	if o.Project != "" { // each window is as many requests as there are tables
		o.WindowEvents *= 7
	}
	switch what := l.IntN(20); what {
	case 0, 1, 2:
		l.grow()
		return
	case 3:
		if l.settled() {
			l.insert(l.late)
			l.tell("late %v", l.late)
			l.late = nil
		}
		return
	case 4:
		if err := os.Remove(l.ledger()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			l.t.Fatal(err)
		}
		l.tell("the ledger is lost")
		return
	case 5, 6, 7:
		if o.Project == "" {
			o.Verb = "compact"
		}
	case 8:
		l.order.Era = []string{"old", "new", "strict", "mended"}[l.IntN(4)]
		o.Era, o.Verb = l.order.Era, "rebuild"
	case 9, 10:
		if o.Era == "strict" {
			l.order.Era, o.Era = "mended", "mended"
		}
		o.Verb = "replay"
	case 11:
		o.Verb, o.Stream = "forget", fmt.Sprintf("cart-%d", 1+l.IntN(6))
		if len(l.forget) < 2 {
			l.forget = append(l.forget, o.Stream)
		} else {
			o.Stream = l.forget[0]
		}
	case 12:
		if l.settled() {
			l.damaged = l.ground.damage() || l.damaged
		}
		o.Verb = "repair"
	case 13, 14, 15, 16:
		o.Verb, o.After = "again", l.Int64N(l.through)
		if what == 13 {
			o.Verb = "backfill"
		}
		o.Until = o.After + 1 + l.Int64N(100)
	}
	if l.IntN(2) == 0 {
		o.KillAt = 1 + l.Int64N(120)
	}
	l.do(o)
	if l.damaged || l.halfway {
		return
	}
	if f, err := l.ground.read(); err != nil {
		l.t.Fatal(err)
	} else if _, err := l.whole(f, "", false); err != nil {
		l.t.Fatal(err)
	}
}

// settled runs the job, and tells whether nothing is half done afterwards: what
// a crash has left is finished with the events and the rows there were.
func (l *tale) settled() bool {
	o := l.order
	o.WindowEvents = 100
	return l.do(o) == nil
}

func (l *tale) do(o order) error {
	killed, err := false, error(nil)
	l.ground.disturb()
	if o.KillAt > 0 {
		killed, err = o.start()
	} else {
		err = o.run()
	}
	l.ground.calm()
	l.tell("%q under %s, windows of %d, (%d,%d], stream %s, to be killed at %d: %t, %v", o.Verb, o.Era, o.WindowEvents, o.After, o.Until, o.Stream, o.KillAt, killed, err)
	l.halfway = o.Project != "" && (killed && o.Verb == "rebuild" || l.halfway && (killed || err != nil))
	var rules *schedules.RulesError
	switch {
	case errors.As(err, &rules): // of other rules than the tables follow, with a ledger that was lost, or to replay
		return err
	case err != nil && l.damaged:
		l.repair()
		return err
	case err != nil:
		l.t.Fatal(err)
	}
	l.damaged = l.damaged && (killed || o.Verb != "repair")
	return nil
}

func (l *tale) repair() {
	o := l.order
	o.Verb, o.WindowEvents = "repair", 50
	err := o.run()
	l.ground.calm()
	l.tell("repair: %v", err)
	var rules *schedules.RulesError
	if errors.As(err, &rules) { // nobody knows any more what the rows were
		o.Verb = "rebuild"
		err = o.run()
		l.tell("rebuild under %s: %v", o.Era, err)
		if err == nil {
			l.repair() // what came late to an earlier, unfinished rebuild
			return
		}
	}
	if err != nil {
		l.t.Fatal(err)
	}
	l.damaged = false
}

func (l *tale) ledger() string { return filepath.Join(l.order.Out, "_backstory", "ledger.db") }

// end finishes what was begun and looks at what there is then.
func (l *tale) end() {
	if l.damaged {
		l.repair()
	}
	l.settled()
	l.insert(l.late)
	o := l.order
	o.WindowEvents = 30
	l.do(o)
	l.repair() // which finds all that was late, a run only what was so of late
	for _, o.Stream = range l.forget {
		o.Verb = "forget"
		l.do(o)
	}
	o.Verb = ""
	l.do(o)
	era := l.proof(o)
	l.tell("the tables follow %s", era)
	f, err := l.ground.read()
	if err != nil {
		l.t.Fatal(err)
	}
	seen, err := l.whole(f, era, true)
	if err != nil {
		l.t.Fatal(err)
	}
	for id := int64(1); id <= l.through; id++ {
		if want := !slices.Contains(l.forget, streamAt(id)); seen[id] != want {
			l.t.Errorf("the event at %d is there: %t, want %t", id, seen[id], want)
		}
	}
	if err := l.ground.tidy(); err != nil {
		l.t.Error(err)
	}
}

// proof verifies everything, and gives the era whose rules the tables follow.
func (l *tale) proof(o order) string {
	ctx := l.t.Context()
	src, err := o.source(ctx)
	if err != nil {
		l.t.Fatal(err)
	}
	defer src.Close()
	sink, err := o.sink(ctx, func(string) {})
	if err != nil {
		l.t.Fatal(err)
	}
	defer sink.Close()
	kept, err := ledger.Open(ctx, l.ledger())
	if err != nil {
		l.t.Fatal(err)
	}
	defer kept.Close()
	state, err := kept.State(ctx, jobName)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, era := range []string{"old", "new", "strict", "mended"} {
		p, err := compileEra(source.PayloadOf(src), era)
		if err != nil {
			l.t.Fatal(err)
		}
		if p.Fingerprint() != state.Fingerprint {
			continue
		}
		j := &schedules.Job{Name: jobName, Source: src, Pipeline: p, Sink: sink, Ledger: kept, Recompile: recompile}
		proof, err := j.Verify(ctx, schedules.VerifyOptions{Full: true, Values: true})
		if err != nil {
			l.t.Fatal(err)
		}
		for _, f := range proof.Findings {
			l.t.Errorf("verify: %+v", f)
		}
		return era
	}
	l.t.Fatalf("the tables follow rules %s, which nobody knows", state.Fingerprint)
	return ""
}

// whole gives the events that are there, which must be there once, and, if
// that is asked for, as the rules of an era make them.
func (l *tale) whole(f *folder, era string, values bool) (map[int64]bool, error) {
	seen := make(map[int64]bool)
	for table, rows := range f.rows {
		for _, row := range rows {
			var id int64
			if _, err := fmt.Sscan(row["position"], &id); err != nil {
				return nil, fmt.Errorf("position %q: %w", row["position"], err)
			}
			if seen[id] {
				return nil, fmt.Errorf("the event at %d is there twice", id)
			}
			seen[id] = true
			if !values {
				continue
			}
			e, made := entryAt(id), strings.Replace(era, "strict", "mended", 1)
			want := strings.ToLower(strings.ReplaceAll(kindIn(made, e.kind), ".", "_"))
			if era == "strict" && isBad(id) {
				want = transform.Quarantine
			}
			if table != want {
				return nil, fmt.Errorf("the event at %d is in table %s, want %s", id, table, want)
			}
			if table == transform.Quarantine {
				continue
			}
			if row["sku"] != fmt.Sprintf("S%d", id) || row["coupon"] != e.coupon || row["era"] != made || row["_extra"] != "" {
				return nil, fmt.Errorf("the event at %d: got %v, want %+v", id, row, e)
			}
		}
	}
	return seen, nil
}
