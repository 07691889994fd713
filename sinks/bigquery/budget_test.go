package bigquery_test

import (
	"testing"

	"backstory/sinks/bigquery"

	"github.com/google/go-cmp/cmp"
)

func TestBudget(t *testing.T) {
	tests := map[string]struct {
		windows int64
		loads   []bigquery.TableLoad
		want    bigquery.Budget
	}{
		"nothing": {0, nil, bigquery.Budget{Days: 1}},
		"every five minutes": {288, []bigquery.TableLoad{{Table: "a", Windows: 288}, {Table: "b", Partitioned: true, Windows: 288, Touched: 576, Partitions: 4000}},
			bigquery.Budget{Jobs: 864, Days: 1}},
		"every minute in one piece": {1440 * 2, []bigquery.TableLoad{{Table: "a", Windows: 1440 * 2}},
			bigquery.Budget{Jobs: 5760, Days: 2, Limit: "2,880 load jobs into a, of which a day allows 1,500"}},
		"eleven years of days at once": {1, []bigquery.TableLoad{{Table: "a", Partitioned: true, Windows: 1, Touched: 4018, Partitions: 4018}},
			bigquery.Budget{Jobs: 3, Days: 1}},
		"late events everywhere": {288, []bigquery.TableLoad{{Table: "a", Partitioned: true, Windows: 288, Touched: 288 * 150, Partitions: 4000}},
			bigquery.Budget{Jobs: 576, Days: 2, Limit: "43,200 changes of partitions of a, of which a day allows 30,000"}},
		"a hundred tables": {1000, tables(100, 1000), bigquery.Budget{Jobs: 101_000, Days: 2, Limit: "101,000 load jobs, of which a day allows 100,000"}},
		"thirty years of days": {1, []bigquery.TableLoad{{Table: "a", Partitioned: true, Windows: 1, Touched: 10_957, Partitions: 10_957}},
			bigquery.Budget{Jobs: 4, Days: 1, Problems: []string{"table a would have 10,957 partitions, and BigQuery allows 10,000: partition it by month"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, bigquery.BudgetOf(test.windows, test.loads)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func tables(n int, windows int64) (loads []bigquery.TableLoad) {
	for i := range n {
		loads = append(loads, bigquery.TableLoad{Table: string(rune('a' + i)), Windows: windows})
	}
	return loads
}
