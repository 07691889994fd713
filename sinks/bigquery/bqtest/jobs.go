package bqtest

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	bq "google.golang.org/api/bigquery/v2"
)

// jobKey is what a job is known by; there is only one project.
type jobKey struct{ location, id string }

// job is a load, copy or query job.
type job struct {
	res  *bq.Job
	wait int       // how many times jobs.get must ask before it is DONE
	will *apiError // how it fails by script
	file *file     // of a load job that could be read
	bad  *apiError // why it could not

	script []statement // of a query job
}

func (j *job) done() bool { return j.res.Status.State == "DONE" }

// resource is the job as jobs.get shows it.
func (j *job) resource() *bq.Job {
	r := clone(j.res)
	if st := r.Statistics.Load; st != nil {
		st.ForceSendFields = []string{"OutputRows", "OutputBytes", "BadRecords"}
	}
	return r
}

// maxJobID is how long a job's ID may be.
const maxJobID = 1024

var jobID = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// insertJob takes a job that comes in one request.
func (s *Server) insertJob(c *call, f Fault) answer {
	var media []byte
	if c.media != nil {
		var err error
		if media, err = io.ReadAll(c.media); err != nil {
			return problem(invalid("Malformed multipart body: %v", err))
		}
	}
	return s.accept(c, media, f)
}

// accept takes a job whose file, if it has one, is complete.
func (s *Server) accept(c *call, media []byte, f Fault) answer {
	in := &bq.Job{}
	if err := c.decode(in); err != nil {
		return problem(err)
	}
	if err := checkJob(in, media != nil); err != nil {
		return problem(err)
	}
	j := &job{res: in, wait: s.o.JobDelay}
	if in.Configuration.Query != nil {
		var err *apiError
		if j.script, err = checkQuery(in.Configuration); err != nil {
			return problem(err)
		}
		if in.Configuration.DryRun {
			return s.dryRun(j)
		}
	}
	switch f.kind {
	case jobFails:
		j.will = fail(http.StatusOK, f.reason, "%s", f.message)
	case slowJob:
		j.wait += f.n
	}
	if load := in.Configuration.Load; load != nil {
		// Reading takes its time, so it is done before the server is locked.
		j.file, j.bad = readFile(media, load, s.o)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.register(j, len(media)); err != nil {
		return problem(err)
	}
	accepted := j.resource()
	if j.wait == 0 {
		accepted.Status.State = "RUNNING"
		s.finish(j)
	}
	return reply(accepted)
}

// checkJob checks what can be said of a job without looking at any table.
func checkJob(in *bq.Job, media bool) *apiError {
	cfg := in.Configuration
	if cfg == nil {
		return invalid("Required parameter is missing: configuration")
	}
	if ref := in.JobReference; ref != nil && ref.JobId != "" && (!jobID.MatchString(ref.JobId) || len(ref.JobId) > maxJobID) {
		return invalid("Invalid job ID %q. Job IDs must be alphanumeric (plus underscores and dashes) and must be at most %d characters long.", ref.JobId, maxJobID)
	}
	if err := checkLabels(cfg.Labels); err != nil {
		return err
	}
	switch {
	case cfg.Query != nil && cfg.Load == nil && cfg.Copy == nil && !media:
		return nil
	case cfg.DryRun:
		return invalid("Only queries can be run dry")
	case cfg.Query != nil:
	case cfg.Load != nil && cfg.Copy == nil:
		return checkLoad(cfg.Load, media)
	case cfg.Copy != nil && cfg.Load == nil:
		return checkCopy(cfg.Copy)
	}
	return invalid("Job configuration must contain exactly one job-specific configuration object (load, copy or query)")
}

// destination gives where a job writes to, and whether it may make the table.
// Of a query it is the first of the tables that it changes.
func (j *job) destination() (to *bq.TableReference, create bool) {
	if j.script != nil {
		changed, _ := tablesOf(j.script)
		return changed[0].ref(), false
	}
	if l := j.res.Configuration.Load; l != nil {
		return l.DestinationTable, l.CreateDisposition != "CREATE_NEVER"
	}
	c := j.res.Configuration.Copy
	return c.DestinationTable, c.CreateDisposition != "CREATE_NEVER"
}

// register gives a job its place among the others, or refuses it.
func (s *Server) register(j *job, size int) *apiError {
	to, create := j.destination()
	d, err := s.dataset(to.DatasetId)
	if err != nil {
		return err
	}
	ref := &bq.JobReference{ProjectId: s.o.Project, Location: d.res.Location}
	if in := j.res.JobReference; in != nil {
		if in.ProjectId != "" && in.ProjectId != s.o.Project {
			return invalid("The project of the job reference does not match the URL")
		}
		if in.Location != "" && !strings.EqualFold(in.Location, d.res.Location) {
			return notFound("Dataset %s was not found in location %s", d.res.Id, in.Location)
		}
		ref.JobId = in.JobId
	}
	if ref.JobId == "" {
		ref.JobId = fmt.Sprintf("job_%08x", s.next())
	}
	key := jobKey{ref.Location, ref.JobId}
	if s.jobs[key] != nil {
		return duplicate("Job %s:%s.%s", s.o.Project, ref.Location, ref.JobId)
	}
	tableID, _, _ := strings.Cut(to.TableId, "$")
	need := []string{"bigquery.tables.updateData"}
	if create {
		need = append(need, "bigquery.tables.create")
	}
	for _, p := range need {
		if err := s.permitLocked(p, to.DatasetId, tableID); err != nil {
			return err
		}
	}
	if err := s.permitScript(j.script); err != nil {
		return err
	}
	r := j.res
	r.Kind, r.JobReference, r.Etag = "bigquery#job", ref, s.etag()
	r.Id = s.o.Project + ":" + ref.Location + "." + ref.JobId
	r.Configuration.JobType = "COPY"
	r.Status = &bq.JobStatus{State: "PENDING"}
	r.Statistics = &bq.JobStatistics{CreationTime: s.millis()}
	if j.script != nil {
		r.Configuration.JobType = "QUERY"
	}
	if r.Configuration.Load != nil {
		r.Configuration.JobType = "LOAD"
		r.Statistics.Load = &bq.JobStatistics3{InputFiles: 1, InputFileBytes: int64(size)}
		if err := s.chargeProject(); err != nil {
			return err
		}
	}
	s.jobs[key] = j
	s.order = append(s.order, j)
	return nil
}

// finish brings a job to its end: all of it happens, or nothing.
func (s *Server) finish(j *job) {
	if j.done() {
		return
	}
	r := j.res
	var err *apiError
	switch {
	case r.Configuration.Load != nil:
		err = s.load(j)
	case j.script != nil:
		err = s.query(j)
	default:
		err = s.copyTables(j)
	}
	r.Status.State = "DONE"
	r.Statistics.StartTime, r.Statistics.EndTime = s.millis(), s.millis()
	if err != nil {
		s.chargeFailure(j)
		r.Status.ErrorResult = err.proto()
		r.Status.Errors = []*bq.ErrorProto{err.proto()}
	}
	j.file = nil // the table has it
}

// aboutJob names what a job that a request asks for is about.
func (s *Server) aboutJob(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j, err := s.findJob(c); err == nil {
		to, _ := j.destination()
		c.Dataset = to.DatasetId
		c.Table, _, _ = strings.Cut(to.TableId, "$")
	}
}

// findJob finds a job; without a location, only in the multi-regions
// (https://cloud.google.com/bigquery/docs/locations#specify_locations).
func (s *Server) findJob(c *call) (*job, *apiError) {
	locations := []string{"US", "EU"}
	if l := c.query.Get("location"); l != "" {
		locations = []string{l}
	}
	for _, l := range locations {
		for _, known := range []string{l, strings.ToUpper(l), strings.ToLower(l)} {
			if j := s.jobs[jobKey{known, c.Job}]; j != nil {
				return j, nil
			}
		}
	}
	return nil, notFound("Job %s:%s", s.o.Project, c.Job)
}

func (s *Server) getJob(c *call) (any, *apiError) {
	j, err := s.findJob(c)
	if err != nil {
		return nil, err
	}
	switch {
	case j.done():
	case j.wait > 0:
		j.wait--
		r := j.resource()
		j.res.Status.State = "RUNNING" // from the second time on
		return r, nil
	default:
		s.finish(j)
	}
	return j.resource(), nil
}

func (s *Server) cancelJob(c *call) (any, *apiError) {
	j, err := s.findJob(c)
	if err != nil {
		return nil, err
	}
	if !j.done() {
		stopped := fail(http.StatusOK, "stopped", "Job execution was cancelled: User requested cancellation")
		j.res.Status = &bq.JobStatus{State: "DONE", ErrorResult: stopped.proto(), Errors: []*bq.ErrorProto{stopped.proto()}}
		j.res.Statistics.EndTime = s.millis()
	}
	return &bq.JobCancelResponse{Kind: "bigquery#jobCancelResponse", Job: j.resource()}, nil
}

func (s *Server) listJobs(c *call) (any, *apiError) {
	states := c.query["stateFilter"]
	after, _ := strconv.ParseInt(c.query.Get("minCreationTime"), 10, 64)
	var found []*bq.JobListJobs
	for _, j := range slices.Backward(s.order) {
		r := j.resource()
		fits := slices.ContainsFunc(states, func(st string) bool { return strings.EqualFold(st, r.Status.State) })
		if len(states) > 0 && !fits || r.Statistics.CreationTime < after {
			continue
		}
		item := &bq.JobListJobs{
			Kind: r.Kind, Id: r.Id, JobReference: r.JobReference, State: r.Status.State,
			ErrorResult: r.Status.ErrorResult, Status: r.Status, Statistics: r.Statistics,
		}
		if strings.EqualFold(c.query.Get("projection"), "full") {
			item.Configuration = r.Configuration
		}
		found = append(found, item)
	}
	from, to, token, err := page(c, len(found))
	if err != nil {
		return nil, err
	}
	return &bq.JobList{Kind: "bigquery#jobList", Jobs: found[from:to], NextPageToken: token}, nil
}
