package bqtest

import (
	"strings"
	"testing"

	"cloud.google.com/go/bigquery"
)

// orders makes a table of five days in partitions, which must be named, and
// one in one piece.
func orders(t *testing.T, o Options) *rig {
	r := start(t, o)
	r.create(t, "orders", &bigquery.TableMetadata{
		Schema: itemSchema, TimePartitioning: &bigquery.TimePartitioning{Field: "at"}, RequirePartitionFilter: true,
	})
	r.create(t, "more", &bigquery.TableMetadata{Schema: itemSchema})
	r.create(t, "log", &bigquery.TableMetadata{Schema: bigquery.Schema{
		{Name: "name", Type: bigquery.StringFieldType, Required: true}, {Name: "n", Type: bigquery.IntegerFieldType}, {Name: "at", Type: bigquery.TimestampFieldType},
	}})
	for _, name := range []string{"orders", "more"} {
		if _, err := run(t.Context(), r.loader(name, parquetOf(t, items("2025-01-01", "2025-01-02", "2025-01-03", "2025-01-04", "2025-01-05")), itemSchema)); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// query makes a query of a script in which the tables have their short names.
func (r *rig) query(script string) *bigquery.Query {
	for _, name := range []string{"orders", "more", "log"} {
		script = strings.ReplaceAll(script, "`"+name+"`", "`test-project.shop."+name+"`")
	}
	return r.client.Query(script)
}

// settle brings a query to its end. Job.Wait would ask for its results, and
// it has none.
func settle(t *testing.T, job *bigquery.Job) (*bigquery.JobStatus, error) {
	t.Helper()
	for {
		status, err := job.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if status.Done() {
			return status, status.Err()
		}
	}
}

// transact makes a job of a query, which is taken, and brings it to its end.
func (r *rig) transact(t *testing.T, q *bigquery.Query) error {
	t.Helper()
	job, err := q.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = settle(t, job)
	return err
}

func transactionOf(statements string) string {
	return "BEGIN TRANSACTION;\n" + statements + "COMMIT TRANSACTION;\n"
}

const exchange = "IF (SELECT COUNT(*) FROM `orders` WHERE `id` > 1 AND `at` < TIMESTAMP '2025-01-03 00:00:00+00') + (SELECT COUNT(*) FROM `more`) != 6 THEN RAISE USING MESSAGE = 'not six'; END IF;\n" +
	"DELETE FROM `orders` WHERE `id` > 1 AND `id` <= 4 AND `at` >= TIMESTAMP '2025-01-01 00:00:00+00' AND `at` < TIMESTAMP '2025-01-04 00:00:00+00';\n" +
	"INSERT INTO `orders` (`id`, `at`) SELECT `id`, `at` FROM `more` WHERE `id` > 4;\n" +
	"INSERT INTO `log` (`name`, `n`, `at`) VALUES ('it\\'s \"x\"\\\\', 7, TIMESTAMP '2025-02-03 04:05:06.789012+00');\n"

func TestTransaction(t *testing.T) {
	r := orders(t, Options{JobDelay: 1})
	job, err := r.query(transactionOf(exchange)).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, r.ids(t, "orders"), "1 2 3 4 5") // it is not done
	status, err := settle(t, job)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, r.ids(t, "orders"), "1 4 5 5")
	rows, err := r.Rows("shop", "log")
	if err != nil || len(rows) != 1 {
		t.Fatalf("got %d rows, %v", len(rows), err)
	}
	wantEqual(t, rows[0].String(), `{"name": "it's \"x\"\\", "n": 7, "at": "2025-02-03T04:05:06.789012Z"}`)
	wantEqual(t, r.Table("shop", "orders").NumRows, 4)
	wantEqual(t, r.Table("shop", "orders").NumPartitions, 3)
	st, ok := status.Statistics.Details.(*bigquery.QueryStatistics)
	if !ok || st.TotalBytesBilled != 3*minBilled || r.Billed() != 3*minBilled || st.TotalBytesProcessed <= 0 {
		t.Errorf("got %+v, %d bytes billed", st, r.Billed())
	}
}

// A script that ends with an error changes nothing.
func TestTransactionRollsBack(t *testing.T) {
	for name, test := range map[string]struct{ last, reason, part string }{
		"raise":                    {"IF (SELECT COUNT(*) FROM `more`) > 4 THEN RAISE USING MESSAGE = 'it\\'s so'; END IF;\n", "invalidQuery", "Query error: it's so"},
		"missing table":            {"DELETE FROM `test-project.shop.none` WHERE `id` = 1;\n", "notFound", "test-project:shop.none"},
		"no filter":                {"DELETE FROM `orders` WHERE `id` = 1;\n", "invalidQuery", "without a filter over column(s) 'at'"},
		"no filter in a selection": {"INSERT INTO `more` (`id`, `at`) SELECT `id`, `at` FROM `orders`;\n", "invalidQuery", "without a filter over column(s) 'at'"},
		"unknown column":           {"DELETE FROM `more` WHERE `nobody` = 1;\n", "invalidQuery", "Unrecognized name: nobody"},
		"other type":               {"DELETE FROM `more` WHERE `id` = 'x';\n", "invalidQuery", "No matching signature"},
		"required":                 {"INSERT INTO `more` (`id`) SELECT `id` FROM `more`;\n", "invalidQuery", "Required column at"},
	} {
		t.Run(name, func(t *testing.T) {
			r := orders(t, Options{})
			err := r.transact(t, r.query(transactionOf(exchange+test.last)))
			wantError(t, err, test.reason, test.part)
			wantEqual(t, r.ids(t, "orders"), "1 2 3 4 5")
			wantEqual(t, r.ids(t, "more"), "1 2 3 4 5")
			wantEqual(t, r.Table("shop", "log").NumRows, 0)
		})
	}
}

// What is not of the dialect is refused before there is a job.
func TestTransactionRefuses(t *testing.T) {
	r := orders(t, Options{})
	for script, want := range map[string]string{
		"SELECT 1":                           "Queries are not simulated",
		"DELETE FROM `more` WHERE `id` = 1;": "Queries are not simulated",
		transactionOf(""):                    "Unexpected input",
		strings.TrimSuffix(transactionOf("DELETE FROM `more` WHERE `id` = 1;\n"), "COMMIT TRANSACTION;\n"): "Unexpected input",
		transactionOf("DELETE FROM `more` WHERE `id` = 1;\n") + "DELETE FROM `more` WHERE `id` = 1;":       "Unexpected input",
		transactionOf("UPDATE `more` SET `id` = 1 WHERE `id` = 2;\n"):                                      "Unexpected input",
		transactionOf("DELETE FROM `more`;\n"):                                                             "must have a WHERE clause",
		transactionOf("DELETE FROM more WHERE `id` = 1;\n"):                                                "Unexpected input",
		transactionOf("DELETE FROM `a.b` WHERE `id` = 1;\n"):                                               "must be qualified",
		transactionOf("DELETE FROM `more` WHERE `id` = 1 OR `id` = 2;\n"):                                  "Unexpected input",
		transactionOf("DELETE FROM `more` WHERE `at` = TIMESTAMP '2025-01-01';\n"):                         "Invalid TIMESTAMP literal",
		transactionOf("DELETE FROM `log` WHERE `name` = @other;\n"):                                        "Illegal input character",
		transactionOf("DELETE FROM `log` WHERE `name` = 'a\\x';\n"):                                        "malformed string literal",
		transactionOf("DELETE FROM `log WHERE `name` = 1;\n"):                                              "Syntax error",
		transactionOf("DELETE FROM `log` WHERE `name` = \"a\";\n"):                                         "Illegal input character",
		transactionOf("INSERT INTO `more` (`id`, `at`) SELECT `at`, `id` FROM `more`;\n"):                  "goes by their order",
	} {
		_, err := r.query(script).Run(t.Context())
		if err == nil {
			t.Errorf("%s: taken", script)
			continue
		}
		if got := reason(err); got != "400 invalidQuery" && got != "400 invalid" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %s: %v, want %q", script, got, err, want)
		}
	}
	if n := len(r.Jobs()) - 2; n != 0 {
		t.Errorf("%d jobs were made", n)
	}
	q := r.query(transactionOf(exchange))
	q.Parameters = []bigquery.QueryParameter{{Name: "idle", Value: "y"}}
	_, err := q.Run(t.Context())
	wantError(t, err, "400 invalidQuery", "Parameters are not simulated")
}

// A dry run tells the costs of the partitions that are named, and does nothing.
func TestDryRun(t *testing.T) {
	r := orders(t, Options{})
	cost := func(where string) int64 {
		t.Helper()
		q := r.query("DELETE FROM `orders` WHERE `id` > 1 AND " + where + ";")
		q.DryRun, q.JobID = true, "dry"
		job, err := q.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return job.LastStatus().Statistics.TotalBytesProcessed
	}
	all, day := cost("`at` > TIMESTAMP '2000-01-01 00:00:00+00'"), cost("`at` > TIMESTAMP '2025-01-04 12:00:00+00'")
	if all != r.Table("shop", "orders").NumBytes || day != all/5 || cost("`at` IS NULL") != 0 {
		t.Errorf("got %d bytes in all and %d for a day", all, day)
	}
	wantEqual(t, r.ids(t, "orders"), "1 2 3 4 5")
	wantEqual(t, len(r.Jobs()), 2)
	wantEqual(t, r.Billed(), 0)
	q := r.query("DELETE FROM `orders` WHERE `id` > 1;")
	q.DryRun = true
	_, err := q.Run(t.Context())
	wantError(t, err, "400 invalidQuery", "without a filter")
}

// A query needs the right to read and to change, and its ID is taken as others are.
func TestTransactionRights(t *testing.T) {
	r := orders(t, Options{})
	for _, p := range []string{"bigquery.jobs.create", "bigquery.tables.getData", "bigquery.tables.updateData"} {
		r.Deny(p)
		_, err := r.query(transactionOf(exchange)).Run(t.Context())
		wantError(t, err, "403 accessDenied", p)
		r.Allow(p)
	}
	q := r.query(transactionOf(exchange))
	q.JobID = "once"
	if err := r.transact(t, q); err != nil {
		t.Fatal(err)
	}
	_, err := q.Run(t.Context())
	wantError(t, err, "409 duplicate", "once")
	wantEqual(t, r.ids(t, "orders"), "1 4 5 5")
}
