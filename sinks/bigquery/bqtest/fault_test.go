package bqtest

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
)

func TestFaultsOfAnInsert(t *testing.T) {
	tests := []struct {
		name   string
		do     Fault
		loaded bool   // the job was accepted all the same
		want   string // "" for a connection that breaks
	}{
		{"drop before", DropBefore, false, ""},
		{"drop answer", DropResponseAfterAccept, true, ""},
		{"reset", ResetMidUpload, false, ""},
		{"503 before", Status(503, "backendError"), false, "503 backendError"},
		{"503 after", StatusAfterAccept(503, "backendError"), true, "503 backendError"},
		{"quota", QuotaExceeded, false, "403 quotaExceeded"},
		{"not found", NotFound, false, "404 notFound"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := start(t, Options{})
			r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema})
			r.create(t, "others", &bigquery.TableMetadata{Schema: itemSchema})
			fired := r.Fail(Rule{Method: "jobs.insert", Dataset: "shop", Table: "items", Job: "load", Nth: 2, Do: tt.do})
			load := func(table, id string) error {
				l := r.loader(table, parquetOf(t, items("2025-01-01")), itemSchema)
				l.JobID = id
				_, err := run(t.Context(), l)
				return err
			}
			for i, table := range []string{"others", "items", "others"} {
				if err := load(table, "load_"+string(rune('a'+i))); err != nil {
					t.Fatal(err)
				}
			}
			wantEqual(t, fired(), 0)
			err := load("items", "load_x")
			wantEqual(t, fired(), 1)
			if tt.want != "" {
				wantError(t, err, tt.want, "")
			} else if api := (*googleapi.Error)(nil); err == nil || errors.As(err, &api) {
				t.Fatalf("got error %v, want a connection that breaks", err)
			}
			again := load("items", "load_x")
			if tt.loaded {
				wantError(t, again, "409 duplicate", "")
			} else if again != nil {
				t.Fatal(again)
			}
			wantEqual(t, r.ids(t, "items"), "1 1")
		})
	}
}

func TestFaultsRepeat(t *testing.T) {
	r := start(t, Options{})
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema})
	get := func() string {
		_, err := r.shop.Table("items").Metadata(t.Context())
		if err == nil {
			return "ok"
		}
		return reason(err)
	}
	r.Fail(Rule{Method: "tables.get", Nth: 2, Times: 2, Do: NotFound})
	var got []string
	for range 4 {
		got = append(got, get())
	}
	wantEqual(t, got, []string{"ok", "404 notFound", "404 notFound", "ok"})
	r.Fail(Rule{Method: "tables.get", Times: -1, Do: NotFound})
	wantEqual(t, get(), "404 notFound")
	r.Mend()
	wantEqual(t, get(), "ok")
}

func TestFaultsOfAPoll(t *testing.T) {
	r := start(t, Options{})
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema})
	r.Fail(Rule{Method: "jobs.get", Table: "other", Do: NotFound})
	r.Fail(Rule{Method: "jobs.get", Table: "items", Do: Status(400, "badRequest")})
	_, err := run(t.Context(), r.loader("items", parquetOf(t, items("2025-01-01")), itemSchema))
	wantError(t, err, "400 badRequest", "by script")
}

func TestHooks(t *testing.T) {
	r := start(t, Options{})
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema})
	var seen []string
	note := func() { seen = append(seen, r.ids(t, "items")) }
	r.Fail(Rule{Method: "jobs.insert", Nth: 1, Do: Before(note)})
	r.Fail(Rule{Method: "jobs.insert", Nth: 2, Do: After(note)})
	for range 2 {
		if _, err := run(t.Context(), r.loader("items", parquetOf(t, items("2025-01-01")), itemSchema)); err != nil {
			t.Fatal(err)
		}
	}
	wantEqual(t, seen, []string{"", "1 1"})
}

func TestHistory(t *testing.T) {
	r := start(t, Options{})
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema})
	l := r.loader("items", parquetOf(t, items("2025-01-01")), itemSchema)
	l.JobID = "load_1"
	if _, err := run(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, r.History(), []Request{
		{"datasets.insert", "shop", "", "", 200},
		{"tables.insert", "shop", "items", "", 200},
		{"jobs.insert", "shop", "items", "load_1", 200},
		{"jobs.get", "shop", "items", "load_1", 200},
	})
	wantEqual(t, r.Requests(), map[string]int{"datasets.insert": 1, "tables.insert": 1, "jobs.insert": 1, "jobs.get": 1})
}

func TestToken(t *testing.T) {
	s := Start(t, Options{Token: "secret"})
	bad := dial(t, s)
	err := bad.Dataset("shop").Create(t.Context(), nil)
	wantError(t, err, "401 authError", "invalid authentication credentials")
	good := dial(t, s, option.WithHTTPClient(bearer("secret")))
	if err := good.Dataset("shop").Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

func TestPermissions(t *testing.T) {
	r := start(t, Options{Denied: []string{"bigquery.tables.create"}})
	err := r.shop.Table("items").Create(t.Context(), &bigquery.TableMetadata{Schema: itemSchema})
	wantError(t, err, "403 accessDenied", "Access Denied: Table test-project:shop.items: Permission bigquery.tables.create denied on table test-project:shop.items")
	r.Allow("bigquery.tables.create")
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema})

	r.Deny("bigquery.tables.updateData")
	_, err = run(t.Context(), r.loader("items", parquetOf(t, items("2025-01-01")), itemSchema))
	wantError(t, err, "403 accessDenied", "bigquery.tables.updateData")
	r.Deny("bigquery.jobs.create")
	_, err = run(t.Context(), r.loader("items", parquetOf(t, items("2025-01-01")), itemSchema))
	wantError(t, err, "403 accessDenied", "Access Denied: Project test-project: Permission bigquery.jobs.create")

	asked := []string{"bigquery.tables.get", "bigquery.tables.updateData", "bigquery.tables.update"}
	got, err := r.shop.Table("items").IAM().TestPermissions(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, got, []string{"bigquery.tables.get", "bigquery.tables.update"})
	_, err = r.shop.Table("none").IAM().TestPermissions(t.Context(), asked)
	wantError(t, err, "404 notFound", "")
}

func TestOtherProjectsAndPaths(t *testing.T) {
	r := start(t, Options{})
	for path, want := range map[string]int{
		"/projects/other/datasets/shop":                    404,
		"/bigquery/v2/projects/test-project/datasets/shop": 200,
		"/projects/test-project/datasets/shop":             200,
		"/projects/test-project/datasets/shop/routines":    404,
		"/nothing": 404,
		"/upload/bigquery/v2/projects/test-project/jobs":              404,
		"/bigquery/v2/projects/test-project/datasets/shop/tables/a/b": 404,
	} {
		if got, _, _ := r.ask(t, "GET", path, ""); got != want {
			t.Errorf("GET %s: got %d, want %d", path, got, want)
		}
	}
	got, _, _ := r.ask(t, "POST", "/projects/test-project/datasets", `{"datasetReference":{"datasetId":"x"},"colour":"red"}`)
	wantEqual(t, got, 400)
}

func TestServersOfPrograms(t *testing.T) {
	s, err := New(Options{Project: "p"})
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, s)
	if err := c.Dataset("d").Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(s.URL(), s.Host()) || s.Project() != "p" {
		t.Errorf("got %s, %s and %s", s.URL(), s.Host(), s.Project())
	}
	// Not by the client, which would ask until its context ends.
	if _, err := http.Get(s.URL()); err == nil {
		t.Error("a server that is closed answers")
	}
}
