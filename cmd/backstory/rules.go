package main

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"backstory/source"
	"backstory/transform"
	"backstory/transform/upcast"
)

// rules are what a configuration says of how events become rows, besides what
// the source says of its payloads.
type rules struct {
	tables    transform.Options
	upcasters *upcast.Set // nil where there are none
	mask      upcast.Options
}

// defaultsConfig is the section defaults.
type defaultsConfig struct {
	// NewFields says what becomes of members that turn up after the tables
	// were made.
	NewFields string `yaml:"new_fields"`
}

// quarantineConfig is the section quarantine.
type quarantineConfig struct {
	// Threshold is how many events of a run may go to quarantine before it
	// counts as failed.
	Threshold int64 `yaml:"threshold"`
	// Payload says whether the payload is kept there: raw, the default, or none.
	Payload string `yaml:"payload"`
}

// maskConfig is the section mask.
type maskConfig struct {
	// Key is the key of masks, a secret.
	Key string `yaml:"key"`
}

// shortestKey is the least a key for masks may have, in bytes: with fewer,
// the values behind the masks could be found by trying.
const shortestKey = 16

// rules reads the sections tables, defaults, quarantine, mask and upcasters.
func (d *document) rules(dir string) (*rules, quarantineConfig) {
	r := &rules{tables: d.tables(dir)}
	var defaults defaultsConfig
	d.decode(d.section("defaults"), &defaults)
	d.oneOf([]string{"defaults", "new_fields"}, defaults.NewFields, "column", "extra", "mask")
	if defaults.NewFields == string(transform.NewMasked) && r.tables.Layout != transform.PerType && r.tables.Layout != "" {
		d.addAt([]string{"defaults", "new_fields"}, "the table of all events holds whole payloads, in which nothing is masked", "write layout: per_type, or mask what is personal by upcasters")
	}
	if defaults.NewFields != "column" {
		r.tables.NewFields = transform.NewFields(defaults.NewFields)
	}
	d.mask(r)
	d.upcasters(r)
	quarantine := d.quarantine(r)
	if len(d.problems) == 0 {
		// What a source says of its payloads makes no difference to what fails.
		if _, err := r.pipeline(source.Payload{}); err != nil {
			d.add(nil, err.Error(), "")
		}
	}
	return r, quarantine
}

func (d *document) quarantine(r *rules) quarantineConfig {
	var q quarantineConfig
	d.decode(d.section("quarantine"), &q)
	if q.Threshold < 0 || q.Threshold > math.MaxInt64-1 {
		d.addAt([]string{"quarantine", "threshold"}, "want a number of events here, from 0 on", "0 makes a run fail as soon as it quarantines one")
	}
	d.oneOf([]string{"quarantine", "payload"}, q.Payload, "raw", "none")
	if q.Payload == "" && (d.section("mask") != nil || r.masks()) {
		q.Payload = string(transform.NoPayload) // what is masked elsewhere would stand there
	}
	if q.Payload != string(transform.RawPayload) {
		r.tables.QuarantinePayload = transform.QuarantinePayload(q.Payload)
	}
	return q
}

// masks tells whether a value is masked anywhere, with a key or without.
func (r *rules) masks() bool {
	return r.tables.NewFields == transform.NewMasked || r.upcasters != nil && r.upcasters.Masks() ||
		slices.ContainsFunc(r.tables.Frozen, func(t *transform.Table) bool {
			return slices.ContainsFunc(t.Columns, func(c transform.Column) bool { return c.Masked })
		})
}

func (d *document) mask(r *rules) {
	node := d.section("mask")
	if node == nil {
		return
	}
	var m maskConfig
	before := len(d.problems)
	d.decode(node, &m)
	v := child(node, "key")
	switch {
	case len(d.problems) > before || v != nil && d.unset[v.Value]: // told
	case len(m.Key) < shortestKey:
		d.addAt([]string{"mask", "key"}, fmt.Sprintf("the key of masks wants %d bytes or more", shortestKey), "put a long random text into an environment variable, and write key: ${env:NAME}")
	}
	r.mask.MaskKey = []byte(m.Key)
	if v != nil && d.unset[v.Value] {
		r.mask.MaskKey = make([]byte, shortestKey) // so that nothing that follows from it is told
	}
}

// upcasters compiles the section upcasters and notes what is wrong with it.
func (d *document) upcasters(r *rules) {
	section := d.section("upcasters")
	if section == nil || isNull(section) {
		return
	}
	before := len(d.problems)
	node := d.ruleNode(section)
	if len(d.problems) > before {
		return // what else could be said might follow from these
	}
	set, problems := upcast.Compile(&node, r.mask)
	for _, p := range problems {
		if !p.Example || d.purpose == toLoad {
			d.addLine(p.Line, p.Column, p.Message, p.Hint)
		}
	}
	r.upcasters = set
}

// failing counts the examples that do not come out as they say.
func (r *rules) failing() int {
	n := 0
	if r.upcasters != nil {
		for _, result := range r.upcasters.Test() {
			if !result.OK() {
				n++
			}
		}
	}
	return n
}

// pipeline makes the pipeline for a source's payloads.
func (r *rules) pipeline(payload source.Payload) (*transform.Pipeline, error) {
	all := transform.Rules{Payload: payload, Options: r.tables}
	var opts []transform.Option
	if r.upcasters != nil {
		all.Upcasters = r.upcasters.Text()
		opts = r.upcasters.Options()
	}
	return r.compile(all, opts, true)
}

// recompile makes the pipeline of rules that a ledger has kept, with the
// present key for masks where they had one.
func (r *rules) recompile(kept transform.Rules) (*transform.Pipeline, error) {
	var opts []transform.Option
	if len(kept.Upcasters) > 0 {
		node, err := upcast.Parse(kept.Upcasters)
		if err != nil {
			return nil, fmt.Errorf("read kept upcasters: %w", err)
		}
		set, problems := upcast.Compile(node, r.mask)
		if len(problems) > 0 {
			var all []error
			for _, p := range problems {
				all = append(all, &p)
			}
			return nil, source.Setup(problems[0].Hint, "compile kept upcasters: %w", errors.Join(all...))
		}
		opts = set.Options()
	}
	return r.compile(kept, opts, kept.Mask != "")
}

// compile is what pipeline and recompile have in common.
func (r *rules) compile(all transform.Rules, opts []transform.Option, masked bool) (*transform.Pipeline, error) {
	if masked && len(r.mask.MaskKey) > 0 {
		opts = append(opts[:len(opts):len(opts)], transform.WithMask(upcast.Masker(r.mask.MaskKey)))
	}
	return transform.Compile(all, opts...)
}
