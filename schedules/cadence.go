package schedules

import (
	"context"
	"fmt"
	"time"

	"backstory/sinks"
)

// RunsADay counts how often something is due in the 24 hours of a year in
// which it is due most often.
func (s *Times) RunsADay() int64 {
	const day = 24 * time.Hour
	const most = int64(day / time.Minute) // of a line of five fields
	if s.every > 0 {
		return max(int64(day/s.every), 1)
	}
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	end := begin.AddDate(1, 0, 0)
	busiest := int64(1)
	var due []time.Time // those of the last 24 hours
	for t := s.Next(begin); !t.IsZero() && t.Before(end); t = s.Next(t) {
		due = append(due, t)
		for t.Sub(due[0]) >= day {
			due = due[1:]
		}
		if busiest = max(busiest, int64(len(due))); busiest == most {
			break
		}
	}
	return busiest
}

// DayOf gives what so many runs a day use up of the sink's quotas, if each has
// something to load; nil where it has none, or there are no runs.
func (j *Job) DayOf(ctx context.Context, runs int64) (*sinks.Ration, error) {
	sink, ok := j.Sink.(sinks.Rationed)
	if !ok || runs == 0 {
		return nil, nil
	}
	s, err := j.Ledger.State(ctx, j.Name)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	return sink.Ration(ctx, j.Name, s.Generation, sinks.Need{Tables: s.Tables, Windows: runs})
}
