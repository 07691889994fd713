package bqtest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/iterator"
)

func col(name string, typ bigquery.FieldType) *bigquery.FieldSchema {
	return &bigquery.FieldSchema{Name: name, Type: typ}
}

func TestSchemasThatAreRefused(t *testing.T) {
	long := func(n int) string { return strings.Repeat("c", n) }
	nest := func(levels int) *bigquery.FieldSchema {
		f := col("leaf", bigquery.StringFieldType)
		for range levels - 1 {
			f = &bigquery.FieldSchema{Name: "r", Type: bigquery.RecordFieldType, Schema: bigquery.Schema{f}}
		}
		return f
	}
	many := func(n int) bigquery.Schema {
		var s bigquery.Schema
		for i := range n {
			s = append(s, col(fmt.Sprintf("c%d", i), bigquery.StringFieldType))
		}
		return s
	}
	one := func(name string) bigquery.Schema { return bigquery.Schema{col(name, bigquery.StringFieldType)} }
	tests := []struct {
		name   string
		schema bigquery.Schema
		part   string // "" if it is fine
	}{
		{"fine", one("Größe_1"), ""},
		{"same but for case", bigquery.Schema{col("sku", "STRING"), col("SKU", "STRING")}, "Duplicate field name: SKU"},
		{"same inside a record", bigquery.Schema{{Name: "r", Type: "RECORD", Schema: bigquery.Schema{col("a", "STRING"), col("A", "INTEGER")}}}, "Duplicate field name: r.A"},
		{"reserved", one("_partitiontime"), "reserved prefix _PARTITION"},
		{"reserved too", one("_CHANGE_TYPE"), "reserved prefix _CHANGE_TYPE"},
		{"period", one("a.b"), "Invalid field name"},
		{"digit", one("1st"), "start with a letter"},
		{"empty", one(""), "must have a name"},
		{"300 characters", one(long(300)), ""},
		{"301 characters", one(long(301)), "at most 300"},
		{"unknown type", bigquery.Schema{col("a", "VARCHAR")}, "VARCHAR is not a valid value"},
		{"record without members", bigquery.Schema{col("a", "RECORD")}, "has no schema"},
		{"15 levels", bigquery.Schema{nest(15)}, ""},
		{"16 levels", bigquery.Schema{nest(16)}, "nested too deeply"},
		{"10,000 columns", many(10_000), ""},
		{"10,001 columns", many(10_001), "more than 10000 columns"},
		{"precision", bigquery.Schema{{Name: "p", Type: "NUMERIC", Precision: 39, Scale: 9}}, "NUMERIC(39, 9) is not possible"},
	}
	r := start(t, Options{})
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := r.shop.Table(fmt.Sprintf("t%d", i)).Create(t.Context(), &bigquery.TableMetadata{Schema: tt.schema})
			if tt.part == "" && err != nil {
				t.Fatal(err)
			}
			if tt.part != "" {
				wantError(t, err, "400 invalid", tt.part)
			}
		})
	}
}

func TestTablesThatAreRefused(t *testing.T) {
	schema := append(itemSchema[:len(itemSchema):len(itemSchema)], col("price", "FLOAT"), col("name", "STRING"))
	tests := []struct {
		name, part string
		table      string
		md         bigquery.TableMetadata
	}{
		{"name", "Invalid table ID", "a/b", bigquery.TableMetadata{}},
		{"partition by a string", "can only be of type TIMESTAMP", "t", bigquery.TableMetadata{TimePartitioning: &bigquery.TimePartitioning{Field: "name"}}},
		{"partition by nothing", "cannot be found", "t", bigquery.TableMetadata{TimePartitioning: &bigquery.TimePartitioning{Field: "none"}}},
		{"cluster by a float", "Clustering is not supported on field price", "t", bigquery.TableMetadata{Clustering: &bigquery.Clustering{Fields: []string{"price"}}}},
		{"cluster by five", "1 to 4", "t", bigquery.TableMetadata{Clustering: &bigquery.Clustering{Fields: []string{"id", "at", "name", "id", "at"}}}},
		{"filter", "partition filter", "t", bigquery.TableMetadata{RequirePartitionFilter: true}},
		{"labels", "Label key", "t", bigquery.TableMetadata{Labels: map[string]string{"A": "b"}}},
		{"expired", "in the past", "t", bigquery.TableMetadata{ExpirationTime: time.Now().Add(time.Millisecond)}},
	}
	c := &clock{now: time.Now().Add(time.Hour)}
	r := start(t, Options{Clock: c.Now})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.md.Schema = schema
			wantError(t, r.shop.Table(tt.table).Create(t.Context(), &tt.md), "400 invalid", tt.part)
		})
	}
	r.create(t, "t", &bigquery.TableMetadata{Schema: schema})
	wantError(t, r.shop.Table("t").Create(t.Context(), &bigquery.TableMetadata{}), "409 duplicate", "Already Exists: Table test-project:shop.t")
	wantError(t, r.client.Dataset("x").Table("t").Create(t.Context(), &bigquery.TableMetadata{}), "404 notFound", "Not found: Dataset")
}

func TestTablesEvolve(t *testing.T) {
	id, at := itemSchema[0], itemSchema[1]
	note := col("note", "STRING")
	relaxed := col("id", "INTEGER")
	address := func(fields ...*bigquery.FieldSchema) *bigquery.FieldSchema {
		return &bigquery.FieldSchema{Name: "address", Type: "RECORD", Schema: fields}
	}
	street, city := col("street", "STRING"), col("city", "STRING")
	tests := []struct {
		name         string
		old, next    bigquery.Schema
		reason, part string
	}{
		{"add at the end", bigquery.Schema{id, at}, bigquery.Schema{id, at, note}, "", ""},
		{"add in between", bigquery.Schema{id, at}, bigquery.Schema{id, note, at}, "412 conditionNotMet", ""},
		{"add required", bigquery.Schema{id}, bigquery.Schema{id, at}, "400 invalid", "Cannot add required fields"},
		{"relax", bigquery.Schema{id, at}, bigquery.Schema{relaxed, at}, "", ""},
		{"require", bigquery.Schema{relaxed}, bigquery.Schema{id}, "400 invalid", "changed mode from NULLABLE to REQUIRED"},
		{"drop", bigquery.Schema{id, at}, bigquery.Schema{id}, "400 invalid", "Field at is missing in new schema"},
		{"change type", bigquery.Schema{note}, bigquery.Schema{col("note", "INTEGER")}, "400 invalid", "changed type from STRING to INTEGER"},
		{"add inside", bigquery.Schema{address(street)}, bigquery.Schema{address(street, city)}, "", ""},
		{"drop inside", bigquery.Schema{address(street, city)}, bigquery.Schema{address(city)}, "400 invalid", "Field address.street is missing"},
		{"add the same again", bigquery.Schema{note}, bigquery.Schema{note, col("NOTE", "STRING")}, "400 invalid", "Duplicate field name"},
	}
	r := start(t, Options{})
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name := fmt.Sprintf("t%d", i)
			r.create(t, name, &bigquery.TableMetadata{Schema: tt.old})
			_, err := r.shop.Table(name).Update(t.Context(), bigquery.TableMetadataToUpdate{Schema: tt.next}, "")
			want := tt.next
			if tt.reason != "" {
				wantError(t, err, tt.reason, tt.part)
				want = tt.old
			} else if err != nil {
				t.Fatal(err)
			}
			wantEqual(t, len(r.Table("shop", name).Schema.Fields), len(want))
		})
	}
}

func TestETags(t *testing.T) {
	r := start(t, Options{})
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema, Description: "old", Labels: map[string]string{"a": "1", "b": "2"}})
	table := r.shop.Table("items")
	md, err := table.Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	update := bigquery.TableMetadataToUpdate{Description: "new"}
	update.SetLabel("a", "3")
	update.DeleteLabel("b")
	next, err := table.Update(t.Context(), update, md.ETag)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, next.Description, "new")
	wantEqual(t, next.Labels, map[string]string{"a": "3"})
	wantEqual(t, len(next.Schema), 2)
	_, err = table.Update(t.Context(), bigquery.TableMetadataToUpdate{Description: "newer"}, md.ETag)
	wantError(t, err, "412 conditionNotMet", "Precondition Failed")
	wantEqual(t, r.Table("shop", "items").Description, "new")

	// A load changes the table too.
	if _, err := run(t.Context(), r.loader("items", parquetOf(t, items("2025-01-01")), itemSchema)); err != nil {
		t.Fatal(err)
	}
	_, err = table.Update(t.Context(), bigquery.TableMetadataToUpdate{Description: "newer"}, next.ETag)
	wantError(t, err, "412 conditionNotMet", "")
}

func TestWhatCannotBeChanged(t *testing.T) {
	r := start(t, Options{})
	r.create(t, "items", &bigquery.TableMetadata{Schema: itemSchema, TimePartitioning: &bigquery.TimePartitioning{Field: "at"}})
	path := "/projects/test-project/datasets/shop/tables/items"
	status, body, _ := r.ask(t, "PATCH", path, `{"timePartitioning":{"type":"MONTH","field":"at"}}`)
	if status != 400 {
		t.Errorf("got %d %v", status, body)
	}
	status, _, _ = r.ask(t, "PATCH", path, `{"timePartitioning":{"expirationMs":"86400000"},"clustering":{"fields":["id"]}}`)
	wantEqual(t, status, 200)
	wantEqual(t, r.Table("shop", "items").TimePartitioning.ExpirationMs, 86400000)
	wantEqual(t, r.Table("shop", "items").Clustering.Fields, []string{"id"})
	status, _, _ = r.ask(t, "PATCH", path, `{"clustering":null}`)
	wantEqual(t, status, 200)
	if c := r.Table("shop", "items").Clustering; c != nil {
		t.Errorf("got clustering %v", c)
	}
}

func TestTablesComeAndGo(t *testing.T) {
	c := &clock{now: day("2025-06-01")}
	r := start(t, Options{Clock: c.Now})
	for _, name := range []string{"b", "a", "c"} {
		r.create(t, name, &bigquery.TableMetadata{Schema: itemSchema})
	}
	r.create(t, "soon", &bigquery.TableMetadata{Schema: itemSchema, ExpirationTime: c.now.Add(time.Hour)})
	wantEqual(t, r.Tables("shop"), []string{"a", "b", "c", "soon"})
	c.now = c.now.Add(time.Hour)
	if err := r.shop.Table("b").Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantError(t, r.shop.Table("b").Delete(t.Context()), "404 notFound", "Not found: Table")
	it := r.shop.Tables(t.Context())
	it.PageInfo().MaxSize = 1
	var names []string
	for {
		table, err := it.Next()
		if err == iterator.Done {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, table.TableID)
	}
	wantEqual(t, names, []string{"a", "c"})
	wantError(t, r.shop.Delete(t.Context()), "400 resourceInUse", "")
	if err := r.shop.DeleteWithContents(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := r.shop.Metadata(t.Context())
	wantError(t, err, "404 notFound", "Not found: Dataset test-project:shop")
}

func TestDatasets(t *testing.T) {
	r := start(t, Options{Location: "EU"})
	md, err := r.shop.Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, md.Location, "EU")
	wantError(t, r.shop.Create(t.Context(), nil), "409 duplicate", "Already Exists: Dataset test-project:shop")
	wantError(t, r.client.Dataset("a-b").Create(t.Context(), nil), "400 invalid", "Invalid dataset ID")
	if _, err := r.shop.Update(t.Context(), bigquery.DatasetMetadataToUpdate{Description: "mine"}, md.ETag); err != nil {
		t.Fatal(err)
	}
	_, err = r.shop.Update(t.Context(), bigquery.DatasetMetadataToUpdate{Description: "yours"}, md.ETag)
	wantError(t, err, "412 conditionNotMet", "")
	it := r.client.Datasets(t.Context())
	d, err := it.Next()
	if err != nil || d.DatasetID != "shop" {
		t.Errorf("got dataset %v, %v", d, err)
	}
}

func TestViewsAreText(t *testing.T) {
	r := start(t, Options{})
	r.create(t, "seen", &bigquery.TableMetadata{ViewQuery: "SELECT * FROM shop.items"})
	md, err := r.shop.Table("seen").Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, md.Type, bigquery.ViewTable)
	wantEqual(t, md.ViewQuery, "SELECT * FROM shop.items")
	if _, err := r.shop.Table("seen").Update(t.Context(), bigquery.TableMetadataToUpdate{ViewQuery: "SELECT 1"}, md.ETag); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, r.Table("shop", "seen").View.Query, "SELECT 1")
	var row []bigquery.Value
	wantError(t, r.shop.Table("seen").Read(t.Context()).Next(&row), "400 invalid", "type VIEW")
}
