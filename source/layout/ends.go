package layout

import "backstory/source"

// CheckEnds refuses a store that has events where nobody would read them:
// below position 1, as the zero Position stands before every event, or
// without any position. filled says that lowest is an event's position.
func (m *Mapping) CheckEnds(lowest int64, filled, unplaced bool) error {
	name := m.Columns[Position].Name
	if unplaced {
		return source.Setup("point position at a column that is never null",
			"read table %s: there are events whose %s is null", m.Table, name)
	}
	if filled && lowest < 1 {
		return source.Setup("point position at a column that begins at 1, or make a view that adds to it",
			"read table %s: there is an event at %s %d, below 1", m.Table, name, lowest)
	}
	return nil
}
