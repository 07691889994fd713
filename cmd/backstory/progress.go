package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"backstory/schedules"

	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"
)

// progress shows on a terminal how far a run is. Its zero value shows nothing.
type progress struct {
	mu  sync.Mutex
	bar *progressbar.ProgressBar
	job string
}

// newProgress shows progress where a person watches, or as --progress says.
func newProgress(g *globals, job string) (*progress, error) {
	show := false
	switch g.progress {
	case "auto":
		show = !g.quiet && isatty.IsTerminal(os.Stderr.Fd())
	case "always":
		show = true
	case "never":
	default:
		return nil, &usageError{fmt.Errorf("--progress %s: want auto, always or never", g.progress)}
	}
	if !show {
		return &progress{}, nil
	}
	bar := progressbar.NewOptions64(-1,
		progressbar.OptionSetWriter(os.Stderr),
		progressbar.OptionSetDescription(job),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("events"),
		progressbar.OptionSetWidth(24),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)
	return &progress{bar: bar, job: job}, nil
}

// step is called for each step of a run, from several goroutines.
func (p *progress) step(s schedules.Step) {
	if p.bar == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch s.Name {
	case schedules.StepWatermark:
		p.bar.Describe(p.job + ": waiting for a safe position")
	case schedules.StepPlanned:
		p.bar.ChangeMax64(s.Events)
	case schedules.StepDiscover:
		p.bar.Describe(p.job + ": looking for columns")
	case schedules.StepSwap:
		p.bar.Describe(p.job + ": putting the new tables in place")
	case schedules.StepBegin:
		p.bar.Describe(p.job)
	case schedules.StepRead:
		p.bar.Add64(s.Events)
	}
}

func (p *progress) finish() {
	if p.bar != nil {
		p.bar.Finish()
	}
}
