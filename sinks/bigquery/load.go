package bigquery

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"time"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/googleapi"
)

// defaultChunk is the size in bytes of the parts of a large upload. Each
// upload of several parts holds one in memory; smaller files are streamed.
const defaultChunk = 16 << 20

// chunkPatience is how long one part of an upload is repeated.
const chunkPatience = 5 * time.Minute

// load is one load job: a file's rows, appended to a table.
type load struct {
	id     string
	what   string
	into   *target
	file   *spool
	rows   int64
	labels map[string]string
	look   bool
}

// load appends a file's rows to a table, once, whoever else has begun to.
func (s *Sink) load(ctx context.Context, l load) error {
	status, err := s.settle(ctx, work{
		id: l.id, what: l.what, look: l.look,
		submit: func(ctx context.Context, id string) (*bigquery.Job, error) { return s.submit(ctx, id, l) },
		check:  func(c bigquery.JobConfig) error { return s.checkLoad(c, l) },
	})
	if err != nil {
		return err
	}
	if status.Statistics == nil {
		return nil // emulators give none
	}
	got, ok := status.Statistics.Details.(*bigquery.LoadStatistics)
	if ok && got.OutputRows != l.rows {
		return fault("look at the job in BigQuery; if the events of the window have changed since it ran, load a new generation with backstory rebuild",
			"%s (job %s): it loaded %d rows and not %d", l.what, l.id, got.OutputRows, l.rows)
	}
	return nil
}

// submit uploads the file. The client does not repeat it, since it takes a
// reader for something that can be read once; settle does.
func (s *Sink) submit(ctx context.Context, id string, l load) (*bigquery.Job, error) {
	src := bigquery.NewReaderSource(l.file.reader())
	src.SourceFormat = bigquery.Parquet
	src.Schema = schemaOf(l.into.table, false)
	src.ParquetOptions = &bigquery.ParquetOptions{EnumAsString: true, EnableListInference: true}
	loader := s.dataset().Table(l.into.name).LoaderFrom(src)
	loader.JobID, loader.Location = id, s.client.Location
	loader.WriteDisposition, loader.CreateDisposition = bigquery.WriteAppend, bigquery.CreateNever
	loader.DecimalTargetTypes = []bigquery.DecimalTargetType{bigquery.NumericTargetType, bigquery.BigNumericTargetType}
	loader.Labels, loader.JobTimeout = l.labels, s.o.JobTimeout
	loader.MediaOptions = s.mediaOptions(l.file.size())
	return loader.Run(ctx)
}

// mediaOptions say how a file is sent: as one stream, which needs no memory,
// or in parts, of which only the one that failed is sent again.
func (s *Sink) mediaOptions(size int64) []googleapi.MediaOption {
	chunk := s.o.ChunkSize
	switch {
	case chunk == 0 && s.o.Endpoint != "":
		// Stand-ins rarely know how to take parts.
	case chunk == 0:
		chunk = defaultChunk
	}
	if int64(chunk) >= size {
		chunk = 0
	}
	return []googleapi.MediaOption{
		googleapi.ContentType("application/octet-stream"), googleapi.ChunkSize(chunk), googleapi.ChunkRetryDeadline(chunkPatience),
	}
}

// checkLoad tells whether a job loads what l does.
func (s *Sink) checkLoad(config bigquery.JobConfig, l load) error {
	c, ok := config.(*bigquery.LoadConfig)
	if !ok {
		return fmt.Errorf("it does not load")
	}
	if d := c.Dst; d == nil || d.ProjectID != s.o.Project || d.DatasetID != s.o.Dataset || d.TableID != l.into.name {
		return fmt.Errorf("it loads into another table")
	}
	for _, name := range []string{labelFingerprint, labelRows} {
		if got, ok := c.Labels[name]; ok && got != l.labels[name] {
			return refuse("put the rules back under which the load was begun, or load a new generation with backstory rebuild",
				"its label %s is %s and not %s: the rows were made under other rules", name, got, l.labels[name])
		}
	}
	return nil
}

// jobLabels are those of the user and ours.
func (s *Sink) jobLabels(own map[string]string) map[string]string {
	all := make(map[string]string, len(s.o.Labels)+len(own))
	maps.Copy(all, s.o.Labels)
	for name, value := range own {
		all[name] = label(value)
	}
	return all
}

func rowsLabel(n int64) string { return strconv.FormatInt(n, 10) }
