package schedules

import (
	"slices"

	"backstory/sinks/checksum"
	"backstory/transform"
)

// reduce has a suspect be compared with its tables as they may have been, or
// gives it up.
func (r *run) reduce(b *suspect, want, got rowsBy) {
	b.over = true
	tables := slices.Clone(b.catalog.Tables())
	changed := false
	for _, t := range b.tables {
		if whole(t.now) {
			continue
		}
		if t.now.Missing+t.now.Extra+t.now.Doubled > 0 {
			return
		}
		var places []checksum.Place
		for _, w := range want[t.name] {
			for _, g := range got[t.name] {
				if g.Key != w.Key {
					continue
				}
				late, ok := checksum.Late(w, g)
				if !ok {
					return
				}
				places = append(places, late...)
			}
		}
		i := slices.IndexFunc(tables, func(o *transform.Table) bool { return o.Name == t.name })
		if i < 0 || len(places) == 0 {
			return
		}
		reduced, ok := checksum.Without(tables[i], places)
		if !ok {
			return
		}
		tables[i], changed = reduced, true
	}
	if p := r.keepsColumns(); changed && p != nil {
		b.pipeline, b.catalog, b.over = p, p.NewCatalog(tables), false
	}
}

// keepsColumns gives the run's pipeline, but such that its tables get no
// columns; nil where that cannot be made.
func (r *run) keepsColumns() *transform.Pipeline {
	if r.job.Recompile == nil {
		return nil
	}
	rules, whole := r.job.Pipeline.Rules()
	if !whole {
		return nil
	}
	rules.Options = rules.Options.KeepingColumns()
	p, err := r.job.Recompile(rules)
	if err != nil {
		return nil
	}
	if p, err = r.state.Forgets(p); err != nil {
		return nil
	}
	return p
}
