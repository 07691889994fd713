package ledgersql

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
)

// opening and closing are the first and the last line of an exported ledger.
type opening struct {
	Backstory string `json:"backstory"` // "ledger"
	Format    int    `json:"format"`
}

type closing struct {
	// End counts the lines between the first and this one: a file that was
	// cut off does not pass for a small one.
	End *int `json:"end"`
}

// Export writes all that the ledger knows as JSON lines, as of one moment:
// which it is of what format, a line for each row, and how many these are.
func (l *Ledger) Export(ctx context.Context, w io.Writer) error {
	var cannot error // write, which is not the ledger's fault
	err := l.Read(ctx, func(t *Tx) error {
		out := &exporter{w: bufio.NewWriter(w)}
		out.line(opening{"ledger", Format})
		for i := range sections {
			if err := out.section(ctx, t, &sections[i]); err != nil {
				return err
			}
		}
		out.line(closing{&out.rows})
		cannot = out.w.Flush()
		return nil
	})
	if err == nil && cannot != nil {
		err = fmt.Errorf("write exported ledger: %w", cannot)
	}
	return err
}

// exporter writes lines. Errors of w are kept there until Flush.
type exporter struct {
	w    *bufio.Writer
	rows int
	buf  bytes.Buffer
}

func (e *exporter) line(v any) {
	text, _ := json.Marshal(v) // of plain text and numbers
	e.w.Write(append(text, '\n'))
}

// section writes the rows of a table.
func (e *exporter) section(ctx context.Context, t *Tx, s *section) error {
	values, targets := make([]any, len(s.columns)), make([]any, len(s.columns))
	for i, c := range s.columns {
		if c.kind == number {
			values[i] = new(int64)
		} else {
			values[i] = new(string)
		}
		targets[i] = values[i]
	}
	return t.Rows(ctx, `SELECT `+s.list()+` FROM ledger.`+s.name+` ORDER BY `+s.order(), nil, func(rows *sql.Rows) error {
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		e.rows++
		return e.row(s, values)
	})
}

// row writes {"window":{"job":"shop",...}}.
func (e *exporter) row(s *section, values []any) error {
	e.buf.Reset()
	fmt.Fprintf(&e.buf, `{"%s":{`, s.name)
	sign := `"`
	for i, c := range s.columns {
		v := values[i]
		if c.kind == document {
			written := *v.(*string)
			if written == "" {
				continue
			}
			if !json.Valid([]byte(written)) {
				return fmt.Errorf("%w: %s of %s %v is no JSON", ErrDamaged, c.name, s.name, written)
			}
			v = json.RawMessage(written)
		}
		e.buf.WriteString(sign + c.name + `":`)
		if err := encode(&e.buf, v); err != nil {
			return err
		}
		sign = `,"`
	}
	e.buf.WriteString("}}\n")
	e.w.Write(e.buf.Bytes())
	return nil
}

// encode appends v as JSON, in one line, and with all characters as they are.
func encode(buf *bytes.Buffer, v any) error {
	if raw, ok := v.(json.RawMessage); ok {
		return json.Compact(buf, raw)
	}
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	buf.Truncate(buf.Len() - 1) // the line's end
	return nil
}
