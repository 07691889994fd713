package survey

import (
	"fmt"
	"strings"
)

// wentBack looks for versions that were written again after newer ones.
func (a *analysis) wentBack(t *eventType) {
	for i, g := range t.groups {
		if i+1 == len(t.groups) {
			break
		}
		h := t.groups[i+1]
		rs, _ := runs(&g.eras, &h.eras)
		old, now := fmt.Sprintf("version %d", g.version), fmt.Sprintf("version %d", h.version)
		both := []Evidence{whole(old, &g.eras), whole(now, &h.eras)}
		switch {
		case rs == nil:
			a.findings = append(a.findings, Finding{
				WentBack, t.event, h.version, nil,
				fmt.Sprintf("versions %d and %d were written side by side", g.version, h.version), both,
			})
		case rs[0].second || len(rs) > 2:
			var again []string
			for k, r := range rs {
				if !r.second && k > 0 {
					again = append(again, fmt.Sprintf("from %s to %s", r.first.shown(), r.last.shown()))
				}
			}
			a.findings = append(a.findings, Finding{
				WentBack, t.event, g.version, nil,
				fmt.Sprintf("version %d was written after version %d: %s", g.version, h.version, strings.Join(again, " and ")), both,
			})
		}
	}
}

// newer looks for versions above the end of the type's chain.
func (a *analysis) newer(t *eventType) {
	end := a.options.Ends[t.event]
	for _, g := range t.groups {
		if end > 0 && g.version > end {
			a.find(Newer, g, nil, []Evidence{whole(fmt.Sprintf("version %d", g.version), &g.eras)},
				"version %d is newer than the upcasters, which end at version %d", g.version, end)
		}
	}
}

// suffixes looks for types whose names end with a version.
func (a *analysis) suffixes() {
	types := make(map[string]int)
	for _, t := range a.types {
		base, _ := cutVersion(t.event)
		types[base]++
	}
	for _, t := range a.types {
		base, version := cutVersion(t.event)
		if version != "" && types[base] > 1 {
			a.findings = append(a.findings, Finding{
				Suffix, t.event, 0, nil,
				fmt.Sprintf("the name says that this is version %s of %s; source.schema_version: suffix makes them one type", version, base), nil,
			})
		}
	}
}

// cutVersion cuts a version off an event type: ItemAddedV2, item-added.v2.
func cutVersion(event string) (base, version string) {
	digits := len(event)
	for digits > 0 && event[digits-1]-'0' <= 9 {
		digits--
	}
	if digits == len(event) || digits == 0 || len(event)-digits > 4 || event[digits] == '0' {
		return event, ""
	}
	base = event[:digits]
	switch c := base[len(base)-1]; {
	case c == '@':
		return base[:len(base)-1], event[digits:]
	case c != 'v' && c != 'V' || len(base) < 2:
		return event, ""
	}
	base = base[:len(base)-1]
	switch c := base[len(base)-1]; {
	case c == '.' || c == '_' || c == '-':
		return base[:len(base)-1], event[digits:]
	case event[digits-1] == 'V' && ((c-'a') <= 25 || c-'0' <= 9):
		return base, event[digits:]
	}
	return event, ""
}
