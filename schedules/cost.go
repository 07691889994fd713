package schedules

import (
	"context"
	"fmt"

	"backstory/sinks"
	"backstory/source"
)

// pricedWindows is of how many windows the costs are asked for; those of more
// are taken to be alike.
const pricedWindows = 20

// cost is about how many bytes a sink is billed for when windows are loaded
// again; 0 where that costs nothing. Of some, rows of the tables named are wrong.
func (j *Job) cost(ctx context.Context, generation int, windows []source.Window, wrong map[source.Window][]string) (int64, error) {
	p, ok := j.Sink.(sinks.Priced)
	if !ok || len(windows) == 0 {
		return 0, nil
	}
	n := min(len(windows), pricedWindows)
	var bytes int64
	for i := range n {
		w := windows[i*len(windows)/n]
		b, err := p.ReplaceCost(ctx, sinks.Load{Job: j.Name, Generation: generation, Window: w}, wrong[w]...)
		if err != nil {
			return 0, fmt.Errorf("ask what it costs to load %s again: %w", w, err)
		}
		bytes += b
	}
	return int64(float64(bytes) / float64(n) * float64(len(windows))), nil
}
