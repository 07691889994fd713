package expression

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

// parse reads the text by the grammar of expr.
func parse(text string) (root ast.Node, err error) {
	if len(text) > maxText {
		return nil, fault(0, "expression has %d bytes, and %d are allowed", len(text), maxText).
			advise("split it into several steps, or write the upcaster in Go")
	}
	if !utf8.ValidString(text) {
		return nil, fault(0, "expression is not UTF-8")
	}
	if strings.TrimSpace(text) == "" {
		return nil, fault(0, "expression is empty")
	}
	// The parser meets what anybody may have written, and is not ours.
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, fault(0, "expression cannot be read: %v", r)
		}
	}()
	tree, err := parser.ParseWithConfig(text, config())
	if err == nil {
		return tree.Node, nil
	}
	var e *file.Error
	if !errors.As(err, &e) {
		return nil, fault(0, "%s", err)
	}
	return nil, fault(e.From+1, "%s", parserMessage(e.Message))
}

// config is the parser's: its functions are told apart later.
func config() *conf.Config {
	c := conf.CreateNew()
	c.MaxNodes = maxNodes
	return c
}

// columnOf is where a node stands in the text, in characters from 1.
func columnOf(n ast.Node) int { return n.Location().From + 1 }
