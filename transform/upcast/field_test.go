package upcast

import (
	"errors"
	"strings"
	"testing"

	"backstory/source"
	"backstory/transform"

	"pgregory.net/rapid"
)

// A fieldTest is one operation on one event. Payload, metadata and operation
// are JSON; the former may hold typed markers.
type fieldTest struct {
	name, operation string
	given, want     string
	meta, wantMeta  string
	err             string // what the error says, in place of want
}

func testOperations(t *testing.T, tests []fieldTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := compileOne(t, tt.operation, Options{MaskKey: fieldKey})
			s := scopeOf(t, tt.given, tt.meta)
			err := o.Apply(s)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("got %v and error %v, want error %s", payload(s), err, tt.err)
				}
				var p *pathError
				switch {
				case err == nil:
				case !errors.As(err, &p):
					t.Errorf("error %v names no path", err)
				default:
					checkUntold(t, p.err, s.Doc, s.Doc.Root(), tt.operation)
				}
				return
			}
			if err != nil {
				t.Fatalf("got error %v, want %s", err, tt.want)
			}
			if got := payload(s); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if got := jsonOf(s.Event.Meta); got != tt.wantMeta {
				t.Errorf("got metadata %s, want %s", got, tt.wantMeta)
			}
		})
	}
}

var fieldKey = []byte("a key of twenty bytes")

// operationNode is {"name": argument} as its two nodes.
func operationNode(t rapid.TB, operation string) (key, arg *Node) {
	t.Helper()
	n, err := Parse([]byte(operation))
	if err != nil {
		t.Fatalf("%v: %s", err, operation)
	}
	return &n.Keys[0], &n.Values[0]
}

func compileOne(t rapid.TB, operation string, o Options) Operation {
	t.Helper()
	key, arg := operationNode(t, operation)
	c := &compiler{options: o}
	op := c.operation(key, arg)
	if op == nil || len(c.problems) > 0 {
		t.Fatalf("compile %s: %v", operation, c.problems)
	}
	return op
}

// compileAll compiles a list of operations.
func compileAll(t rapid.TB, operations string) []Operation {
	t.Helper()
	n, err := Parse([]byte(operations))
	if err != nil {
		t.Fatal(err)
	}
	c := &compiler{options: Options{MaskKey: fieldKey}}
	all := c.operations(n)
	if len(c.problems) > 0 {
		t.Fatalf("compile %s: %v", operations, c.problems)
	}
	return all
}

func scopeOf(t rapid.TB, data, meta string) *Scope {
	t.Helper()
	e := &transform.Envelope{Data: new(transform.Document), Meta: new(transform.Document)}
	if err := e.Data.Parse([]byte(data), true); err != nil {
		t.Fatal(err)
	}
	if meta != "" {
		if err := e.Meta.Parse([]byte(meta), true); err != nil {
			t.Fatal(err)
		}
	}
	s := new(Scope)
	s.begin(e, nil, nil)
	return s
}

func payload(s *Scope) string { return jsonOf(s.Event.Data) }

// jsonOf writes a document down, "" for one without a value.
func jsonOf(d *transform.Document) string {
	if d.Root() == transform.None {
		return ""
	}
	return string(d.AppendJSON(nil, d.Root()))
}

// A badRule is an operation that cannot be compiled.
type badRule struct{ operation, message string }

func testBadRules(t *testing.T, tests []badRule) {
	t.Helper()
	for _, tt := range tests {
		key, arg := operationNode(t, tt.operation)
		c := &compiler{}
		op := c.operation(key, arg)
		var messages []string
		for _, p := range c.problems {
			messages = append(messages, p.Message)
		}
		if got := strings.Join(messages, "; "); got != tt.message || op != nil {
			t.Errorf("%s: got %s and operation %v, want %s", tt.operation, got, op, tt.message)
		}
	}
}

// checkUntold finds values of the event in the text of an error that is to
// tell none; short ones, and those that the rule itself has, prove nothing.
func checkUntold(t *testing.T, err error, doc *transform.Document, v transform.Value, rule string) {
	t.Helper()
	if v == transform.None {
		return
	}
	if k := doc.Kind(v); k == transform.ValueArray || k == transform.ValueObject {
		for c := doc.First(v); c != transform.None; c = doc.Next(c) {
			checkUntold(t, err, doc, c, rule)
		}
	}
	text, ok := appendScalar(nil, doc, v)
	if ok && len(text) > 3 && !strings.Contains(rule, string(text)) && strings.Contains(source.Untold(err), string(text)) {
		t.Errorf("%q tells the value %s", source.Untold(err), text)
	}
}
