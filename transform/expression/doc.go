// Package expression evaluates expressions such as
//
//	data.channel in ["web", "app"] and len(data.lines) > 0
//
// over an event, on the document tape, without building maps. It is the
// language of expr-lang/expr, by its parser; what the parser gives is checked
// and evaluated here, because an export needs what expr's machine does not
// promise: numbers keep their digits, integers do not wrap, decimals are
// exact, and no expression runs away. docs/expressions.md is the user's page.
//
// # Names
//
// data and meta are the payload and the metadata, it is the element inside
// each. position, stream_version and schema_version are integers, stream_id,
// event_id and event_type text, event_time a time; event_id and event_time are
// nil where the event has none. schema_version is the one the event has by
// now. position is the sequence part of the position.
//
// # Paths
//
// A member or element that is not there, and null, is nil, and so is all below
// nil; ?. and . are the same. A path that goes through a scalar, or looks for a
// name in a list or a place in an object, is an error of the event. A uuid or
// timestamp of a typed marker is text, a uuid in its usual form with dashes.
//
// # Numbers
//
// A number that is passed on unchanged keeps its text and kind, whatever its
// length. To compute, integers have 64 bits, and a result beyond is an error;
// / of integers gives a float. Floats are doubles; a float that was written
// with more digits than a double holds is an error, and so is an integer
// beside a float that the double would not hold, and a result that is too
// large. NaN and the infinities, which Python writes, compute as in IEEE 754
// and are stored as they are. With a decimal on one side, + - * are exact, the
// other side counting with the digits it is written with; / is exact, or an
// error. Comparisons are exact between all kinds: a float counts as the digits
// it is written with, a computed one as its shortest text. float(x) is the one
// function that may drop digits.
//
// # Bounds
//
// An expression has at most 10,000 bytes and 1,000 parts; its evaluation at
// most two million steps and 16 MiB for texts and lists it makes. Only the
// functions listed in functions.go and passes.go exist: none depends on the
// clock, the machine's zone or chance, so one event always gives one result.
package expression
