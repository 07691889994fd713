package bigquery_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"backstory/sinks"
	"backstory/sinks/bigquery"
	"backstory/sinks/bigquery/bqtest"
	"backstory/sinks/sinktest"
	"backstory/source"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"pgregory.net/rapid"
)

// replaceWith loads a window again with the rows of another.
func replaceWith(t *testing.T, s *bigquery.Sink, w, rows source.Window, tables ...*transform.Table) error {
	t.Helper()
	txn, err := s.Replace(t.Context(), sinktest.Load(w))
	if err != nil {
		return err
	}
	return complete(t, txn, w, rows, tables...)
}

// TestReplaceCosts checks that loading costs nothing, that a window is
// replaced for the partitions that it has rows in and no others, and that
// this is known before.
func TestReplaceCosts(t *testing.T) {
	for _, partition := range []string{"day", "month", "none"} {
		t.Run(partition, func(t *testing.T) {
			server := start(t, bqtest.Options{})
			o := options(server)
			o.Partition, o.RequirePartitionFilter = partition, partition != "none"
			s := open(t, o)
			// Two hours an event: a window of 240 is twenty days, and some are
			// without a time.
			first, second, last := sinktest.Window(0, 240), sinktest.Window(240, 480), sinktest.Window(480, 960)
			for _, w := range []source.Window{first, second, last} {
				if err := commit(t, s, w, sinktest.Orders(), sinktest.Refunds()); err != nil {
					t.Fatal(err)
				}
			}
			if n := server.Billed(); n != 0 {
				t.Errorf("loading was billed for %d bytes", n)
			}
			bytes, err := s.ReplaceCost(t.Context(), sinktest.Load(second))
			if err != nil {
				t.Fatal(err)
			}
			all := server.Table(dataset, "orders").NumBytes + server.Table(dataset, "refunds").NumBytes
			switch {
			case partition == "none" && bytes != all:
				t.Errorf("cost of a table in one piece: got %d bytes, want all %d", bytes, all)
			case partition != "none" && (bytes <= 0 || bytes > all*2/3):
				t.Errorf("cost of a window: got %d of %d bytes", bytes, all)
			}
			if server.Billed() != 0 || len(leftovers(t, server)) > 0 {
				t.Error("asking for the costs has costs, or leaves something behind")
			}
			some := sinktest.Window(250, 251)
			if err := replaceWith(t, s, second, some, sinktest.Orders()); err != nil {
				t.Fatal(err)
			}
			got, want := place(server, nil).Rows(t, "orders"), lines(sinktest.Orders(), first, some, last)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got %d rows, want %d", len(got), len(want))
			}
			if n := server.Billed(); n < bytes {
				t.Errorf("billed for %d bytes, and %d were estimated", n, bytes)
			}
			if err := check(t, open(t, o)); err != nil {
				t.Errorf("check: %v", err)
			}
		})
	}
}

func lines(table *transform.Table, windows ...source.Window) (all []string) {
	for _, w := range windows {
		all = append(all, sinktest.Lines(table, w)...)
	}
	return all
}

// TestReplaceGuards checks that nothing is exchanged where the tables do not
// hold what was loaded.
func TestReplaceGuards(t *testing.T) {
	server := start(t, bqtest.Options{})
	s := open(t, options(server))
	first, second := sinktest.Window(0, 10), sinktest.Window(10, 20)
	for _, w := range []source.Window{first, second} {
		if err := commit(t, s, w, sinktest.Orders(), sinktest.Refunds()); err != nil {
			t.Fatal(err)
		}
	}
	intrude(t, server, "refunds")
	orders, refunds := place(server, nil).Rows(t, "orders"), place(server, nil).Rows(t, "refunds")
	err := replaceWith(t, s, second, second, sinktest.Orders(), sinktest.Refunds())
	if err == nil || !strings.Contains(err.Error(), "table refunds: rows of the window to take away: not 10 rows") {
		t.Fatalf("got %v, want what is wrong with refunds", err)
	}
	var h interface{ Hint() string }
	if !errors.As(err, &h) {
		t.Errorf("%v has no hint", err)
	}
	if !slices.Equal(orders, place(server, nil).Rows(t, "orders")) || !slices.Equal(refunds, place(server, nil).Rows(t, "refunds")) {
		t.Error("a transaction that failed has changed something")
	}
	if left := leftovers(t, server); len(left) > 0 {
		t.Errorf("a transaction that failed leaves %v behind", left)
	}
}

// TestRestore mends a table that has rows twice, in one window and then in the
// other; of all other tables it wants what was loaded.
func TestRestore(t *testing.T) {
	for _, partition := range []string{"day", "month", "none"} {
		t.Run(partition, func(t *testing.T) {
			server := start(t, bqtest.Options{})
			o := options(server)
			o.Partition, o.RequirePartitionFilter = partition, partition != "none"
			s := open(t, o)
			first, second := sinktest.Window(0, 240), sinktest.Window(240, 480)
			for _, w := range []source.Window{first, second} {
				if err := commit(t, s, w, sinktest.Orders(), sinktest.Refunds()); err != nil {
					t.Fatal(err)
				}
			}
			intrude(t, server, "refunds")
			var count *sinks.CountError
			rows := int64(len(lines(sinktest.Refunds(), first, second)))
			if err := check(t, s); !errors.As(err, &count) || !errors.Is(err, sinks.ErrDisagree) || count.Table != "refunds" || count.Want != rows || count.Got != 2*rows {
				t.Fatalf("check: got %v, want a count of refunds", err)
			}
			if err := restoreWith(t, s, first, "orders"); err == nil || !strings.Contains(err.Error(), "table refunds: rows of the window to take away") {
				t.Fatalf("where refunds are to be as loaded: got %v, want a refusal", err)
			}
			for _, w := range []source.Window{first, second} {
				if bytes, err := s.ReplaceCost(t.Context(), sinktest.Load(w), "refunds"); err != nil || bytes == 0 {
					t.Errorf("costs: got %d bytes, %v", bytes, err)
				}
				if err := restoreWith(t, s, w, "refunds"); err != nil {
					t.Fatal(err)
				}
			}
			for _, table := range []*transform.Table{sinktest.Orders(), sinktest.Refunds()} {
				got, want := place(server, nil).Rows(t, table.Name), lines(table, first, second)
				slices.Sort(got)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Errorf("table %s: got %d rows, want %d", table.Name, len(got), len(want))
				}
			}
			if err := check(t, open(t, o)); err != nil {
				t.Errorf("check: %v", err)
			}
			if left := leftovers(t, server); len(left) > 0 {
				t.Errorf("tables are left over: %v", left)
			}
		})
	}
}

// restoreWith restores a window in some tables with the rows that it had.
func restoreWith(t *testing.T, s *bigquery.Sink, w source.Window, tables ...string) error {
	t.Helper()
	txn, err := s.Restore(t.Context(), sinktest.Load(w), tables)
	if err != nil {
		return err
	}
	return complete(t, txn, w, w, sinktest.Orders(), sinktest.Refunds())
}

// TestReplaceZombie checks that of two who replace a window at once one does,
// and the other is told.
func TestReplaceZombie(t *testing.T) {
	server := start(t, bqtest.Options{})
	s, zombie := open(t, options(server)), open(t, options(server))
	w, some := sinktest.Window(0, 10), sinktest.Window(2, 5)
	if err := commit(t, s, w, sinktest.Orders()); err != nil {
		t.Fatal(err)
	}
	late, err := zombie.Replace(t.Context(), sinktest.Load(w))
	if err != nil {
		t.Fatal(err)
	}
	r := sinktest.Record(sinktest.Orders(), sinktest.Window(7, 9))
	defer r.Release()
	if err := late.Write(t.Context(), sinktest.Orders(), r); err != nil {
		t.Fatal(err)
	}
	if err := replaceWith(t, s, w, some, sinktest.Orders()); err != nil {
		t.Fatal(err)
	}
	if err := late.Commit(t.Context(), sinktest.Summary(w)); !errors.Is(err, sinks.ErrDisagree) || !strings.Contains(err.Error(), "another process replaces the window") {
		t.Errorf("commit of the one who is late: got %v, want ErrDisagree", err)
	}
	if err := late.Abort(); err != nil {
		t.Error(err)
	}
	if got := place(server, nil).Rows(t, "orders"); !slices.Equal(got, lines(sinktest.Orders(), some)) {
		t.Errorf("got %d rows, want %d", len(got), 3)
	}
	if err := replaceWith(t, zombie, w, w, sinktest.Orders()); err != nil {
		t.Errorf("once more: %v", err)
	}
}

// TestReplaceGrownRecord checks that members of objects are not mixed up where
// the table's are in another order than the job's.
func TestReplaceGrownRecord(t *testing.T) {
	server := start(t, bqtest.Options{})
	s := open(t, options(server))
	w := sinktest.Window(0, 10)
	if err := commit(t, s, w, sinktest.Grown()); err != nil {
		t.Fatal(err)
	}
	grown := sinktest.Grown()
	i := grown.Column("lines")
	fields := slices.Insert(slices.Clone(grown.Columns[i].Type.Elem.Fields), 0, transform.Field{Name: "note", Member: "note", Type: transform.Type{Kind: transform.String}})
	grown = &transform.Table{Name: grown.Name, Event: grown.Event, Version: 3, Columns: slices.Clone(grown.Columns)}
	grown.Columns[i].Type = transform.Type{Kind: transform.List, Elem: &transform.Type{Kind: transform.Struct, Fields: fields}}
	grown.Schema()
	if err := s.Evolve(t.Context(), sinktest.Job, sinktest.Generation, []*transform.Table{grown}); err != nil {
		t.Fatal(err)
	}
	r, _, err := array.RecordFromJSON(memory.DefaultAllocator, grown.Schema(), strings.NewReader(
		`[{"position": 4, "sub_index": 0, "stream_id": "s", "lines": [{"note": "n", "sku": "S", "quantity": 2}]}]`))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	txn, err := s.Replace(t.Context(), sinktest.Load(w))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(txn.Write(t.Context(), grown, r), txn.Commit(t.Context(), sinktest.Summary(w))); err != nil {
		t.Fatal(err)
	}
	rows, err := server.Rows(dataset, "orders")
	if err != nil || len(rows) != 1 {
		t.Fatalf("got %d rows, %v", len(rows), err)
	}
	if got, want := rows[0].Get("lines"), `[{"sku": "S", "quantity": 2, "note": "n"}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestReplaceAnyText checks that a manifest is kept as it is, whatever its
// streams are called.
func TestReplaceAnyText(t *testing.T) {
	s := open(t, options(start(t, bqtest.Options{})))
	w := sinktest.Window(0, 10)
	if err := commit(t, s, w, sinktest.Orders()); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		summary := sinktest.Summary(w)
		summary.First.Stream = rapid.String().Draw(rt, "stream") + rapid.SampledFrom([]string{`'; COMMIT TRANSACTION; --`, `\`, `\'`, "\n\r\x00", ""}).Draw(rt, "end")
		txn, err := s.Replace(t.Context(), sinktest.Load(w))
		if err == nil {
			err = txn.Commit(t.Context(), summary)
		}
		if err != nil {
			rt.Fatal(err)
		}
		all, _, err := s.Manifests(t.Context(), sinktest.Job, sinktest.Generation)
		if err != nil {
			rt.Fatal(err)
		}
		if len(all) != 1 || all[0].First.Stream != summary.First.Stream {
			rt.Fatalf("got %+v, want stream %q", all, summary.First.Stream)
		}
	})
}

// TestReplaceManyTables checks that more tables than a transaction may change
// are refused before anything is sent.
func TestReplaceManyTables(t *testing.T) {
	server := start(t, bqtest.Options{})
	s := open(t, options(server))
	var tables []*transform.Table
	for i := range 100 {
		tables = append(tables, &transform.Table{Name: fmt.Sprintf("t%d", i), Version: 1, Columns: sinktest.Refunds().Columns})
		tables[i].Schema()
	}
	w := sinktest.Window(0, 1)
	if err := commit(t, s, w, tables...); err != nil {
		t.Fatal(err)
	}
	err := replaceWith(t, s, w, w, tables...)
	if err == nil || !strings.Contains(err.Error(), "the window has rows in 100 tables") {
		t.Fatalf("got %v, want a refusal", err)
	}
	if left := leftovers(t, server); len(left) > 0 {
		t.Errorf("tables are left over: %v", left)
	}
	if err := replaceWith(t, s, w, w, tables[:1]...); err == nil {
		t.Error("rows of 100 tables were taken away at once")
	}
}

// TestReplaceUnknown checks what cannot be replaced.
func TestReplaceUnknown(t *testing.T) {
	s := open(t, options(start(t, bqtest.Options{})))
	if err := commit(t, s, sinktest.Window(0, 10), sinktest.Orders()); err != nil {
		t.Fatal(err)
	}
	for w, want := range map[source.Window]string{
		sinktest.Window(0, 11): "no such load is committed",
		sinktest.Window(5, 5):  "the window is empty",
		{After: source.Position{Tx: 3, Seq: 1}, Through: source.Position{Tx: 4, Seq: 1}}: "rows do not tell the transactions",
	} {
		_, err := s.Replace(t.Context(), sinktest.Load(w))
		var h interface{ Hint() string }
		if err == nil || !strings.Contains(err.Error(), want) || !errors.As(err, &h) {
			t.Errorf("replace %s: got %v, want %q and a hint", w, err, want)
		}
	}
}

// TestReplaceAfterFailure checks that a transaction which has failed keeps
// nobody from the next attempt, which is another text.
func TestReplaceAfterFailure(t *testing.T) {
	server := start(t, bqtest.Options{})
	w, some := sinktest.Window(0, 10), sinktest.Window(2, 5)
	if err := commit(t, open(t, options(server)), w, sinktest.Orders()); err != nil {
		t.Fatal(err)
	}
	failed := server.Fail(bqtest.Rule{Method: "jobs.insert", Job: "_r1_a1", Do: bqtest.JobFails("invalidQuery")})
	if err := replaceWith(t, open(t, options(server)), w, some, sinktest.Orders()); err == nil || failed() != 1 {
		t.Fatal("a transaction that fails: got no error")
	}
	if err := replaceWith(t, open(t, options(server)), w, some, sinktest.Orders()); err != nil {
		t.Fatal(err)
	}
	if got := place(server, nil).Rows(t, "orders"); !slices.Equal(got, lines(sinktest.Orders(), some)) {
		t.Errorf("got %d rows, want 3", len(got))
	}
}
