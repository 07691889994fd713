package upcast

import (
	"slices"

	"backstory/source"
	"backstory/transform"
)

// keep takes out all members of the payload, or inside each of the element,
// but those it names:
//
//	keep: [order_id, total]
//
// Names behind meta. say the same of the metadata, which stays as it is where
// there are none. What the source has lifted into the envelope (the time, the
// schema version) stays there.
type keep struct {
	data, meta []string // nil where nothing is said
}

const keepHint = "write a list of names of the top level, such as [order_id, total]; drop takes out what lies deeper"

func compileKeep(c *compiler, arg *Node) Operation {
	paths, ok := c.paths(arg, keepHint, c.member)
	if !ok {
		return nil
	}
	var k keep
	for i := range paths {
		p := &paths[i]
		switch {
		case len(p.steps) > 1:
			c.fail(&arg.Values[i], keepHint, "keep wants names of the top level, got %s", source.Clip(p.text))
			return nil
		case p.meta:
			k.meta = append(k.meta, p.steps[0].name)
		default:
			k.data = append(k.data, p.steps[0].name)
		}
	}
	return &k
}

func (o *keep) Apply(s *Scope) error {
	if err := keepOnly(s.Doc, s.Root, o.data); err != nil {
		return &pathError{"keep", whole(s), err}
	}
	if meta := s.Event.Meta; o.meta != nil && meta.Root() != transform.None {
		if err := keepOnly(meta, meta.Root(), o.meta); err != nil {
			return &pathError{"keep", "meta", err}
		}
	}
	return nil
}

func keepOnly(doc *transform.Document, object transform.Value, names []string) error {
	if names == nil || doc.Kind(object) == transform.ValueNull {
		return nil
	}
	if k := doc.Kind(object); k != transform.ValueObject {
		return wantKind("an object", k)
	}
	doc.Filter(object, func(m transform.Value) bool {
		name := doc.Name(m)
		return slices.ContainsFunc(names, func(n string) bool { return string(name) == n })
	})
	return nil
}

// whole is the path of what operations work on: all of the payload, or the
// element.
func whole(s *Scope) string {
	if s.List != transform.None {
		return "$"
	}
	return "data"
}
