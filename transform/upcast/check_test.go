package upcast

import (
	"fmt"
	"strings"
	"testing"

	"backstory/transform"
)

// A chain that no event could pass is a mistake of the rules, not of events.
func TestTooLongAChain(t *testing.T) {
	var b strings.Builder
	for v := 1; v <= transform.MaxSteps+1; v++ {
		fmt.Fprintf(&b, `%s{"event": "E", "from": %d, "do": []}`, map[bool]string{true: "[", false: ","}[v == 1], v)
	}
	node, err := Parse([]byte(b.String() + "]"))
	if err != nil {
		t.Fatal(err)
	}
	_, problems := Compile(node, Options{})
	if len(problems) != 1 || !strings.Contains(problems[0].Message, "1001 upcasters one after the other") || problems[0].Hint == "" {
		t.Errorf("got %v", problems)
	}
}
