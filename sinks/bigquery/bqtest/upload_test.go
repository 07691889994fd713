package bqtest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
	pq "github.com/parquet-go/parquet-go"
	"google.golang.org/api/googleapi"
)

// bigFile is a file larger than the chunks of the client's default, 16 MiB.
func bigFile(t *testing.T) (file []byte, rows int) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	type row struct {
		ID   int64  `parquet:"id"`
		Data []byte `parquet:"data"`
	}
	out := make([]row, 180)
	for i := range out {
		b := make([]byte, 100_000)
		for k := range b {
			b[k] = byte(random.Uint32())
		}
		out[i] = row{int64(i), b}
	}
	return parquetOf(t, out, pq.Compression(&pq.Uncompressed)), len(out)
}

var bigSchema = bigquery.Schema{
	{Name: "id", Type: bigquery.IntegerFieldType, Required: true},
	{Name: "data", Type: bigquery.BytesFieldType, Required: true},
}

func TestResumableUpload(t *testing.T) {
	file, n := bigFile(t)
	if len(file) <= googleapi.DefaultUploadChunkSize {
		t.Fatalf("got a file of %d bytes, want more than a chunk", len(file))
	}
	tests := []struct {
		name  string
		rules []Rule
		want  string
		part  string
	}{
		{"plain", nil, "", ""},
		{"chunk answered 503", []Rule{{Method: "jobs.insert.chunk", Do: Status(503, "backendError")}}, "", ""},
		{"chunk kept, answer lost", []Rule{{Method: "jobs.insert.chunk", Do: DropResponseAfterAccept}}, "", ""},
		{"last chunk kept, answer 503", []Rule{{Method: "jobs.insert.chunk", Nth: 2, Do: StatusAfterAccept(503, "backendError")}}, "", ""},
		{"chunk reset", []Rule{{Method: "jobs.insert.chunk", Nth: 2, Do: ResetMidUpload}}, "", ""},
		{"session lost", []Rule{{Method: "jobs.insert.chunk", Nth: 2, Do: LoseSession(410)}}, "410 notFound", "upload session"},
		{"half of a chunk kept", []Rule{{Method: "jobs.insert.chunk", Do: KeepPart(chunkUnit)}}, "400 invalid", "only 262144 bytes were received"},
		{"begin refused", []Rule{{Method: "jobs.insert.begin", Do: Status(503, "backendError")}}, "503 backendError", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := start(t, Options{Skim: true})
			r.create(t, "items", &bigquery.TableMetadata{Schema: bigSchema})
			for _, rule := range tt.rules {
				r.Fail(rule)
			}
			l := r.loader("items", file, bigSchema)
			l.JobID = "load_1"
			l.MediaOptions = []googleapi.MediaOption{googleapi.ChunkRetryDeadline(10 * time.Second)}
			_, err := run(t.Context(), l)
			rows := n
			if tt.want != "" {
				wantError(t, err, tt.want, tt.part)
				rows = 0
			} else if err != nil {
				t.Fatal(err)
			}
			wantEqual(t, r.Table("shop", "items").NumRows, uint64(rows))
		})
	}
}

const loadBody = `{"jobReference":{"jobId":"load_1"},"configuration":{"load":{"sourceFormat":"PARQUET",
	"destinationTable":{"projectId":"test-project","datasetId":"shop","tableId":"items"}}}}`

func TestUploadHandshake(t *testing.T) {
	r := start(t, Options{})
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema})
	file := parquetOf(t, items(strings.Fields(strings.Repeat("2025-01-01 ", 70_000))...), pq.Compression(&pq.Uncompressed))
	if len(file) < 2*chunkUnit {
		t.Fatalf("got a file of %d bytes, want two chunks", len(file))
	}
	status, _, header := r.ask(t, "POST", "/upload/bigquery/v2/projects/test-project/jobs?uploadType=resumable", loadBody)
	wantEqual(t, status, 200)
	path := strings.TrimPrefix(header.Get("Location"), r.URL())
	send := func(verb string, from, to int, of string, more ...string) (int, http.Header) {
		t.Helper()
		span := fmt.Sprintf("bytes %d-%d/%s", from, to-1, of)
		if from == to {
			span = "bytes */" + of
		}
		status, _, h := r.ask(t, verb, path, string(file[from:to]), append([]string{"Content-Range", span}, more...)...)
		return status, h
	}
	// A client that does not ask for the override gets the real 308.
	status, header = send("PUT", 0, chunkUnit, "*")
	wantEqual(t, status, 308)
	wantEqual(t, header.Get("Range"), "bytes=0-262143")
	// The same chunk again, as after a lost answer.
	status, header = send("POST", 0, chunkUnit, "*", "X-GUploader-No-308", "yes")
	wantEqual(t, status, 200)
	wantEqual(t, header.Get("X-Http-Status-Code-Override"), "308")
	wantEqual(t, header.Get("Range"), "bytes=0-262143")
	// A chunk of a size that is no multiple, and one that leaves a hole.
	status, _ = send("POST", chunkUnit, chunkUnit+1, "*")
	wantEqual(t, status, 400)
	status, _ = send("POST", 2*chunkUnit, len(file), strconv.Itoa(len(file)))
	wantEqual(t, status, 400)
	// How much is there?
	status, header = send("PUT", 0, 0, "*")
	wantEqual(t, status, 308)
	wantEqual(t, header.Get("Range"), "bytes=0-262143")
	wantEqual(t, len(r.Jobs()), 0)
	// The rest, twice.
	for range 2 {
		status, _ = send("POST", chunkUnit, len(file), strconv.Itoa(len(file)))
		wantEqual(t, status, 200)
	}
	wantEqual(t, len(r.Jobs()), 1)
	wantEqual(t, r.Table("shop", "items").NumRows, uint64(70_000))
	status, _, _ = r.ask(t, "POST", "/upload/bigquery/v2/projects/test-project/jobs?uploadType=resumable&upload_id=x", "")
	wantEqual(t, status, 404)
}

func TestMultipartUploadThatIsCutOff(t *testing.T) {
	r := start(t, Options{})
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema})
	file := parquetOf(t, items("2025-01-01"))
	var b bytes.Buffer
	fmt.Fprintf(&b, "--x\r\nContent-Type: application/json\r\n\r\n%s\r\n--x\r\nContent-Type: application/octet-stream\r\n\r\n%s", loadBody, file)
	path := "/upload/bigquery/v2/projects/test-project/jobs?uploadType=multipart"
	status, _, _ := r.ask(t, "POST", path, b.String(), "Content-Type", "multipart/related; boundary=x")
	wantEqual(t, status, 400)
	wantEqual(t, len(r.Jobs()), 0)
	status, _, _ = r.ask(t, "POST", path, b.String()+"\r\n--x--\r\n", "Content-Type", "multipart/related; boundary=x")
	wantEqual(t, status, 200)
	wantEqual(t, r.ids(t, "items"), "1")
}

func TestWholeFileInOneRequest(t *testing.T) {
	file, n := bigFile(t)
	r := start(t, Options{Skim: true})
	r.create(t, "items", &bigquery.TableMetadata{Schema: bigSchema})
	l := r.loader("items", file, bigSchema)
	l.MediaOptions = []googleapi.MediaOption{googleapi.ChunkSize(0)}
	if _, err := run(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, r.Table("shop", "items").NumRows, uint64(n))
	wantEqual(t, r.Requests()["jobs.insert"], 1)
	wantEqual(t, r.Requests()["jobs.insert.begin"], 0)
}
