package report_test

import (
	"encoding/json"
	"fmt"
	"net/netip"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

var _ = It("JSON tells apart hosts with many results that differ in the last one alone", func() {
	r := build([]inventory.Host{member("prod", "esx1.example"), member("prod", "esx2.example")})
	run := r.Runs[0]
	run.Results = nil
	shared := &checks.Verdict{Status: checks.Pass, Reason: checks.Permitted, Detail: "shared"}
	for i := range run.Inventory.Hosts {
		for n := range 40 {
			v := shared
			if n == 39 {
				v = &checks.Verdict{Status: checks.Warn, Reason: checks.Drift, Detail: fmt.Sprintf("the last of host %d", i)}
			}
			run.Results = append(run.Results, checks.Result{Check: fmt.Sprintf("c%d", n), Scope: checks.ScopeHost, Subject: run.Inventory.Hosts[i].Path, Verdict: v})
		}
	}
	var told struct {
		Targets []struct {
			Hosts []struct{ Checks []struct{ Detail string } }
		}
	}
	Expect(json.Unmarshal([]byte(write("json", r)), &told)).To(Succeed())
	for i, h := range told.Targets[0].Hosts {
		Expect(h.Checks).To(HaveLen(40))
		Expect(h.Checks[39].Detail).To(Equal(fmt.Sprintf("the last of host %d", i)))
	}
})

var _ = It("JSON tells a host's demands once for all requirements of theirs, and none that is not the host's", func() {
	hosts := []inventory.Host{member("prod", "esx1.example"), member("prod", "esx2.example")}
	hosts[0].ID, hosts[0].Version, hosts[1].ID = "host-1", "8.0.1", "host-2"
	shared := &checks.Demand{Peers: []netip.Prefix{netip.MustParsePrefix("10.0.0.9/32")}, Unnamed: []string{"pool\x1b[31m"}, From: "a\nsetting"}
	other := &checks.Demand{Unnamed: []string{"logs"}, From: "another"}
	of := map[string]*checks.Demand{"host-1": shared}
	r := build(hosts)
	r.Runs[0].Requirements = []checks.Requirement{
		checks.VIC(),
		{Name: "in", Of: of},
		{Name: "out", Of: of},
		{Name: "logs", Of: map[string]*checks.Demand{"host-1": other}},
		{Name: "newer", Of: of, Since: "8.0.2"},
	}
	var told struct {
		Targets []struct {
			Hosts []struct {
				Demands []struct {
					Requirements, Peers, UnnamedPeers []string
					From                              string
				}
			}
		}
	}
	Expect(json.Unmarshal([]byte(write("json", r)), &told)).To(Succeed())
	demands := told.Targets[0].Hosts[0].Demands
	Expect(demands).To(HaveLen(2))
	Expect(demands[0].Requirements).To(Equal([]string{"in", "out"}))
	Expect(demands[0].Peers).To(Equal([]string{"10.0.0.9/32"}))
	Expect(demands[0].UnnamedPeers).To(Equal([]string{report.Clean("pool\x1b[31m")}), "they have no line of their own")
	Expect(demands[0].From).To(Equal(report.Clean("a\nsetting")), "it has no line of its own")
	Expect(demands[1].Requirements).To(Equal([]string{"logs"}))
	Expect(told.Targets[0].Hosts[1].Demands).To(BeEmpty())
})

var _ = It("a grouped table names the hosts that fail with their own cluster", func() {
	text := render(build([]inventory.Host{member("lab", "esx1.example"), member("lab", "esx2.example"), member("prod", "esx3.example")}), report.Style{Width: 120, Group: report.GroupAlways})
	Expect(text).To(MatchRegexp(`(?m)^ +lab: esx1\.example, esx2\.example$`))
	Expect(text).To(MatchRegexp(`(?m)^ +prod: esx3\.example$`))
})

var _ = It("two hosts of one name are told to programs by their paths", func() {
	r := build([]inventory.Host{member("lab", "esx1.example"), member("prod", "esx1.example")})
	for _, path := range []string{"/dc1/host/lab/esx1.example", "/dc1/host/prod/esx1.example"} {
		Expect(write("nagios", r)).To(ContainSubstring(path))
	}
})

var _ = It("a host of which no check gave a verdict is not green, whatever is known of the others", func() {
	r := build([]inventory.Host{member("lab", "esx1.example", outbound("vic-engine", true, everybody(), 2377, 0)), member("lab", "esx2.example")})
	run := r.Runs[0]
	run.Results = nil
	for i, status := range []checks.Status{checks.Pass, checks.Skip} {
		run.Results = append(run.Results, checks.Result{
			Check: checks.OutboundPort, Scope: checks.ScopeHost, Subject: run.Inventory.Hosts[i].Path, Verdict: &checks.Verdict{Status: status, Reason: checks.NotProbed},
		})
	}
	Expect(run.Grade(false, false)).To(Equal(checks.Unknown))
	Expect(run.Grade(false, true)).To(Equal(checks.Pass), "--allow-unknown tolerates it")
})

var _ = It("a diff is not green where a target could not be read", func() {
	Expect(difference(findings(0), unread(1)).Grade(false)).To(Equal(checks.Unknown))
})
