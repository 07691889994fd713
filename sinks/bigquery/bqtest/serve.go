package bqtest

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
)

// answer is what a request gets.
type answer struct {
	status int
	header map[string]string
	body   []byte
}

func problem(e *apiError) answer { return answer{status: e.code, body: e.body()} }

// ServeHTTP answers one request of the API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, bad := s.parse(r)
	f := s.decide(c.Request)
	switch f.kind {
	case dropBefore:
		hangUp(w)
		return
	case resetMidway:
		if c.media != nil {
			_, _ = io.CopyN(io.Discard, c.media, 4096)
		}
		hangUp(w)
		return
	case callBefore:
		f.hook()
	}
	var a answer
	switch {
	case bad != nil:
		a = problem(bad)
	case f.kind == statusBefore:
		a = problem(f.error(c.Request))
	default:
		a = s.do(c, f)
	}
	switch f.kind {
	case statusAfter:
		a = problem(f.error(c.Request))
	case callAfter:
		f.hook()
	}
	s.mu.Lock()
	c.Status = a.status
	s.history = append(s.history, c.Request)
	s.mu.Unlock()
	if f.kind == dropAfter {
		hangUp(w)
		return
	}
	for k, v := range a.header {
		w.Header().Set(k, v)
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // whoever does not read it does not get it
}

// hangUp resets the connection, so that the other side sees an error and
// not an end.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// do does what is asked, if the one who asks may.
func (s *Server) do(c *call, f Fault) answer {
	if err := s.authorize(c); err != nil {
		return problem(err)
	}
	switch c.Method {
	case "jobs.insert":
		return s.insertJob(c, f)
	case "jobs.insert.begin":
		return s.beginUpload(c)
	case "jobs.insert.chunk":
		return s.takeChunk(c, f)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.dispatch(c)
	if err != nil {
		return problem(err)
	}
	return reply(v)
}

// dispatch does what needs no upload; the server is locked.
func (s *Server) dispatch(c *call) (any, *apiError) {
	switch c.Method {
	case "datasets.insert":
		return s.insertDataset(c)
	case "datasets.get":
		return s.getDataset(c)
	case "datasets.list":
		return s.listDatasets(c)
	case "datasets.patch", "datasets.update":
		return s.changeDataset(c)
	case "datasets.delete":
		return s.deleteDataset(c)
	case "tables.insert":
		return s.insertTable(c)
	case "tables.get":
		return s.getTable(c)
	case "tables.list":
		return s.listTables(c)
	case "tables.patch", "tables.update":
		return s.changeTable(c)
	case "tables.delete":
		return s.deleteTable(c)
	case "tables.testIamPermissions":
		return s.testPermissions(c)
	case "tabledata.list":
		return s.listRows(c)
	case "jobs.get":
		return s.getJob(c)
	case "jobs.list":
		return s.listJobs(c)
	case "jobs.cancel":
		return s.cancelJob(c)
	case "jobs.query":
		return nil, noQueries()
	}
	return nil, fail(http.StatusNotImplemented, "notImplemented", "%s is not simulated", c.Method)
}

func noQueries() *apiError {
	return invalid("Queries are not simulated but for transactions that replace rows: a load must do without them")
}

// reply makes the answer of a resource; nil is an empty one.
func reply(v any) answer {
	if v == nil {
		return answer{status: http.StatusNoContent}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return problem(fail(http.StatusInternalServerError, "internalError", "encode answer: %v", err))
	}
	return answer{status: http.StatusOK, body: b}
}

// authorize checks the token, the project and the permission.
func (s *Server) authorize(c *call) *apiError {
	if s.o.Token != "" && c.header.Get("Authorization") != "Bearer "+s.o.Token {
		e := fail(http.StatusUnauthorized, "authError", "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.")
		e.location = "Authorization"
		return e
	}
	if c.project != s.o.Project {
		return notFound("Project %s", c.project)
	}
	for _, p := range permissions[c.Method] {
		if err := s.permit(p, c.Dataset, c.Table); err != nil {
			return err
		}
	}
	return nil
}

// permissions are those that the methods need
// (https://cloud.google.com/bigquery/docs/access-control#bq-permissions).
var permissions = map[string][]string{
	"datasets.insert":   {"bigquery.datasets.create"},
	"datasets.get":      {"bigquery.datasets.get"},
	"datasets.patch":    {"bigquery.datasets.update"},
	"datasets.update":   {"bigquery.datasets.update"},
	"datasets.delete":   {"bigquery.datasets.delete"},
	"tables.insert":     {"bigquery.tables.create"},
	"tables.get":        {"bigquery.tables.get"},
	"tables.list":       {"bigquery.tables.list"},
	"tables.patch":      {"bigquery.tables.get", "bigquery.tables.update"},
	"tables.update":     {"bigquery.tables.get", "bigquery.tables.update"},
	"tables.delete":     {"bigquery.tables.delete"},
	"tabledata.list":    {"bigquery.tables.getData"},
	"jobs.insert":       {"bigquery.jobs.create"},
	"jobs.insert.begin": {"bigquery.jobs.create"},
	"jobs.list":         {"bigquery.jobs.list"},
}

// Deny takes permissions away from everybody: "bigquery.tables.create".
func (s *Server) Deny(permissions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range permissions {
		s.denied[p] = true
	}
}

// Allow gives permissions back.
func (s *Server) Allow(permissions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range permissions {
		delete(s.denied, p)
	}
}

func (s *Server) permit(permission, datasetID, tableID string) *apiError {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.permitLocked(permission, datasetID, tableID)
}

func (s *Server) permitLocked(permission, datasetID, tableID string) *apiError {
	if !s.denied[permission] {
		return nil
	}
	what := "Project " + s.o.Project
	switch {
	case strings.Contains(permission, ".jobs."), datasetID == "":
	case tableID != "":
		what = "Table " + s.o.Project + ":" + datasetID + "." + tableID
	default:
		what = "Dataset " + s.o.Project + ":" + datasetID
	}
	return fail(http.StatusForbidden, "accessDenied", "Access Denied: %s: Permission %s denied on %s (or it may not exist).", what, permission, strings.ToLower(what[:1])+what[1:])
}
