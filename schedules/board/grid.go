package board

import (
	"fmt"
	"strings"
	"time"

	"backstory/schedules"
	"backstory/schedules/figures"
	"backstory/source"
)

// maxCells is how many cells a grid has at most. A history of hundreds of
// thousands of windows is shown in cells of many windows each.
const maxCells = 400

// state is how a window stands. Of the windows of a cell the one that wants
// most attention counts: the highest.
type state int

const (
	loaded state = iota
	gap          // nothing is planned here
	planned
	loading
	again       // loaded, and to be loaded again
	quarantined // loaded, with events in quarantine
	states      // how many there are
)

var stateNames = [states]string{"loaded", "gap", "planned", "loading", "again", "quarantined"}

// stateWords say what the states are.
var stateWords = [states]string{"loaded", "not planned", "planned", "being loaded", "to be loaded again", "loaded, with events in quarantine"}

func (s state) String() string { return stateNames[s] }

// Words says what the state is.
func (s state) Words() string { return stateWords[s] }

// MarshalText writes the state's name.
func (s state) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// cell is a stretch of a history.
type cell struct {
	source.Window
	// Windows counts the windows by state.
	Windows     [states]int `json:"windows"`
	Events      int64       `json:"events"`
	Quarantined int64       `json:"quarantined,omitempty"`
	// First and Last are when the earliest and the latest of them was loaded.
	First time.Time `json:"first_loaded,omitzero"`
	Last  time.Time `json:"last_loaded,omitzero"`
}

// State is that of the window that wants most attention.
func (c *cell) State() state {
	for s := states - 1; s > 0; s-- {
		if c.Windows[s] > 0 {
			return s
		}
	}
	return loaded
}

// Text says all there is to say of the cell.
func (c *cell) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "positions %s\n", span(c.Window))
	for s, n := range c.Windows {
		if n > 0 && state(s) == gap {
			b.WriteString("in part not planned yet\n")
		} else if n > 0 {
			fmt.Fprintf(&b, "%s %s\n", figures.Plural(int64(n), "window"), state(s).Words())
		}
	}
	fmt.Fprintf(&b, "%s", figures.Plural(c.Events, "event"))
	if c.Quarantined > 0 {
		fmt.Fprintf(&b, ", %s in quarantine", figures.Thousands(c.Quarantined))
	}
	if !c.Last.IsZero() {
		fmt.Fprintf(&b, "\nloaded %s", clock(c.First))
		if clock(c.First) != clock(c.Last) {
			fmt.Fprintf(&b, " to %s", clock(c.Last))
		}
	}
	return b.String()
}

func (c *cell) join(d cell) {
	c.Through = d.Through
	for s, n := range d.Windows {
		c.Windows[s] += n
	}
	c.Events += d.Events
	c.Quarantined += d.Quarantined
	if c.First.IsZero() || !d.First.IsZero() && d.First.Before(c.First) {
		c.First = d.First
	}
	if c.Last.Before(d.Last) {
		c.Last = d.Last
	}
}

// grid is built from windows in order, in memory that does not grow with
// their number: when the cells are too many, each two become one.
type grid struct {
	cells  []cell
	each   int // windows a cell, but for the last
	last   int // windows of the last cell
	end    source.Position
	Counts [states]int
}

// add puts in the next window, and the gap before it if there is one.
func (g *grid) add(w schedules.WindowRecord) {
	g.gap(w.After)
	s := loaded
	switch {
	case w.Loaded.IsZero():
		s = planned
	case w.Again:
		s = again
	case w.Quarantined > 0:
		s = quarantined
	}
	c := cell{Window: w.Window, Events: w.Events, Quarantined: w.Quarantined, First: w.Loaded, Last: w.Loaded}
	c.Windows[s] = 1
	g.put(c)
	g.Counts[s]++
	g.end = w.Through
}

// gap puts in what is not planned up to a position.
func (g *grid) gap(through source.Position) {
	if g.end.Compare(through) >= 0 {
		return
	}
	c := cell{Window: source.Window{After: g.end, Through: through}}
	c.Windows[gap] = 1
	g.put(c)
	g.Counts[gap]++
	g.end = through
}

func (g *grid) put(c cell) {
	if g.each == 0 {
		g.each = 1
	}
	if n := len(g.cells); n > 0 && g.last < g.each {
		g.cells[n-1].join(c)
		g.last++
		return
	}
	if len(g.cells) == maxCells {
		for i := range maxCells / 2 {
			g.cells[i] = g.cells[2*i]
			g.cells[i].join(g.cells[2*i+1])
		}
		g.cells = g.cells[:maxCells/2]
		g.each *= 2
	}
	g.cells, g.last = append(g.cells, c), 1
}

// busy shows a planned window as one that is being loaded.
func (g *grid) busy(w source.Window) {
	for i := range g.cells {
		if c := &g.cells[i]; c.Overlaps(w) && c.Windows[planned] > 0 {
			c.Windows[planned]--
			c.Windows[loading]++
			g.Counts[planned]--
			g.Counts[loading]++
			return
		}
	}
}
