package parquet

import (
	"fmt"

	"backstory/transform"
)

// difference tells in words how the columns of two tables differ, "" if
// their files can stand side by side.
func difference(a, b *transform.Table) string {
	if a.Partition != b.Partition {
		return fmt.Sprintf("the one is partitioned by %q, the other by %q", a.Partition, b.Partition)
	}
	for i := range min(len(a.Columns), len(b.Columns)) {
		c, d := a.Columns[i], b.Columns[i]
		switch {
		case c.Name != d.Name:
			return fmt.Sprintf("column %d is %s in the one and %s in the other", i+1, c.Name, d.Name)
		case !c.Type.Equal(d.Type):
			return fmt.Sprintf("column %s is %s in the one and %s in the other", c.Name, c.Type, d.Type)
		case c.Required != d.Required:
			return fmt.Sprintf("column %s is required in only one of them", c.Name)
		}
	}
	if len(a.Columns) != len(b.Columns) {
		return fmt.Sprintf("the one has %d columns, the other %d", len(a.Columns), len(b.Columns))
	}
	return ""
}
