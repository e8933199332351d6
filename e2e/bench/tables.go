//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// measured is the runs of one way in one scenario.
type measured struct {
	way      string
	hosts    int
	rtt      time.Duration
	expected time.Duration // from fewer hosts
	runs     []run
}

func column[T any](runs []run, f func(run) T) []T {
	list := make([]T, len(runs))
	for i, r := range runs {
		list[i] = f(r)
	}
	return list
}

func (m *measured) wall() time.Duration {
	return median(column(m.runs, func(r run) time.Duration { return r.wall }))
}

func (m *measured) cpu() time.Duration {
	return median(column(m.runs, func(r run) time.Duration { return r.cpu }))
}

func (m *measured) peak() int64 { return median(column(m.runs, func(r run) int64 { return r.peak })) }

func (m *measured) requests() int {
	return median(column(m.runs, func(r run) int { return r.requests }))
}

func (m *measured) connections() int {
	return median(column(m.runs, func(r run) int { return r.connections }))
}

func (m *measured) longest() (longest time.Duration) {
	for _, r := range m.runs {
		longest = max(longest, r.wall)
	}
	return longest
}

// print writes a run as benchstat reads it.
func (m *measured) print(r run) {
	fmt.Printf("BenchmarkCheck/way=%s/hosts=%d/rtt=%s 1 %d ns/op %d cpu-ns/op %d peak-B %d requests %d connections\n",
		strings.ReplaceAll(m.way, " ", "_"), m.hosts, m.rtt, r.wall.Nanoseconds(), r.cpu.Nanoseconds(), r.peak, r.requests, r.connections)
}

// The marks between which the tables stand in a file.
const (
	beginMark = "<!-- make bench writes from here -->"
	endMark   = "<!-- to here -->"
)

// splice replaces what is between the marks of a file.
func splice(file, report string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(text, []byte(beginMark))
	_, after, closed := bytes.Cut(rest, []byte(endMark))
	if !found || !closed {
		return fmt.Errorf("%s has no lines %q and %q", file, beginMark, endMark)
	}
	return os.WriteFile(file, fmt.Appendf(nil, "%s%s\n\n%s\n%s%s", before, beginMark, report, endMark, after), 0o644)
}

func markdown(cells, replays []measured, c *config) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Medians of up to %d runs; the ways took turns. A dash: it would have taken longer than %s (`-reps %d -budget %s`).\n\n",
		c.reps, c.budget, c.reps, c.budget)
	b.WriteString("| hosts | round trip | way | wall s | client CPU s | peak MB | requests | connections |\n|---|---|---|---|---|---|---|---|\n")
	for i := range cells {
		m := &cells[i]
		if len(m.runs) == 0 {
			fmt.Fprintf(&b, "| %d | %s | %s | – | | | | |\n", m.hosts, m.rtt, m.way)
			continue
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %s | %s | %.0f | %d | %d |\n", m.hosts, m.rtt, m.way,
			seconds(m.wall()), seconds(m.cpu()), float64(m.peak())/1e6, m.requests(), m.connections())
	}
	b.WriteString("\nHow many times faster `vic-preflight check` is, and how many times less CPU it takes:\n\n")
	b.WriteString("| hosts | round trip | than | faster | less CPU |\n|---|---|---|---|---|\n")
	for i := range cells {
		m := &cells[i]
		us := find(cells, rivalOf(m.way), m.hosts, m.rtt)
		if m.way == ours || m.way == oursState || len(m.runs) == 0 || us == nil {
			continue
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %s | %s |\n", m.hosts, m.rtt, m.way, ratio(m.wall(), us.wall()), ratio(m.cpu(), us.cpu()))
		if state := find(cells, oursState, m.hosts, m.rtt); m.way == vicMachine && state != nil {
			fmt.Fprintf(&b, "| %d | %s | %s, with `--firewall-state` | %s | %s |\n", m.hosts, m.rtt, m.way,
				ratio(m.wall(), state.wall()), ratio(m.cpu(), state.cpu()))
		}
	}
	b.WriteString("\nReading alone, from answers in memory:\n\n| hosts | way | wall s | client CPU s | peak MB |\n|---|---|---|---|---|\n")
	for i := range replays {
		m := &replays[i]
		fmt.Fprintf(&b, "| %d | %s | %s | %s | %.0f |\n", m.hosts, m.way, seconds(m.wall()), seconds(m.cpu()), float64(m.peak())/1e6)
		if null := find(replays, replayNull, m.hosts, 0); m.way == replayNull {
			us := find(replays, replayOurs, m.hosts, 0)
			fmt.Fprintf(&b, "| %d | collect / null | | %s | |\n", m.hosts, ratio(us.cpu(), null.cpu()))
		}
	}
	b.WriteString("\nThe ways:\n\n")
	for _, w := range slices.Concat(c.ways, replayWays) {
		fmt.Fprintf(&b, "- %s: %s\n", w.name, w.what)
	}
	return b.String()
}

// rivalOf is the way of this tool that another way is compared with: the other
// binary's with what is asked of it, everything else with a plain check.
func rivalOf(way string) string {
	if name, cut := strings.CutPrefix(way, before); cut {
		return name
	}
	return ours
}

func find(cells []measured, way string, hosts int, rtt time.Duration) *measured {
	for i := range cells {
		if m := &cells[i]; m.way == way && m.hosts == hosts && m.rtt == rtt && len(m.runs) > 0 {
			return m
		}
	}
	return nil
}

func ratio(a, b time.Duration) string { return fmt.Sprintf("%.1f", float64(a)/float64(b)) }

func seconds(d time.Duration) string { return fmt.Sprintf("%.3g", d.Seconds()) }
