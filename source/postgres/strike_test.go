package postgres

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStrike(t *testing.T) {
	for name, c := range map[string]struct{ waiting, seen, running, want transactions }{
		"ended":         {transactions{"1/1": false, "2/1": false}, nil, transactions{"2/1": false}, transactions{"2/1": false}},
		"later writers": {transactions{"1/1": false}, nil, transactions{"1/1": false, "3/9": false}, transactions{"1/1": false}},
		"prepared under another name, before PostgreSQL 14": {transactions{"1/1": false}, nil,
			transactions{"-1/77": true}, transactions{"-1/77": true}},
		"prepared later":       {transactions{"1/1": false}, nil, transactions{"1/1": false, "-1/77": true}, transactions{"1/1": false}},
		"prepared before":      {transactions{"1/1": false}, transactions{"-1/70": true}, transactions{"-1/70": true}, transactions{}},
		"a prepared one ended": {transactions{"-1/70": true}, nil, transactions{"-1/77": true}, transactions{}},
	} {
		t.Run(name, func(t *testing.T) {
			f := fence{waiting: maps.Clone(c.waiting), seen: maps.Clone(c.waiting)}
			maps.Copy(f.seen, c.seen)
			f.strike(c.running)
			if diff := cmp.Diff(c.want, f.waiting); diff != "" {
				t.Errorf("still waited for (-want +got):\n%s", diff)
			}
		})
	}
}
