package expression

import (
	"errors"
	"testing"

	"backstory/source"
	"backstory/transform"
)

func mustCompile(t testing.TB, text string) *Program {
	t.Helper()
	p, err := Compile(text, Options{})
	if err != nil {
		t.Fatalf("compile %s: %v", text, err)
	}
	return p
}

func document(t testing.TB, json string) *transform.Document {
	t.Helper()
	var d transform.Document
	if err := d.Parse([]byte(json), true); err != nil {
		t.Fatalf("parse %s: %v", json, err)
	}
	return &d
}

// event is one with that payload and some metadata.
func event(t testing.TB, data string) *Env {
	t.Helper()
	return envOf(document(t, data))
}

func envOf(data *transform.Document) *Env {
	var meta transform.Document
	if err := meta.Parse([]byte(`{"user":"ana","trace":{"id":"x"}}`), true); err != nil {
		panic(err)
	}
	return &Env{Event: &transform.Envelope{
		Position: source.Position{Seq: 120}, Stream: []byte("cart-7"), StreamVersion: 3,
		ID: []byte("e-1"), Type: "Cart.ItemAdded", Stored: 1, SchemaVersion: 2,
		Micros: 1738317600000001, HasTime: true, // 2025-01-31T10:00:00.000001Z
		Data: data, Meta: &meta,
	}}
}

// evaluate gives the result as JSON text, and its kind.
func evaluate(env *Env, text string, o Options) (string, transform.ValueKind, error) {
	p, err := Compile(text, o)
	if err != nil {
		return "", 0, err
	}
	var out transform.Document
	v, err := p.Value(env, &out)
	if err != nil {
		return "", 0, err
	}
	return string(out.AppendJSON(nil, v)), out.Kind(v), nil
}

func asError(t testing.TB, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v (%T), want an *Error", err, err)
	}
	return e
}
