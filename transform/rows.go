package transform

import (
	"bytes"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// rows collects rows of one table, column by column.
type rows struct {
	table    *Table
	bindings bindings
	policy   *policy
	mask     *mask // nil where _extra is not masked
	columns  []*column
	envelope [8]*column // the first columns, in the order of envelopeColumns
	extra    *column    // the last column
	own      []*column  // those between
	n        int
	bytes    int  // about what the rows take
	kept     int  // what the rows of the last record took: the columns keep that memory
	counted  int  // how many of the rows are in bytes
	payload  int  // about the bytes of the payloads of the others
	touched  bool // the event at work may have rows here, behind the first before
	before   int
	inExtra  bool     // the row at work has values in _extra
	path     [][]byte // memory for a filling's path
	key      []byte   // memory for a path in _extra
}

func (p *Pipeline) newRows(c *Catalog, t *Table) *rows {
	r := &rows{table: t, policy: c.policy(t.Event, t.Explode)}
	r.bindings = bind(t, c.options, r.policy, p.lifted, c.seals(t))
	if c.options.NewFields == NewMasked {
		r.mask = p.newMask()
	}
	for _, c := range t.Columns {
		column := newColumn(c.Type)
		column.reads = c.Declared
		if c.Masked {
			column.mask = p.newMask()
		}
		r.columns = append(r.columns, column)
	}
	if t.IsQuarantine() {
		return r
	}
	n := copy(r.envelope[:], r.columns)
	r.extra = r.columns[len(r.columns)-1]
	r.own = r.columns[n : len(r.columns)-1]
	return r
}

// begin starts a row with its envelope.
func (r *rows) begin(e *Envelope) {
	c := &r.envelope
	c[0].appendInt(e.Position.Seq)
	c[1].appendInt(int64(e.SubIndex))
	c[2].appendBytes(e.Stream)
	c[3].appendInt(e.StreamVersion)
	if len(e.ID) > 0 {
		c[4].appendBytes(e.ID)
	} else {
		c[4].appendNull()
	}
	c[5].appendString(e.Type)
	c[6].appendInt(int64(e.Stored))
	if e.HasTime {
		c[7].appendInt(e.Micros)
	} else {
		c[7].appendNull()
	}
}

// end finishes a row: columns that got no value hold null.
func (r *rows) end() {
	r.n++
	for _, c := range r.own {
		if c.n < r.n {
			c.appendNull()
		}
	}
	if r.inExtra {
		r.extra.bytes = append(r.extra.bytes, '}')
		r.extra.endBytes()
		r.inExtra = false
	} else {
		r.extra.appendNull()
	}
}

// keep puts a value that fits no column into _extra, under its path: names
// joined by dots, in quotes where a name would be mistaken for something
// else, and for the metadata with meta in front.
func (r *rows) keep(d *Document, v Value, path [][]byte, meta bool) {
	x := r.extra.bytes
	if r.inExtra {
		x = append(x, ',')
	} else {
		x = append(x, '{')
		r.inExtra = true
	}
	key := r.key[:0]
	if meta {
		key = append(key, "meta."...)
	}
	for i, name := range path {
		if i > 0 {
			key = append(key, '.')
		}
		if len(name) == 0 || bytes.ContainsAny(name, `."`) || i == 0 && !meta && string(name) == "meta" {
			key = appendQuoted(key, name)
		} else {
			key = append(key, name...)
		}
	}
	x = appendQuoted(x, key)
	x = append(x, ':')
	r.key = key
	if r.mask != nil {
		r.extra.bytes = r.mask.appendJSON(x, d, v)
		return
	}
	r.extra.bytes = d.AppendJSON(x, v)
}

// takeBack forgets the rows behind the first n, finished or not.
func (r *rows) takeBack(n int) {
	for _, c := range r.columns {
		c.truncate(n)
	}
	if r.inExtra {
		r.extra.bytes, r.inExtra = r.extra.bytes[:r.extra.offsets[n]], false
	}
	r.n, r.payload = n, 0
}

// whole fills the column data of the table of all events: the payload
// without what stands in the envelope.
func (r *rows) whole(e *Envelope) {
	c := r.own[0]
	d := e.Data
	root := d.Root()
	if d.Kind(root) != ValueObject {
		c.bytes = d.AppendJSON(c.bytes, root)
		c.endBytes()
		return
	}
	c.bytes = append(c.bytes, '{')
	first := true
	for v := d.First(root); v != None; v = d.Next(v) {
		if r.bindings.data.skips(d.Name(v)) {
			continue
		}
		if !first {
			c.bytes = append(c.bytes, ',')
		}
		first = false
		c.bytes = appendQuoted(c.bytes, d.Name(v))
		c.bytes = append(c.bytes, ':')
		c.bytes = d.AppendJSON(c.bytes, v)
	}
	c.bytes = append(c.bytes, '}')
	c.endBytes()
}

// record gives the rows as a record that borrows their memory.
func (r *rows) record() arrow.Record {
	arrays := make([]arrow.Array, len(r.columns))
	for i, c := range r.columns {
		arrays[i] = c.array()
	}
	record := array.NewRecord(r.table.Schema(), arrays, int64(r.n))
	for _, a := range arrays {
		a.Release()
	}
	return record
}

// size is about how many bytes the rows take.
func (r *rows) size() int {
	s := 0
	for _, c := range r.columns {
		s += c.size()
	}
	return s
}

// held is about how many bytes of memory the table holds on to.
func (r *rows) held() int { return max(r.bytes, r.kept) }

// reset forgets the rows and keeps their memory.
func (r *rows) reset() {
	r.kept = max(r.kept, r.size())
	r.n, r.bytes, r.counted, r.payload = 0, 0, 0, 0
	r.touched, r.inExtra = false, false
	for _, c := range r.columns {
		c.reset()
	}
}

// forget lets go of the memory too. There must be no rows.
func (r *rows) forget() {
	r.kept = 0
	for _, c := range r.columns {
		c.forget()
	}
}
