package memory_test

import (
	"testing"

	"backstory/sinks"
	"backstory/sinks/memory"
	"backstory/sinks/sinktest"
)

func TestSink(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinktest.Place {
		var store memory.Store
		return sinktest.Place{
			Open: func(t *testing.T, step func(string)) sinks.Sink { return store.Open(step) },
			Rows: func(t *testing.T, table string) []string {
				return store.Rows(sinktest.Job, store.Live(sinktest.Job), table)
			},
			Leftovers: func(t *testing.T) []string { return nil },
		}
	})
}
