package main

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// row is an event as the Python library eventsourcing 9.3 stores it. State is
// borrowed: it is valid until the next call of next.
type row struct {
	Stream  [16]byte
	Version int64
	Topic   string
	State   []byte
}

// generator makes the events of a shop: the same ones each time. Orders
// overlap, so that neighbouring events are of different streams and types.
type generator struct {
	rand  *rand.Rand
	now   time.Time
	open  []order
	state []byte
}

// order is one that has not been shipped yet.
type order struct {
	id      [16]byte
	version int64
	items   int
}

// openOrders is how many orders are under way at any time.
const openOrders = 500

func newGenerator() *generator {
	return &generator{
		rand: rand.New(rand.NewPCG(20, 26)),
		now:  time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

// next makes the next event.
func (g *generator) next() row {
	g.now = g.now.Add(time.Duration(g.rand.IntN(20_000_000)+1) * time.Microsecond)
	if len(g.open) < openOrders {
		g.open = append(g.open, order{id: g.uuid(), items: 1 + g.rand.IntN(5)})
		return g.event(&g.open[len(g.open)-1])
	}
	i := g.rand.IntN(len(g.open))
	r := g.event(&g.open[i])
	if int(r.Version) == g.open[i].items+3 {
		g.open[i] = g.open[len(g.open)-1]
		g.open = g.open[:len(g.open)-1]
	}
	return r
}

func (g *generator) event(o *order) row {
	o.version++
	r := row{Stream: o.id, Version: o.version}
	g.state = append(g.state[:0], `{"timestamp":`...)
	g.time(g.now)
	switch {
	case o.version == 1:
		r.Topic = "shop.domain:Order.Placed"
		g.placed()
	case int(o.version) <= o.items+1:
		r.Topic = "shop.domain:Order.ItemAdded"
		g.itemAdded()
	case int(o.version) == o.items+2:
		r.Topic = "shop.domain:Order.Paid"
		g.paid()
	default:
		r.Topic = "shop.domain:Order.Shipped"
		g.shipped()
	}
	r.State = g.state
	return r
}

// uuid makes a UUID of version 4.
func (g *generator) uuid() (id [16]byte) {
	hi, lo := g.rand.Uint64(), g.rand.Uint64()
	for i := range 8 {
		id[i], id[8+i] = byte(hi>>(8*i)), byte(lo>>(8*i))
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

func (g *generator) pick(of []string) string { return of[g.rand.IntN(len(of))] }

func (g *generator) text(s string) { g.state = append(g.state, s...) }

func (g *generator) format(f string, args ...any) { g.state = fmt.Appendf(g.state, f, args...) }

// time writes a time as the library does.
func (g *generator) time(t time.Time) {
	g.text(`{"_type_":"datetime_iso","_data_":"`)
	g.state = t.AppendFormat(g.state, "2006-01-02T15:04:05.000000+00:00")
	g.text(`"}`)
}

// money writes a decimal of two places as the library does.
func (g *generator) money(below int) {
	cents := g.rand.IntN(below * 100)
	g.text(`{"_type_":"decimal_str","_data_":"`)
	g.state = strconv.AppendInt(g.state, int64(cents/100), 10)
	g.state = append(g.state, '.', byte('0'+cents/10%10), byte('0'+cents%10))
	g.text(`"}`)
}

// reference writes a UUID as the library does.
func (g *generator) reference() {
	id := g.uuid()
	g.text(`{"_type_":"uuid_hex","_data_":"`)
	g.state = hex.AppendEncode(g.state, id[:])
	g.text(`"}`)
}

func (g *generator) list(of []string) {
	g.state = append(g.state, '[')
	for i := range g.rand.IntN(3) + 1 {
		if i > 0 {
			g.state = append(g.state, ',')
		}
		g.format(`"%s"`, g.pick(of))
	}
	g.state = append(g.state, ']')
}
