package main

import (
	"fmt"
	"regexp"
	"time"

	"backstory/schedules"
	"backstory/source"
	"backstory/transform"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// jobConfig is one entry of the section jobs.
type jobConfig struct {
	Name string `yaml:"name"`
	// Schedule is a cron line of five fields, or @every and the like; the
	// worker follows it.
	Schedule string `yaml:"schedule"`
	// Compact is when the worker merges small files: with the first run that
	// succeeds from then on.
	Compact string `yaml:"compact"`
	// Timezone is where its hours are; the local one is left out.
	Timezone string `yaml:"timezone"`
	// Jitter spreads the beginnings of runs over that long.
	Jitter time.Duration `yaml:"jitter"`
	// Timeout ends a run that takes longer, if it is above 0.
	Timeout time.Duration `yaml:"timeout"`
	// Retries is how often a run is tried again that failed in a way that may pass.
	Retries int `yaml:"retries"`
}

// zone gives the time zone, nil for the local one.
func (j jobConfig) zone() *time.Location {
	if j.Timezone == "" {
		return nil
	}
	zone, err := schedules.LoadZone(j.Timezone)
	if err != nil {
		return nil // it was checked
	}
	return zone
}

// retries gives them as a schedules.Entry has them.
func (j jobConfig) retries() int {
	if j.Retries == 0 {
		return -1
	}
	return j.Retries
}

var jobName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

func (d *document) jobs() []jobConfig {
	node := d.section("jobs")
	if node == nil {
		return nil
	}
	list, ok := node.(*ast.SequenceNode)
	if !ok || len(list.Values) == 0 {
		d.addAt([]string{"jobs"}, "want a list of jobs here", "write - name: NAME")
		return nil
	}
	var jobs []jobConfig
	seen := make(map[string]bool)
	for _, v := range list.Values {
		j := jobConfig{Retries: schedules.DefaultRetries}
		if isNull(v) {
			d.add(v.GetToken(), "want keys with values here", "write - name: NAME")
			continue
		}
		if !d.decode(v, &j) {
			continue
		}
		d.checkJob(v, j, seen[j.Name])
		seen[j.Name] = true
		if jobs = append(jobs, j); len(jobs) == 2 {
			d.add(startOf(v), "a second job would load the same events into the same tables", "write one configuration for each job, with a sink.path of its own")
		}
	}
	return jobs
}

// checkJob notes what is wrong with a job in itself; again says that there
// was one of its name before.
func (d *document) checkJob(node ast.Node, j jobConfig, again bool) {
	at := func(key string) *token.Token {
		if v := child(node, key); v != nil {
			return v.Value.GetToken()
		}
		return startOf(node)
	}
	switch {
	case j.Name == "":
		d.add(startOf(node), "a job wants a name", "write name: NAME, of letters, digits, - and _")
	case !jobName.MatchString(j.Name):
		d.add(at("name"), fmt.Sprintf("%q is no name for a job", j.Name), "write letters, digits, - and _, and a letter or digit first; at most 64")
	case again:
		d.add(at("name"), "two jobs are called "+j.Name, "give one of them another name")
	}
	d.checkSchedule(j, at)
}

// checkSchedule notes what is wrong with when and how a job runs.
func (d *document) checkSchedule(j jobConfig, at func(key string) *token.Token) {
	if j.Jitter < 0 {
		d.add(at("jitter"), "want a time that is not below zero", "leave it out for runs on time")
	}
	if j.Timeout < 0 {
		d.add(at("timeout"), "want a time that is not below zero", "leave it out for runs as long as they take")
	}
	if j.Retries < 0 {
		d.add(at("retries"), "want a number that is not below zero", "with 0, a run that failed is not tried again before its next time")
	}
	if _, err := schedules.LoadZone(j.Timezone); err != nil && j.Timezone != "" {
		d.add(at("timezone"), err.Error(), "write a name such as Europe/Berlin or UTC")
		return
	}
	if j.Compact != "" {
		if err := schedules.CheckSchedule(j.Compact, j.zone()); err != nil {
			d.add(at("compact"), err.Error(), `write five fields, such as "15 3 * * *", or @daily`)
		}
	}
	if j.Schedule == "" {
		return
	}
	if err := schedules.CheckSchedule(j.Schedule, j.zone()); err != nil {
		d.add(at("schedule"), err.Error(), `write five fields, such as "*/15 * * * *", or @hourly, or "@every 15m"`)
	}
}

// job makes the job of that configuration.
func (c *config) job(j jobConfig, src source.Source, p *transform.Pipeline) *schedules.Job {
	audit, _ := c.load.auditAge() // it was checked
	return &schedules.Job{
		Audit: audit,
		Name:  j.Name, Source: src, Pipeline: p, Version: version,
		Quarantine:   c.quarantine.Threshold,
		WindowEvents: c.load.Window, Workers: c.load.Workers, Sample: c.load.Sample,
		Recompile: c.rules.recompile,
	}
}
