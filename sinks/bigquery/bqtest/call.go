package bqtest

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
)

// call is one request, taken apart.
type call struct {
	Request
	project   string
	decorator string // what follows $ in the name of a table
	query     url.Values
	header    http.Header
	body      []byte    // JSON
	media     io.Reader // the rest of a multipart upload, or a chunk
	session   string    // the upload that a chunk belongs to
}

// prefixes of paths: the client's own, and what it makes of an endpoint
// without a path.
var prefixes = []string{"/resumable/upload/bigquery/v2/", "/upload/bigquery/v2/", "/upload/", "/bigquery/v2/", "/"}

// parse finds out what a request is about. Of a request with media it reads
// only the JSON before it, so that faults know the table.
func (s *Server) parse(r *http.Request) (*call, *apiError) {
	c := &call{query: r.URL.Query(), header: r.Header}
	path := r.URL.EscapedPath()
	upload := false
	for _, p := range prefixes {
		if rest, ok := strings.CutPrefix(path, p); ok {
			path, upload = rest, strings.Contains(p, "upload")
			break
		}
	}
	var parts []string
	for _, p := range strings.Split(path, "/") {
		p, err := url.PathUnescape(p)
		if err != nil {
			return c, invalid("Invalid path %q", path)
		}
		parts = append(parts, p)
	}
	if !c.route(r.Method, parts, upload) {
		return c, fail(http.StatusNotFound, "notFound", "%s %s is not simulated", r.Method, r.URL.Path)
	}
	if c.Method == "jobs.insert" && upload {
		if err := s.parseUpload(c, r); err != nil {
			return c, err
		}
	} else {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return c, invalid("Cannot read the request: %v", err)
		}
		c.body = body
	}
	c.about()
	if c.Method == "jobs.get" || c.Method == "jobs.cancel" {
		s.aboutJob(c)
	}
	return c, nil
}

// route sets the method and what the path names; it is false for paths that
// are not simulated.
func (c *call) route(verb string, p []string, upload bool) bool {
	if len(p) < 3 || p[0] != "projects" {
		return false
	}
	c.project = p[1]
	p = p[2:]
	if upload {
		c.Method = "jobs.insert"
		return len(p) == 1 && p[0] == "jobs" && (verb == http.MethodPost || verb == http.MethodPut)
	}
	set := func(methods map[string]string) bool {
		c.Method = methods[verb]
		return c.Method != ""
	}
	switch {
	case p[0] == "queries":
		c.Method = "jobs.query"
		return true
	case p[0] == "jobs" && len(p) == 1:
		return set(map[string]string{"POST": "jobs.insert", "GET": "jobs.list"})
	case p[0] == "jobs":
		c.Job = p[1]
		if len(p) == 2 {
			return set(map[string]string{"GET": "jobs.get"})
		}
		return len(p) == 3 && p[2] == "cancel" && set(map[string]string{"POST": "jobs.cancel"})
	case p[0] != "datasets":
		return false
	case len(p) == 1:
		return set(map[string]string{"POST": "datasets.insert", "GET": "datasets.list"})
	case len(p) == 2:
		c.Dataset = p[1]
		return set(map[string]string{"GET": "datasets.get", "PATCH": "datasets.patch", "PUT": "datasets.update", "DELETE": "datasets.delete"})
	case p[2] != "tables":
		return false
	}
	c.Dataset = p[1]
	if len(p) == 3 {
		return set(map[string]string{"POST": "tables.insert", "GET": "tables.list"})
	}
	name, action, _ := strings.Cut(p[3], ":")
	c.Table, c.decorator, _ = strings.Cut(name, "$")
	switch {
	case len(p) == 4 && action == "":
		return set(map[string]string{"GET": "tables.get", "PATCH": "tables.patch", "PUT": "tables.update", "DELETE": "tables.delete"})
	case len(p) == 4 && action == "testIamPermissions":
		return set(map[string]string{"POST": "tables.testIamPermissions"})
	case len(p) == 5 && p[4] == "data":
		return set(map[string]string{"GET": "tabledata.list"})
	}
	return false
}

// parseUpload reads the JSON of a multipart upload or of the beginning of a
// resumable one, and what names the session of a chunk.
func (s *Server) parseUpload(c *call, r *http.Request) *apiError {
	if id := c.query.Get("upload_id"); id != "" {
		c.Method, c.session, c.media = "jobs.insert.chunk", id, r.Body
		s.mu.Lock()
		defer s.mu.Unlock()
		if u := s.sessions[id]; u != nil {
			c.Dataset, c.Table, c.Job = u.call.Dataset, u.call.Table, u.call.Job
		}
		return nil
	}
	switch c.query.Get("uploadType") {
	case "resumable":
		c.Method = "jobs.insert.begin"
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return invalid("Cannot read the request: %v", err)
		}
		c.body = body
		return nil
	case "multipart":
		kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || kind != "multipart/related" {
			return invalid("Expected content type multipart/related")
		}
		parts := multipart.NewReader(r.Body, params["boundary"])
		head, err := parts.NextRawPart()
		if err != nil {
			return invalid("Malformed multipart body")
		}
		if c.body, err = io.ReadAll(head); err != nil {
			return invalid("Malformed multipart body")
		}
		media, err := parts.NextRawPart()
		if err != nil {
			return invalid("Missing end boundary in multipart body")
		}
		c.media = media
		return nil
	}
	return invalid("Unknown upload type %q", c.query.Get("uploadType"))
}

// about names what the body of an insert is about. A body that is no JSON is
// refused later.
func (c *call) about() {
	var in struct {
		DatasetReference, TableReference struct{ DatasetID, TableID string }
		JobReference                     struct{ JobID string }
		Configuration                    struct {
			Load, Copy struct {
				DestinationTable struct{ DatasetID, TableID string }
			}
		}
	}
	if !strings.Contains(c.Method, "insert") || c.session != "" || json.Unmarshal(c.body, &in) != nil {
		return
	}
	to := in.Configuration.Load.DestinationTable
	if to.TableID == "" {
		to = in.Configuration.Copy.DestinationTable
	}
	switch c.Method {
	case "datasets.insert":
		c.Dataset = in.DatasetReference.DatasetID
	case "tables.insert":
		c.Table = in.TableReference.TableID
	default:
		c.Job, c.Dataset = in.JobReference.JobID, to.DatasetID
		c.Table, _, _ = strings.Cut(to.TableID, "$")
	}
}

// decode reads the body into v, and refuses members that the API does not know.
func (c *call) decode(v any) *apiError {
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return invalid("Invalid JSON payload received. %v", err)
	}
	return nil
}
