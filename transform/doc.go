// Package transform turns the events of a store into the rows of typed
// tables: it parses a payload once onto a tape (Document), brings it to its
// newest shape by upcasters (Compile, Pipeline), learns from a history which
// tables and columns there are to be (Observer, Shapes, Catalog), and lays
// the values down in Arrow records (Batcher), without an allocation an
// event. A value that fits no column is kept in _extra, never dropped and
// never rounded; an event that fails goes to the table _quarantine, with the
// reason. It does not read stores or write files.
//
// # Testing
//
// The package needs no suite of its own: an upcaster is tested by passing an
// event through a Pipeline's Batcher, as the example does.
package transform
