package bqtest

import (
	"slices"
	"strings"

	bq "google.golang.org/api/bigquery/v2"
)

// maxMutated is how many tables one transaction may change
// (https://cloud.google.com/bigquery/docs/transactions#limitations).
const maxMutated = 100

// transaction is a script under way. Tables change when it is committed.
type transaction struct {
	server   *Server
	segments map[*table][]*part // of the tables that it changes

	processed, billed int64 // bytes
}

func (s *Server) begin() *transaction {
	return &transaction{server: s, segments: map[*table][]*part{}}
}

// commit makes the changes, all of them at once.
func (tx *transaction) commit() {
	for t, segments := range tx.segments {
		t.segments = segments
		tx.server.touch(t)
	}
}

func (tx *transaction) run(script []statement) *apiError {
	for _, s := range script {
		var err *apiError
		switch s := s.(type) {
		case deletion:
			err = tx.delete(s)
		case insertion:
			err = tx.insert(s)
		case guard:
			err = tx.guard(s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// table finds a table that a statement changes or reads, and what it holds.
func (tx *transaction) table(n tableName) (*table, []*part, *apiError) {
	if n.project != tx.server.o.Project {
		return nil, nil, notFound("Project %s", n.project)
	}
	t, err := tx.server.table(n.dataset, n.table)
	if err != nil {
		return nil, nil, err
	}
	if t.isView() {
		return nil, nil, invalidQuery("View %s cannot be a target of a DML statement", t.name())
	}
	if segments, ok := tx.segments[t]; ok {
		return t, segments, nil
	}
	return t, t.segments, nil
}

// change is what a statement makes of a table.
func (tx *transaction) change(t *table, to []*part, touched []*part) *apiError {
	if n := len(partitionsOf(touched)); over(n, tx.server.o.Limits.PartitionsPerJob) {
		return invalidQuery("Too many partitions produced by query, allowed %d, query produces at least %d partitions", tx.server.o.Limits.PartitionsPerJob, n)
	}
	tx.segments[t] = to
	if len(tx.segments) > maxMutated {
		return invalidQuery("A transaction cannot mutate data in more than %d tables", maxMutated)
	}
	return nil
}

// charge counts the bytes that a statement reads.
func (tx *transaction) charge(bytes int64) {
	tx.processed += bytes
	tx.billed += max(minBilled, (bytes+unitBilled-1)/unitBilled*unitBilled)
}

func (tx *transaction) guard(s guard) *apiError {
	var n int64
	for _, c := range s.counts {
		t, segments, err := tx.table(c.table)
		if err != nil {
			return err
		}
		if err := t.mayFilter(c.where); err != nil {
			return err
		}
		for _, p := range segments {
			bytes, err := t.scanned(p, c.where)
			if err != nil {
				return err
			}
			if len(c.where) > 0 { // else the table knows
				tx.charge(bytes)
			}
			in, _, err := t.divide(p, c.where)
			if err != nil {
				return err
			}
			if in != nil {
				rows, _ := in.counts()
				n += int64(rows)
			}
		}
	}
	if s.sign == "!=" && n != s.number || s.sign == ">" && n > s.number {
		return invalidQuery("Query error: %s", s.message)
	}
	return nil
}

func (tx *transaction) delete(s deletion) *apiError {
	t, segments, err := tx.table(s.table)
	if err != nil {
		return err
	}
	if err := t.mayFilter(s.where); err != nil {
		return err
	}
	var kept, gone []*part
	var bytes int64
	for _, p := range segments {
		n, err := t.scanned(p, s.where)
		if err != nil {
			return err
		}
		bytes += n
		in, out, err := t.divide(p, s.where)
		if err != nil {
			return err
		}
		if out != nil {
			kept = append(kept, out)
		}
		if in != nil {
			gone = append(gone, in)
		}
	}
	tx.charge(bytes)
	return tx.change(t, kept, gone)
}

func (tx *transaction) insert(s insertion) *apiError {
	to, there, err := tx.table(s.table)
	if err != nil {
		return err
	}
	if err := to.mayInsert(s.columns); err != nil {
		return err
	}
	var added []*part
	if s.values != nil {
		added, err = to.valued(s, tx.server.o)
	} else {
		added, err = tx.selected(to, s)
	}
	if err != nil {
		return err
	}
	return tx.change(to, append(slices.Clone(there), added...), added)
}

// selected gives the rows of another table as those of a table.
func (tx *transaction) selected(to *table, s insertion) (added []*part, err *apiError) {
	from, segments, err := tx.table(s.from)
	if err != nil {
		return nil, err
	}
	if err := from.mayFilter(s.where); err != nil {
		return nil, err
	}
	for _, name := range s.columns {
		f, g := field(to.fields(), name), field(from.fields(), name)
		if g == nil {
			return nil, invalidQuery("Unrecognized name: %s", name)
		}
		if err := sameType(f, g); err != nil {
			return nil, err
		}
	}
	var bytes int64
	for _, p := range segments {
		n, err := from.scanned(p, s.where)
		if err != nil {
			return nil, err
		}
		bytes += n
		in, _, err := from.divide(p, s.where)
		if err != nil {
			return nil, err
		}
		if in == nil {
			continue
		}
		if in, err = in.under(to.partitioning()); err != nil {
			return nil, err
		}
		added = append(added, in)
	}
	tx.charge(bytes)
	return added, nil
}

// sameType refuses what would be coerced: members of records go by their
// order, whatever they are called.
func sameType(to, from *bq.TableFieldSchema) *apiError {
	if to.Type != from.Type || (to.Mode == repeated) != (from.Mode == repeated) {
		return invalidQuery("Query column %s has type %s %s which cannot be inserted into a column of type %s %s", to.Name, from.Mode, from.Type, to.Mode, to.Type)
	}
	if to.Mode == required && from.Mode != required {
		return invalidQuery("Column %s is required, and the query's may be null (taken by the service, but refused here)", to.Name)
	}
	if len(to.Fields) != len(from.Fields) {
		return invalidQuery("Query column %s has %d members, the table's %d", to.Name, len(from.Fields), len(to.Fields))
	}
	for i, f := range to.Fields {
		if !strings.EqualFold(f.Name, from.Fields[i].Name) {
			return invalidQuery("Members of column %s are in another order (taken by the service, which would mix them up)", to.Name)
		}
		if err := sameType(f, from.Fields[i]); err != nil {
			return err
		}
	}
	return nil
}

// mayInsert checks the columns of an insertion.
func (t *table) mayInsert(columns []string) *apiError {
	for _, name := range columns {
		if field(t.fields(), name) == nil {
			return invalidQuery("Column %s is not present in table %s", name, t.name())
		}
	}
	for _, f := range t.fields() {
		if f.Mode == required && !slices.ContainsFunc(columns, func(c string) bool { return strings.EqualFold(c, f.Name) }) {
			return invalidQuery("Required column %s of table %s has no value", f.Name, t.name())
		}
	}
	return nil
}
