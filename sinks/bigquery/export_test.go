package bigquery

import "time"

// NewClient makes a client as the sink does.
var NewClient = newClient

// Hasten makes a sink as impatient as a server on loopback allows.
func Hasten(s *Sink) {
	s.pace.first, s.pace.most = time.Millisecond, 20*time.Millisecond
	s.pace.poll, s.pace.pollMost = time.Millisecond, 5*time.Millisecond
}

// CutAt makes jobs touch at most n partitions.
func CutAt(s *Sink, n int) { s.partitions = n }

// LimitUploads ends uploads that take longer.
func LimitUploads(s *Sink, d time.Duration) { s.pace.upload = d }

// LimitRequests ends requests about metadata that take longer.
func LimitRequests(s *Sink, d time.Duration) { s.pace.limit = d }

// Allow gives a sink other quotas of a day: load jobs into a table in one
// piece, changes of partitions of another, and load jobs of the project.
func Allow(s *Sink, tableJobs, changes, projectJobs int64) {
	s.quotas = quotas{tableJobs: tableJobs, changes: changes, projectJobs: projectJobs}
}

// PageBy makes a sink list n rows at a time.
func PageBy(s *Sink, n int) { s.page = n }
