package postgres_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"backstory/schedules"
	"backstory/schedules/ledgertest"
	"backstory/schedules/postgres"
	"backstory/source/postgres/pgtest"
)

// holdVar makes the test binary take a lease, and say what becomes of it.
const holdVar = "BACKSTORY_TEST_HOLD"

func TestMain(m *testing.M) {
	if hold := os.Getenv(holdVar); hold != "" {
		parts := strings.Split(hold, "\n")
		if err := holdLease(parts[0], parts[1], parts[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(pgtest.Run(m))
}

// short is a lease for tests, which wait for its end.
const short = 600 * time.Millisecond

// holdLease takes a lease, and saves something under it for each line that it
// is sent, until there are no more.
func holdLease(url, schema, job string) error {
	ctx := context.Background()
	l, err := postgres.Open(ctx, postgres.Config{URL: url, Schema: schema, Lease: short})
	if err != nil {
		return err
	}
	lease, err := l.Lock(ctx, job)
	if err != nil {
		return err
	}
	fmt.Println("held")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		err := lease.Save(ctx, schedules.Change{Signature: lines.Text()})
		fmt.Println(errors.Is(err, schedules.ErrHeld), err)
	}
	return errors.Join(lease.Release(), l.Close())
}

// A holder is another process with a lease.
type holder struct {
	*exec.Cmd
	in  *os.File
	out *bufio.Reader
}

func hold(t *testing.T, url, schema, job string) *holder {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holdVar+"="+strings.Join([]string{url, schema, job}, "\n"))
	cmd.Stderr = os.Stderr
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	cmd.Stdin = in
	answers, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h := &holder{cmd, out, bufio.NewReader(answers)}
	t.Cleanup(h.kill)
	if got := h.answer(t); got != "held" {
		t.Fatalf("hold a lease in another process: got %q", got)
	}
	return h
}

func (h *holder) kill() {
	h.Process.Kill()
	h.Wait()
	h.in.Close()
}

// answer waits for a line.
func (h *holder) answer(t *testing.T) string {
	t.Helper()
	line, err := h.out.ReadString('\n')
	if err != nil {
		t.Fatalf("hear from another process: %q, %v", line, err)
	}
	return strings.TrimSuffix(line, "\n")
}

// save has it save something, and gives the answer.
func (h *holder) save(t *testing.T, what string) string {
	t.Helper()
	if _, err := fmt.Fprintln(h.in, what); err != nil {
		t.Fatal(err)
	}
	return h.answer(t)
}

func open(tb testing.TB, c postgres.Config) *postgres.Ledger {
	tb.Helper()
	l, err := postgres.Open(tb.Context(), c)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	return l
}

func TestConformance(t *testing.T) {
	url := pgtest.Database(t)
	places := 0
	ledgertest.Run(t, func(tb testing.TB) ledgertest.Place {
		places++
		schema := fmt.Sprintf(`a "schema" %d`, places)
		return ledgertest.Place{
			Open: func(tb testing.TB) schedules.Ledger {
				l, err := postgres.Open(tb.Context(), postgres.Config{URL: url, Schema: schema})
				if err != nil {
					tb.Fatal(err)
				}
				return l
			},
			Hold:     func(t *testing.T, job string) func() { return hold(t, url, schema, job).kill },
			Patience: short,
		}
	})
}

func BenchmarkWindow(b *testing.B) {
	url := pgtest.Database(b)
	ledgertest.Bench(b, ledgertest.Place{Open: func(tb testing.TB) schedules.Ledger { return open(tb, postgres.Config{URL: url}) }})
}
