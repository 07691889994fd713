// Package survey looks at a history as it is stored, before any upcaster, and
// says what its events look like: the shapes of each event type and schema
// version, when they began and ended, and the accidents of their past, such
// as a field that was renamed without a new version. From how one version
// differs from the next it suggests upcasters.
//
// A Survey is made window by window and merged in order. What it holds is
// bounded, whatever the history holds: paths, shapes and samples of values
// beyond the bounds are counted together. It neither reads stores nor writes
// files, and its Report shows no value of a field that looks personal.
package survey
