package main

import (
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"
	"time"
)

// The limits that Backstory sets itself.
const (
	ratioLimit  = 2.5       // of the wall time of a bare COPY, from PostgreSQL
	ratioEvents = 1_000_000 // below that, starting up is most of the time
	cloudLimit  = 0.8       // of the rate of a run into files, at least
	cloudPeak   = 288 << 20 // bytes: peakLimit, and a part of an upload of 16 MiB for each of two workers
	upcastLimit = 1.3       // of the wall time of a run without upcasters
	peakLimit   = 256 << 20 // bytes
	idleLimit   = 50 * time.Millisecond
)

// report prints what was measured, and whether it is within the limits.
func (b *bench) report(w io.Writer) error {
	fmt.Fprintf(w, "%d events; median of %d; %s/%s, %d cores, %s\n\n", b.options.events, b.options.runs, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "store\tCOPY s\tunordered s\trun s\tCPU s\tevents/s\tratio\tbest\tpeak MiB\tParquet MiB\tfiles\tidle CPU ms\t")
	for _, r := range b.results {
		first := median(r.first)
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f\t%.2f\t%.0f\t%.2f\t%.2f\t%.0f\t%.1f\t%d\t%.0f\t\n", r.store,
			median(r.copied).wall.Seconds(), median(r.scanned).wall.Seconds(), first.wall.Seconds(), first.cpu.Seconds(),
			float64(b.options.events)/first.wall.Seconds(), r.ratio(), r.best(), mebibytes(peak(r.first)), mebibytes(r.bytes), r.files,
			milliseconds(median(r.idle).cpu))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, r := range b.results {
		fmt.Fprintf(w, "%s: %.2f s with upcasters (%.2f times the run without, %.2f the quickest of both), discover %.2f s (%.2f times the run)\n", r.store,
			median(r.upcast).wall.Seconds(), r.upcastRatio(), quickest(r.upcast).wall.Seconds()/quickest(r.first).wall.Seconds(),
			median(r.discover).wall.Seconds(), median(r.discover).wall.Seconds()/median(r.first).wall.Seconds())
	}
	for _, r := range b.results {
		run, cloud := median(r.first), median(r.warehouse)
		fmt.Fprintf(w, "%s: %.2f s and %.2f s of CPU into BigQuery on loopback: %.2f of the rate into files, %.2f the quickest of both, %.2f of the CPU; peak %.0f MiB\n", r.store,
			cloud.wall.Seconds(), cloud.cpu.Seconds(), r.cloudRatio(), quickest(r.first).wall.Seconds()/quickest(r.warehouse).wall.Seconds(),
			cloud.cpu.Seconds()/run.cpu.Seconds(), mebibytes(peak(r.warehouse)))
	}
	fmt.Fprintln(w)
	for _, r := range b.results {
		if r.store == "postgres" && b.options.events >= ratioEvents {
			verdict(w, r.ratio() <= ratioLimit, "%s: %.2f times a bare COPY, limit %.1f", r.store, r.ratio(), ratioLimit)
		}
		if b.options.events >= ratioEvents {
			verdict(w, r.cloudRatio() >= cloudLimit, "%s: %.2f of the rate of a run into files into BigQuery on loopback, limit %.1f", r.store, r.cloudRatio(), cloudLimit)
			verdict(w, r.upcastRatio() <= upcastLimit, "%s: %.2f times the run without upcasters with a chain of three on half of the events, limit %.1f", r.store, r.upcastRatio(), upcastLimit)
		}
		for _, of := range []struct {
			what    string
			samples []sample
		}{{"a run", r.first}, {"a run with upcasters", r.upcast}, {"discover", r.discover}} {
			verdict(w, peak(of.samples) <= peakLimit, "%s: %s has a peak of %.0f MiB, limit %.0f", r.store, of.what, mebibytes(peak(of.samples)), mebibytes(peakLimit))
		}
		verdict(w, peak(r.warehouse) <= cloudPeak, "%s: a run into BigQuery has a peak of %.0f MiB, limit %.0f", r.store, mebibytes(peak(r.warehouse)), mebibytes(cloudPeak))
		verdict(w, median(r.idle).cpu < idleLimit, "%s: a run with nothing new takes %.0f ms of CPU, limit %.0f", r.store, milliseconds(median(r.idle).cpu), milliseconds(idleLimit))
	}
	return nil
}

// ratio compares the run from nothing with the copy in order.
func (r result) ratio() float64 {
	return median(r.first).wall.Seconds() / median(r.copied).wall.Seconds()
}

// cloudRatio compares the rate into BigQuery with that into files.
func (r result) cloudRatio() float64 {
	return median(r.first).wall.Seconds() / median(r.warehouse).wall.Seconds()
}

// upcastRatio compares the run from nothing with upcasters with the one without.
func (r result) upcastRatio() float64 {
	return median(r.upcast).wall.Seconds() / median(r.first).wall.Seconds()
}

// best compares the quickest of both. On a machine that is busy with other
// things it is nearer to the truth.
func (r result) best() float64 {
	return quickest(r.first).wall.Seconds() / quickest(r.copied).wall.Seconds()
}

func verdict(w io.Writer, pass bool, format string, args ...any) {
	word := "FAIL"
	if pass {
		word = "PASS"
	}
	fmt.Fprintf(w, "%s  %s\n", word, fmt.Sprintf(format, args...))
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
