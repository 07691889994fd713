package upcast

import (
	"fmt"
	"strings"
	"testing"

	"backstory/source"
	"backstory/transform"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
	"pgregory.net/rapid"
)

var testKey = []byte("a key of sixteen bytes or more")

// yamlNode reads rules as a configuration has them.
func yamlNode(t rapid.TB, text string) *Node {
	t.Helper()
	f, err := parser.ParseBytes([]byte(text), 0)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	n := nodeOfYAML(t, strings.Split(text, "\n"), f.Docs[0].Body)
	return &n
}

func nodeOfYAML(t rapid.TB, lines []string, node ast.Node) Node {
	first := node.GetToken()
	if m, ok := node.(*ast.MappingNode); ok && len(m.Values) > 0 && first.Type != token.MappingStartType {
		first = m.Values[0].Key.GetToken()
	}
	if m, ok := node.(*ast.MappingValueNode); ok {
		first = m.Key.GetToken()
	}
	n := Node{Line: first.Position.Line, Column: first.Position.Column, Text: first.Value}
	switch v := node.(type) {
	case ast.MapNode:
		n.Kind, n.Text = Map, ""
		for it := v.MapRange(); it.Next(); {
			key := it.Key().GetToken()
			n.Keys = append(n.Keys, Node{Kind: Text, Text: key.Value, Line: key.Position.Line, Column: key.Position.Column})
			n.Values = append(n.Values, nodeOfYAML(t, lines, it.Value()))
		}
	case *ast.SequenceNode:
		n.Kind, n.Text = List, ""
		for _, e := range v.Values {
			n.Values = append(n.Values, nodeOfYAML(t, lines, e))
		}
	case *ast.BoolNode:
		n.Kind = Bool
	case *ast.IntegerNode, *ast.FloatNode, *ast.NanNode, *ast.InfinityNode:
		n.Kind = Number
	case *ast.StringNode:
		n.Kind = Text
		if first.Type != token.StringType {
			n.Column++ // past the quote
		}
	case *ast.LiteralNode:
		n.Kind, n.Text = Text, v.Value.Value
		below := lines[n.Line]
		n.Line, n.Column = n.Line+1, len(below)-len(strings.TrimLeft(below, " "))+1
	case *ast.NullNode:
		n.Kind, n.Text = Null, ""
	default:
		t.Fatalf("a node of type %T", node)
	}
	return n
}

// compileYAML compiles rules in which there are no problems.
func compileYAML(t rapid.TB, text string) *Set {
	t.Helper()
	s, problems := Compile(yamlNode(t, text), Options{MaskKey: testKey})
	for _, p := range problems {
		t.Fatalf("line %d, column %d: %s", p.Line, p.Column, p.Message)
	}
	return s
}

func pipeline(t rapid.TB, s *Set, p source.Payload) *transform.Pipeline {
	t.Helper()
	rules := transform.Rules{Payload: p, Options: transform.Options{Layout: transform.One}, Upcasters: s.Text()}
	pipe, err := transform.Compile(rules, s.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	return pipe
}

// stored makes an event of a type and schema version.
func stored(event string, version int, data string) source.Event {
	return source.Event{
		Position: source.Position{Seq: 7}, ID: []byte("id-7"), Stream: []byte("s-1"), StreamVersion: 3,
		Type: event, SchemaVersion: version, Data: []byte(data),
	}
}

// upcast gives what one event becomes in the chain of a pipeline: a line each,
// of sub_index, type, schema version and payload.
func upcast(p *transform.Pipeline, e source.Event) (string, error) {
	x, err := p.Explain(p.NewCatalog(nil), &e)
	switch {
	case err != nil:
		return "", err
	case x.Failed != nil:
		return "", x.Failed
	}
	var lines []string
	for _, r := range x.Results {
		lines = append(lines, fmt.Sprintf("%d %s %d %s", r.SubIndex, r.Type, r.SchemaVersion, r.Data))
	}
	return strings.Join(lines, "\n"), nil
}

// outcomeOf is what the rules make of an event, or why they cannot.
func outcomeOf(t *testing.T, rules string, e source.Event) string {
	t.Helper()
	got, err := upcast(pipeline(t, compileYAML(t, rules), source.Payload{Markers: true}), e)
	if err != nil {
		return "error: " + err.Error()
	}
	return got
}
