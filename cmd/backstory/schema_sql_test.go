package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"backstory/transform"

	"github.com/google/go-cmp/cmp"
)

// sqlTable makes a table of an event type; columns are names and types.
func sqlTable(t *testing.T, name, event string, columns ...string) *transform.Table {
	t.Helper()
	var payload []transform.Column
	for i := 0; i < len(columns); i += 2 {
		typ, err := transform.ParseType(columns[i+1])
		if err != nil {
			t.Fatal(err)
		}
		payload = append(payload, transform.Column{Name: columns[i], Path: []string{columns[i]}, Type: typ})
	}
	return transform.NewTable(name, event, nil, transform.ByNone, payload)
}

// TestViews writes the views over tables that are hard to join: columns of one
// name and several types, names that views would like to have, event types of
// no stream, words of SQL for names.
func TestViews(t *testing.T) {
	lines := transform.NewTable("cart_opened_lines", "Cart.Opened", []string{"lines"}, transform.ByNone, nil)
	tables := []*transform.Table{
		sqlTable(t, "cart_opened", "Cart.Opened", "order", "int64", "at", "timestamp", "place", "string", "share", "float64", "notes", "list<string>"),
		sqlTable(t, "cart_closed", "Cart.Closed", "order", "decimal(38,20)", "at", "datetime", "NOTES", "string"),
		lines,
		sqlTable(t, "timeline", "timeline"),
		sqlTable(t, "latest_cart", "shop.Latest.Cart", "ok", "bool"),
		{Name: transform.Quarantine},
	}
	for _, c := range []struct {
		dialect sqlDialect
		want    []string
	}{
		{duckDB{"it's/out/"}, []string{
			`FROM read_parquet('it''s/out/cart_opened/**/*.parquet')`,
			`CAST("order" AS VARCHAR) AS "order"`,
			`strftime("at" AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') AS "at"`,
			`CAST("at" AS VARCHAR) AS "at"`,
			`CAST(to_json("notes") AS VARCHAR) AS "notes"`,
			`CAST("NOTES" AS VARCHAR) AS "notes"`,
			`CAST(NULL AS DOUBLE) AS "share"`,
			`'share', CASE WHEN isfinite("share") THEN to_json("share") ELSE to_json(CAST("share" AS VARCHAR)) END`,
			`AS "place_2"`,
			`arg_max("place", "place_2") AS "place"`,
		}},
		{bigQuery{dataset: "my-shop.events"}, []string{
			"FROM `my-shop.events.cart_opened`",
			"CREATE OR REPLACE VIEW `my-shop.events.timeline_2` AS",
			"CAST(`order` AS STRING) AS `order`",
			"FORMAT_TIMESTAMP('%Y-%m-%dT%H:%M:%E6SZ', `at`, 'UTC') AS `at`",
			"TO_JSON_STRING(`notes`) AS `notes`",
			"CAST(NULL AS FLOAT64) AS `share`",
			"MAX_BY(`order`, IF(`order` IS NULL, NULL, `place_2`)) AS `order`",
		}},
	} {
		t.Run(c.dialect.flag(), func(t *testing.T) {
			views := viewsOf("shop", tables, c.dialect, false)
			var names []string
			var text strings.Builder
			for _, v := range views {
				names = append(names, v.Name)
				text.WriteString(v.SQL)
			}
			if diff := cmp.Diff([]string{"timeline_2", "latest_cart_2", "latest_shop_latest"}, names); diff != "" {
				t.Error("names of views (-want +got):\n" + diff)
			}
			for _, part := range c.want {
				if !strings.Contains(text.String(), part) {
					t.Errorf("no %s in\n%s", part, text.String())
				}
			}
			for _, table := range []string{"cart_opened_lines", transform.Quarantine} {
				if strings.Contains(text.String(), table) {
					t.Errorf("the rows of %s are no events of their own, and are in the views:\n%s", table, text.String())
				}
			}
			if n := strings.Count(views[0].SQL, "\nSELECT\n"); n != 4 {
				t.Errorf("the view of all events joins %d tables, want 4", n)
			}
			if diff := cmp.Diff(views, viewsOf("shop", tables, c.dialect, false)); diff != "" {
				t.Error("the same tables give another text:\n" + diff)
			}
		})
	}
}

// TestViewsNone has nothing to join: no table at all.
func TestViewsNone(t *testing.T) {
	if views := viewsOf("shop", nil, duckDB{"out"}, true); len(views) > 0 {
		t.Errorf("got views %v of no tables", views)
	}
}

// TestSQLTypes spells every type in both dialects.
func TestSQLTypes(t *testing.T) {
	decimal := func(p, s int32) transform.Type {
		return transform.Type{Kind: transform.Decimal, Precision: p, Scale: s}
	}
	object := transform.Type{Kind: transform.Struct, Fields: []transform.Field{
		{Name: "sku", Type: transform.Type{Kind: transform.String}}, {Name: "price", Type: decimal(18, 2)},
	}}
	for _, c := range []struct {
		typ              transform.Type
		duckDB, bigQuery string
	}{
		{transform.Type{Kind: transform.Bool}, "BOOLEAN", "BOOL"},
		{transform.Type{Kind: transform.Int64}, "BIGINT", "INT64"},
		{transform.Type{Kind: transform.Float64}, "DOUBLE", "FLOAT64"},
		{decimal(38, 9), "DECIMAL(38, 9)", "NUMERIC"},
		{decimal(38, 8), "DECIMAL(38, 8)", "BIGNUMERIC"},
		{decimal(12, 10), "DECIMAL(12, 10)", "BIGNUMERIC"},
		{transform.Type{Kind: transform.String}, "VARCHAR", "STRING"},
		{transform.Type{Kind: transform.UUID}, "VARCHAR", "STRING"},
		{transform.Type{Kind: transform.Timestamp}, "TIMESTAMPTZ", "TIMESTAMP"},
		{transform.Type{Kind: transform.DateTime}, "TIMESTAMP", "DATETIME"},
		{transform.Type{Kind: transform.JSON}, "VARCHAR", "STRING"},
		{transform.Type{Kind: transform.List, Elem: &object}, `STRUCT("sku" VARCHAR, "price" DECIMAL(18, 2))[]`, "ARRAY<STRUCT<`sku` STRING, `price` NUMERIC>>"},
	} {
		if got := (duckDB{}).typeName(c.typ); got != c.duckDB {
			t.Errorf("%s in DuckDB: got %s, want %s", c.typ, got, c.duckDB)
		}
		if got := (bigQuery{}).typeName(c.typ); got != c.bigQuery {
			t.Errorf("%s in BigQuery: got %s, want %s", c.typ, got, c.bigQuery)
		}
	}
}

// TestSQLTarget refuses flags that do not say where the views belong.
func TestSQLTarget(t *testing.T) {
	for _, c := range []struct {
		to   sqlTarget
		want string
	}{
		{sqlTarget{name: "duckdb"}, "the sink has no folder"},
		{sqlTarget{name: "duckdb", path: "out", dataset: "shop"}, "--dataset goes with"},
		{sqlTarget{name: "sqlite", path: "out"}, "there is no dialect sqlite"},
		{sqlTarget{name: "bigquery"}, "wants a --dataset"},
		{sqlTarget{name: "bigquery", dataset: "a`b"}, "is no dataset"},
		{sqlTarget{name: "bigquery", dataset: "shop-events"}, "is no dataset"},
		{sqlTarget{name: "bigquery", dataset: "my-project.shop; drop"}, "is no dataset"},
		{sqlTarget{name: "bigquery", dataset: "example.com:my-project.shop_2"}, ""},
		{sqlTarget{name: "duckdb", path: "out"}, ""},
	} {
		_, err := c.to.dialect()
		var usage *usageError
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%+v: %v", c.to, err)
		case c.want != "" && (!errors.As(err, &usage) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%+v: got error %v, want a usage error with %q", c.to, err, c.want)
		}
	}
}

// TestViewsFilter writes views over tables that want to be asked for a part:
// one time line hands the condition of who asks on to them, and what is newest
// asks for all.
func TestViewsFilter(t *testing.T) {
	tables := []*transform.Table{sqlTable(t, "cart_opened", "Cart.Opened", "n", "int64"), sqlTable(t, "cart_closed", "Cart.Closed", "n", "int64")}
	const all = "\n  WHERE event_time >= TIMESTAMP '1960-01-01' OR event_time IS NULL\n"
	for _, v := range viewsOf("shop", tables, bigQuery{"shop", true}, false) {
		want := 0
		if v.Name == "latest_cart" {
			want = 2
		}
		if got := strings.Count(v.SQL, all); got != want || strings.Count(v.SQL, "WHERE") != want {
			t.Errorf("%s: got %d branches with a condition, want %d:\n%s", v.Name, got, want, v.SQL)
		}
	}
}

// TestViewsJSON shows JSON text as JSON.
func TestViewsJSON(t *testing.T) {
	tables := []*transform.Table{
		sqlTable(t, "cart_opened", "Cart.Opened", "notes", "json", "n", "int64"), sqlTable(t, "cart_opened_json", "Cart.Opened.JSON"),
		transform.NewTable("cart_opened_lines", "Cart.Opened", []string{"lines"}, transform.ByNone, nil),
	}
	for _, c := range []struct {
		dialect sqlDialect
		want    string
	}{
		{duckDB{"out"}, `CREATE OR REPLACE VIEW "cart_opened_json_2" AS
SELECT * REPLACE (
    CAST("notes" AS JSON) AS "notes",
    CAST("_extra" AS JSON) AS "_extra"
  )
FROM read_parquet('out/cart_opened/**/*.parquet');
`},
		{bigQuery{dataset: "shop"}, "CREATE OR REPLACE VIEW `shop.cart_opened_json_2` AS\nSELECT * REPLACE (\n" +
			"    IF(`notes` IS NULL, NULL, COALESCE(SAFE.PARSE_JSON(`notes`), TO_JSON(`notes`))) AS `notes`,\n" +
			"    IF(`_extra` IS NULL, NULL, COALESCE(SAFE.PARSE_JSON(`_extra`), TO_JSON(`_extra`))) AS `_extra`\n  )\nFROM `shop.cart_opened`;\n"},
	} {
		views := viewsOf("shop", tables, c.dialect, true)
		var names []string
		for _, v := range views {
			names = append(names, v.Name)
			if v.Name == "cart_opened_json_2" && !strings.HasSuffix(v.SQL, c.want) {
				t.Errorf("got\n%s\nwant\n%s", v.SQL, c.want)
			}
		}
		if !slices.Contains(names, "cart_opened_json_2") || !slices.Contains(names, "cart_opened_json_json") {
			t.Errorf("%s: got views %v", c.dialect.flag(), names)
		}
	}
}

// TestSQLTargetOver takes from the sink what flags leave open.
func TestSQLTargetOver(t *testing.T) {
	files, warehouse := openSink{path: "out"}, openSink{path: "p.shop", dataset: "p.shop", filter: true}
	for _, c := range []struct {
		flags sqlTarget
		sink  openSink
		want  sqlTarget
	}{
		{sqlTarget{}, files, sqlTarget{name: "duckdb", path: "out"}},
		{sqlTarget{}, warehouse, sqlTarget{name: "bigquery", dataset: "p.shop", filter: true}},
		{sqlTarget{dataset: "q.shop"}, warehouse, sqlTarget{name: "bigquery", dataset: "q.shop", filter: true}},
		{sqlTarget{dataset: "q.shop"}, files, sqlTarget{name: "bigquery", dataset: "q.shop"}},
		{sqlTarget{path: "there"}, warehouse, sqlTarget{name: "duckdb", path: "there"}},
		{sqlTarget{name: "duckdb"}, warehouse, sqlTarget{name: "duckdb"}},
	} {
		if got := c.flags.over(c.sink); got != c.want {
			t.Errorf("%+v over %+v: got %+v, want %+v", c.flags, c.sink.path, got, c.want)
		}
	}
}
