package bigquery

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"backstory/transform"
)

// The kinds of rows in tablesTable. Rows of a generation are numbered, and so
// are the swaps of a job; what was written last is true.
const (
	kindTables  = "tables"  // the generation's tables as evolved
	kindDropped = "dropped" // the generation is gone; what comes is of another build
	kindSwap    = "swap"    // the generation is the live one: decided
	kindKept    = "kept"    // what was live before is kept beside it
	kindSwapped = "swapped" // readers see all of it
)

// history is what became of a job's generations.
type history struct {
	live   int // 0 if there is none
	before int // the one that was live until then, 0 if none
	swaps  int // how many there were
	// kept and swapped tell how far the last swap has come.
	kept, swapped bool
	generations   map[int]*generation
}

// generation is one of them.
type generation struct {
	number int // of its last row
	// build counts how often it was dropped: what is loaded later has nothing
	// to do with what was loaded before.
	build  int
	tables []*transform.Table
	names  map[string]bool // of all tables that it ever had
}

// at gives a generation, also one that is not there.
func (h *history) at(n int) *generation {
	if g := h.generations[n]; g != nil {
		return g
	}
	return &generation{names: map[string]bool{}}
}

// there tells whether a generation was begun and not dropped.
func (h *history) there(n int) bool { return len(h.at(n).tables) > 0 }

// history reads what became of a job's generations.
func (s *Sink) history(ctx context.Context, job string) (*history, error) {
	rows, err := list[eventRow](ctx, s, tablesTable)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(r eventRow) bool { return r.Job != job })
	slices.SortStableFunc(rows, func(a, b eventRow) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), a.At.Compare(b.At))
	})
	h := &history{swapped: true, generations: make(map[int]*generation)}
	for _, r := range rows {
		if err := h.take(r); err != nil {
			return nil, fault("restore the table as it was, by time travel or from a copy", "read table %s: job %s: %w", s.fullName(tablesTable), job, err)
		}
	}
	if h.live == 0 {
		for n := range maps.Keys(h.generations) {
			if h.there(n) && (h.live == 0 || n < h.live) {
				h.live = n // the first to be made; a swap decides about others
			}
		}
	}
	return h, nil
}

func (h *history) take(r eventRow) error {
	n, number := int(r.Generation), int(r.Number)
	switch r.Kind {
	case kindSwap, kindKept, kindSwapped:
		if number > h.swaps {
			h.swaps, h.kept, h.swapped = number, false, false
		}
		switch r.Kind {
		case kindSwap:
			before, err := strconv.Atoi(r.Body)
			if err != nil {
				return fmt.Errorf("swap %d is damaged", number)
			}
			h.live, h.before = n, before
		case kindKept:
			h.kept = true
		case kindSwapped:
			h.kept, h.swapped = true, true
		}
		return nil
	}
	g := h.generations[n]
	if g == nil {
		g = h.at(n)
		h.generations[n] = g
	}
	g.number = max(g.number, number)
	switch r.Kind {
	case kindDropped:
		g.build++
		g.tables = nil
	case kindTables:
		g.tables = nil
		if err := json.Unmarshal([]byte(r.Body), &g.tables); err != nil {
			return fmt.Errorf("tables %d of generation %d are damaged: %w", number, n, err)
		}
		for _, t := range g.tables {
			t.Schema() // before it is shared
			g.names[t.Name] = true
		}
	default:
		return fmt.Errorf("row %d is of kind %q, which this version does not know", number, r.Kind)
	}
	return nil
}

// record writes a row of a job's history.
func (s *Sink) record(ctx context.Context, job string, n, number int, kind, body string) error {
	into, err := s.control(ctx, tablesTable)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("record %s of generation %d of job %s", kind, n, job)
	id := fmt.Sprintf("backstory_%s_%s_%s_%d", idText(job), s.place(into), kind, number)
	if kind == kindTables || kind == kindDropped {
		// Two that were written as the same number may differ, where a process
		// died before it saw its own: the later one is true.
		id = fmt.Sprintf("backstory_%s_g%d_%s_%s_%d_%s", idText(job), n, s.place(into), kind, number, digest(body))
	}
	s.step("record %s", kind)
	return s.note(ctx, into, id, what, map[string]string{labelJob: job, labelGeneration: strconv.Itoa(n), labelFingerprint: digest(body)}, map[string]any{
		"job": job, "generation": int64(n), "number": int64(number), "kind": kind, "body": body, colAt: time.Now(),
	})
}

// place names a table in the IDs of jobs, as it was made: what was loaded into
// one of that name that has been deleted since is not in it.
func (s *Sink) place(t *target) string {
	return digest(s.o.Dataset, t.name, strconv.FormatInt(t.created.UnixMilli(), 10))
}
