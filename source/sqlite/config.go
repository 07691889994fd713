package sqlite

import (
	"backstory/source"
	"backstory/source/layout"
)

// Config says which store to read.
type Config struct {
	// Path leads to the database file.
	Path          string `yaml:"path"`
	layout.Config `yaml:",inline"`
}

// Validate finds everything that is wrong with c in itself, without the file.
func (c *Config) Validate() []source.Problem {
	var ps []source.Problem
	if c.Path == "" {
		ps = append(ps, source.Problem{
			Path: []string{"path"}, Message: "sqlite wants a path", Hint: "name the database file"})
	}
	return append(ps, c.Config.Validate()...)
}
