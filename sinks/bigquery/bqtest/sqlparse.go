package bqtest

import (
	"strconv"
	"strings"
	"time"

	bq "google.golang.org/api/bigquery/v2"
)

// parser reads a query of the dialect.
type parser struct {
	query  string
	tokens []token
}

// parseScript reads a transaction, or DELETE statements where only their costs
// are asked for.
func parseScript(q *bq.JobConfigurationQuery, dryRun bool) (script []statement, err *apiError) {
	if len(q.QueryParameters) > 0 {
		return nil, invalidQuery("Parameters are not simulated")
	}
	p := &parser{query: q.Query}
	if p.tokens, err = tokens(q.Query); err != nil {
		return nil, err
	}
	switch {
	case !dryRun:
		script, err = p.transaction()
	case p.tokens[0].is("DELETE"):
		script, err = p.until(endOfText, "")
	default:
		err = p.unexpected()
	}
	return script, err
}

func (p *parser) transaction() ([]statement, *apiError) {
	if !p.peek().is("BEGIN") {
		return nil, noQueries()
	}
	if err := p.expect("BEGIN", "TRANSACTION", ";"); err != nil {
		return nil, err
	}
	script, err := p.until(wordToken, "COMMIT")
	if err != nil {
		return nil, err
	}
	if err := p.expect("COMMIT", "TRANSACTION", ";"); err != nil {
		return nil, err
	}
	if changed, _ := tablesOf(script); len(changed) == 0 || p.peek().kind != endOfText {
		return nil, p.unexpected()
	}
	return script, nil
}

// until reads statements up to a token.
func (p *parser) until(kind tokenKind, text string) (script []statement, err *apiError) {
	for p.peek().kind != kind || text != "" && !p.peek().is(text) {
		var s statement
		switch first := p.peek(); {
		case first.is("DELETE"):
			s, err = p.deletion()
		case first.is("INSERT"):
			s, err = p.insertion()
		case first.is("IF"):
			s, err = p.guard()
		default:
			err = p.unexpected()
		}
		if err == nil {
			err = p.expect(";")
		}
		if err != nil {
			return nil, err
		}
		script = append(script, s)
	}
	return script, nil
}

func (p *parser) deletion() (s deletion, err *apiError) {
	if err = p.expect("DELETE", "FROM"); err != nil {
		return s, err
	}
	if s.table, err = p.table(); err != nil {
		return s, err
	}
	if !p.peek().is("WHERE") {
		return s, invalidQuery("DELETE must have a WHERE clause at [1:1]")
	}
	s.where, err = p.where()
	return s, err
}

func (p *parser) insertion() (s insertion, err *apiError) {
	if err = p.expect("INSERT", "INTO"); err != nil {
		return s, err
	}
	if s.table, err = p.table(); err != nil {
		return s, err
	}
	if err = p.expect("("); err != nil {
		return s, err
	}
	if s.columns, err = p.names(); err != nil {
		return s, err
	}
	if err = p.expect(")"); err != nil {
		return s, err
	}
	if p.peek().is("VALUES") {
		s.values, err = p.values()
		return s, err
	}
	if err = p.expect("SELECT"); err != nil {
		return s, err
	}
	selected, err := p.names()
	if err != nil {
		return s, err
	}
	if strings.Join(selected, ",") != strings.Join(s.columns, ",") {
		return s, invalidQuery("Only columns of the same names can be inserted (the service goes by their order)")
	}
	if err = p.expect("FROM"); err != nil {
		return s, err
	}
	if s.from, err = p.table(); err != nil {
		return s, err
	}
	if p.peek().is("WHERE") {
		s.where, err = p.where()
	}
	return s, err
}

func (p *parser) values() (all []any, err *apiError) {
	if err := p.expect("VALUES", "("); err != nil {
		return nil, err
	}
	for {
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		all = append(all, v)
		if p.peek().is(")") {
			return all, p.expect(")")
		}
		if err := p.expect(","); err != nil {
			return nil, err
		}
	}
}

func (p *parser) where() (all []condition, err *apiError) {
	if err := p.expect("WHERE"); err != nil {
		return nil, err
	}
	for {
		c := condition{}
		if c.column, err = p.column(); err != nil {
			return nil, err
		}
		switch sign := p.next(); {
		case sign.is("IS"):
			if err := p.expect("NULL"); err != nil {
				return nil, err
			}
			c.sign = "IS NULL"
		case sign.kind == signToken && strings.ContainsAny(sign.text, "<>=") && sign.text != "!=":
			c.sign = sign.text
			if c.value, err = p.value(); err != nil {
				return nil, err
			}
		default:
			return nil, p.unexpected()
		}
		all = append(all, c)
		if !p.peek().is("AND") {
			return all, nil
		}
		p.next()
	}
}

func (p *parser) guard() (s guard, err *apiError) {
	if err = p.expect("IF"); err != nil {
		return s, err
	}
	for {
		if err = p.expect("(", "SELECT", "COUNT", "(", "*", ")", "FROM"); err != nil {
			return s, err
		}
		var c count
		if c.table, err = p.table(); err != nil {
			return s, err
		}
		if p.peek().is("WHERE") {
			if c.where, err = p.where(); err != nil {
				return s, err
			}
		}
		s.counts = append(s.counts, c)
		if err = p.expect(")"); err != nil {
			return s, err
		}
		if !p.peek().is("+") {
			break
		}
		p.next()
	}
	if s.sign = p.next().text; s.sign != "!=" && s.sign != ">" {
		return s, p.unexpected()
	}
	n, err := p.value()
	if err != nil {
		return s, err
	}
	s.number, _ = n.(int64)
	if err = p.expect("THEN", "RAISE", "USING", "MESSAGE", "="); err != nil {
		return s, err
	}
	text, err := p.value()
	if err != nil {
		return s, err
	}
	s.message, _ = text.(string)
	return s, p.expect(";", "END", "IF")
}

// value reads a number, a text, or a TIMESTAMP with its zone.
func (p *parser) value() (any, *apiError) {
	switch t := p.next(); {
	case t.kind == numberToken:
		n, err := strconv.ParseInt(t.text, 10, 64)
		if err != nil {
			return nil, syntax(p.query, t.at, "Invalid integer literal: %s", t.text)
		}
		return n, nil
	case t.kind == textToken:
		return t.text, nil
	case t.is("TIMESTAMP"):
		text := p.next()
		at, err := time.Parse("2006-01-02 15:04:05.999999-07", text.text)
		if text.kind != textToken || err != nil {
			return nil, invalidQuery("Invalid TIMESTAMP literal %q (one without a zone is not simulated)", text.text)
		}
		return timestamp(at.UnixMicro()), nil
	}
	return nil, p.unexpected()
}

func (p *parser) names() (all []string, err *apiError) {
	for {
		name, err := p.column()
		if err != nil {
			return nil, err
		}
		all = append(all, name)
		if !p.peek().is(",") {
			return all, nil
		}
		p.next()
	}
}

// column reads a name in backquotes; without them some names are keywords.
func (p *parser) column() (string, *apiError) {
	t := p.next()
	if t.kind != nameToken {
		return "", p.unexpected()
	}
	return t.text, nil
}

func (p *parser) table() (n tableName, err *apiError) {
	name, err := p.column()
	if err != nil {
		return n, err
	}
	parts := strings.Split(name, ".")
	if len(parts) != 3 {
		return n, invalidQuery("Table %q must be qualified with a project and a dataset", name)
	}
	return tableName{parts[0], parts[1], parts[2]}, nil
}

func (p *parser) expect(texts ...string) *apiError {
	for _, text := range texts {
		if t := p.next(); !t.is(text) && (t.kind != numberToken || t.text != text) {
			return p.unexpected()
		}
	}
	return nil
}

func (p *parser) peek() token { return p.tokens[0] }

func (p *parser) next() token {
	t := p.tokens[0]
	if t.kind != endOfText {
		p.tokens = p.tokens[1:]
	}
	return t
}

// unexpected is about where the parser has come to.
func (p *parser) unexpected() *apiError {
	at := p.peek().at
	return syntax(p.query, at, "Unexpected input, or what is not simulated, before %q", clip(p.query[at:]))
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40]
	}
	return s
}
