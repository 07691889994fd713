package bqtest

import (
	"net/http"
	"strings"
)

// Rule says which requests meet a fault.
type Rule struct {
	// Method is the request's method as Request has it, "" for any.
	Method string
	// Dataset and Table are what it is about, Job is a part of the job's ID;
	// "" fits all.
	Dataset, Table, Job string
	// Nth is the first request of those that fit that meets the fault,
	// counted from 1 when the rule is given; 0 is 1.
	Nth int
	// Times is how many do so from there on: 0 is 1, negative is all.
	Times int
	// Do is the fault.
	Do Fault
}

// Fault is something that goes wrong.
type Fault struct {
	kind            faultKind
	code, n         int
	reason, message string
	hook            func()
}

type faultKind int

const (
	dropBefore faultKind = iota + 1
	dropAfter
	resetMidway
	statusBefore
	statusAfter
	jobFails
	slowJob
	loseSession
	keepPart
	callBefore
	callAfter
)

// The faults that need no more words.
var (
	// DropBefore closes the connection before anything is done.
	DropBefore = Fault{kind: dropBefore}
	// DropResponseAfterAccept does all that was asked, and closes the
	// connection instead of answering. The transport of net/http asks again
	// by itself if it was a GET on a connection that was used before.
	DropResponseAfterAccept = Fault{kind: dropAfter}
	// ResetMidUpload resets the connection after half of the file or chunk;
	// nothing is done.
	ResetMidUpload = Fault{kind: resetMidway}
	// QuotaExceeded answers that a quota is used up; nothing is done.
	QuotaExceeded = Status(http.StatusForbidden, "quotaExceeded")
	// NotFound answers that the thing is not there, as the service may for
	// a while after it was made. Times says for how many requests.
	NotFound = Status(http.StatusNotFound, "notFound")
)

// Status answers with an error; nothing is done.
func Status(code int, reason string) Fault {
	return Fault{kind: statusBefore, code: code, reason: reason}
}

// StatusAfterAccept does all that was asked, and answers with an error.
func StatusAfterAccept(code int, reason string) Fault {
	return Fault{kind: statusAfter, code: code, reason: reason}
}

// JobFails takes a job, which fails for the reason: backendError,
// rateLimitExceeded, quotaExceeded, resourcesExceeded, stopped, invalid...
func JobFails(reason string) Fault {
	return Fault{kind: jobFails, reason: reason, message: "The job encountered an error by script: " + reason}
}

// Slow takes a job that is not DONE before jobs.get has been asked for it n
// times more than Options.JobDelay.
func Slow(n int) Fault { return Fault{kind: slowJob, n: n} }

// LoseSession forgets a resumable upload and answers its chunk with the code,
// 404 or 410.
func LoseSession(code int) Fault { return Fault{kind: loseSession, code: code} }

// KeepPart keeps only the first n bytes of a chunk, and says so in the
// answer's Range, as the service may.
func KeepPart(n int) Fault { return Fault{kind: keepPart, n: n} }

// Before calls fn before anything is done, and goes on as usual.
func Before(fn func()) Fault { return Fault{kind: callBefore, hook: fn} }

// After calls fn when all is done and nothing is answered yet.
func After(fn func()) Fault { return Fault{kind: callAfter, hook: fn} }

// rule is a Rule that counts.
type rule struct {
	Rule
	seen, fired int
}

// Fail adds a rule. Of several that fit a request, the first one given whose
// turn it is happens; all of them count. The function it returns tells how
// often the fault has happened.
func (s *Server) Fail(r Rule) (fired func() int) {
	r.Nth = max(r.Nth, 1)
	if r.Times == 0 {
		r.Times = 1
	}
	kept := &rule{Rule: r}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = append(s.rules, kept)
	return func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return kept.fired
	}
}

// Mend takes all rules away.
func (s *Server) Mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = nil
}

// decide counts the request and finds the fault that it meets, if any.
func (s *Server) decide(r Request) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[r.Method]++
	var do Fault
	for _, k := range s.rules {
		if !k.fits(r) {
			continue
		}
		k.seen++
		turn := k.seen >= k.Nth && (k.Times < 0 || k.seen < k.Nth+k.Times)
		if turn && do.kind == 0 {
			k.fired++
			do = k.Do
		}
	}
	return do
}

func (k *rule) fits(r Request) bool {
	return (k.Method == "" || k.Method == r.Method) &&
		(k.Dataset == "" || k.Dataset == r.Dataset) &&
		(k.Table == "" || k.Table == r.Table) &&
		(k.Job == "" || strings.Contains(r.Job, k.Job))
}

// error is the answer of a fault that answers.
func (f Fault) error(r Request) *apiError {
	switch f.reason {
	case "quotaExceeded":
		return fail(f.code, f.reason, "Quota exceeded: Your table exceeded quota for imports or query appends per table.%s", troubleshoot)
	case "notFound":
		return notFound("Table %s.%s", r.Dataset, r.Table)
	}
	return fail(f.code, f.reason, "The service answers %d %s by script", f.code, f.reason)
}
