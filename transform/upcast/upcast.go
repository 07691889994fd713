// Package upcast makes upcasters of declarative rules: an upcaster takes
// events of one type and schema version to the next by operations, one after
// the other, on a document tape, without building maps.
package upcast

import (
	"backstory/transform"
)

// Options are what rules may use besides themselves.
type Options struct {
	// MaskKey is the key of the operation mask; nil where none is configured.
	// It is a secret: it has a part in fingerprints, and stands in no text.
	MaskKey []byte
}

// Set is compiled rules.
type Set struct {
	options []transform.Option
}

// Options gives what transform.Compile needs to run the rules.
func (s *Set) Options() []transform.Option { return s.options }
