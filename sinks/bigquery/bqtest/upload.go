package bqtest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// session is a resumable upload
// (https://cloud.google.com/bigquery/docs/reference/api-uploads#resumable).
type session struct {
	call   *call // that began it
	bytes  []byte
	result *answer // when it is complete
}

// chunkUnit is what the size of every chunk but the last is a multiple of.
const chunkUnit = 256 << 10

func (s *Server) beginUpload(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := fmt.Sprintf("upload_%08x", s.next())
	s.sessions[id] = &session{call: c}
	query := url.Values{"uploadType": {"resumable"}, "upload_id": {id}}
	return answer{status: http.StatusOK, header: map[string]string{
		"Location":             s.URL() + "/upload/bigquery/v2/projects/" + c.project + "/jobs?" + query.Encode(),
		"X-Guploader-Uploadid": id,
	}}
}

// takeChunk takes a part of an upload; with the last one, the job is there.
func (s *Server) takeChunk(c *call, f Fault) answer {
	chunk, err := io.ReadAll(c.media)
	if err != nil {
		return problem(invalid("Cannot read the chunk: %v", err))
	}
	s.mu.Lock()
	if f.kind == loseSession {
		delete(s.sessions, c.session)
	}
	u := s.sessions[c.session]
	if u == nil {
		s.mu.Unlock()
		code := http.StatusNotFound
		if f.kind == loseSession {
			code = f.code
		}
		return problem(fail(code, "notFound", "Not found: upload session %s", c.session))
	}
	if u.result != nil { // the answer was lost
		s.mu.Unlock()
		return *u.result
	}
	last, problemFound := u.take(c, chunk, f)
	if problemFound != nil {
		s.mu.Unlock()
		return problem(problemFound)
	}
	if !last {
		defer s.mu.Unlock()
		return u.incomplete(c)
	}
	media := u.bytes
	u.bytes = nil
	s.mu.Unlock()
	// A client sends the chunks of one upload one after another.
	a := s.accept(u.call, media, f)
	s.mu.Lock()
	defer s.mu.Unlock()
	u.result = &a
	return a
}

// take adds a chunk to what is there, and tells whether it is complete.
func (u *session) take(c *call, chunk []byte, f Fault) (last bool, bad *apiError) {
	from, total, bad := contentRange(c.header.Get("Content-Range"), len(chunk))
	if bad != nil {
		return false, bad
	}
	if from > len(u.bytes) {
		return false, invalid("The chunk begins at byte %d, but only %d bytes were received", from, len(u.bytes))
	}
	if total < 0 && len(chunk)%chunkUnit != 0 {
		return false, invalid("The size of a chunk must be a multiple of %d bytes", chunkUnit)
	}
	if f.kind == keepPart {
		chunk = chunk[:min(f.n, len(chunk))]
	}
	// What was received before is sent again after a lost answer.
	if known := len(u.bytes) - from; known < len(chunk) {
		u.bytes = append(u.bytes, chunk[known:]...)
	}
	return total >= 0 && len(u.bytes) == total, nil
}

// incomplete is the answer 308, in the form that the client asks for.
func (u *session) incomplete(c *call) answer {
	a := answer{status: http.StatusPermanentRedirect, header: map[string]string{}}
	if strings.EqualFold(c.header.Get("X-GUploader-No-308"), "yes") {
		a.status = http.StatusOK
		a.header["X-Http-Status-Code-Override"] = "308"
	}
	if len(u.bytes) > 0 {
		a.header["Range"] = fmt.Sprintf("bytes=0-%d", len(u.bytes)-1)
	}
	return a
}

// contentRange reads "bytes 0-9/*", "bytes 10-19/20", "bytes */20" and
// "bytes */*"; an unknown total is -1.
func contentRange(text string, size int) (from, total int, bad *apiError) {
	wrong := func() (int, int, *apiError) {
		return 0, 0, invalid("Invalid Content-Range %q for %d bytes", text, size)
	}
	span, of, ok := strings.Cut(strings.TrimPrefix(text, "bytes "), "/")
	if !ok {
		return wrong()
	}
	total = -1
	var err error
	if of != "*" {
		if total, err = strconv.Atoi(of); err != nil {
			return wrong()
		}
	}
	if span == "*" {
		if size != 0 {
			return wrong()
		}
		return 0, total, nil
	}
	first, last, _ := strings.Cut(span, "-")
	from, err1 := strconv.Atoi(first)
	to, err2 := strconv.Atoi(last)
	if err1 != nil || err2 != nil || to-from+1 != size || total >= 0 && to >= total {
		return wrong()
	}
	return from, total, nil
}
