package transform

import (
	"encoding/json"
	"errors"
	"flag"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"backstory/source"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// event makes an event of type E at a position.
func event(seq int64, data string) source.Event {
	return source.Event{
		Position: source.Position{Seq: seq}, Stream: []byte("s-1"), Type: "E", StreamVersion: seq,
		SchemaVersion: 1, Time: time.UnixMicro(1e15 + seq).UTC(), Data: []byte(data),
	}
}

func events(data ...string) []source.Event {
	var all []source.Event
	for i, d := range data {
		all = append(all, event(int64(i+1), d))
	}
	return all
}

func compile(t rapid.TB, r Rules, opts ...Option) *Pipeline {
	t.Helper()
	p, err := Compile(r, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A tableRow is a row as it was read back from a record: the cells by column
// name, nulls left out.
type tableRow map[string]any

// A run is what became of events.
type run struct {
	catalog *Catalog
	rows    map[string][]tableRow // by table name
	stats   Stats
	rounds  int // how often the catalog evolved
}

func (r *run) table(name string) *Table {
	for _, t := range r.catalog.Tables() {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// column gives the column of the table e with that name.
func (r *run) column(t rapid.TB, name string) Column {
	t.Helper()
	table := r.table("e")
	i := table.Column(name)
	if i < 0 {
		t.Fatalf("no column %s in %v", name, columnNames(table))
	}
	return table.Columns[i]
}

func columnNames(t *Table) []string {
	var names []string
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	return names
}

// flatten runs events as the schedule does: when the window meets something
// new, it evolves the catalog and begins again.
func flatten(t rapid.TB, p *Pipeline, c *Catalog, l Limits, events []source.Event) *run {
	t.Helper()
	out := &run{catalog: c}
	for {
		out.rows = make(map[string][]tableRow)
		b := p.NewBatcher(out.catalog, l, func(t *Table, r arrow.Record) error {
			for i := range int(r.NumRows()) {
				out.rows[t.Name] = append(out.rows[t.Name], readRow(r, i))
			}
			return nil
		})
		for i := range events {
			if err := b.Append(&events[i]); err != nil {
				t.Fatal(err)
			}
		}
		err := b.Flush()
		if err == nil {
			out.stats = b.Stats()
			return out
		}
		var found *NewShapesError
		if !errors.As(err, &found) {
			t.Fatal(err)
		}
		next, changed := out.catalog.Evolve(found.Shapes)
		if !changed {
			t.Fatalf("new shapes did not change the catalog of round %d", out.rounds)
		}
		if out.rounds++; out.rounds > 100 {
			t.Fatal("the catalog evolves without end")
		}
		out.catalog = next
	}
}

// flattenAll runs events through a new catalog.
func flattenAll(t rapid.TB, r Rules, events []source.Event) *run {
	t.Helper()
	p := compile(t, r)
	return flatten(t, p, p.NewCatalog(nil), Limits{}, events)
}

func readRow(r arrow.Record, i int) tableRow {
	row := make(tableRow)
	for j, f := range r.Schema().Fields() {
		if v := cell(r.Column(j), i); v != nil {
			row[f.Name] = v
		}
	}
	return row
}

// cell reads a value: bool, int64, float64, string, *big.Rat for a decimal,
// time.Time, []any or map[string]any.
func cell(a arrow.Array, i int) any {
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *array.Boolean:
		return a.Value(i)
	case *array.Int64:
		return a.Value(i)
	case *array.Float64:
		return a.Value(i)
	case *array.Decimal128:
		scale := a.DataType().(*arrow.Decimal128Type).Scale
		unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
		return new(big.Rat).SetFrac(a.Value(i).BigInt(), unit)
	case *array.String:
		return strings.Clone(a.Value(i))
	case *array.Timestamp:
		return time.UnixMicro(int64(a.Value(i))).UTC()
	case *array.List:
		out := []any{}
		from, to := a.ValueOffsets(i)
		for k := from; k < to; k++ {
			out = append(out, cell(a.ListValues(), int(k)))
		}
		return out
	case *array.Struct:
		out := make(map[string]any)
		for k, f := range a.DataType().(*arrow.StructType).Fields() {
			if v := cell(a.Field(k), i); v != nil {
				out[f.Name] = v
			}
		}
		return out
	}
	panic("a column of type " + a.DataType().String())
}

// extra gives the values of a row that fitted no column, as JSON text by path.
func extra(t rapid.TB, row tableRow) map[string]string {
	t.Helper()
	text, ok := row[ColExtra].(string)
	if !ok {
		return nil
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		t.Fatalf("_extra %s: %v", text, err)
	}
	out := make(map[string]string)
	for k, v := range raw {
		out[k] = string(v)
	}
	return out
}

// holds tells whether a cell says what value v of d says.
func holds(d *Document, v Value, typ Type, cell any) bool {
	text := func() string { return string(d.Text(v)) }
	if d.Kind(v) == ValueNull || cell == nil {
		return (d.Kind(v) == ValueNull || !hasContent(d, v)) && (cell == nil || typ.Kind == JSON && cell == "null")
	}
	switch typ.Kind {
	case Bool:
		return cell == (d.Kind(v) == ValueTrue)
	case Int64:
		x, ok := new(big.Int).SetString(text(), 10)
		return ok && x.IsInt64() && x.Int64() == cell
	case Float64:
		return sameFloat(text(), cell.(float64))
	case Decimal:
		x, ok := new(big.Rat).SetString(text())
		return ok && x.Cmp(cell.(*big.Rat)) == 0
	case Timestamp, DateTime:
		at, zoned, ok := goTime(text())
		return ok && zoned == (typ.Kind == Timestamp) && at.Equal(cell.(time.Time))
	case String, UUID:
		want := text()
		if d.Kind(v) == ValueUUID {
			want = dashed(strings.ToLower(want))
		}
		return cell == want
	case JSON:
		return cell == string(d.AppendJSON(nil, v))
	case List:
		list := cell.([]any)
		e := d.First(v)
		for _, x := range list {
			if e == None || !holds(d, e, *typ.Elem, x) {
				return false
			}
			e = d.Next(e)
		}
		return e == None
	case Struct:
		fields := cell.(map[string]any)
		for m := d.First(v); m != None; m = d.Next(m) {
			i := slices.IndexFunc(typ.Fields, func(f Field) bool { return f.Member == string(d.Name(m)) })
			if i < 0 {
				if hasContent(d, m) {
					return false
				}
				continue
			}
			if !holds(d, m, typ.Fields[i].Type, fields[typ.Fields[i].Name]) {
				return false
			}
		}
		return true
	}
	return false
}

func dashed(hex string) string {
	return strings.Join([]string{hex[:8], hex[8:12], hex[12:16], hex[16:20], hex[20:]}, "-")
}

// sameFloat tells whether the shortest text of x is the number text says.
func sameFloat(text string, x float64) bool {
	switch {
	case math.IsNaN(x):
		return text == "NaN"
	case math.IsInf(x, 0):
		return text == map[bool]string{true: "Infinity", false: "-Infinity"}[x > 0]
	}
	want, ok := new(big.Rat).SetString(text)
	got, _ := new(big.Rat).SetString(strconv.FormatFloat(x, 'e', -1, 64))
	return ok && want.Cmp(got) == 0
}

// goTime reads a time the way the standard library does.
func goTime(text string) (at time.Time, zoned, ok bool) {
	text = strings.ToUpper(strings.Replace(text, " ", "T", 1))
	for _, clock := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		for _, zone := range []string{"", "Z", "-07", "-0700", "-07:00", "-070000", "-07:00:00"} {
			if at, err := time.Parse(clock+zone, text); err == nil {
				return at, zone != "", true
			}
		}
	}
	return time.Time{}, false, false
}

func equalRats(a, b *big.Rat) bool { return a.Cmp(b) == 0 }
