package main

import (
	"fmt"
	"slices"
	"strings"

	"backstory/transform"

	"github.com/goccy/go-yaml/ast"
)

// contractNames are the contracts as they are written; the first is what
// holds where none is.
var contractNames = []string{string(transform.ContractEvolve), string(transform.ContractFreeze), string(transform.ContractQuarantine)}

// contracts reads what tables.contract and tables.contracts say: how strictly
// the tables of the job, one of them, or a part of its payloads keep to the
// columns they have.
func (d *document) contracts(o *transform.Options, contract string) {
	o.Contract = d.contract([]string{"tables", "contract"}, contract)
	v := child(d.section("tables"), "contracts")
	if v == nil || isNull(v.Value) {
		return
	}
	events, ok := v.Value.(ast.MapNode)
	if !ok {
		d.add(startOf(v.Value), "want keys with values here", "write EVENT TYPE: "+orList(contractNames))
		return
	}
	o.Contracts = make(map[string]transform.Contract)
	o.ColumnContracts = make(map[string]map[string]transform.Contract)
	for it := events.MapRange(); it.Next(); {
		event := scalarText(it.Key())
		at := []string{"tables", "contracts", event}
		paths, ok := it.Value().(ast.MapNode)
		if !ok {
			o.Contracts[event] = d.contract(at, scalarText(it.Value()))
			continue
		}
		o.ColumnContracts[event] = make(map[string]transform.Contract)
		for it := paths.MapRange(); it.Next(); {
			path := scalarText(it.Key())
			at := append(at[:3:3], path)
			if slices.Contains(strings.Split(path, "."), "") {
				d.addAt(at, fmt.Sprintf("%q is no path", path), "write the members that lead to the value, with dots between them: order.total")
			}
			o.ColumnContracts[event][path] = d.contract(at, scalarText(it.Value()))
		}
	}
}

// contract reads one contract; the default is "", so that writing it makes no
// difference.
func (d *document) contract(at []string, text string) transform.Contract {
	switch {
	case len(at) > 2 && (text == "" || text == "null"):
		d.addAt(at, "want a contract here", "write "+orList(contractNames))
	case text != "" && !slices.Contains(contractNames, text):
		d.addAt(at, "there is no contract "+text, "write "+orList(contractNames))
	}
	return transform.Contract(text)
}

// orList writes a choice: a, b or c.
func orList(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
