package html_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

func host(cluster, name, ruleset string, enabled bool) inventory.Host {
	return inventory.Host{
		Name: name, Path: "/dc1/host/" + cluster + "/" + name, Cluster: cluster, ClusterPath: "/dc1/host/" + cluster,
		Connection: inventory.Connected, Version: "8.0.3",
		Firewall: inventory.Firewall{
			ID: "fw", OutgoingBlocked: inventory.Yes,
			Switch: inventory.Switch{Enabled: inventory.Yes, Loaded: inventory.Yes, DefaultPass: inventory.No},
			Rulesets: []*inventory.Ruleset{{
				Key: ruleset, Enabled: enabled, Allowed: &inventory.AllowedHosts{All: true},
				Rules: []inventory.Rule{{Port: 2377, Direction: "outbound", PortType: "dst", Protocol: "tcp"}},
			}},
		},
	}
}

func about(hosts ...inventory.Host) *report.Report {
	reqs := []checks.Requirement{checks.VIC()}
	inv := &inventory.Inventory{
		Endpoint:   inventory.Endpoint{Address: "vc.example", Kind: inventory.VCenter, FullName: "VMware vCenter Server 8.0.3"},
		Datacenter: "/dc1", Hosts: hosts,
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	run := &report.Run{
		Target: "vc.example", StartedAt: at, Duration: time.Second, Inventory: inv, Requirements: reqs,
		Results: checks.Run(checks.Default(), checks.Facts{Inventory: inv, Judged: checks.JudgeAll(inv, reqs...)}),
	}
	return &report.Report{ToolVersion: "v0.0.0", StartedAt: at, Duration: time.Second, Requirements: reqs, Runs: []*report.Run{run}}
}

// estate has clusters of 50 hosts. Every fifth host fails, and of each cluster one is
// not connected.
func estate(n int) *report.Report {
	hosts := make([]inventory.Host, n)
	for i := range hosts {
		hosts[i] = host(fmt.Sprintf("cluster%03d", i/50), fmt.Sprintf("esx%05d.example", i), "vic-engine", i%5 != 0)
		if i%50 == 7 {
			hosts[i].Connection = inventory.Disconnected
		}
	}
	return about(hosts...)
}

// everything has all that the page can show.
func everything() *report.Report {
	lost := host("prod", "esx3.example", "vic-engine", true)
	lost.Connection = inventory.Disconnected
	hosts := []inventory.Host{
		host("prod", "esx1.example", "vic-engine", true), host("prod", "esx2.example", "vic-engine", false), lost,
		host("edge", "esx4.example", "vicoutgoing", true), host("edge", "esx5.example", "vic-engine", false),
		host("edge", "esx6.example", "vic-engine", false),
	}
	hosts[1].Probes = []inventory.Probe{{Requirement: "vic", Vantage: inventory.VantageSerial, Outcome: inventory.Timeout, Cause: "nothing came", Elapsed: time.Second}}
	r := about(hosts...)
	run := r.Runs[0]
	run.Results = checks.Waive(run.Results, []checks.Waiver{{
		Reason: checks.RulesetDisabled, Host: "esx5.*", Because: "is replaced in May", Ticket: "OPS-42", Expires: r.StartedAt.AddDate(0, 1, 0),
	}}, run.Target, r.StartedAt)
	shut, open := &report.RulesetState{Allowed: &inventory.AllowedHosts{All: true}}, &report.RulesetState{Enabled: true, Allowed: &inventory.AllowedHosts{All: true}}
	for i, h := range hosts[:2] {
		run.Plan = append(run.Plan, report.PlanEntry{
			Host: h.Name, Path: h.Path, Cluster: h.Cluster, Action: report.Enable, Ruleset: "vSPC", Reason: "chosen", Detail: "named by --ruleset",
			Opens: "all outbound TCP", Before: shut, After: open, Done: true, Verified: i == 0, Warnings: []string{"vSPC lets all outbound TCP"},
		})
	}
	run.Plan = append(run.Plan, report.PlanEntry{Host: "esx9.example", Path: "/gone", Action: report.Enable, Reason: "chosen", Before: shut, After: open, Error: "the host refused the change"})
	run.Journal, run.Interrupted, run.Leftovers = "/var/lib/j.jsonl", true, []string{"vic-preflight-probe-1"}
	run.Inventory.Hidden = []string{"/dc1/host/dark: no permission"}
	r.Runs = append(r.Runs, &report.Run{Target: "vc2.example", StartedAt: r.StartedAt, Err: errors.New("cannot reach vc2.example: the connection was refused")})
	return r
}

// created has findings of all classes about a virtual container host to be created, and on
// its hosts.
func created() *report.Report {
	r := about(host("prod", "esx1.example", "vic-engine", true), host("prod", "esx2.example", "vic-engine", false), host("prod", "esx3.example", "vic-engine", false))
	run := r.Runs[0]
	run.VCH = "vch1"
	for i, res := range run.Results {
		switch {
		case res.Reason != checks.RulesetDisabled:
		case strings.Contains(res.Subject, "esx2"):
			run.Results[i].Class = checks.CreateRefuses
		default:
			run.Results[i].Class = checks.CreateSilent
		}
	}
	for _, res := range []struct {
		check, subject string
		status         checks.Status
		reason         checks.Reason
		class          checks.Class
		detail         string
	}{
		{"volume-store", "/dc1/datastore/a-volume-store-with-a-long-name-on-the-edge", checks.Fail, checks.PathBlocked, checks.CreateRefuses, "no host of prod mounts it"},
		{"image-store", "/dc1/datastore/shared", checks.Warn, checks.Blocked, checks.CreateRefuses, "it is mounted read-only"},
		{"dns", "--dns-server", checks.Warn, checks.NameUnresolved, checks.CreateWarns, "4 servers were given, and 3 are used"},
		{"bridge-network", "/dc1/network/uplinks", checks.Warn, checks.Drift, checks.CreateSilent, "it is an uplink port group"},
		{"settings", "/", checks.Unknown, checks.FactsUnavailable, "", "the account lacks the privilege Global.Settings"},
		{"public-network", "/dc1/network/VM Network", checks.Pass, checks.Uniform, "", "it is there"},
	} {
		run.Results = append(run.Results, checks.Result{
			Check: res.check, Scope: checks.ScopeVCH, Subject: res.subject, Class: res.class,
			Verdict: &checks.Verdict{Status: res.status, Reason: res.reason, Detail: res.detail},
		})
	}
	run.Results = checks.Waive(run.Results, []checks.Waiver{{Check: "image-store", Reason: checks.Blocked, Because: "is mended in May", Expires: r.StartedAt.AddDate(0, 1, 0)}}, run.Target, r.StartedAt)
	return r
}

// evil are names that a server could send.
func evil() []string {
	return []string{
		`<script>alert(1)</script>`, `</script><script>alert(2)</script>`, `</style><script>alert(3)</script>`, `"><img src=x onerror=alert(4)>`,
		`' onmouseover='alert(5)`, `javascript:alert(6)`, `<!--`, `]]>`, `{{.}}${alert(7)}`, "\u202egnp.\u2066exe", "a\x00b\x1b[31m\nc",
		strings.Repeat("W", 300), `--><svg/onload=alert(8)>`, `&lt;script&gt;`, `</title><base href=//evil.example>`,
	}
}

// hostile is a report in which all that comes from elsewhere is a name of that kind.
func hostile() *report.Report {
	var hosts []inventory.Host
	for _, name := range evil() {
		h := host(name, name, name, false)
		h.UUID, h.Version = name, name
		h.Probes = []inventory.Probe{{Requirement: "vic", Vantage: inventory.VantageSSH, Outcome: inventory.ProbeError, Cause: name, Peer: name, Leftover: name}}
		hosts = append(hosts, h)
	}
	r := about(hosts...)
	run := r.Runs[0]
	for _, name := range evil() {
		run.Plan = append(run.Plan, report.PlanEntry{
			Host: name, Path: name, Cluster: name, Action: report.Enable, Ruleset: name, Reason: "chosen", Detail: name, Opens: name, Error: name, Warnings: []string{name},
			Before: &report.RulesetState{Allowed: &inventory.AllowedHosts{Addrs: []string{name}}},
		})
		run.Leftovers = append(run.Leftovers, name)
		run.Inventory.Hidden = append(run.Inventory.Hidden, name)
		run.Results = append(run.Results, checks.Result{
			Check: "image-store", Scope: checks.ScopeVCH, Subject: name, Class: checks.CreateRefuses,
			Verdict: &checks.Verdict{Status: checks.Fail, Reason: checks.Blocked, Detail: name},
		})
		r.Runs = append(r.Runs, &report.Run{Target: name, Err: errors.New(name)})
	}
	run.VCH = strings.Join(evil(), " ")
	run.Inventory.Endpoint.FullName, run.Journal, run.ProbeTarget = strings.Join(evil(), " "), evil()[3], evil()[0]
	return r
}
