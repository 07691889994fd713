package bigquery

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"backstory/source"
	"backstory/transform"
)

// Config is the section sink of driver bigquery.
type Config struct {
	Project  string `yaml:"project"`
	Dataset  string `yaml:"dataset"`
	Location string `yaml:"location"`
	// Credentials is the path of a key file; without it Application Default
	// Credentials are used.
	Credentials  string `yaml:"credentials"`
	Impersonate  string `yaml:"impersonate"`
	QuotaProject string `yaml:"quota_project"`
	// Partition is day, month or none; without it tables are partitioned as
	// they say themselves.
	Partition              string            `yaml:"partition"`
	Cluster                []string          `yaml:"cluster"`
	Expiration             time.Duration     `yaml:"expiration"`
	RequirePartitionFilter bool              `yaml:"require_partition_filter"`
	Labels                 map[string]string `yaml:"labels"`
	JobTimeout             time.Duration     `yaml:"job_timeout"`
	// ChunkSize is the size in bytes of the parts of large uploads.
	ChunkSize int `yaml:"chunk_size"`
}

// Options gives what Open wants.
func (c *Config) Options(version string) Options {
	return Options{
		Project: c.Project, Dataset: c.Dataset, Location: c.Location,
		Credentials: c.Credentials, Impersonate: c.Impersonate, QuotaProject: c.QuotaProject,
		Partition: c.Partition, Cluster: c.Cluster, Expiration: c.Expiration, RequirePartitionFilter: c.RequirePartitionFilter,
		Labels: c.Labels, JobTimeout: c.JobTimeout, ChunkSize: c.ChunkSize, Version: version,
	}
}

// CheckRuns says why so many runs a day would be more than BigQuery takes
// load jobs, and what to do; "" if they are not. Tables are partitioned like
// that where c does not say.
func (c *Config) CheckRuns(runs int64, p transform.Partition) (message, hint string) {
	if c.Partition != "" {
		p = transform.Partition(c.Partition)
	}
	if p == "none" {
		p = transform.ByNone
	}
	switch q := dailyQuotas; {
	case p == transform.ByNone && runs > usable(q.tableJobs):
		return fmt.Sprintf("it is due %s times a day, and BigQuery takes %s load jobs a day into a table in one piece", thousands(runs), thousands(q.tableJobs)),
			fmt.Sprintf("write sink.partition: day, of which tables take %s loads, or a schedule of every minute or slower", thousands(q.changes))
	case runs > usable(q.changes):
		return fmt.Sprintf("it is due %s times a day, and BigQuery takes %s changes of partitions a day", thousands(runs), thousands(q.changes)), "write a schedule of every minute or slower"
	}
	return "", ""
}

var (
	projectName = regexp.MustCompile(`^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$`)
	datasetName = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
	labelName   = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)
	labelValue  = regexp.MustCompile(`^[a-z0-9_-]{0,63}$`)
)

// The sizes of parts that uploads may have: a multiple of 256 KiB
// (https://cloud.google.com/bigquery/docs/reference/api-uploads).
const (
	chunkUnit = 256 << 10
	maxChunk  = 1 << 30
)

// Validate finds everything that is wrong with c in itself, without asking BigQuery.
func (c *Config) Validate() []source.Problem {
	var ps []source.Problem
	add := func(message, hint string, path ...string) {
		ps = append(ps, source.Problem{Path: path, Message: message, Hint: hint})
	}
	switch {
	case c.Project == "":
		add("bigquery wants a project", "write the ID of the project that holds the dataset", "project")
	case !projectName.MatchString(c.Project):
		add("there can be no project "+clip(c.Project), "write the project's ID: small letters, digits and dashes", "project")
	}
	switch {
	case c.Dataset == "":
		add("bigquery wants a dataset", "name the dataset; it is made if it is not there", "dataset")
	case !datasetName.MatchString(c.Dataset) || len(c.Dataset) > 1024:
		add("there can be no dataset "+clip(c.Dataset), "write letters, digits and underscores", "dataset")
	}
	if !slices.Contains([]string{"", "none", "day", "month"}, c.Partition) {
		add("there is no partition "+clip(c.Partition), "write day, month or none", "partition")
	}
	if c.Partition == "none" {
		if c.Expiration > 0 {
			add("only partitions can expire", "write partition: day, or leave expiration out", "expiration")
		}
		if c.RequirePartitionFilter {
			add("there is no partition to filter by", "write partition: day, or leave require_partition_filter out", "require_partition_filter")
		}
	}
	if c.Expiration < 0 || c.Expiration > 0 && c.Expiration < time.Hour {
		add("partitions expire after an hour at least", "write a duration such as 8760h, which is a year", "expiration")
	}
	if len(c.Cluster) > 4 {
		add("a table is clustered by four columns at most", "name those that people filter by", "cluster")
	}
	for _, name := range c.Cluster {
		if err := checkColumnName(name); err != nil {
			add("there can be no column "+clip(name), "name columns of the tables, such as event_type", "cluster")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Labels)) {
		if !labelName.MatchString(name) || strings.HasPrefix(name, "backstory_") || !labelValue.MatchString(c.Labels[name]) {
			add("there can be no label "+clip(name)+": "+clip(c.Labels[name]), "write small letters, digits, dashes and underscores; backstory_ is ours", "labels", name)
		}
	}
	if c.JobTimeout < 0 || c.JobTimeout > 0 && c.JobTimeout < time.Minute || c.JobTimeout > 6*time.Hour {
		add("a job runs for a minute to six hours", "leave job_timeout out for an hour", "job_timeout")
	}
	if c.ChunkSize < 0 || c.ChunkSize > maxChunk || c.ChunkSize%chunkUnit != 0 {
		add("a chunk is a multiple of 262144 bytes, at most 1 GiB", "leave chunk_size out for 16777216", "chunk_size")
	}
	return ps
}
