package bqtest

import (
	"fmt"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	bq "google.golang.org/api/bigquery/v2"
)

// column is what BigQuery makes of a column of a Parquet file, or of a member
// of one, before it looks at any schema
// (https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#parquet_conversions).
type column struct {
	name, typ, mode string
	local           bool // a TIMESTAMP of the file that has no zone
	members         []*column
	first, leaves   int // its leaves among those of the file
	// item is the definition level from which a repeated column has an item,
	// def the one from which the value is there, and rep the level at which
	// items repeat.
	item, def, rep int
	convert        convert
	unsigned       bool
}

// convert gives the value of a leaf that is not null: bool, int64, float64,
// string (also of decimals) or []byte; instants are microseconds and dates
// days since 1970.
type convert func(pq.Value) (any, error)

// shape reads the columns of a file.
type shape struct {
	lists, enums bool
	decimals     []string
	leaf         int
}

func shapeOf(l *bq.JobConfigurationLoad) *shape {
	s := &shape{decimals: l.DecimalTargetTypes}
	if p := l.ParquetOptions; p != nil {
		s.lists, s.enums = p.EnableListInference, p.EnumAsString
	}
	if len(s.decimals) == 0 {
		s.decimals = []string{"NUMERIC"} // the default for Parquet
	}
	return s
}

// columns gives the columns of a group in their order.
func (s *shape) columns(n pq.Node, path string, def, rep int) ([]*column, *apiError) {
	var out []*column
	for _, f := range n.Fields() {
		c, err := s.column(f, path+f.Name(), def, rep)
		if err != nil {
			return nil, err
		}
		c.name = f.Name()
		out = append(out, c)
	}
	return out, nil
}

// column gives one column; def and rep are the levels above it.
func (s *shape) column(n pq.Node, path string, def, rep int) (*column, *apiError) {
	if n.Repeated() {
		c, err := s.body(n, path, def+1, rep+1)
		if err != nil {
			return nil, err
		}
		c.mode, c.item, c.rep = repeated, def+1, rep+1
		return c, nil
	}
	mode := required
	if n.Optional() {
		mode = nullable
		def++
	}
	if !n.Leaf() && isList(n) && s.lists {
		return s.list(n, path, def, rep)
	}
	c, err := s.body(n, path, def, rep)
	if err != nil {
		return nil, err
	}
	c.mode = mode
	return c, nil
}

// list gives the column of a group marked LIST: list.element, or one of the
// older forms with two levels.
func (s *shape) list(n pq.Node, path string, def, rep int) (*column, *apiError) {
	fields := n.Fields()
	if len(fields) != 1 || !fields[0].Repeated() {
		return nil, unreadable("column %s: a list must hold one repeated field", path)
	}
	var element pq.Node = fields[0]
	item := def + 1
	at := item
	if !element.Leaf() && len(element.Fields()) == 1 {
		element = element.Fields()[0]
		if element.Optional() {
			at++
		}
		if element.Repeated() || !element.Leaf() && isList(element) {
			return nil, unreadable("column %s: a list of lists cannot be loaded", path)
		}
	}
	c, err := s.body(element, path, at, rep+1)
	if err != nil {
		return nil, err
	}
	c.mode, c.item, c.rep = repeated, item, rep+1
	return c, nil
}

// body gives the column without regard to whether it repeats.
func (s *shape) body(n pq.Node, path string, def, rep int) (*column, *apiError) {
	c := &column{first: s.leaf, def: def, rep: rep}
	if n.Leaf() {
		c.leaves = 1
		s.leaf++
		return c, s.scalar(c, n, path)
	}
	members, err := s.columns(n, path+".", def, rep)
	c.typ, c.members, c.leaves = "RECORD", members, s.leaf-c.first
	return c, err
}

func isList(n pq.Node) bool {
	_, ok := logical(n).(*format.ListType)
	return ok
}

// logical is the annotation of a node, also where the file has it in the
// older form: the reader makes it the newer one. It is nil if there is none.
func logical(n pq.Node) format.LogicalTypeValue {
	if t := n.Type().LogicalType(); t != nil {
		return t.Value
	}
	return nil
}

// field is the column as a schema has it that is inferred from the file.
func (c *column) field() *bq.TableFieldSchema {
	f := &bq.TableFieldSchema{Name: c.name, Type: c.typ, Mode: c.mode}
	for _, m := range c.members {
		f.Fields = append(f.Fields, m.field())
	}
	return f
}

// unreadable is the error of a file that cannot be loaded.
func unreadable(format string, args ...any) *apiError {
	return invalid("Error while reading data, error message: %s", fmt.Sprintf(format, args...))
}
