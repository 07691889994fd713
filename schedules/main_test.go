package schedules_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"backstory/schedules"
	"backstory/source/postgres/pgtest"
)

// childVar makes the test binary run a job, as an order says, and nothing else.
const childVar = "BACKSTORY_TEST_CHILD"

// exitRules is how it ends where the rules do not allow it.
const exitRules = 6

func TestMain(m *testing.M) {
	if text := os.Getenv(childVar); text != "" {
		var o order
		err := json.Unmarshal([]byte(text), &o)
		if err == nil {
			err = o.run()
		}
		var rules *schedules.RulesError
		switch {
		case errors.As(err, &rules):
			os.Exit(exitRules)
		case err != nil:
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	before := runtime.NumGoroutine()
	code := pgtest.Run(m)
	if leaked := goroutinesBeyond(before); leaked != "" && code == 0 {
		fmt.Fprintln(os.Stderr, "goroutines are left over:\n"+leaked)
		code = 1
	}
	os.Exit(code)
}

// goroutinesBeyond gives the stacks of what still runs besides the n goroutines
// there were, once those that are about to end have had a second to do so.
func goroutinesBeyond(n int) string {
	for range 100 {
		if runtime.NumGoroutine() <= n {
			return ""
		}
		time.Sleep(10 * time.Millisecond)
	}
	buf := make([]byte, 1<<20)
	var left []string
	for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(g, "backstory/") && !strings.Contains(g, "TestMain") {
			left = append(left, g)
		}
	}
	return strings.Join(left, "\n\n")
}
