package main

import "time"

// The four types of event: nested objects, decimals, times, references and
// lists, near 370 bytes each.

var (
	cities    = []string{"Porto", "Kraków", "Lyon", "Graz", "Aarhus", "Leiden", "Bergen", "Turku", "Ghent", "Brno"}
	countries = []string{"PT", "PL", "FR", "AT", "DK", "NL", "NO", "FI", "BE", "CZ"}
	channels  = []string{"web", "ios", "android", "desk"}
	labels    = []string{"gift", "express", "fragile", "new", "sale", "bulk"}
	carriers  = []string{"dhl", "ups", "dpd", "post"}
	methods   = []string{"card", "transfer", "wallet"}
)

func (g *generator) placed() {
	n := g.rand.IntN(2_000_000)
	g.text(`,"originator_topic":"shop.domain:Order","customer":{"id":`)
	g.reference()
	g.format(`,"email":"customer%d@example.com","address":{"street":"Long Street %d","city":"%s","postcode":"%05d","country":"%s"}}`,
		n, g.rand.IntN(200), g.pick(cities), g.rand.IntN(100_000), g.pick(countries))
	g.format(`,"channel":"%s","tags":`, g.pick(channels))
	g.list(labels)
	g.text(`,"class_version":2}`)
}

func (g *generator) itemAdded() {
	sku := g.rand.IntN(5_000)
	g.format(`,"line":{"sku":"SKU-%04d","title":"Product %d","quantity":%d,"price":`, sku, sku, g.rand.IntN(9)+1)
	g.money(500)
	g.format(`,"weight":%.3f},"stock":{"warehouse":"W%02d","shelf":"%c-%d"},"reservation":`,
		g.rand.Float64()*20, g.rand.IntN(20), 'A'+rune(g.rand.IntN(26)), g.rand.IntN(100))
	g.reference()
	g.text(`,"tags":`)
	g.list(labels)
	g.text(`,"class_version":3}`)
}

func (g *generator) paid() {
	g.text(`,"amount":`)
	g.money(5_000)
	g.format(`,"payment":{"method":"%s","reference":`, g.pick(methods))
	g.reference()
	g.format(`,"captured":%t,"attempts":%d},"authorized_at":`, g.rand.IntN(10) > 0, g.rand.IntN(3)+1)
	g.time(g.now.Add(-time.Duration(g.rand.IntN(60_000)) * time.Millisecond))
	g.text(`,"flags":`)
	g.list(labels)
	g.state = append(g.state, '}')
}

func (g *generator) shipped() {
	g.format(`,"carrier":"%s","tracking":"%c%c%09d","parcel":{"weight":%.2f,"size":{"width":%d,"height":%d,"depth":%d}},"insured":%t,"to":{"city":"%s","postcode":"%05d","country":"%s"},"expected":`,
		g.pick(carriers), 'A'+rune(g.rand.IntN(26)), 'A'+rune(g.rand.IntN(26)), g.rand.IntN(1_000_000_000),
		g.rand.Float64()*30, g.rand.IntN(100)+1, g.rand.IntN(100)+1, g.rand.IntN(100)+1,
		g.rand.IntN(4) == 0, g.pick(cities), g.rand.IntN(100_000), g.pick(countries))
	g.time(g.now.Add(time.Duration(g.rand.IntN(200)) * time.Hour))
	g.text(`,"labels":`)
	g.list(labels)
	g.state = append(g.state, '}')
}
