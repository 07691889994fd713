package transform

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// checkFrozen refuses tables that no pipeline could have made: they come out of a
// file that people may change.
func checkFrozen(tables []*Table) error {
	var taken names
	type place struct{ event, explode string }
	places := make(map[place]string)
	for _, t := range tables {
		if t == nil {
			return errors.New("frozen tables: one is null")
		}
		if err := t.check(); err != nil {
			return fmt.Errorf("frozen table %s: %w", t.Name, err)
		}
		if taken.taken[strings.ToLower(t.Name)] {
			return fmt.Errorf("frozen table %s: another has the name", t.Name)
		}
		taken.reserve(t.Name)
		at := place{t.Event, pathKey(false, t.Explode)}
		if other, ok := places[at]; ok && !t.IsQuarantine() {
			return fmt.Errorf("frozen table %s: %s is for the same events", t.Name, other)
		}
		if !t.IsQuarantine() {
			places[at] = t.Name
		}
	}
	return nil
}

// check finds out whether a table has the columns that rows are made for.
func (t *Table) check() error {
	if t.Name == "" || t.Version < 1 {
		return errors.New("want a name, and a version from 1 on")
	}
	if t.IsQuarantine() {
		if t.Partition != ByNone || !reflect.DeepEqual(plainColumns(t.Columns), plainColumns(quarantineColumns())) {
			return errors.New("it is not as Backstory makes it")
		}
		return nil
	}
	switch t.Partition {
	case ByNone, ByDay, ByMonth:
	default:
		return fmt.Errorf("partition %q: want %s or %s", t.Partition, ByDay, ByMonth)
	}
	first := envelopeColumns(t.Explode != nil)
	if t.Event == "" {
		first = append(first, Column{Name: ColData, Type: Type{Kind: JSON}})
	}
	n := len(t.Columns) - 1
	if n < len(first) || !reflect.DeepEqual(plainColumns(t.Columns[:len(first)]), plainColumns(first)) {
		return fmt.Errorf("want the columns of the envelope first: %s", strings.Join(columnList(first), ", "))
	}
	if last := t.Columns[n]; last.Name != ColExtra || last.Type.Kind != JSON || last.Required || last.Path != nil {
		return fmt.Errorf("want %s as the last column, of type %s", ColExtra, JSON)
	}
	var taken names
	paths := make(map[string]bool)
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Name == "" || taken.taken[strings.ToLower(c.Name)] {
			return fmt.Errorf("column %q: want a name that no other has", c.Name)
		}
		taken.reserve(c.Name)
		if i < len(first) || i == n {
			continue
		}
		if err := c.check(); err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
		if key := pathKey(c.Meta, c.Path); paths[key] {
			return fmt.Errorf("column %s: another has the path %s", c.Name, pathText(c.Path))
		} else {
			paths[key] = true
		}
	}
	return nil
}

// check finds out whether a column of the payload's is one.
func (c *Column) check() error {
	switch {
	case len(c.Path) == 0:
		return errors.New("want a path")
	case c.Required:
		return errors.New("only columns of the envelope may be required")
	case c.Masked && c.Type.Kind != String:
		return fmt.Errorf("a masked column is of type %s", String)
	}
	return c.Type.check(0)
}

// check finds out whether a type is one.
func (t Type) check(level int) error {
	switch {
	case level > maxLevels:
		return fmt.Errorf("its type goes deeper than %d levels", maxLevels)
	case t.Kind == List && t.Elem == nil:
		return errors.New("want the type of the list's elements")
	case t.Kind == List:
		return t.Elem.check(level + 1)
	case t.Kind == Struct && len(t.Fields) == 0:
		return errors.New("want the struct's fields")
	case t.Kind == Struct:
		var taken names
		members := make(map[string]bool)
		for _, f := range t.Fields {
			if f.Name == "" || taken.taken[strings.ToLower(f.Name)] || members[f.Member] {
				return fmt.Errorf("field %q: want a name and a member that no other has", f.Name)
			}
			taken.reserve(f.Name)
			members[f.Member] = true
			if err := f.Type.check(level + 1); err != nil {
				return fmt.Errorf("field %s: %w", f.Name, err)
			}
		}
		return nil
	}
	_, err := ParseType(t.String())
	return err
}

// plainColumns are columns as readers see them.
func plainColumns(columns []Column) []Column {
	plain := make([]Column, len(columns))
	for i, c := range columns {
		plain[i] = Column{Name: c.Name, Path: c.Path, Meta: c.Meta, Type: c.Type, Required: c.Required, Masked: c.Masked}
	}
	return plain
}

func columnList(columns []Column) []string {
	var names []string
	for _, c := range columns {
		names = append(names, c.Name)
	}
	return names
}
