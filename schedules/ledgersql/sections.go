package ledgersql

// A section is a table as an exported ledger has it: one line a row, and one
// member a column.
type section struct {
	name    string
	columns []column
	key     int // so many of the first columns tell the rows apart
}

type column struct {
	name string
	kind kind
	// absent is the value of a row that has no such member; nil where it must
	// have one.
	absent any
}

type kind int

const (
	text     kind = iota
	number        // a whole number
	document      // JSON, kept as text; none where that is empty
)

// sections are all there is to know, in an order in which a job comes before
// what is known of it.
var sections = []section{
	{"job", []column{{"name", text, nil}, {"generation", number, nil}}, 1},
	{"lease", []column{{"job", text, nil}, {"next", number, nil}, {"number", number, nil}}, 2},
	{"generation", []column{
		{"job", text, nil}, {"number", number, nil}, {"fingerprint", text, ""}, {"rules", document, ""}, {"superseded", document, "null"},
		{"tables", document, "[]"}, {"signature", text, ""}, {"first", document, ""}, {"last", document, ""},
		{"windows", number, nil}, {"events", number, nil}, {"row_count", number, nil}, {"bytes", number, nil}, {"stored", number, nil},
		{"extra", number, nil}, {"quarantined", number, nil}, {"discarded", number, nil},
	}, 2},
	{"window", []column{
		{"job", text, nil}, {"generation", number, nil}, {"after_tx", number, nil}, {"after_seq", number, nil},
		{"through_tx", number, nil}, {"through_seq", number, nil}, {"state", text, nil}, {"events", number, nil},
		{"row_count", number, nil}, {"bytes", number, nil}, {"stored", number, nil}, {"extra", number, nil},
		{"planned_at", text, nil}, {"loaded_at", text, ""}, {"ms", number, nil},
		{"quarantined", number, nil}, {"discarded", number, nil}, {"again", number, nil}, {"forgotten", number, int64(0)},
	}, 4},
	{"loaded", []column{
		{"job", text, nil}, {"generation", number, nil}, {"after_tx", number, nil}, {"after_seq", number, nil},
		{"through_tx", number, nil}, {"through_seq", number, nil},
	}, 4},
	{"run", []column{
		{"job", text, nil}, {"id", number, nil}, {"kind", text, nil}, {"started", text, nil}, {"finished", text, ""},
		{"windows", number, nil}, {"events", number, nil}, {"error", text, ""},
	}, 2},
	{"receipt", []column{
		{"job", text, nil}, {"id", number, nil}, {"asked", text, nil}, {"done", text, ""}, {"streams", document, nil},
		{"row_count", number, nil}, {"windows", number, nil},
	}, 2},
}

// list gives the names of the columns, parted by commas.
func (s *section) list() string {
	var list string
	for i, c := range s.columns {
		if i > 0 {
			list += ", "
		}
		list += c.name
	}
	return list
}

// order gives the columns by which rows are put in order.
func (s *section) order() string {
	of := section{columns: s.columns[:s.key]}
	return of.list()
}
