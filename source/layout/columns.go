package layout

import (
	"fmt"
	"strings"

	"backstory/source"
)

// Columns names, for each field of an event, the column that holds it, or a
// path to a member of the payload ($.a.b) or of the metadata ($meta.a.b).
// Position, Data and Meta must be columns.
type Columns struct {
	Position      string `yaml:"position"`
	Stream        string `yaml:"stream"`
	StreamVersion string `yaml:"stream_version"`
	Type          string `yaml:"type"`
	SchemaVersion string `yaml:"schema_version"`
	Time          string `yaml:"time"`
	Data          string `yaml:"data"`
	Meta          string `yaml:"meta"`
	ID            string `yaml:"id"`
}

// of gives what is configured for f.
func (c *Columns) of(f Field) string {
	return [NumFields]string{
		Position: c.Position, Stream: c.Stream, StreamVersion: c.StreamVersion,
		Type: c.Type, SchemaVersion: c.SchemaVersion, Time: c.Time,
		Data: c.Data, Meta: c.Meta, ID: c.ID,
	}[f]
}

// isPath tells whether a configured value is a path and not a column.
func isPath(value string) bool { return strings.HasPrefix(value, "$") }

// parsePath reads $.a.b or $meta.a.b.
func parsePath(value string) (source.Path, error) {
	root, members, ok := strings.Cut(value, ".")
	if !ok || (root != "$" && root != "$meta") {
		return source.Path{}, fmt.Errorf("path %s leads nowhere: want $.member or $meta.member", value)
	}
	names := strings.Split(members, ".")
	for _, name := range names {
		if name == "" {
			return source.Path{}, fmt.Errorf("path %s has an empty step", value)
		}
	}
	return source.Path{Meta: root == "$meta", Names: names}, nil
}

func (m *Mapping) ownColumns(c *Columns) error {
	for f := range NumFields {
		value := c.of(f)
		switch {
		case value == "":
		case isPath(value):
			path, err := parsePath(value)
			if err != nil {
				return fmt.Errorf("read columns.%s: %w", f, err)
			}
			m.path(f, path)
		default:
			if err := m.bind(f, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// path says that f is found in the payload.
func (m *Mapping) path(f Field, p source.Path) {
	switch f {
	case Stream:
		m.Payload.Stream = p
	case StreamVersion:
		m.Payload.StreamVersion = p
	case Type:
		m.Payload.Type = p
	case SchemaVersion:
		m.Payload.SchemaVersion = p
	case Time:
		m.Payload.Time = p
	case ID:
		m.Payload.ID = p
	}
}

// schemaVersion says that the schema version is found where the
// configuration names it; "" leaves it where the layout has it.
func (m *Mapping) schemaVersion(value string) error {
	switch {
	case value == "":
		return nil
	case value == Suffix:
		m.Payload.VersionSuffix = true
		return nil
	}
	path, err := parsePath(value)
	if err != nil {
		return fmt.Errorf("read schema_version: %w", err)
	}
	if path.Meta && m.Columns[Meta].Name == "" {
		return source.Setup("name a path into data, such as $.v, or the column of the metadata",
			"read schema_version %s: table %s has no column with metadata", value, m.Table)
	}
	m.Payload.SchemaVersion = path
	return nil
}

// DefaultSchemaVersion is the schema version of an event whose row does not
// say: 1, or 0 where the payload or the type's name says.
func (m *Mapping) DefaultSchemaVersion() int {
	if m.Payload.SchemaVersion.IsZero() && !m.Payload.VersionSuffix {
		return 1
	}
	return 0
}
