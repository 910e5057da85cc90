package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A Result is one measure: what was got, the floor in the same run, their ratio and what it must reach.
type Result struct {
	Measure string  `json:"measure"`
	Got     string  `json:"got"`
	Floor   string  `json:"floor"`
	Ratio   float64 `json:"ratio"`
	Target  float64 `json:"target"`
	AtMost  bool    `json:"at_most"` // the target is a ceiling, not a floor
}

// OK tells whether the target is reached.
func (r Result) OK() bool {
	if r.AtMost {
		return r.Ratio <= r.Target
	}
	return r.Ratio >= r.Target
}

func (r Result) verdict() string {
	word := ">="
	if r.AtMost {
		word = "<="
	}
	s := fmt.Sprintf("%s %.4g", word, r.Target)
	if !r.OK() {
		s += "  MISSED"
	}
	return s
}

func printTable(w io.Writer, results []Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "measure\tgot\tfloor\tratio\ttarget")
	for _, r := range results {
		fmt.Fprintf(t, "%s\t%s\t%s\t%.3g\t%s\n", r.Measure, r.Got, r.Floor, r.Ratio, r.verdict())
	}
	return t.Flush()
}

// median is the middle of the samples, which noise moves least.
func median(samples []time.Duration) time.Duration {
	slices.Sort(samples)
	return samples[len(samples)/2]
}

// interleaved measures several things n times each in turn, so that a noisy moment hits all of them alike, and returns
// the median of each.
func interleaved(n int, things ...func() error) ([]time.Duration, error) {
	samples := make([][]time.Duration, len(things))
	for range n {
		for i, thing := range things {
			start := time.Now()
			if err := thing(); err != nil {
				return nil, err
			}
			samples[i] = append(samples[i], time.Since(start))
		}
	}
	medians := make([]time.Duration, len(things))
	for i := range things {
		medians[i] = median(samples[i])
	}
	return medians, nil
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

func brief(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(100 * time.Nanosecond).String()
}

func rate(bytes int64, d time.Duration) string {
	return fmt.Sprintf("%.0f MB/s", perSecond(bytes, d)/1e6)
}

func perSecond(n int64, d time.Duration) float64 { return float64(n) / d.Seconds() }

func matches(only, name string) bool { return only == "" || strings.Contains(name, only) }
