package transform

import (
	"fmt"
	"slices"
	"strings"

	"backstory/source"
)

// Layout says which tables there are.
type Layout string

// The layouts.
const (
	PerType Layout = "per_type" // one table per event type
	One     Layout = "one"      // one table of all events, the payload as JSON text
	Both    Layout = "both"     // all of these
)

// AllEvents is the name of the table of all events.
const AllEvents = "events"

// Options say how payloads become tables. The zero Options flatten each
// event type into a table of its own.
type Options struct {
	Layout Layout
	// Nested keeps objects as structs instead of flattening them.
	Nested bool
	// Explode lists, by event type, the paths of the lists whose elements
	// become rows of a child table.
	Explode map[string][][]string
	// Types declares, by event type and dotted path, the types of columns.
	// Declared types are not inferred.
	Types map[string]map[string]Type
	// Tables renames tables, by event type.
	Tables    map[string]string
	Partition Partition
	// MaxColumns is how many columns a table may have before what is new
	// goes to _extra; 0 means DefaultMaxColumns.
	MaxColumns int
}

// DefaultMaxColumns keeps a table within what readers and warehouses take.
const DefaultMaxColumns = 1000

// Catalog is the tables of a job at one moment. It does not change: Evolve
// makes a new one.
type Catalog struct {
	options Options
	tables  []*Table
}

// NewCatalog takes up the tables that were kept; none for a job that begins.
func NewCatalog(o Options, tables []*Table) *Catalog {
	if o.Layout == "" {
		o.Layout = PerType
	}
	if o.MaxColumns == 0 {
		o.MaxColumns = DefaultMaxColumns
	}
	for _, t := range tables {
		t.Schema()
	}
	return &Catalog{options: o, tables: slices.Clone(tables)}
}

// Tables gives the tables in the order in which they came to be. The slice
// and the tables are not to be changed.
func (c *Catalog) Tables() []*Table { return c.tables }

// Evolve gives a catalog that has a column for everything in the shapes,
// and tells whether it differs from c. Columns that exist keep their names
// and types; new ones stand behind them, before _extra.
func (c *Catalog) Evolve(s *Shapes) (*Catalog, bool) {
	next := &evolution{options: c.options, lifted: s.lifted, tables: slices.Clone(c.tables)}
	for _, t := range c.tables {
		next.names.reserve(t.Name)
	}
	for _, t := range c.options.Tables {
		next.wanted.reserve(t)
	}
	shapes := s.All()
	if c.options.Layout != PerType && len(shapes) > 0 {
		next.allEvents()
	}
	if c.options.Layout != One {
		for _, sh := range shapes {
			next.event(sh)
		}
	}
	out := NewCatalog(c.options, next.tables)
	return out, next.changed
}

// An evolution is a catalog in the making.
type evolution struct {
	options Options
	lifted  lifted
	tables  []*Table
	names   names // of tables
	wanted  names // of tables, by config
	changed bool
}

// table gives the index of the table for an event type and exploded list,
// or -1.
func (ev *evolution) table(event string, explode []string) int {
	return slices.IndexFunc(ev.tables, func(t *Table) bool {
		return t.Event == event && slices.Equal(t.Explode, explode)
	})
}

func (ev *evolution) allEvents() {
	if ev.table("", nil) >= 0 {
		return
	}
	t := ev.newTable(AllEvents, "", nil)
	t.Columns = append(t.Columns, Column{Name: ColData, Type: Type{Kind: JSON}, Encoding: Plain}, extraColumn())
	ev.put(-1, t)
}

func (ev *evolution) newTable(name, event string, explode []string) *Table {
	candidates := []string{name}
	if ev.options.Tables[event] == "" && ev.wanted.taken[strings.ToLower(name)] {
		candidates = []string{name + "_event"}
	}
	return &Table{
		Name: ev.names.pick(candidates...), Event: event, Explode: explode,
		Columns: envelopeColumns(explode != nil), Partition: ev.options.Partition,
	}
}

// put replaces table i, or adds t where i is -1.
func (ev *evolution) put(i int, t *Table) {
	t.Version++
	ev.changed = true
	if i < 0 {
		ev.tables = append(ev.tables, t)
		return
	}
	ev.tables[i] = t
}

// event evolves the table of an event type and those of its exploded lists.
func (ev *evolution) event(sh *Shape) {
	name := ev.options.Tables[sh.Event]
	if name == "" {
		name = TableName(sh.Event)
	}
	explode := ev.options.Explode[sh.Event]
	i := ev.table(sh.Event, nil)
	var t *Table
	if i < 0 {
		t = ev.newTable(name, sh.Event, nil)
		t.Columns = append(t.Columns, extraColumn())
	} else {
		t = cloneTable(ev.tables[i])
	}
	cb := &columnsBuilder{ev: ev, table: t, lifted: ev.lifted, explode: explode}
	cb.begin()
	cb.object(&sh.data, nil)
	cb.meta = true
	cb.object(&sh.meta, nil)
	if i < 0 || cb.added {
		ev.put(i, t)
	}
	for _, path := range explode {
		ev.exploded(sh, t.Name, path)
	}
}

// exploded evolves the child table of a list, once elements were seen.
func (ev *evolution) exploded(sh *Shape, parent string, path []string) {
	m := &sh.data
	for _, step := range path {
		i, ok := m.index[step]
		if !ok {
			return
		}
		m = m.members[i]
	}
	if m.elem == nil {
		return
	}
	i := ev.table(sh.Event, path)
	var t *Table
	if i < 0 {
		t = ev.newTable(parent+"_"+columnName(strings.Join(path, "_")), sh.Event, path)
		t.Columns = append(t.Columns, extraColumn())
	} else {
		t = cloneTable(ev.tables[i])
	}
	cb := &columnsBuilder{ev: ev, table: t, lifted: ev.lifted}
	cb.begin()
	if typ, ok := m.elem.scalar(); ok {
		cb.column(m.elem, []string{elementMember}, typ)
	}
	cb.object(m.elem, nil)
	if i < 0 || cb.added {
		ev.put(i, t)
	}
}

// elementMember is the name under which an exploded list's elements that are
// no objects stand among a child table's columns.
const elementMember = "value"

func cloneTable(t *Table) *Table {
	c := *t
	c.schema = nil
	c.Columns = slices.Clone(t.Columns)
	return &c
}

// A columnsBuilder adds the columns that an event type's shape asks for.
type columnsBuilder struct {
	ev      *evolution
	table   *Table
	lifted  lifted
	explode [][]string
	meta    bool // at work on the metadata, not on the payload
	names   names
	have    map[string]Kind // the kinds of the columns that exist, by pathKey
	added   bool
}

func (cb *columnsBuilder) begin() {
	cb.have = make(map[string]Kind)
	for _, c := range cb.table.Columns {
		cb.names.reserve(c.Name)
		if c.Path != nil {
			cb.have[pathKey(c.Meta, c.Path)] = c.Type.Kind
		}
	}
}

// pathKey makes a path comparable.
func pathKey(meta bool, path []string) string { return fmt.Sprintf("%t%q", meta, path) }

// object adds the columns of an object's members.
func (cb *columnsBuilder) object(m *member, path []string) {
	for _, c := range m.members {
		cb.member(c, append(path[:len(path):len(path)], c.name))
	}
}

// member adds what one member asks for. The rules are the other half of
// binding.go: a value is new there exactly if it gets a column here.
func (cb *columnsBuilder) member(m *member, path []string) {
	if m.first.IsZero() || cb.lifted.has(path, cb.meta) && cb.table.Explode == nil {
		return
	}
	if !cb.meta && slices.ContainsFunc(cb.explode, func(p []string) bool { return slices.Equal(p, path) }) {
		return
	}
	objects := m.hasMembers()
	if kind, ok := cb.have[pathKey(cb.meta, path)]; ok && (kind == JSON || kind == Struct) {
		return // it takes whatever comes, or is as full as it may be
	}
	if t, ok := cb.declared(path); ok {
		cb.column(m, path, t)
		return
	}
	if objects && m.crowded {
		cb.column(m, path, Type{Kind: JSON})
		return
	}
	if objects && cb.ev.options.Nested {
		cb.column(m, path, m.element())
		return
	}
	if t, ok := m.scalar(); ok {
		cb.column(m, path, t)
	}
	if objects {
		cb.object(m, path)
	}
}

// declared gives the type that config declares for a path of the payload.
func (cb *columnsBuilder) declared(path []string) (Type, bool) {
	if cb.meta || cb.table.Explode != nil {
		return Type{}, false
	}
	t, ok := cb.ev.options.Types[cb.table.Event][pathText(path)]
	return t, ok
}

func (cb *columnsBuilder) column(m *member, path []string, t Type) {
	key := pathKey(cb.meta, path)
	if _, ok := cb.have[key]; ok || len(cb.table.Columns) >= cb.ev.options.MaxColumns {
		return
	}
	cb.have[key] = t.Kind
	name := columnName(strings.Join(path, "_"))
	alternative := "data_" + name
	if cb.meta {
		name, alternative = "meta_"+name, "data_meta_"+name
	}
	c := Column{
		Name: cb.names.pick(name, alternative), Path: slices.Clone(path), Meta: cb.meta, Type: t,
		Encoding: m.encoding(t), Since: m.first, Marker: m.marker,
	}
	last := len(cb.table.Columns) - 1 // _extra stays last
	cb.table.Columns = slices.Insert(cb.table.Columns, last, c)
	cb.added = true
}

// envelopeColumns are the first columns of every table.
func envelopeColumns(exploded bool) []Column {
	columns := []Column{
		{Name: ColPosition, Type: Type{Kind: Int64}, Required: true, Encoding: Delta},
		{Name: ColSubIndex, Type: Type{Kind: Int64}, Required: true, Encoding: Dictionary},
		{Name: ColStreamID, Type: Type{Kind: String}, Required: true, Encoding: Plain},
		{Name: ColStreamVersion, Type: Type{Kind: Int64}, Required: true, Encoding: Delta},
		{Name: ColEventID, Type: Type{Kind: String}, Encoding: Plain},
		{Name: ColEventType, Type: Type{Kind: String}, Required: true, Encoding: Dictionary},
		{Name: ColSchemaVersion, Type: Type{Kind: Int64}, Required: true, Encoding: Dictionary},
		{Name: ColEventTime, Type: Type{Kind: Timestamp}, Encoding: Delta},
	}
	if exploded {
		columns = append(columns, Column{Name: ColListIndex, Type: Type{Kind: Int64}, Required: true, Encoding: Dictionary})
	}
	return columns
}

func extraColumn() Column {
	return Column{Name: ColExtra, Type: Type{Kind: JSON}, Encoding: Plain, Since: source.Position{}}
}
