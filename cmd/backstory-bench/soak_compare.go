package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"backstory/sinks/sinktest/readback"

	"github.com/jackc/pgx/v5"
)

// comparison is what was found in the end.
type comparison struct{ events, quarantined, files int }

// compare compares the events of the store with the rows of the tables.
func (s *soak) compare(ctx context.Context) (c comparison, err error) {
	want, err := s.stored(ctx)
	if err != nil {
		return c, err
	}
	c.events = len(want)
	files, err := s.tables()
	if err != nil {
		return c, err
	}
	c.files = len(files)
	var wrong []error
	seen := make(map[int64]int, len(want))
	for _, file := range files {
		lines, err := readback.Rows(file)
		if err != nil {
			return c, fmt.Errorf("read %s: %w", file, err)
		}
		for _, line := range lines {
			var head struct{ Position int64 }
			if err := json.Unmarshal([]byte(line), &head); err != nil {
				return c, fmt.Errorf("read %s: row %s: %w", file, line, err)
			}
			seen[head.Position]++
			broken := strings.Contains(file, "_quarantine")
			if broken {
				c.quarantined++
			}
			if e := differs(want[head.Position], line, broken); e != nil && len(wrong) < 20 {
				wrong = append(wrong, fmt.Errorf("%s: %w", filepath.Base(file), e))
			}
		}
	}
	for position := range want {
		if n := seen[position]; n != 1 && len(wrong) < 20 {
			wrong = append(wrong, fmt.Errorf("event %d is there %d times", position, n))
		}
	}
	return c, errors.Join(wrong...)
}

// tables lists the files of rows that readers see.
func (s *soak) tables() ([]string, error) {
	folders, err := filepath.Glob(filepath.Join(s.disk.path, "out", "*"))
	if err != nil {
		return nil, err
	}
	var all []string
	for _, folder := range folders {
		if filepath.Base(folder) == "_backstory" {
			continue
		}
		files, err := readback.Files(folder)
		if err != nil {
			return nil, err
		}
		all = append(all, files...)
	}
	return all, nil
}

// storedEvent is an event of the store.
type storedEvent struct {
	stream  [16]byte
	version int64
	topic   string
	state   []byte
}

// stored reads the store, by the primary key.
func (s *soak) stored(ctx context.Context) (map[int64]storedEvent, error) {
	events := make(map[int64]storedEvent)
	return events, s.asAdmin(ctx, func(c *pgx.Conn) error {
		rows, err := c.Query(ctx, "SELECT notification_id, originator_id, originator_version, topic, state FROM soak_events")
		if err != nil {
			return err
		}
		var position int64
		var e storedEvent
		_, err = pgx.ForEachRow(rows, []any{&position, &e.stream, &e.version, &e.topic, &e.state}, func() error {
			events[position] = e
			e.state = nil
			return nil
		})
		return err
	})
}

// differs says what is wrong with a row.
func differs(e storedEvent, line string, broken bool) error {
	if e.topic == "" {
		return fmt.Errorf("row %s: there is no such event", line)
	}
	if !strings.Contains(line, soakUUID(e.stream)) {
		return fmt.Errorf("row %s: it is of another stream than %s", line, soakUUID(e.stream))
	}
	if json.Valid(e.state) == broken {
		return fmt.Errorf("row %s: in quarantine: %t", line, broken)
	}
	if broken {
		return nil
	}
	var row, want map[string]any
	if err := errors.Join(unmarshal([]byte(line), &row), unmarshal(e.state, &want)); err != nil {
		return fmt.Errorf("row %s: %w", line, err)
	}
	_, kind, _ := strings.Cut(e.topic, ":")
	for name, value := range map[string]any{
		"stream_id": soakUUID(e.stream), "stream_version": json.Number(fmt.Sprint(e.version)), "event_type": kind,
		"sub_index": json.Number("0"), "_extra": nil,
	} {
		if row[name] != value {
			return fmt.Errorf("row %s: %s is %v, want %v", line, name, row[name], value)
		}
		delete(row, name)
	}
	for name, value := range want {
		got := fmt.Sprint(row[name])
		switch marker, _ := value.(map[string]any); {
		case name == "timestamp":
			continue
		case marker != nil:
			value = marker["_data_"]
		}
		if got != fmt.Sprint(value) {
			return fmt.Errorf("row %s: %s is %v, want %v", line, name, got, value)
		}
		delete(row, name)
	}
	for name, value := range row {
		if value != nil && !strings.Contains(" position event_id schema_version event_time ", " "+name+" ") {
			return fmt.Errorf("row %s: %s is %v, which the event does not have", line, name, value)
		}
	}
	return nil
}

// unmarshal keeps the digits of numbers.
func unmarshal(text []byte, into *map[string]any) error {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	return d.Decode(into)
}

func soakUUID(id [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
