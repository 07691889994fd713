package bigquery_test

import (
	"strings"
	"testing"
	"time"

	"backstory/sinks/bigquery"

	"github.com/goccy/go-yaml"
)

func TestConfig(t *testing.T) {
	const good = "project: some-project\ndataset: shop\n"
	tests := map[string]struct{ text, path, want string }{
		"least": {good, "", ""},
		"all": {good + "location: EU\ncredentials: key.json\nimpersonate: a@b.iam.gserviceaccount.com\nquota_project: other-project\npartition: day\n" +
			"cluster: [event_type]\nexpiration: 8760h\nrequire_partition_filter: true\nlabels: {team: growth}\njob_timeout: 30m\nchunk_size: 262144\n", "", ""},
		"no project":      {"dataset: shop", "project", "bigquery wants a project"},
		"bad project":     {"project: Some_Project\ndataset: shop", "project", "there can be no project Some_Project"},
		"no dataset":      {"project: some-project", "dataset", "bigquery wants a dataset"},
		"bad dataset":     {"project: some-project\ndataset: shop.eu", "dataset", "there can be no dataset shop.eu"},
		"bad partition":   {good + "partition: hour", "partition", "there is no partition hour"},
		"five columns":    {good + "cluster: [a, b, c, d, e]", "cluster", "a table is clustered by four columns at most"},
		"bad column":      {good + "cluster: [a-b]", "cluster", "there can be no column a-b"},
		"bad label":       {good + "labels: {Team: x}", "labels", "there can be no label Team: x"},
		"our label":       {good + "labels: {backstory_job: x}", "labels", "there can be no label backstory_job: x"},
		"short life":      {good + "expiration: 5m", "expiration", "partitions expire after an hour at least"},
		"nothing expires": {good + "partition: none\nexpiration: 24h", "expiration", "only partitions can expire"},
		"nothing to ask":  {good + "partition: none\nrequire_partition_filter: true", "require_partition_filter", "there is no partition to filter by"},
		"long job":        {good + "job_timeout: 7h", "job_timeout", "a job runs for a minute to six hours"},
		"odd chunk":       {good + "chunk_size: 1000", "chunk_size", "a chunk is a multiple of 262144 bytes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var c bigquery.Config
			if err := yaml.UnmarshalWithOptions([]byte(test.text), &c, yaml.Strict()); err != nil {
				t.Fatal(err)
			}
			ps := c.Validate()
			if test.want == "" {
				if len(ps) > 0 {
					t.Fatalf("got %v, want no problem", ps)
				}
				return
			}
			if len(ps) != 1 || ps[0].Path[0] != test.path || !strings.Contains(ps[0].Message, test.want) || ps[0].Hint == "" {
				t.Fatalf("got %+v, want one of %s: %s", ps, test.path, test.want)
			}
		})
	}
}

func TestConfigOptions(t *testing.T) {
	c := bigquery.Config{Project: "some-project", Dataset: "shop", Expiration: time.Hour, Cluster: []string{"a"}}
	o := c.Options("v1")
	if o.Project != "some-project" || o.Dataset != "shop" || o.Expiration != time.Hour || o.Version != "v1" || len(o.Cluster) != 1 {
		t.Errorf("got %+v", o)
	}
}
