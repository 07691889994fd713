package bqtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
	"github.com/google/go-cmp/cmp"
	pq "github.com/parquet-go/parquet-go"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
)

// rig is a server, its client, and a dataset "shop".
type rig struct {
	*Server
	client *bigquery.Client
	shop   *bigquery.Dataset
}

func start(t *testing.T, o Options) *rig {
	t.Helper()
	s := Start(t, o)
	r := &rig{Server: s, client: dial(t, s)}
	r.shop = r.client.Dataset("shop")
	if err := r.shop.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return r
}

func dial(t *testing.T, s *Server, opts ...option.ClientOption) *bigquery.Client {
	t.Helper()
	opts = append([]option.ClientOption{option.WithEndpoint(s.URL()), option.WithoutAuthentication()}, opts...)
	c, err := bigquery.NewClient(t.Context(), s.Project(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// item is a row of most tests' tables.
type item struct {
	ID int64     `parquet:"id"`
	At time.Time `parquet:"at,timestamp(microsecond)"`
}

var itemSchema = bigquery.Schema{
	{Name: "id", Type: bigquery.IntegerFieldType, Required: true},
	{Name: "at", Type: bigquery.TimestampFieldType, Required: true},
}

func day(text string) time.Time {
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return d
}

// items gives rows 1, 2... at the days.
func items(days ...string) []item {
	var out []item
	for i, d := range days {
		out = append(out, item{int64(i + 1), day(d)})
	}
	return out
}

// parquetOf writes rows to a file.
func parquetOf[T any](t testing.TB, rows []T, opts ...pq.WriterOption) []byte {
	t.Helper()
	var b bytes.Buffer
	w := pq.NewGenericWriter[T](&b, opts...)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (r *rig) create(t *testing.T, name string, md *bigquery.TableMetadata) {
	t.Helper()
	if err := r.shop.Table(name).Create(t.Context(), md); err != nil {
		t.Fatal(err)
	}
}

// loader makes a load job as the sink makes one.
func (r *rig) loader(table string, file []byte, schema bigquery.Schema) *bigquery.Loader {
	src := bigquery.NewReaderSource(bytes.NewReader(file))
	src.SourceFormat = bigquery.Parquet
	src.Schema = schema
	src.ParquetOptions = &bigquery.ParquetOptions{EnableListInference: true, EnumAsString: true}
	l := r.shop.Table(table).LoaderFrom(src)
	l.CreateDisposition = bigquery.CreateNever
	l.WriteDisposition = bigquery.WriteAppend
	l.DecimalTargetTypes = []bigquery.DecimalTargetType{bigquery.NumericTargetType, bigquery.BigNumericTargetType}
	return l
}

// run brings a job to its end, and gives the error it ended with.
func run(ctx context.Context, l interface {
	Run(context.Context) (*bigquery.Job, error)
}) (*bigquery.JobStatus, error) {
	job, err := l.Run(ctx)
	if err != nil {
		return nil, err
	}
	status, err := job.Wait(ctx)
	if err != nil {
		return nil, err
	}
	return status, status.Err()
}

// ids gives the column id of all rows.
func (r *rig) ids(t *testing.T, table string) string {
	t.Helper()
	rows, err := r.Rows("shop", table)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, row := range rows {
		ids = append(ids, row.Get("id"))
	}
	return strings.Join(ids, " ")
}

// reason gives "404 notFound" of an answer, or "invalid" of a job's error.
func reason(err error) string {
	var api *googleapi.Error
	if errors.As(err, &api) {
		if len(api.Errors) == 0 {
			return fmt.Sprint(api.Code)
		}
		return fmt.Sprintf("%d %s", api.Code, api.Errors[0].Reason)
	}
	var job *bigquery.Error
	if errors.As(err, &job) {
		return job.Reason
	}
	return fmt.Sprintf("%v", err)
}

// wantError checks reason and a part of the text.
func wantError(t *testing.T, err error, want, part string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", want)
	}
	if got := reason(err); got != want {
		t.Errorf("got reason %q, want %q: %v", got, want, err)
	}
	if !strings.Contains(err.Error(), part) {
		t.Errorf("got error %q, want it to hold %q", err, part)
	}
}

func wantEqual[T any](t *testing.T, got, want T) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("mismatch (-want +got):\n%s", d)
	}
}

// ask sends a request as no client library would, and gives status and body.
func (r *rig) ask(t *testing.T, verb, path, body string, header ...string) (int, map[string]any, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), verb, r.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if len(b) > 0 {
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatalf("answer %q: %v", b, err)
		}
	}
	return resp.StatusCode, v, resp.Header
}

// clock is a time that only moves when it is told.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

// bearer makes clients that show a token.
func bearer(token string) *http.Client { return &http.Client{Transport: authorized(token)} }

type authorized string

func (a authorized) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+string(a))
	return http.DefaultTransport.RoundTrip(req)
}
