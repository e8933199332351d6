//go:build linux

// Command bench measures what finding out about every host costs, by this tool
// and by the ways that there are besides, in one interleaved run: against
// simulators in processes of their own, behind links of several round-trip
// times. It prints a line for each run, which benchstat reads, and writes the
// medians and their ratios as Markdown.
//
// A way that would take longer than the budget, going by its time for fewer
// hosts, is left out and said to be.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// config is what the flags say.
type config struct {
	hosts  []int
	rtts   []time.Duration
	reps   int
	budget time.Duration
	replay []int
	write  string
	dir    string
	ways   []way
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == runFlag {
		os.Exit(runChild(os.Args[2:]))
	}
	var c config
	hosts := flag.String("hosts", "16,100,1000,5000", "how many `hosts` there are, one simulator for each")
	rtts := flag.String("rtt", "0,10ms,50ms", "round-trip `times`")
	replay := flag.String("replay", "1000,5000", "how many `hosts` the replays have")
	flag.IntVar(&c.reps, "reps", 10, "how often a way is run; one that takes long is run less")
	flag.DurationVar(&c.budget, "budget", 150*time.Second, "what one run may take")
	flag.StringVar(&c.write, "write", "", "`file` to write the tables to")
	beside := flag.String("beside", "", "another vic-preflight, `file`, that takes turns with this one in rows of its own (before: ...)")
	only := flag.String("only", "", "`prefix` of the names of the ways to run; all when empty")
	flag.Parse()
	var err error
	c.ways, err = chosen(*only, *beside)
	for _, s := range strings.Split(*rtts, ",") {
		rtt, parseErr := time.ParseDuration(s)
		c.rtts, err = append(c.rtts, rtt), first(err, parseErr)
	}
	c.hosts, err = numbers(*hosts, err)
	c.replay, err = numbers(*replay, err)
	if err == nil {
		err = c.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// chosen are the ways whose names have the prefix. Those of this tool come once
// more by the other binary when there is one.
func chosen(prefix, beside string) (list []way, err error) {
	if beside != "" {
		if beside, err = filepath.Abs(beside); err != nil {
			return nil, err
		}
	}
	for _, w := range ways {
		if !strings.HasPrefix(w.name, prefix) {
			continue
		}
		list = append(list, w)
		if beside != "" && (w.name == ours || w.name == oursState) {
			list = append(list, w.by(beside))
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("no way's name begins with %q", prefix)
	}
	return list, nil
}

func numbers(list string, err error) ([]int, error) {
	var all []int
	for _, s := range strings.Split(list, ",") {
		if s == "" {
			continue
		}
		n, parseErr := strconv.Atoi(s)
		all, err = append(all, n), first(err, parseErr)
	}
	return all, err
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *config) run() error {
	var err error
	if c.dir, err = os.MkdirTemp("", "vic-preflight-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(c.dir)
	if err := build(c.dir); err != nil {
		return err
	}
	fmt.Printf("goos: %s\ngoarch: %s\npkg: vic-preflight/e2e/bench\n", runtime.GOOS, runtime.GOARCH)
	var all []measured
	for _, rtt := range c.rtts {
		spent := map[string]spending{} // by way
		for _, n := range c.hosts {
			cells, err := c.scenario(n, rtt, spent)
			if err != nil {
				return err
			}
			all = append(all, cells...)
		}
	}
	replays, err := c.replays()
	if err != nil {
		return err
	}
	report := markdown(all, replays, c)
	if c.write == "" {
		fmt.Print("\n" + report)
		return nil
	}
	return splice(c.write, report)
}

// spending is how long a way took for how many hosts.
type spending struct {
	hosts int
	took  time.Duration
}

// expected is how long a way takes for n hosts, going by fewer.
func (s spending) expected(n int) time.Duration {
	if s.hosts == 0 {
		return 0
	}
	return s.took * time.Duration(n) / time.Duration(s.hosts)
}

// repetitions runs what takes long less often.
func (c *config) repetitions(expected time.Duration) int {
	switch {
	case expected > 20*time.Second:
		return 1
	case expected > 5*time.Second:
		return min(c.reps, 3)
	}
	return c.reps
}

// scenario measures all ways against one simulator, in turn.
func (c *config) scenario(hosts int, rtt time.Duration, spent map[string]spending) ([]measured, error) {
	s, err := startServer(c.dir, hosts, false)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	link, err := s.behind(rtt)
	if err != nil {
		return nil, err
	}
	defer link.Close()
	place := target{dir: c.dir, address: link.Addr(), thumbprint: s.Thumbprint, hosts: hosts}

	cells := make([]measured, len(c.ways))
	for i, w := range c.ways {
		cells[i] = measured{way: w.name, hosts: hosts, rtt: rtt, expected: spent[w.name].expected(hosts)}
	}
	for rep := range c.reps {
		for i, w := range c.ways {
			cell := &cells[i]
			if cell.expected > c.budget || rep >= c.repetitions(max(cell.expected, cell.longest())) {
				continue
			}
			before, err := s.stats()
			if err != nil {
				return nil, err
			}
			r, err := execute(w.command(place))
			if err != nil {
				return nil, fmt.Errorf("%s, %d hosts: %w", w.name, hosts, err)
			}
			after, err := s.stats()
			if err != nil {
				return nil, err
			}
			r.requests, r.connections = after.Requests-before.Requests, after.Connections-before.Connections
			cell.runs = append(cell.runs, r)
			cell.print(r)
		}
	}
	for i, w := range c.ways {
		if len(cells[i].runs) > 0 {
			spent[w.name] = spending{hosts, cells[i].wall()}
		}
	}
	return cells, nil
}

// replays measures reading alone, from answers in memory.
func (c *config) replays() ([]measured, error) {
	var all []measured
	for _, hosts := range c.replay {
		cells, err := c.replayed(hosts)
		if err != nil {
			return nil, err
		}
		all = append(all, cells...)
	}
	return all, nil
}

func (c *config) replayed(hosts int) ([]measured, error) {
	s, err := startServer(c.dir, hosts, true)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	place := target{dir: c.dir, address: s.address(), thumbprint: s.Thumbprint, hosts: hosts}
	collect := replayWays[0]
	if _, err := execute(collect.command(place)); err != nil { // records the answers
		return nil, err
	}
	if place.requests, err = s.saveRecorded(c.dir); err != nil {
		return nil, err
	}
	cells := make([]measured, len(replayWays))
	for range c.reps {
		for i, w := range replayWays {
			cells[i].way, cells[i].hosts = w.name, hosts
			r, err := execute(w.command(place))
			if err != nil {
				return nil, fmt.Errorf("%s, %d hosts: %w", w.name, hosts, err)
			}
			cells[i].runs = append(cells[i].runs, r)
			cells[i].print(r)
		}
	}
	return cells, nil
}

// median of values that need not be sorted; the lower one of two in the middle.
func median[T int | int64 | float64 | time.Duration](values []T) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]
}
