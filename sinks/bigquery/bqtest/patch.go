package bqtest

import (
	"encoding/json"
	"strings"
)

// merge makes of an old resource the new one that the request asks for. A
// PATCH changes the members it names and clears those it names as null, as
// RFC 7396 says, which is how the API's patches work; an update (PUT) names
// all members there are.
func merge[T any](c *call, old *T) (*T, *apiError) {
	next := new(T)
	// The request by itself tells whether the API knows its members.
	if err := c.decode(next); err != nil {
		return nil, err
	}
	if strings.HasSuffix(c.Method, ".update") {
		return next, nil
	}
	was, err := members(old)
	if err != nil {
		return nil, fail(500, "internalError", "merge resource: %v", err)
	}
	var change map[string]any
	if err := json.Unmarshal(c.body, &change); err != nil {
		return nil, invalid("Invalid JSON payload received. %v", err)
	}
	mergePatch(was, change)
	text, err := json.Marshal(was)
	if err != nil {
		return nil, fail(500, "internalError", "merge resource: %v", err)
	}
	next = new(T)
	if err := json.Unmarshal(text, next); err != nil {
		return nil, invalid("Invalid JSON payload received. %v", err)
	}
	return next, nil
}

// clone gives a copy that shares nothing.
func clone[T any](v *T) *T {
	out := new(T)
	if b, err := json.Marshal(v); err == nil {
		_ = json.Unmarshal(b, out)
	}
	return out
}

func members(v any) (map[string]any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var m map[string]any
	return m, json.Unmarshal(b, &m)
}

func mergePatch(to, change map[string]any) {
	for k, v := range change {
		inner, ok := v.(map[string]any)
		old, was := to[k].(map[string]any)
		switch {
		case v == nil:
			delete(to, k)
		case ok && was:
			mergePatch(old, inner)
		default:
			to[k] = v
		}
	}
}
