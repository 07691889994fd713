package sinks

import (
	"context"
	"time"

	"backstory/transform"
)

// Accessor is a Sink that can tell whether it may be written to.
type Accessor interface {
	// Access finds what the sink is not there for or not permitted to do,
	// without writing anything. Its error tells all that was found, each with
	// a hint.
	Access(ctx context.Context) error
}

// Rationed is a Sink that takes only so many loads a day.
type Rationed interface {
	// Ration tells what a job's generation may load now, and what loading n
	// would use up. It changes nothing.
	Ration(ctx context.Context, job string, generation int, n Need) (*Ration, error)
}

// Need is what is to be loaded, as far as that is known beforehand.
type Need struct {
	// Tables are those that get rows, as far as is known.
	Tables []*transform.Table
	// Rows is about how many rows each table gets, by name; nil where nothing
	// is known of that.
	Rows map[string]int64
	// Windows is how many loads it would be, Events and Bytes about how many
	// events there are in them, and bytes of payload.
	Windows, Events, Bytes int64
	// First and Last are about the earliest and latest time of the events,
	// zero where nothing is known of them.
	First, Last time.Time
	// Walk is about how far the events' times go, to and fro, from the first
	// event to the last: Last - First where they lie in order.
	Walk time.Duration
}

// Ration is what a sink takes, and the arithmetic behind it.
type Ration struct {
	// Loads is how many loads such as are needed the sink takes now. It may be
	// more than are needed, and is 0 where the day's are used up. It is at
	// least 1 where nothing was loaded in the last 24 hours.
	Loads int64 `json:"loads"`
	// Limit names the quota that allows the fewest, Back when it begins to
	// allow more; Back is zero where there are enough.
	Limit string    `json:"limit"`
	Back  time.Time `json:"back,omitzero"`
	// Jobs is how many jobs all loads are, Used how many there were in the
	// last 24 hours, JobsADay how many there may be.
	Jobs     int64 `json:"jobs"`
	Used     int64 `json:"jobs_used"`
	JobsADay int64 `json:"jobs_a_day"`
	// Days is the least number of days that the quotas allow for all of it;
	// DaysLimit says why, where that is more than one.
	Days      int64  `json:"days"`
	DaysLimit string `json:"days_limit,omitempty"`
	// Problems are what no number of days mends.
	Problems []string      `json:"problems,omitempty"`
	Tables   []TableRation `json:"tables"`
	// PartitionsAJob is how many partitions a job may change: a window over
	// more is several jobs. 0 is any number.
	PartitionsAJob int64 `json:"partitions_a_job,omitempty"`
	// Stored is about how many bytes the sink will keep, Billed how many are
	// billed by queries for loading them.
	Stored int64 `json:"bytes_stored"`
	Billed int64 `json:"bytes_billed"`
}

// TableRation is what the loads would use up of one table's quotas. All
// counts are about.
type TableRation struct {
	Table string `json:"table"`
	// Jobs is how many jobs load into it, JobsADay how many may; 0 is any
	// number.
	Jobs     int64 `json:"jobs"`
	JobsUsed int64 `json:"jobs_used"`
	JobsADay int64 `json:"jobs_a_day,omitempty"`
	// Changes is how often a partition is changed, each by each job that
	// touches it, and ChangesADay how often that may be; 0 where the table
	// is in one piece. Partitions is how many there are.
	Changes     int64 `json:"partition_changes,omitempty"`
	ChangesUsed int64 `json:"partition_changes_used,omitempty"`
	ChangesADay int64 `json:"partition_changes_a_day,omitempty"`
	Partitions  int64 `json:"partitions,omitempty"`
}
