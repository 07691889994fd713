package bqtest

import (
	"errors"
	"io"
	"strings"

	pq "github.com/parquet-go/parquet-go"
)

// rowReader puts rows together from the values of their leaves, which stand
// in the order of the row with their levels.
type rowReader struct {
	columns [][]pq.Value // what is left of the row, by leaf
}

func (r *rowReader) read(row pq.Row, nodes []*node) ([]any, *apiError) {
	row.Range(func(i int, values []pq.Value) bool {
		r.columns[i] = values
		return true
	})
	out := make([]any, len(nodes))
	for i, n := range nodes {
		v, err := r.value(n, n.field.Name)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// value reads one field: nil for null, []any for RECORD and REPEATED.
func (r *rowReader) value(n *node, path string) (any, *apiError) {
	c := n.column
	switch {
	case c == nil && n.field.Mode == repeated:
		return []any{}, nil
	case c == nil:
		return nil, nil
	case n.field.Mode != repeated:
		return r.one(n, path)
	}
	items := []any{}
	if r.columns[c.first][0].DefinitionLevel() < c.item {
		r.skip(c)
		return items, nil
	}
	for len(items) == 0 || len(r.columns[c.first]) > 0 && r.columns[c.first][0].RepetitionLevel() == c.rep {
		v, err := r.one(n, path)
		if err != nil {
			return nil, err
		}
		if v == nil {
			return nil, nullElement(path)
		}
		items = append(items, v)
	}
	return items, nil
}

func nullElement(path string) *apiError {
	return unreadable("Null elements are not allowed in repeated field '%s'", path)
}

// one reads a value, or one item of a repeated field.
func (r *rowReader) one(n *node, path string) (any, *apiError) {
	c := n.column
	head := r.columns[c.first][0]
	if head.DefinitionLevel() < c.def {
		r.skip(c)
		return nil, nil
	}
	if n.members == nil {
		r.columns[c.first] = r.columns[c.first][1:]
		v, err := c.convert(head)
		if err == nil {
			err = n.narrow(v)
		}
		if err != nil {
			return nil, unreadable("column '%s': %v", path, err)
		}
		return v, nil
	}
	out := make([]any, len(n.members))
	read := 0
	for i, m := range n.members {
		v, err := r.value(m, path+"."+m.field.Name)
		if err != nil {
			return nil, err
		}
		out[i] = v
		if m.column != nil {
			read += m.column.leaves
		}
	}
	if read < c.leaves {
		r.skipOthers(n)
	}
	return out, nil
}

// skip passes over one null or empty value of every leaf.
func (r *rowReader) skip(c *column) {
	for i := c.first; i < c.first+c.leaves; i++ {
		r.columns[i] = r.columns[i][1:]
	}
}

// skipOthers passes over the members of a record that no field is for.
func (r *rowReader) skipOthers(n *node) {
	for _, c := range n.column.members {
		if field(n.field.Fields, c.name) != nil {
			continue
		}
		for i := c.first; i < c.first+c.leaves; i++ {
			r.columns[i] = r.columns[i][1:]
			for len(r.columns[i]) > 0 && r.columns[i][0].RepetitionLevel() > n.column.rep {
				r.columns[i] = r.columns[i][1:]
			}
		}
	}
}

// narrow checks a decimal against NUMERIC(P, S).
func (n *node) narrow(v any) error {
	f := n.field
	s, ok := v.(string)
	if f.Precision == 0 || !ok {
		return nil
	}
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	whole = strings.TrimLeft(whole, "0")
	if int64(len(whole)) > f.Precision-f.Scale || int64(len(fraction)) > f.Scale {
		return errors.New("value " + s + " does not fit the column's precision and scale")
	}
	return nil
}

// leaf calls fn for the values of one leaf, nulls too, with their levels.
func (f *file) leaf(i int, fn func(pq.Value) *apiError) *apiError {
	buffer := make([]pq.Value, 512)
	for _, group := range f.parquet.RowGroups() {
		values := pq.NewColumnChunkValueReader(group.ColumnChunks()[i])
		for {
			n, err := values.ReadValues(buffer)
			for _, v := range buffer[:n] {
				if bad := fn(v); bad != nil {
					_ = values.Close()
					return bad
				}
			}
			if errors.Is(err, io.EOF) || n == 0 && err == nil {
				break
			}
			if err != nil {
				_ = values.Close()
				return unreadable("%v", err)
			}
		}
		if err := values.Close(); err != nil {
			return unreadable("%v", err)
		}
	}
	return nil
}

// skim checks what can be found by reading a few columns: elements that are
// null, and unsigned numbers that are too large.
func (f *file) skim(nodes []*node, path string) *apiError {
	for _, n := range nodes {
		c := n.column
		if c == nil {
			continue
		}
		name := path + n.field.Name
		var err *apiError
		switch {
		case c.mode == repeated && c.item < c.def:
			err = f.leaf(c.first, func(v pq.Value) *apiError {
				if d := v.DefinitionLevel(); d >= c.item && d < c.def {
					return nullElement(name)
				}
				return nil
			})
		case c.unsigned:
			err = f.leaf(c.first, func(v pq.Value) *apiError {
				if v.DefinitionLevel() < c.def {
					return nil
				}
				if _, err := c.convert(v); err != nil {
					return unreadable("column '%s': %v", name, err)
				}
				return nil
			})
		}
		if err == nil {
			err = f.skim(n.members, name+".")
		}
		if err != nil {
			return err
		}
	}
	return nil
}
