package upcast

import (
	"fmt"
	"strconv"
	"time"

	"backstory/source"
	"backstory/transform"
)

// An example is an event that a rule takes and what becomes of it:
//
//	given: {sku: A, qty: 2}
//	then:  {sku: A, quantity: 2}
//
// Then is the payload of the one event that results, or a list of events, each
// {type: ..., version: ..., data: ..., meta: ...}, of which all but data may be
// left out; in its place stands discard: true, or error: and a part of the
// reason why the event cannot be upcast. Beside given may stand its meta, and
// under event what the envelope holds. Objects of _type_ and _data_ are typed
// values, as Python's eventsourcing writes them.
//
// The results must be the same JSON: the same members, in any order, and
// numbers of the same digits (9.50 is not 9.5, and 1.0 not 1); what JSON has
// no kind for stands as text, and a decimal as text or as a number.
type example struct {
	node     *Node
	envelope transform.Envelope
	given    []byte // JSON of the payload
	meta     []byte // JSON of the metadata, nil without
	then     []result
	payload  bool // then is the payload of one event: nothing is said of the rest
	fails    string
}

// A result is an event that a rule emits, or that an example wants.
type result struct {
	event      string              // "" for any
	version    int                 // 0 for any
	data, meta *transform.Document // meta is nil for any
}

const (
	exampleHint  = "write - {given: {...}, then: {...}}"
	resultHint   = "write {type: NAME, version: N, data: {...}}, of which all but data may be left out"
	envelopeHint = "write stream_id, stream_version, event_id, event_time or position with a value"
)

func (c *compiler) readExamples(n *Node) []example {
	if n.Kind != List {
		c.fail(n, exampleHint, "want a list of examples, got %s", n.Kind)
		return nil
	}
	var all []example
	for i := range n.Values {
		before := len(c.problems)
		c.wellFormed(&n.Values[i], nil)
		if e := c.readExample(&n.Values[i]); len(c.problems) == before {
			all = append(all, e)
		}
	}
	return all
}

func (c *compiler) readExample(n *Node) example {
	e := example{node: n}
	if n.Kind != Map {
		c.fail(n, exampleHint, "want an example with keys, got %s", n.describe())
		return e
	}
	c.known(n, "given", "meta", "event", "then", "discard", "error")
	if given := n.Member("given"); given != nil {
		e.given = given.appendJSON(nil)
	} else {
		c.fail(n, exampleHint, "an example wants a payload under given")
	}
	if meta := n.Member("meta"); meta != nil && meta.Kind != Null {
		e.meta = meta.appendJSON(nil)
	}
	e.envelope = transform.Envelope{ID: []byte("example"), Stream: []byte("example")}
	if event := n.Member("event"); event != nil {
		c.readEnvelope(event, &e.envelope)
	}
	then, discard, fails := n.Member("then"), n.Member("discard"), n.Member("error")
	switch {
	case count(then, discard, fails) != 1:
		c.fail(n, "write what comes out: then: {...}, discard: true or error: TEXT", "an example wants one of then, discard and error, got %d", count(then, discard, fails))
	case discard != nil && discard.Text != "true":
		c.fail(discard, "write discard: true, or what comes out under then", "want true, got %s", discard.describe())
	case fails != nil && (fails.Kind != Text || fails.Text == ""):
		c.fail(fails, "write a part of the reason", "want a text, got %s", fails.describe())
	case fails != nil:
		e.fails = fails.Text
	case then != nil:
		c.readThen(then, &e)
	}
	return e
}

func count(nodes ...*Node) int {
	n := 0
	for _, node := range nodes {
		if node != nil {
			n++
		}
	}
	return n
}

func (c *compiler) readThen(n *Node, e *example) {
	if n.Kind != List {
		e.payload, e.then = true, []result{{data: document(n)}}
		return
	}
	if len(n.Values) == 0 {
		c.fail(n, "write discard: true", "then says of no event what it is")
	}
	for i := range n.Values {
		v := &n.Values[i]
		if v.Kind != Map {
			c.fail(v, resultHint, "want an event with keys, got %s", v.describe())
			continue
		}
		c.known(v, "type", "version", "data", "meta")
		var r result
		if typ := v.Member("type"); typ != nil {
			r.event = c.name(typ, resultHint)
		}
		if version := v.Member("version"); version != nil {
			r.version = c.schemaVersion(version)
		}
		if meta := v.Member("meta"); meta != nil {
			r.meta = document(meta)
		}
		if data := v.Member("data"); data != nil {
			r.data = document(data)
		} else {
			c.fail(v, resultHint, "an event wants its payload under data")
		}
		e.then = append(e.then, r)
	}
}

// document makes a document of a node.
func document(n *Node) *transform.Document {
	d := new(transform.Document)
	if err := d.Parse(n.appendJSON(nil), true); err != nil {
		// A node nested too deep for a document; null is what no event is.
		_ = d.Parse([]byte("null"), false)
	}
	return d
}

// readEnvelope reads what an example says of the envelope.
func (c *compiler) readEnvelope(n *Node, e *transform.Envelope) {
	if n.Kind != Map {
		c.fail(n, envelopeHint, "want keys with values, got %s", n.describe())
		return
	}
	c.known(n, "stream_id", "stream_version", "event_id", "event_time", "position")
	for i := range n.Keys {
		v := &n.Values[i]
		switch n.Keys[i].Text {
		case "stream_id":
			e.Stream = []byte(v.Text)
		case "event_id":
			e.ID = []byte(v.Text)
		case "stream_version":
			e.StreamVersion = c.integer(v)
		case "position":
			e.Position = source.Position{Seq: c.integer(v)}
		case "event_time":
			t, err := time.Parse(time.RFC3339Nano, v.Text)
			if err != nil {
				c.fail(v, "write it as 2026-01-31T12:00:00Z", "want a date and time with its offset, got %s", v.describe())
			}
			e.Micros, e.HasTime = t.UnixMicro(), true
		}
	}
}

func (c *compiler) integer(n *Node) int64 {
	x, err := strconv.ParseInt(n.Text, 10, 64)
	if n.Kind != Number || err != nil {
		c.fail(n, envelopeHint, "want an integer, got %s", n.describe())
	}
	return x
}

// run gives what the rule makes of the example's event, and why it cannot.
func (e *example) run(r *rule, w *witness) ([]result, error) {
	var data, meta transform.Document
	if err := data.Parse(e.given, true); err != nil {
		return nil, fmt.Errorf("parse given: %w", err)
	}
	meta.Reset()
	if e.meta != nil {
		if err := meta.Parse(e.meta, true); err != nil {
			return nil, fmt.Errorf("parse meta: %w", err)
		}
	}
	env := e.envelope
	env.Type, env.Stored, env.SchemaVersion = r.event, r.version, r.version
	env.Data, env.Meta = &data, &meta
	var all []result
	err := r.upcaster.run(&env, func(out *transform.Envelope) error {
		got := result{event: out.Type, version: w.version, data: new(transform.Document), meta: new(transform.Document)}
		if got.version == 0 {
			got.version = r.version
			if !r.repair {
				got.version++
			}
		}
		got.data.CopyFrom(out.Data)
		got.meta.CopyFrom(out.Meta)
		all = append(all, got)
		return nil
	}, w)
	return all, err
}
