package sinktest

import (
	"errors"
	"slices"
	"testing"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"
)

// mends are the changes of a sinks.Mender: parts that hold the rows of one
// window, and of several, are taken away from readers.
func mends(s sinks.Sink) []Change {
	if _, ok := s.(sinks.Mender); !ok {
		return nil
	}
	first, second, third := Window(0, 30), Window(30, 40), Window(40, 60)
	load := func(t *testing.T, s sinks.Sink) error {
		var errs []error
		for _, w := range []source.Window{first, second, third} {
			errs = append(errs, Commit(t.Context(), s, w, Orders(), Refunds()))
		}
		return errors.Join(errs...)
	}
	mend := func(t *testing.T, s sinks.Sink) error {
		m := s.(sinks.Mender)
		_, files, err := m.Shared(t.Context(), Job, Generation, "orders", second)
		if err != nil {
			return err
		}
		_, err = m.Mend(t.Context(), Job, Generation, files)
		return err
	}
	all := []Change{{
		Name: "mend", Before: load, Do: mend,
		Tables: map[string][][]string{
			"orders":  {linesOf(Orders(), first, second, third), linesOf(Orders(), first, third)},
			"refunds": {linesOf(Refunds(), first, second, third)},
		},
	}}
	if _, ok := s.(sinks.Compactor); ok {
		all = append(all, Change{
			Name: "mend merged", Do: mend,
			Before: func(t *testing.T, s sinks.Sink) error {
				if err := load(t, s); err != nil {
					return err
				}
				_, err := s.(sinks.Compactor).Compact(t.Context(), Job, Generation, sinks.CompactOptions{TargetBytes: 1 << 20})
				return err
			},
			Tables: map[string][][]string{
				"orders":  {linesOf(Orders(), first, second, third), nil},
				"refunds": {linesOf(Refunds(), first, second, third)},
			},
		})
	}
	return all
}

// testMend has a table lose a file and get one of nobody, and takes both away:
// then the sink holds what its manifests say, and the loads can be replaced.
func testMend(t *testing.T, p Place) {
	ctx, s := t.Context(), p.open(t)
	m, ok := s.(sinks.Mender)
	if !ok || p.Lose == nil || p.Intrude == nil {
		return
	}
	windows := []source.Window{Window(0, 30), Window(30, 40), Window(40, 60)}
	for _, w := range windows {
		mustCommit(t, s, w, Orders(), Refunds())
	}
	if found, err := m.Damage(ctx, Job, Generation); err != nil || len(found) > 0 {
		t.Fatalf("damage: got %v, %v, want none", found, err)
	}
	p.Lose(t, "orders")
	p.Intrude(t, "refunds")
	found, err := m.Damage(ctx, Job, Generation)
	if err != nil || len(found) != 2 {
		t.Fatalf("damage: got %v, %v, want two", found, err)
	}
	var files []string
	var lost []source.Window
	for _, d := range found {
		files, lost = append(files, d.File), append(lost, d.Windows...)
	}
	moved, err := m.Mend(ctx, Job, Generation, files)
	if err != nil || len(moved) != 2 {
		t.Fatalf("mend: got %q, %v", moved, err)
	}
	for i, d := range found {
		if foreign := len(d.Windows) == 0; foreign != (moved[i] != "") {
			t.Fatalf("mend %s: it was moved to %q", d.File, moved[i])
		}
	}
	if found, err = m.Damage(ctx, Job, Generation); err != nil || len(found) > 0 {
		t.Fatalf("damage afterwards: got %v, %v, want none", found, err)
	}
	if err := s.(sinks.Inventory).Check(ctx, Job, Generation); err != nil {
		t.Fatal(err)
	}
	left := slices.DeleteFunc(slices.Clone(windows), func(w source.Window) bool { return slices.Contains(lost, w) })
	p.expect(t, Orders(), left...)
	p.expect(t, Refunds(), windows...)
	for _, w := range lost {
		if err := replace(ctx, s, w, w, []*transform.Table{Orders(), Refunds()}...); err != nil {
			t.Fatal(err)
		}
	}
	p.expectOld(t, windows...)
	p.expectTidy(t, s)
}
