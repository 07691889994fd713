package sqlite

import (
	"backstory/source"
	"backstory/source/guest"
	"backstory/source/layout"
)

// Config says which store to read.
type Config struct {
	// Path leads to the database file.
	Path          string `yaml:"path"`
	layout.Config `yaml:",inline"`
	guest.Manners `yaml:",inline"`
}

// Validate finds everything that is wrong with c in itself, without the file.
func (c *Config) Validate() []source.Problem {
	var ps []source.Problem
	if c.Path == "" {
		ps = append(ps, source.Problem{
			Path: []string{"path"}, Message: "sqlite wants a path", Hint: "name the database file"})
	}
	if c.Limits.Connections > 0 {
		ps = append(ps, source.Problem{Path: []string{"limits", "connections"},
			Message: "a SQLite store has no connections to spare or to share", Hint: "set load.workers, which is how many windows are read at a time"})
	}
	ps = append(ps, c.Manners.Validate()...)
	return append(ps, c.Config.Validate()...)
}
