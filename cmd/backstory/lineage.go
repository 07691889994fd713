package main

import (
	"fmt"
	"slices"
	"strings"

	"backstory/transform/upcast"
)

// lineage knows by which operations of the upcasters a value came to where it
// stands. It follows names, not values: what an expression reads is not
// followed any further.
type lineage map[string][]ruleStep // by event type, in the order of the chain

// ruleStep is one operation of one upcaster.
type ruleStep struct {
	rule      string // "from 1", "at 2"
	repair    bool
	operation string
	arg       *upcast.Node
}

// lineage reads the operations out of the rules' own text.
func (r *rules) lineage() lineage {
	if r.upcasters == nil {
		return nil
	}
	all, err := upcast.Parse(r.upcasters.Text())
	if err != nil {
		return nil // the text is what package upcast has written itself
	}
	type placed struct {
		version, order int // repairs of a version come before its step
		steps          []ruleStep
	}
	byEvent := make(map[string][]placed)
	for i := range all.Values {
		rule := &all.Values[i]
		p := placed{}
		name := ""
		for i, key := range []string{"at", "from"} {
			if v := rule.Member(key); v != nil {
				name, p.order = key+" "+v.Text, i
				fmt.Sscan(v.Text, &p.version)
			}
		}
		if do := rule.Member("do"); do != nil {
			for i := range do.Values {
				if op := &do.Values[i]; len(op.Keys) == 1 {
					p.steps = append(p.steps, ruleStep{name, p.order == 0, op.Keys[0].Text, &op.Values[0]})
				}
			}
		}
		event := rule.Member("event").Text
		byEvent[event] = append(byEvent[event], p)
	}
	l := make(lineage)
	for event, rules := range byEvent {
		slices.SortStableFunc(rules, func(a, b placed) int { return 2*(a.version-b.version) + a.order - b.order })
		for _, p := range rules {
			l[event] = append(l[event], p.steps...)
		}
	}
	return l
}

// of gives the operations that have a hand in the value at a path, the last
// of the chain first.
func (l lineage) of(event string, meta bool, path []string) []string {
	at := strings.Join(path, ".")
	if meta {
		at = "meta." + at
	}
	places := []string{at} // where the value may have stood before the steps that were looked at
	var hands []string
	for _, s := range slices.Backward(l[event]) {
		for i, at := range places {
			from, touched := s.trace(at)
			if !touched {
				continue
			}
			hand := s.operation + " " + s.rule
			if from != at && s.operation != "parse" {
				hand = s.operation + " of " + from + " " + s.rule
			}
			if !slices.Contains(hands, hand) {
				hands = append(hands, hand)
			}
			if s.repair && from != at {
				places = append(places, from) // it stood here or there
			} else {
				places[i] = from
			}
		}
	}
	return hands
}

// trace tells whether an operation has a hand in the value at a path, and at
// which path it stood before.
func (s ruleStep) trace(at string) (before string, touched bool) {
	for i := range s.arg.Keys {
		key, value := strings.TrimPrefix(s.arg.Keys[i].Text, "data."), s.arg.Values[i].Text
		switch s.operation {
		case "rename":
			target := value
			if dot := strings.LastIndexByte(key, '.'); dot >= 0 {
				target = key[:dot+1] + value
			}
			if rest, ok := below(at, target); ok {
				return key + rest, true
			}
		case "move", "copy":
			if rest, ok := below(at, strings.TrimPrefix(value, "data.")); ok {
				return key + rest, true
			}
		case "parse":
			target := key
			if as := s.arg.Values[i].Member("as"); as != nil {
				target = as.Text
			}
			if _, ok := below(at, target); ok {
				return key, true
			}
		default:
			if _, ok := below(at, key); ok {
				return at, true
			}
		}
	}
	return at, false
}

// below tells whether a path is target or lies below it, and gives the rest.
func below(path, target string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(path, target)
	return rest, ok && (rest == "" || rest[0] == '.')
}
