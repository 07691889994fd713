package transform

import "fmt"

// Difference tells in words how the columns of two tables differ, "" if the
// rows of both can stand side by side.
func (t *Table) Difference(b *Table) string {
	if t.Partition != b.Partition {
		return fmt.Sprintf("the one is partitioned by %q, the other by %q", t.Partition, b.Partition)
	}
	for i := range min(len(t.Columns), len(b.Columns)) {
		c, d := t.Columns[i], b.Columns[i]
		switch {
		case c.Name != d.Name:
			return fmt.Sprintf("column %d is %s in the one and %s in the other", i+1, c.Name, d.Name)
		case !c.Type.Equal(d.Type):
			return fmt.Sprintf("column %s is %s in the one and %s in the other", c.Name, c.Type, d.Type)
		case c.Required != d.Required:
			return fmt.Sprintf("column %s is required in only one of them", c.Name)
		}
	}
	if len(t.Columns) != len(b.Columns) {
		return fmt.Sprintf("the one has %d columns, the other %d", len(t.Columns), len(b.Columns))
	}
	return ""
}
