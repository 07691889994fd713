package schedules

import (
	"fmt"

	"github.com/robfig/cron/v3"
)

// CheckSchedule tells what is wrong with a cron line of five fields (minute,
// hour, day of the month, month, day of the week), @hourly and the like, or
// @every 15m.
func CheckSchedule(line string) error {
	if _, err := cron.ParseStandard(line); err != nil {
		return fmt.Errorf("parse schedule %q: %w", line, err)
	}
	return nil
}
