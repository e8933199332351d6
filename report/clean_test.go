package report_test

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

// text is a string in a JSON value, and where it stands.
type text struct{ at, what string }

func textsOf(at string, value any) (found []text) {
	switch v := value.(type) {
	case string:
		return []text{{at, v}}
	case []any:
		for _, x := range v {
			found = append(found, textsOf(at+"[]", x)...)
		}
	case map[string]any:
		for key, x := range v {
			found = append(found, textsOf(at+"."+key, x)...)
		}
	}
	return found
}

var _ = It("no text of JSON has a character that steers a terminal or parts lines, wherever the text is from", func() {
	const bad = "a\x1b[31mb\x07c\nd\u202ee\u2028f"
	r := build([]inventory.Host{member("prod", "esx1.example", outbound("vic-engine", true, everybody(), 2377, 0)), member("prod", "esx2.example")})
	run := r.Runs[0]
	run.VCH = "vch" // its findings are shown where one is to be created
	run.Results = nil
	for scope, subject := range map[checks.Scope]string{
		checks.ScopeHost: run.Inventory.Hosts[0].Path, checks.ScopeCluster: "/dc1/host/" + bad, checks.ScopeVCH: bad,
	} {
		run.Results = append(run.Results, checks.Result{
			Check: "x", Scope: scope, Subject: subject, Class: checks.CreateWarns,
			Verdict: &checks.Verdict{Status: checks.Warn, Reason: checks.Drift, Detail: bad, Waiver: &checks.Waiver{Because: bad, Ticket: bad}, Rulesets: []checks.RulesetVerdict{{
				Key: bad, Allowed: &inventory.AllowedHosts{Addrs: []string{bad}, Networks: []inventory.Network{{Address: bad}}},
			}}},
		})
	}
	run.Target, run.Inventory.Hidden, run.Leftovers = bad, []string{bad}, []string{bad}
	run.Inventory.Endpoint.FullName, run.Inventory.Endpoint.InstanceUUID, run.Inventory.Hosts[0].UUID = bad, bad, bad
	run.Inventory.Hosts[0].Probes = []inventory.Probe{{Outcome: inventory.Timeout, Cause: bad, Peer: bad, Leftover: bad, From: bad}}
	run.Plan = []report.PlanEntry{{Host: bad, Path: bad, Cluster: bad, Action: report.Refuse, Reason: "x", Detail: bad, Warnings: []string{bad}, Error: bad, Opens: bad, Ruleset: bad}}

	other := &run.Inventory.Hosts[1]
	other.Name, other.Cluster, other.Version, other.Connection = bad, bad, bad, bad
	r.Runs = append(r.Runs, &report.Run{Target: bad, Err: errors.New(bad), Requirements: run.Requirements})

	var value any
	Expect(json.Unmarshal([]byte(write("json", r)), &value)).To(Succeed())
	details := 0
	for _, t := range textsOf("", value) {
		if strings.HasSuffix(t.at, ".detail") {
			details++
		}
		Expect(strings.ContainsFunc(t.what, func(c rune) bool {
			return unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp)
		})).To(BeFalse(), "%s: %q", t.at, t.what)
	}
	Expect(details).To(Equal(4), "of a host, a cluster, the virtual container host, and the plan")
})
