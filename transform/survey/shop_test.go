package survey_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"backstory/source"
	"backstory/transform"
	"backstory/transform/survey"

	_ "modernc.org/sqlite"
	"pgregory.net/rapid"
)

// shopPayload is how Python's eventsourcing writes events.
var shopPayload = source.Payload{
	Markers: true, Time: source.Path{Names: []string{"timestamp"}}, SchemaVersion: source.Path{Names: []string{"class_version"}},
	Repeats: []string{"originator_topic"},
}

// shopEvents reads the store of a small shop (see testdata/stores).
func shopEvents(t testing.TB) []source.Event {
	t.Helper()
	path := filepath.Join("..", "..", "testdata", "stores", "shop", "shop.sqlite")
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro&immutable=1")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT rowid, originator_id, originator_version, topic, state FROM stored_events ORDER BY rowid")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names := source.Names{Topics: true}
	var all []source.Event
	for rows.Next() {
		var e source.Event
		var id, topic string
		if err := rows.Scan(&e.Position.Seq, &id, &e.StreamVersion, &topic, &e.Data); err != nil {
			t.Fatal(err)
		}
		e.Stream, e.Type = []byte(strings.Clone(id)), names.Name(topic)
		all = append(all, e)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func pipeline(t testing.TB, p source.Payload) *transform.Pipeline {
	t.Helper()
	pipe, err := transform.Compile(transform.Rules{Payload: p})
	if err != nil {
		t.Fatal(err)
	}
	return pipe
}

func openerOf(t rapid.TB) *transform.Opener {
	t.Helper()
	p, err := transform.Compile(transform.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	return p.NewOpener()
}

// look surveys events in so many windows, merged in order.
func look(t testing.TB, p source.Payload, events []source.Event, windows int) *survey.Survey {
	t.Helper()
	o := pipeline(t, p).NewOpener()
	all := survey.New(p)
	for i := range windows {
		s := survey.New(p)
		for j := i * len(events) / windows; j < (i+1)*len(events)/windows; j++ {
			if err := s.Take(o, &events[j]); err != nil {
				t.Fatal(err)
			}
		}
		all.Merge(s)
	}
	return all
}
