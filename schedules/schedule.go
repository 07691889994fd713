package schedules

import (
	"fmt"
	"time"

	"github.com/robfig/cron/v3"
)

// Schedule says when a job is due.
type Schedule interface {
	// Next gives the first time after t that the job is due.
	Next(t time.Time) time.Time
}

// ParseSchedule reads a cron line of five fields (minute, hour, day of the
// month, month, day of the week), @hourly and the like, or @every 15m.
func ParseSchedule(line string) (Schedule, error) {
	s, err := cron.ParseStandard(line)
	if err != nil {
		return nil, fmt.Errorf("parse schedule %q: %w", line, err)
	}
	return s, nil
}
