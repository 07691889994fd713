package bigquery

import (
	"context"
	"math/rand/v2"
	"time"
)

// pace says how patiently requests are repeated and jobs are looked at. The
// client repeats some requests by itself, for as long as its context lasts;
// uploads it never repeats.
type pace struct {
	// first is the pause after the first failure; each further one is twice
	// as long, up to most, and a random part of it is left out.
	first, most time.Duration
	// tries is how often a request is made in all.
	tries int
	// limit ends one request about metadata, with all that the client repeats.
	limit time.Duration
	// upload ends the sending of one file. The client goes on for ever where
	// the service has kept only a part of the last chunk.
	upload time.Duration
	// poll is the pause before a job is looked at again; it grows by half, up
	// to pollMost.
	poll, pollMost time.Duration
}

var defaultPace = pace{
	first: 500 * time.Millisecond, most: 64 * time.Second, tries: 9, limit: 2 * time.Minute, upload: 30 * time.Minute,
	poll: 100 * time.Millisecond, pollMost: 5 * time.Second,
}

// nearPace is for a server that stands in for BigQuery: it is near, and has
// done what it was asked as soon as it answers.
var nearPace = pace{
	first: 20 * time.Millisecond, most: 2 * time.Second, tries: 9, limit: 2 * time.Minute, upload: 30 * time.Minute,
	poll: 2 * time.Millisecond, pollMost: 200 * time.Millisecond,
}

// pause waits after the n-th failure, from 1.
func (p pace) pause(ctx context.Context, n int, why class) error {
	if why == busy {
		n += 2 // a table may be changed five times in ten seconds
	}
	d := p.most
	if n < 20 {
		d = min(p.most, p.first<<(n-1))
	}
	return sleep(ctx, d/2+rand.N(d/2+1))
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// ask makes a request that may be repeated, until it succeeds, fails for
// good, or has failed too often. One that has lasted as long as it may was
// repeated by the client all the while.
func (s *Sink) ask(ctx context.Context, request func(context.Context) error) error {
	for n := 1; ; n++ {
		began := time.Now()
		err := s.once(ctx, request)
		if err == nil || ctx.Err() != nil || n == s.pace.tries || time.Since(began) >= s.pace.limit {
			return err
		}
		c := classify(err)
		if c != passing && c != busy {
			return err
		}
		if err := s.pace.pause(ctx, n, c); err != nil {
			return err
		}
	}
}

// once makes a request, within the limit.
func (s *Sink) once(ctx context.Context, request func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.pace.limit)
	defer cancel()
	return request(ctx)
}
