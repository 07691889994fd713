package bigquery

import (
	"fmt"
	"time"

	"backstory/transform"
)

// span is the partitions that rows lie in, from the first through the last.
type span struct {
	// First and Last are days, or the first days of months, as 2006-01-02; ""
	// if all rows are without event_time.
	First string `json:"first,omitempty"`
	Last  string `json:"last,omitempty"`
	// Null says that some rows are without event_time.
	Null bool `json:"null,omitempty"`
}

// anywhere is a span that holds every row of a partitioned table.
var anywhere = span{First: "1960-01-01", Last: "2159-12-31", Null: true}

// spread widens the span of a table by partitions as eachPart numbers them.
func spread(spans map[string]span, table string, by transform.Partition, partitions map[int64]struct{}) map[string]span {
	if spans == nil {
		spans = make(map[string]span)
	}
	s := spans[table]
	for n := range partitions {
		if n == noDay {
			s.Null = true
			continue
		}
		text := dayText(n, by)
		if s.First == "" || text < s.First {
			s.First = text
		}
		if text > s.Last {
			s.Last = text
		}
	}
	spans[table] = s
	return spans
}

// dayText gives the first day of a partition.
func dayText(n int64, by transform.Partition) string {
	if by == transform.ByMonth {
		n -= 1
		return time.Date(int(n/12), time.Month(n%12+1), 1, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	}
	return time.Unix(n*86400, 0).UTC().Format(time.DateOnly)
}

// conditions gives SQL that finds all rows of the span, each once, in as many
// parts as are needed for none to touch more than most partitions.
func (s span) conditions(by transform.Partition, most int) ([]string, error) {
	var all []string
	if s.First != "" {
		from, err := time.Parse(time.DateOnly, s.First)
		if err != nil {
			return nil, fmt.Errorf("partition %q: %w", s.First, err)
		}
		last, err := time.Parse(time.DateOnly, s.Last)
		if err != nil {
			return nil, fmt.Errorf("partition %q: %w", s.Last, err)
		}
		end := last.AddDate(0, 0, 1)
		next := func(t time.Time) time.Time { return t.AddDate(0, 0, most) }
		if by == transform.ByMonth {
			end = last.AddDate(0, 1, 1-last.Day())
			next = func(t time.Time) time.Time { return t.AddDate(0, most, 0) }
		}
		for from.Before(end) {
			to := next(from)
			if to.After(end) {
				to = end
			}
			all = append(all, fmt.Sprintf("%s >= %s AND %s < %s", quoted(transform.ColEventTime), instant(from), quoted(transform.ColEventTime), instant(to)))
			from = to
		}
	}
	if s.Null {
		all = append(all, quoted(transform.ColEventTime)+" IS NULL")
	}
	return all, nil
}
