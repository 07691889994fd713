package transform

import (
	"slices"
	"strings"

	"backstory/source"
)

// Catalog is the tables of a job at one moment. It does not change: Evolve
// makes a new one.
type Catalog struct {
	options Options
	tables  []*Table
	made    bool // tables were made: contracts count
}

// NewCatalog takes up the tables that were kept. There are none for a job
// that begins, which begins with copies of the frozen tables.
func NewCatalog(o Options, tables []*Table) *Catalog {
	if o.Layout == "" {
		o.Layout = PerType
	}
	if o.MaxColumns == 0 {
		o.MaxColumns = DefaultMaxColumns
	}
	o.MaxColumns = min(o.MaxColumns, maxRootMembers)
	c := &Catalog{options: o, tables: slices.Clone(tables)}
	if len(tables) == 0 {
		for _, t := range o.Frozen {
			c.tables = append(c.tables, cloneTable(t))
		}
	}
	for _, t := range c.tables {
		t.Schema()
		c.made = c.made || !t.IsQuarantine()
	}
	return c
}

// Tables gives the tables in the order in which they came to be. The slice
// and the tables are not to be changed.
func (c *Catalog) Tables() []*Table { return c.tables }

// seals tells whether an exploded list lies in an object that its event's
// table closes: then what is new in its elements gets no column.
func (c *Catalog) seals(t *Table) bool {
	i := slices.IndexFunc(c.tables, func(e *Table) bool { return e.Event == t.Event && e.Explode == nil })
	return t.Explode != nil && i >= 0 && c.tables[i].closes(t.Explode)
}

// Evolve gives a catalog that has a column for everything in the shapes that
// is to have one, and tells whether it differs from c. Columns that exist
// keep their names and types; new ones stand behind them, before _extra.
func (c *Catalog) Evolve(s *Shapes) (*Catalog, bool) {
	next := &evolution{from: c, options: c.options, lifted: s.lifted, tables: slices.Clone(c.tables)}
	next.names.reserve(Quarantine)
	for _, t := range c.tables {
		next.names.reserve(t.Name)
	}
	for _, t := range c.options.Tables {
		next.wanted.reserve(t)
	}
	for _, t := range c.options.Frozen {
		next.names.reserve(t.Name)
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
	if s.Failed > 0 {
		next.quarantine()
	}
	out := NewCatalog(c.options, next.tables)
	return out, next.changed
}

// An evolution is a catalog in the making.
type evolution struct {
	from    *Catalog
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
		return t.Event == event && slices.Equal(t.Explode, explode) && !t.IsQuarantine()
	})
}

func (ev *evolution) allEvents() {
	if ev.table("", nil) >= 0 {
		return
	}
	t := ev.thaw("", nil)
	if t == nil {
		t = ev.newTable(AllEvents, "", nil)
		t.Columns = append(t.Columns, Column{Name: ColData, Type: Type{Kind: JSON}, Encoding: Plain}, extraColumn())
	}
	ev.put(-1, t)
}

// quarantine adds the table of failed events.
func (ev *evolution) quarantine() {
	if !slices.ContainsFunc(ev.tables, (*Table).IsQuarantine) {
		ev.put(-1, &Table{Name: Quarantine, Columns: quarantineColumns()})
	}
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

// thaw gives a copy of the table that is frozen for an event type and exploded
// list, nil where none is: as a table of a history that was loaded before the
// type turned up.
func (ev *evolution) thaw(event string, explode []string) *Table {
	i := slices.IndexFunc(ev.options.Frozen, func(t *Table) bool {
		return t.Event == event && slices.Equal(t.Explode, explode) && !t.IsQuarantine()
	})
	if i < 0 {
		return nil
	}
	t := cloneTable(ev.options.Frozen[i])
	t.Version-- // put counts it up
	if slices.ContainsFunc(ev.tables, func(other *Table) bool { return strings.EqualFold(other.Name, t.Name) }) {
		t.Name = ev.names.pick(t.Name) // another event type has taken it
	}
	return t
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
	if ev.from.refuses(sh.Event) && ev.table(sh.Event, nil) < 0 {
		return
	}
	name := ev.options.Tables[sh.Event]
	if name == "" {
		name = TableName(sh.Event)
	}
	explode := ev.options.Explode[sh.Event]
	t := ev.evolve(name, sh.Event, nil, func(cb *columnsBuilder) {
		cb.elsewhere = ev.lifted.paths
		for _, path := range explode {
			cb.elsewhere = append(cb.elsewhere[:len(cb.elsewhere):len(cb.elsewhere)], source.Path{Names: path})
		}
		cb.begin()
		cb.object(&sh.data, nil)
		cb.meta = true
		cb.object(&sh.meta, nil)
	})
	for _, path := range explode {
		name := clipTable(t.Name + "_" + columnName(strings.Join(path, "_")))
		ev.evolve(name, sh.Event, path, func(cb *columnsBuilder) {
			if list := sh.data.at(path); list != nil && list.elem != nil && !t.closes(path) {
				cb.begin()
				cb.elements(list.elem)
			}
		})
	}
}

// evolve lets build add columns to the table of an event type and exploded
// list, which it makes if there is none.
func (ev *evolution) evolve(name, event string, explode []string, build func(*columnsBuilder)) *Table {
	i := ev.table(event, explode)
	var t *Table
	if i >= 0 {
		t = cloneTable(ev.tables[i])
	} else if t = ev.thaw(event, explode); t == nil {
		t = ev.newTable(name, event, explode)
		t.Columns = append(t.Columns, extraColumn())
	}
	cb := &columnsBuilder{options: &ev.options, policy: ev.from.policy(event, explode), table: t}
	build(cb)
	if i < 0 || cb.changed {
		ev.put(i, t)
	}
	return t
}

func cloneTable(t *Table) *Table {
	c := *t
	c.schema = nil
	c.Columns = slices.Clone(t.Columns)
	return &c
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
