package clients_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/sim/simtest"
)

// entry is what a report's plan says of one ruleset of a host.
type entry struct {
	Host, Action, Ruleset string
	Done, Verified        bool
	After                 *struct {
		Enabled      *bool
		AllowedHosts *struct {
			All       bool
			Addresses []string
			Networks  []string
		}
	}
}

// report runs the program, whose last word is a report of one target.
func (s *site) report(ctx context.Context, args string, into any) {
	GinkgoHelper()
	cmd := exec.CommandContext(ctx, preflight, append(strings.Fields(args), "-o", "json")...)
	cmd.Env = environment("VIC_MACHINE_TARGET="+s.vc.URL.Host, "VIC_MACHINE_USER=root", "VIC_MACHINE_PASSWORD=pw", "VIC_MACHINE_THUMBPRINT="+s.vc.Thumbprint)
	out, _ := cmd.Output() // the exit code is about the verdicts
	var r struct{ Targets []json.RawMessage }
	Expect(json.Unmarshal(out, &r)).To(Succeed(), "%s", args)
	Expect(r.Targets).To(HaveLen(1))
	Expect(json.Unmarshal(r.Targets[0], into)).To(Succeed())
}

func newSite(ctx context.Context, scenario string) *site {
	GinkgoHelper()
	s := &site{vc: simtest.Start(GinkgoTB(), scenario, sim.Options{User: "root", Password: "pw"}), paths: map[string]string{}}
	var r struct {
		Hosts []struct{ Name, Path, Cluster string }
	}
	s.report(ctx, "check", &r)
	for _, h := range r.Hosts {
		s.paths[h.Name] = h.Path
		s.clusters = append(s.clusters, h.Cluster)
	}
	slices.Sort(s.clusters)
	s.clusters = slices.Compact(s.clusters)
	return s
}

// change runs a command that changes hosts, and returns the state that its report claims for
// them: the plan's rows, all of them verified, on top of what was.
func (s *site) change(ctx context.Context, was state, args string, rows int) state {
	GinkgoHelper()
	var r struct{ Plan []entry }
	s.report(ctx, args, &r)
	claimed := state{}
	for host, rulesets := range was {
		claimed[host] = maps.Clone(rulesets)
	}
	changed := 0
	for _, e := range r.Plan {
		if !e.Done {
			continue
		}
		changed++
		Expect(e.Verified).To(BeTrue(), "%s: %+v", args, e)
		Expect(e.After).NotTo(BeNil(), "%s: %+v", args, e)
		rs := claimed[e.Host][e.Ruleset]
		if e.After.Enabled != nil {
			rs.Enabled = *e.After.Enabled
		}
		if a := e.After.AllowedHosts; a != nil {
			rs.Allowed = newAllowed(a.All, slices.Concat(a.Addresses, a.Networks)...)
		}
		claimed[e.Host][e.Ruleset] = rs
	}
	Expect(changed).To(Equal(rows), "%s: %+v", args, r.Plan)
	Expect(differences(claimed, was)).NotTo(BeEmpty(), "%s changes something", args)
	return claimed
}

// verify lets every client read what there is.
func (s *site) verify(ctx context.Context, args string, want state) {
	GinkgoHelper()
	for name, read := range map[string]func(context.Context) state{"pyvmomi": s.pyvmomi, "Ansible": s.ansible, "govc": s.govc} {
		got := read(ctx)
		Expect(slices.Sorted(maps.Keys(got))).To(Equal(slices.Sorted(maps.Keys(want))), "the hosts of %s", name)
		Expect(differences(got, want)).To(BeEmpty(), "%s after %s", name, args)
	}
}

var _ = It("what the report claims of each change, other clients read, host by host", func(ctx SpecContext) {
	s := newSite(ctx, "closed")
	first := s.pyvmomi(ctx)
	Expect(first).To(HaveLen(5))
	s.verify(ctx, "nothing", first)
	dir, now := GinkgoT().TempDir(), first
	for _, step := range []struct {
		args string
		rows int
		back bool // to the first state
	}{
		{args: "fix --allow --compute-resource edge --journal DIR/enable", rows: 2},
		{args: "undo DIR/enable", rows: 2, back: true},
		{args: "fix --allow --compute-resource prod --vch-ip 10.0.0.5 --allowed-ip 10.0.0.5 --allowed-ip 10.1.0.0/24 --allowed-ip 2001:db8::5 --journal DIR/list", rows: 3},
		{args: "fix --deny --compute-resource prod --journal DIR/deny", rows: 3},
		{args: "undo DIR/deny", rows: 3},
		{args: "undo DIR/list", rows: 3, back: true},
		{args: "fix --allow --profile syslog --profile online-depot --peer syslog=udp://10.0.0.9 --peer online-depot=https://10.0.0.3 --compute-resource prod --journal DIR/several", rows: 6},
		{args: "undo DIR/several", rows: 6, back: true},
	} {
		By(step.args)
		args := strings.ReplaceAll(step.args, "DIR", dir)
		now = s.change(ctx, now, args, step.rows)
		s.verify(ctx, args, now)
		if step.back {
			Expect(differences(now, first)).To(BeEmpty(), fmt.Sprint("as before: ", args))
		}
	}
}, SpecTimeout(5*time.Minute))
