package report_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

// write returns what a format makes of a report.
func write(format string, r *report.Report) string {
	GinkgoHelper()
	f, err := report.FormatNamed(format)
	Expect(err).NotTo(HaveOccurred())
	var out bytes.Buffer
	Expect(f.Write(&out, r, report.Style{})).To(Succeed())
	return out.String()
}

// hostileNames are what a server could call things to get into a format.
var hostileNames = []string{
	"esx\x1b[31m\x07\x1b]0;title\x07red", "<script>alert(1)</script>", "a|b || c | rm -rf", "::error::owned", "::error title=x::owned",
	"line\r\nok 1 - forged\n::error::forged\nnot ok", "]]>", "]]><testcase name=\"x\"/>", "```\n# heading", "`$(id)`", strings.Repeat("x", 300),
	"=cmd|' /C calc'!A0", "# SKIP no", "x # TODO no", `say "hi"`, "it's", `back\slash\`, "--- ...", "  ---\n  x: y\n  ...", "- item", "1. item", "1..0 # Skipped",
	"Bail out! now", "@octocat", "see #1 and www.example.com http://example.com a@b.example", "[a](javascript:alert(1))", "![x](http://e/x.png)",
	"<img src=x onerror=alert(1)>", "&lt;b&gt; &#64;octocat", "**bold** _it_ ~~gone~~", "$x^2$", "no", "12:30", "~", "null", "0x1f", "{a: b}", "*anchor &ref !tag %dir",
	"%0A::error::x", "a,b=c:d", "x\" 1\nforged{a=\"b\"} 1", "\u202eevil\u2066", "\ufffe\uffff", "\xff\xfe", "ホスト", "é", " ", "##[error]x",
}

// hostile is a report in which all that a server names is in the way of a format.
func hostile() *report.Report {
	var hosts []inventory.Host
	for i, name := range hostileNames {
		h := member(fmt.Sprintf("%s~%d", hostileNames[(i+7)%len(hostileNames)], i/2), name, outbound(hostileNames[(i+3)%len(hostileNames)], i%3 == 0, everybody(), 2377, 0))
		h.Version = hostileNames[(i+1)%len(hostileNames)]
		hosts = append(hosts, h)
	}
	r := build(hosts)
	run := r.Runs[0]
	run.Inventory.Endpoint.FullName = hostileNames[5]
	run.Inventory.Hidden = []string{"/dc1/host/" + hostileNames[1] + ": " + hostileNames[3]}
	run.Leftovers = []string{hostileNames[2] + hostileNames[5]}
	run.ProbeTarget, run.Controls = "10.0.0.5:2377", []inventory.Probe{{Vantage: inventory.VantageLocal, Outcome: inventory.Refused, Cause: hostileNames[5]}}
	run.Plan = []report.PlanEntry{{
		Host: hosts[1].Name, Path: hosts[1].Path, Cluster: hosts[1].Cluster, Action: report.Enable, Ruleset: hostileNames[2], Reason: "chosen",
		Detail: hostileNames[6], Opens: hostileNames[5], Error: hostileNames[8], Warnings: []string{hostileNames[3]},
	}, {
		Host: hostileNames[2], Path: "/", Action: report.Set, Reason: "chosen", Detail: hostileNames[6],
		Setting: &report.PlanSetting{Name: hostileNames[1], Before: []string{hostileNames[2], hostileNames[5]}, After: []string{hostileNames[3]}},
	}}
	var waivers []checks.Waiver
	for _, because := range []string{hostileNames[5], hostileNames[2]} {
		waivers = append(waivers, checks.Waiver{
			Reason: checks.RulesetDisabled, Host: "*x*", Because: because, Ticket: hostileNames[1], Expires: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC),
		})
	}
	run.Results = checks.Waive(run.Results, waivers, run.Target, run.StartedAt)
	r.Runs = append(r.Runs, &report.Run{Target: "vc2.example", StartedAt: r.StartedAt, Err: errors.New(strings.Join(hostileNames, "\n"))})
	return r
}

// everything is a report in which all happens at once.
func everything() *report.Report {
	r := reports()["mixed"]
	run := r.Runs[0]
	run.Inventory.Endpoint.Simulated = true
	run.ProbeTarget, run.Controls = "10.0.0.5:2377", []inventory.Probe{{Vantage: inventory.VantageLocal, Outcome: inventory.Open}}
	for i := range run.Inventory.Hosts {
		run.Inventory.Hosts[i].Probes = []inventory.Probe{{Requirement: "vic", Vantage: inventory.VantageSerial, Outcome: inventory.Timeout, Elapsed: 5 * time.Second}}
	}
	judge(run)
	run.Results = checks.Waive(run.Results, []checks.Waiver{{
		Reason: checks.RulesetDisabled, Because: "is replaced in May", Ticket: "OPS-42", Expires: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC),
	}}, run.Target, run.StartedAt)
	applied := planned(false).Runs[0]
	run.Plan, run.Journal, run.Leftovers = applied.Plan, applied.Journal, []string{"vic-preflight-probe-1"}
	run.Inventory.Hidden = []string{"/dc1/host/closed: the account may not read it"}
	run.Interrupted = true
	// The same target again, where hosts and clusters of equal names are.
	twins := []inventory.Host{member("prod", "esx1.example", outbound("vic-engine", true, everybody(), 2377, 0)), member("", "esx1.example")}
	twins = append(twins, twins[0])
	twins[2].Path, twins[2].ClusterPath = "/dc1/host/folder/prod/esx1.example", "/dc1/host/folder/prod"
	second := build(twins).Runs[0]
	r.Runs = append(r.Runs, second, planned(true).Runs[0], reports()["unreached"].Runs[0])
	return r
}

// connected is a report of several connections for several requirements.
func connected() *report.Report {
	r := reports()["profiles"]
	run := r.Runs[0]
	run.ProbeTarget = "10.0.0.5:2377, 10.0.0.6:2377, TCP 902 of each host"
	run.Controls = []inventory.Probe{
		{Vantage: inventory.VantageLocal, Target: "10.0.0.5:2377", Outcome: inventory.Open},
		{Vantage: inventory.VantageLocal, Target: "10.0.0.6:2377", Outcome: inventory.Refused, Cause: "nobody listens, or a filter rejects"},
	}
	run.Inventory.Hosts[0].Probes = []inventory.Probe{
		{Requirement: "vic", Vantage: inventory.VantageSSH, Target: "10.0.0.5:2377", Outcome: inventory.Open, Elapsed: time.Millisecond},
		{Requirement: "vic", Vantage: inventory.VantageSSH, Target: "10.1.0.0/16", Cause: "a network is no address to connect to"},
		{Requirement: "backup", Vantage: inventory.VantageSSH, From: "esx2.example", Target: "esx3.example:902", Outcome: inventory.OpenUnverified, Elapsed: time.Millisecond},
	}
	judge(run)
	return r
}

// thousand is a report on a thousand hosts.
func thousand() *report.Report {
	hosts := make([]inventory.Host, 1000)
	for i := range hosts {
		hosts[i] = member(fmt.Sprintf("c%02d", i/32), fmt.Sprintf("esx%04d.example", i), outbound("vic-engine", i%5 != 0, everybody(), 2377, 0))
	}
	return build(hosts)
}

// formatCases are cases that all formats have besides those of reports.
func formatCases() map[string]*report.Report {
	return map[string]*report.Report{
		"failure":    build([]inventory.Host{member("prod", "esx1.example", outbound("vic-engine", false, everybody(), 2377, 0))}),
		"everything": everything(),
		"hostile":    hostile(),
		"connected":  connected(),
		"thousand":   thousand(),
	}
}

// goldenLength is how long a golden file may get that somebody is to read.
const goldenLength = 300 << 10

var _ = Describe("a format", func() {
	for name, r := range formatCases() {
		It("is of "+name+" as it was reviewed", func() {
			for _, format := range report.Formats() {
				style, suffix := report.Style{}, "."+format.Name
				if !format.ForPrograms {
					style, suffix = report.Style{Width: 80}, "."+format.Name+".80.txt"
				}
				var b bytes.Buffer
				Expect(format.Write(&b, r, style)).To(Succeed())
				out := b.String()
				if format.Name == "html" {
					out = withoutStyle(out)
				}
				if len(out) > goldenLength {
					out = fmt.Sprintf("%d bytes, %d lines, sha256 %x\n", len(out), strings.Count(out, "\n"), sha256.Sum256([]byte(out)))
				}
				golden(name+suffix, out)
			}
		})
		It("fits its schema as JSON of "+name, func() {
			Expect(validate(write("json", r))).To(Succeed())
		})
	}
	It("writes the same twice", func() {
		for _, format := range report.Formats() {
			Expect(write(format.Name, everything())).To(Equal(write(format.Name, everything())), format.Name)
		}
	})
	It("says that a run was interrupted, what is hidden, what is left behind, and why a result is waived", func() {
		for _, format := range []string{"json", "yaml", "junit", "tap", "markdown", "github"} {
			out := write(format, everything())
			for _, word := range []string{"interrupted", "vic-preflight-probe-1", "is replaced in May", "OPS-42", "2026-05-01"} {
				if (format == "json" || format == "yaml") && word == "vic-preflight-probe-1" {
					continue // of a probe, it is the host's
				}
				Expect(out).To(ContainSubstring(word), format)
			}
		}
		prometheus := write("prometheus", everything())
		Expect(prometheus).To(ContainSubstring(`because="is replaced in May"`))
		Expect(prometheus).To(ContainSubstring(`vic_preflight_target_complete{target="vc.example/dc1"} 0`))
		Expect(prometheus).To(ContainSubstring(`vic_preflight_leftovers{target="vc.example/dc1"} 1`))
		Expect(write("nagios", everything())).To(MatchRegexp(`\(1 with waivers\).* waived=1;`))
	})
})

func validate(text string) error {
	GinkgoHelper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	Expect(err).NotTo(HaveOccurred())
	return schema().Validate(value)
}
