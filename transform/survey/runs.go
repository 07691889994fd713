package survey

import (
	"cmp"
	"math"
	"slices"
)

// A run is a stretch of a history that belongs to one of two fields.
type run struct {
	second bool
	era
}

// Bounds of what is taken for a change and not for chance.
const (
	minRun = 3 // events
	// surely is how unlikely chance must be: e to the minus 16th, since many
	// pairs are looked at.
	surely  = 16
	maxRuns = 8
	// mixed is how much of two eras may overlap: while a new version of a
	// program is rolled out, old and new ones write side by side.
	mixed = 0.1
)

// runs puts the eras of two fields in order, or gives nil where they overlap,
// and the widest stretch without either.
func runs(a, b *eras) (_ []run, widest int64) {
	var overlap int64
	for _, x := range a.list {
		for _, y := range b.list {
			overlap += max(min(x.to, y.to)-max(x.from, y.from)+1, 0)
		}
	}
	if float64(overlap) > mixed*float64(min(a.span(), b.span())) {
		return nil, 0
	}
	var all []run
	for _, e := range a.list {
		all = append(all, run{false, e})
	}
	for _, e := range b.list {
		all = append(all, run{true, e})
	}
	slices.SortStableFunc(all, func(x, y run) int { return cmp.Compare(x.from, y.from) })
	// What is left of mixing are small runs between large ones.
	small := func(r run) bool {
		of := a.count
		if r.second {
			of = b.count
		}
		return 50*r.count < of
	}
	all = joinRuns(all)
	for i := range len(all) - 1 {
		widest = max(widest, all[i+1].from-all[i].to)
	}
	return joinRuns(slices.DeleteFunc(all, small)), widest
}

func joinRuns(all []run) []run {
	out := all[:0]
	for _, r := range all {
		if n := len(out); n > 0 && out[n-1].second == r.second {
			out[n-1].era = join(out[n-1].era, r.era)
		} else {
			out = append(out, r)
		}
	}
	return out
}

// unlikely is how unlikely it is by chance that something which was seen
// count times in span events is missing in so many others, as a logarithm.
func unlikely(count, span, others int64) float64 {
	rate := float64(count) / float64(span+1) // of few events, little is known
	return float64(others) * -math.Log1p(-min(rate, 1-1e-9))
}

// territories divides the events that runs cover among the two fields: a run
// reaches half way to the next.
func territories(rs []run) (first, second int64) {
	from := rs[0].from
	for i, r := range rs {
		to := r.to + 1
		if i+1 < len(rs) {
			to += (rs[i+1].from - to) / 2
		}
		if r.second {
			second += max(to-from, 0)
		} else {
			first += max(to-from, 0)
		}
		from = max(to, from)
	}
	return first, second
}

// clustered tells whether so few runs are no chance, were a and b events of
// two kinds thrown together (Wald and Wolfowitz, On a test whether two samples
// are from the same population, 1940).
func clustered(a, b int64, runs int) bool {
	x, y := float64(a), float64(b)
	n, pairs := x+y, 2*x*y
	mean := pairs/n + 1
	deviation := math.Sqrt(pairs * (pairs - n) / (n * n * (n - 1)))
	return mean-float64(runs) >= 4*deviation
}
