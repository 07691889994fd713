package survey

import (
	"fmt"
	"slices"
	"strings"
)

// separators are what texts are taken apart at, those first that say more.
var separators = []string{", ", "; ", " - ", " / ", ",", ";", "|", "/", ":", " ", "-", "_"}

// splits looks for texts that became objects of texts.
func (d *differences) splits() {
	for _, g := range slices.Clone(d.gone) {
		if g.class() != textClass {
			continue
		}
		var parts []*field
		for _, c := range d.came {
			if len(c.names) == len(g.names)+1 && slices.Equal(c.names[:len(g.names)], g.names) && c.class() == textClass {
				parts = append(parts, c)
			}
		}
		if len(parts) < 2 || len(parts) > 4 {
			continue
		}
		separator := separatorOf(&g.values, len(parts))
		if separator == "" {
			d.notes = append(d.notes, fmt.Sprintf("%s became an object; how its text is taken apart could not be found.", g.path))
			continue
		}
		parts, known, of := bestOrder(&g.values, separator, parts)
		var into []string
		for _, p := range parts {
			into = append(into, p.name)
			d.came = without(d.came, p)
		}
		d.gone = without(d.gone, g)
		why := "the order is that of the new members"
		if known > 0 {
			why = fmt.Sprintf("%d of %d parts of values looked at were seen in the new members", known, of)
		}
		d.ops = append(d.ops, operation("parse", map[string]any{g.path: splitting{separator, into}},
			"a text, now an object of %d texts; %s", len(parts), why))
	}
}

// splitting is what stands behind parse.
type splitting struct {
	Split string   `json:"split"`
	Into  []string `json:"into"`
}

// separatorOf gives the separator that takes all values looked at into so
// many parts or, of the last, more; "" where there is none.
func separatorOf(v *values, parts int) string {
	for _, s := range separators {
		fits := len(v.tops) > 0
		for _, t := range v.tops {
			fits = fits && strings.Count(t.text, s) >= parts-1
		}
		if fits {
			return s
		}
	}
	return ""
}

// bestOrder gives the order of parts in which the most pieces of values were
// seen in their fields, how many, and of how many.
func bestOrder(v *values, separator string, parts []*field) (best []*field, known, of int) {
	best = parts
	for _, order := range permutations(parts) {
		n, all := 0, 0
		for _, t := range v.tops {
			for i, piece := range strings.SplitN(t.text, separator, len(order)) {
				seen, could := order[i].values.has(piece)
				if could {
					all++
				}
				if seen {
					n++
				}
			}
		}
		if n > known {
			best, known, of = order, n, all
		}
	}
	return best, known, of
}

func permutations(all []*field) [][]*field {
	if len(all) < 2 {
		return [][]*field{all}
	}
	var out [][]*field
	for i := range all {
		rest := slices.Delete(slices.Clone(all), i, i+1)
		for _, p := range permutations(rest) {
			out = append(out, append([]*field{all[i]}, p...))
		}
	}
	return out
}
