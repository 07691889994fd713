package ledgersql

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"backstory/schedules"
	"backstory/source"
)

// Import takes in what Export wrote. All of it is read before any of it is
// written.
func (l *Ledger) Import(ctx context.Context, r io.Reader) error {
	in, err := parseLines(r)
	if err != nil {
		return err
	}
	return l.Write(ctx, func(t *Tx) error {
		var job string
		err := t.Row(ctx, `SELECT name FROM ledger.job LIMIT 1`).Scan(&job)
		if err == nil {
			return source.Setup("import into a ledger of its own, or move this one away first", "the ledger is not empty: it knows job %s", job)
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		for i := range sections {
			s := &sections[i]
			if _, err := t.insert(ctx, s.name+" ("+s.list()+")", in.rows[s.name]); err != nil {
				return fmt.Errorf("import %ss: %w", s.name, err)
			}
		}
		return nil
	})
}

// imported is an exported ledger, read.
type imported struct {
	lines int // with rows
	rows  map[string][][]any
	keys  map[string]bool
	// last is the window of the line before, for those that overlap.
	last map[string]source.Window
}

const exportAgain = "the file was cut off or changed: export the ledger again"

// parseLines reads all lines. Its errors are *schedules.LineErrors, but for
// those of r.
func parseLines(r io.Reader) (*imported, error) {
	in := &imported{rows: make(map[string][][]any), keys: make(map[string]bool), last: make(map[string]source.Window)}
	lines := bufio.NewReaderSize(r, 1<<16)
	ended := false
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read exported ledger: %w", err)
		}
		last := err != nil
		if line = bytes.TrimSpace(line); len(line) == 0 && last {
			if ended {
				return in, nil
			}
			return nil, &schedules.LineError{Line: n, Err: errors.New("the file ends before its last line"), Advice: exportAgain}
		}
		if ended {
			err = errors.New("there is something behind the last line")
		} else {
			ended, err = in.line(n, line)
		}
		if err != nil {
			wrong := &schedules.LineError{Line: n, Err: err, Advice: exportAgain}
			if errors.Is(err, errNewer) {
				wrong.Advice = "import it with the newest Backstory that has worked on it"
			}
			return nil, wrong
		}
	}
}

var errNewer = errors.New("this Backstory does not know it")

// line reads the line of number n, and tells whether it is the last one.
func (in *imported) line(n int, line []byte) (ended bool, err error) {
	if n == 1 {
		var head opening
		if err := strictly(line, &head); err != nil || head.Backstory != "ledger" || head.Format < 1 {
			return false, errors.New(`want {"backstory":"ledger","format":N} first: this is no exported ledger`)
		}
		if head.Format > Format {
			return false, fmt.Errorf("its format is %d: %w", head.Format, errNewer)
		}
		return false, nil
	}
	if !utf8Text(line) {
		return false, errors.New("it is not UTF-8 text")
	}
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(line, &parts); err != nil {
		return false, err
	}
	if len(parts) != 1 {
		return false, fmt.Errorf("want an object of one member, got %d", len(parts))
	}
	if part, ok := parts["end"]; ok {
		var end closing
		if err := strictly(line, &end); err != nil || end.End == nil || *end.End != in.lines {
			return false, fmt.Errorf("it counts %s lines, and there are %d", clip(part), in.lines)
		}
		return true, nil
	}
	for i := range sections {
		if part, ok := parts[sections[i].name]; ok {
			in.lines++
			return false, in.row(&sections[i], part)
		}
	}
	return false, fmt.Errorf("%s: %w", clip(line), errNewer)
}

// row reads what stands in a line of a section.
func (in *imported) row(s *section, part []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(part, &members); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	values := make([]any, len(s.columns))
	for i, c := range s.columns {
		raw, ok := members[c.name]
		delete(members, c.name)
		if values[i] = c.absent; !ok && c.absent == nil {
			return fmt.Errorf("%s wants a member %s", s.name, c.name)
		}
		if !ok {
			continue
		}
		var err error
		if values[i], err = c.read(raw); err != nil {
			return fmt.Errorf("%s of %s: %w", c.name, s.name, err)
		}
	}
	for name := range members {
		return fmt.Errorf("%s of %s: %w", name, s.name, errNewer)
	}
	if err := in.fits(s, values); err != nil {
		return err
	}
	in.rows[s.name] = append(in.rows[s.name], values)
	return nil
}

// read gives the value of a column.
func (c column) read(raw json.RawMessage) (any, error) {
	switch c.kind {
	case number:
		var n *int64
		if err := json.Unmarshal(raw, &n); err != nil || n == nil {
			return nil, fmt.Errorf("want a whole number, got %s", clip(raw))
		}
		return *n, nil
	case document:
		return string(raw), nil
	}
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		return nil, fmt.Errorf("want text, got %s", clip(raw))
	}
	return plain(*s), nil
}
