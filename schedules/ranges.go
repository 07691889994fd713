package schedules

import (
	"slices"
	"sort"

	"backstory/source"
)

// The functions below treat a list of windows as the set of the positions
// in them.

// Union gives the windows in order, those that touch or overlap as one.
func Union(windows []source.Window) []source.Window {
	sorted := slices.DeleteFunc(slices.Clone(windows), source.Window.Empty)
	slices.SortFunc(sorted, func(a, b source.Window) int { return a.After.Compare(b.After) })
	var out []source.Window
	for _, w := range sorted {
		if n := len(out); n > 0 && w.After.Compare(out[n-1].Through) <= 0 {
			if w.Through.Compare(out[n-1].Through) > 0 {
				out[n-1].Through = w.Through
			}
			continue
		}
		out = append(out, w)
	}
	return out
}

// Subtract gives what of w lies in none of the windows, in order.
func Subtract(w source.Window, windows []source.Window) []source.Window {
	var out []source.Window
	for _, taken := range Union(windows) {
		if taken.Through.Compare(w.After) <= 0 {
			continue
		}
		if taken.After.Compare(w.Through) >= 0 {
			break
		}
		if gap := (source.Window{After: w.After, Through: taken.After}); !gap.Empty() {
			out = append(out, gap)
		}
		w.After = taken.Through
	}
	if !w.Empty() {
		out = append(out, w)
	}
	return out
}

// covered tells whether some of w lies in the windows, which are in order and
// apart, and whether all of it lies in one of them.
func covered(w source.Window, windows []source.Window) (some, all bool) {
	i := sort.Search(len(windows), func(i int) bool { return windows[i].Through.Compare(w.After) > 0 })
	if i == len(windows) || !windows[i].Overlaps(w) {
		return false, false
	}
	v := windows[i]
	return true, v.After.Compare(w.After) <= 0 && v.Through.Compare(w.Through) >= 0
}
