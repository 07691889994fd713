package upcast

import "strings"

// contextLines is how many lines that are the same a diff shows beside those that
// are not.
const contextLines = 3

// Diff compares two texts by lines, as Result.Diff does: "- " stands in front
// of those only old has, "+ " in front of those only now has.
func Diff(old, now string) string { return diffLines(old, now) }

// diffLines compares two texts by lines: "- " stands in front of those only
// want has, "+ " in front of those only got has, blanks in front of others.
// Commas at the ends of lines, which JSON moves about, count for nothing.
func diffLines(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, lines := range [][]string{a, b} {
		for i := range lines {
			lines[i] = strings.TrimSuffix(lines[i], ",")
		}
	}
	var all []string
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		all = append(all, "  "+a[start])
		start++
	}
	end := 0
	for end < len(a)-start && end < len(b)-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	all = appendDiff(all, a[start:len(a)-end], b[start:len(b)-end])
	for _, line := range a[len(a)-end:] {
		all = append(all, "  "+line)
	}
	return strings.Join(clipContext(all), "\n")
}

// appendDiff appends the lines of a and b by their longest common
// subsequence.
func appendDiff(all, a, b []string) []string {
	const most = 1000 // lines; of more the texts stand one after the other
	if len(a) > most || len(b) > most {
		for _, line := range a {
			all = append(all, "- "+line)
		}
		for _, line := range b {
			all = append(all, "+ "+line)
		}
		return all
	}
	common := make([][]int, len(a)+1) // by how many lines of a and b are left
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			common[i][j] = max(common[i-1][j], common[i][j-1])
			if a[len(a)-i] == b[len(b)-j] {
				common[i][j] = common[i-1][j-1] + 1
			}
		}
	}
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(a) > 0 && len(b) > 0 && a[0] == b[0]:
			all = append(all, "  "+a[0])
			a, b = a[1:], b[1:]
		case len(b) == 0 || len(a) > 0 && common[len(a)-1][len(b)] >= common[len(a)][len(b)-1]:
			all = append(all, "- "+a[0])
			a = a[1:]
		default:
			all = append(all, "+ "+b[0])
			b = b[1:]
		}
	}
	return all
}

// clipContext leaves out lines that are the same on both sides and far from
// any that is not.
func clipContext(lines []string) []string {
	near := make([]bool, len(lines))
	for i, line := range lines {
		if line[0] == ' ' {
			continue
		}
		for k := max(0, i-contextLines); k <= min(len(lines)-1, i+contextLines); k++ {
			near[k] = true
		}
	}
	var all []string
	for i, line := range lines {
		switch {
		case near[i]:
			all = append(all, line)
		case i == 0 || near[i-1]:
			all = append(all, "  ...")
		}
	}
	return all
}
