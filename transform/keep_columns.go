package transform

import "maps"

// KeepingColumns gives the options such that tables get no columns: what would
// evolve them is kept in _extra. Rows come out as those that were loaded
// before a column was added.
func (o Options) KeepingColumns() Options {
	freeze := func(c Contract) Contract {
		if c == "" || c == ContractEvolve {
			return ContractFreeze
		}
		return c
	}
	o.Contract = freeze(o.Contract)
	o.Contracts = maps.Clone(o.Contracts)
	for event, c := range o.Contracts {
		o.Contracts[event] = freeze(c)
	}
	columns := make(map[string]map[string]Contract, len(o.ColumnContracts))
	for event, paths := range o.ColumnContracts {
		columns[event] = maps.Clone(paths)
		for path, c := range columns[event] {
			columns[event][path] = freeze(c)
		}
	}
	o.ColumnContracts = columns
	return o
}
