package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"backstory/schedules"
	"backstory/sinks"

	"github.com/google/go-cmp/cmp"
)

// TestWriteQuotas shows the arithmetic of a plan that no day is enough for.
func TestWriteQuotas(t *testing.T) {
	r := &sinks.Ration{
		Jobs: 108_000, Used: 20, JobsADay: 100_000, Days: 2, DaysLimit: "2,000 load jobs into a, of which a day allows 1500",
		Problems: []string{"table b would have 20000 partitions"}, PartitionsAJob: 4000, Stored: 3 << 20,
		Tables: []sinks.TableRation{
			{Table: "a", Jobs: 2000, JobsUsed: 20, JobsADay: 1500},
			{Table: "b", Jobs: 2000, Changes: 22_000, ChangesADay: 30_000, Partitions: 20_000},
		},
	}
	for i := range 20 {
		r.Tables = append(r.Tables, sinks.TableRation{Table: fmt.Sprint("t", i)})
	}
	var out strings.Builder
	if err := writeQuotas(&out, r, 2000); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"quotas: about 108,000 load jobs in 2,000 windows, 2,000 for the manifests; a day allows 100,000, 20 used in the last 24 hours\n",
		"\n  a      2,000 of 1,500 a day, 20 used                          one piece\n",
		"\n  b      2,000                          22,000 of 30,000 a day  about 20,000, and a job takes 4,000\n",
		"\n  and 2 more (--json lists all)\n",
		"\n  at least 2 days: 2,000 load jobs into a, of which a day allows 1500\n",
		"\n  cannot be done: table b would have 20000 partitions\n",
		"\ncosts: about 3.0 MiB to be stored; 0 bytes billed for loading, which runs no query\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	out.Reset()
	if err := writeQuotas(&out, nil, 0); err != nil || out.Len() > 0 {
		t.Errorf("of a sink without quotas: got %q, %v", out.String(), err)
	}
}

// TestWriteDeferred says what waits, and until when.
func TestWriteDeferred(t *testing.T) {
	var out strings.Builder
	writeDeferred(&out, "shop", nil)
	writeDeferred(&out, "shop", &schedules.Deferred{
		Windows: 3, Events: 750_000, Limit: "1,500 load jobs a day into table a", Until: time.Date(2026, 3, 2, 12, 0, 0, 0, time.FixedZone("", 3600)),
	})
	want := "shop: 3 windows, about 750,000 events, must wait, since the day's quota is used up (1,500 load jobs a day into table a); there is more from 2026-03-02T11:00:00Z on, and the next run goes on with it\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
