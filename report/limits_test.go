package report_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

var _ = Describe("the limits of other people's programs", func() {
	It("are kept to by Markdown, which says how many hosts it left out", func() {
		hosts := make([]inventory.Host, 6000)
		for i := range hosts {
			hosts[i] = member("c", fmt.Sprintf("%05d%s", i, strings.Repeat("|", 295)), outbound("vic-engine", i < 100, everybody(), 2377, 0))
		}
		r := build(hosts)
		r.Runs = append(r.Runs, reports()["mixed"].Runs[0])
		r.Runs[1].Target = "vc2.example"
		text := write("markdown", r)
		Expect(len(text)).To(BeNumerically("<", 1<<20))
		Expect(len(text)).To(BeNumerically(">", 300_000), "what there is room for is told")
		m := regexp.MustCompile(`(\d+) more hosts left out here`).FindStringSubmatch(text)
		Expect(m).NotTo(BeNil())
		list, _, err := readMarkdown(text)
		Expect(err).NotTo(HaveOccurred())
		told := map[string]int{}
		for _, a := range list {
			told[a.target]++
		}
		Expect(fmt.Sprint(5900 - told["vc.example/dc1"])).To(Equal(m[1]))
		Expect(told["vc2.example"]).To(Equal(4), "one target leaves room for the next")
	})

	It("are kept to by Markdown also with many targets", func() {
		r := reports()["mixed"]
		run := *r.Runs[0]
		r.Runs = nil
		for i := range 3000 {
			next := run
			next.Target = fmt.Sprintf("vc%d.example", i)
			r.Runs = append(r.Runs, &next)
		}
		text := write("markdown", r)
		Expect(len(text)).To(BeNumerically("<", 1<<20))
		Expect(text).To(MatchRegexp(`\d+ targets left out here`))
	})

	It("are kept to by the annotations: ten of a kind, the last of which sums the others up", func() {
		r := reports()["one"]
		list := slices.DeleteFunc(slices.Clone(checks.Explanations()), func(e checks.Explanation) bool { return e.Hint == "" })[:12]
		for _, status := range []checks.Status{checks.Warn, checks.Fail} {
			for _, e := range list {
				r.Runs[0].Results = append(r.Runs[0].Results, checks.Result{
					Check: "c" + string(e.Reason) + status.String(), Scope: checks.ScopeHost, Subject: r.Runs[0].Inventory.Hosts[0].Path,
					Verdict: &checks.Verdict{Status: status, Reason: e.Reason, Detail: "a fact"},
				})
			}
		}
		commands, err := readGitHub(write("github", r))
		Expect(err).NotTo(HaveOccurred())
		var names []string
		for _, c := range commands {
			names = append(names, c.name)
		}
		Expect(names).To(Equal(slices.Concat(slices.Repeat([]string{"error"}, 10), slices.Repeat([]string{"warning"}, 10), []string{"notice"})))
		Expect(commands[9].title).To(Equal("vic-preflight: 3 more reasons"))
		for _, e := range list[9:] {
			Expect(commands[9].text).To(ContainSubstring(string(e.Reason) + ": esx3.example"))
		}
	})

	It("are kept to by the metrics: no series is there twice, whatever has equal names", func() {
		series := map[string]bool{}
		for line := range strings.Lines(write("prometheus", everything())) {
			if !strings.HasPrefix(line, "#") {
				name := line[:strings.LastIndex(line, " ")]
				Expect(series).NotTo(HaveKey(name))
				series[name] = true
			}
		}
		for host := range map[string]bool{"/dc1/host/prod/esx1.example": true, "/dc1/host/esx1.example/esx1.example": true, "/dc1/host/folder/prod/esx1.example": true} {
			Expect(series).To(HaveKey(MatchRegexp(`^vic_preflight_host_status{cluster="[^"]*",host="%s",status="pass",target="vc.example/dc1 \(2\)"}`, host)))
		}
	})

	It("are kept to by the metrics, however many things the options of create name", func() {
		lines := func(n int) int {
			r := created()
			for i := range n {
				r.Runs[0].Results = append(r.Runs[0].Results, vchResult("image-store", fmt.Sprintf("/dc1/datastore/%d", i), checks.Fail, checks.Blocked, checks.CreateRefuses, "d"))
			}
			return strings.Count(write("prometheus", r), "\n")
		}
		Expect(lines(500)).To(Equal(lines(1)))
	})

	It("are kept to by every format with many findings about a virtual container host", func() {
		r := created()
		for i := range 20_000 {
			r.Runs[0].Results = append(r.Runs[0].Results, vchResult("image-store", fmt.Sprintf("/dc1/datastore/%d-%s", i, strings.Repeat("|", 100)), checks.Fail, checks.Blocked, checks.CreateRefuses, "d"))
		}
		text := write("markdown", r)
		Expect(len(text)).To(BeNumerically("<", 1<<20))
		Expect(text).To(MatchRegexp(`\d+ findings left out here for want of room`))
		Expect(text).To(ContainSubstring("esx1.example"), "there is room for the hosts")
		_, _, err := readNagios(write("nagios", r))
		Expect(err).NotTo(HaveOccurred())
	})

	It("are kept to by YAML: what YAML 1.1 reads otherwise is quoted", func() {
		for _, word := range []string{"no", "Yes", "on", "y", "null", "~", "12:30", "0x1f", "1e3", "2026-01-02", "<<", "=", "a: b", "a #b"} {
			text := write("yaml", build([]inventory.Host{member("c", word, outbound("vic-engine", true, everybody(), 2377, 0))}))
			Expect(text).To(ContainSubstring(fmt.Sprintf("name: %q\n", word)))
		}
	})
})

var _ = Describe("the exit code for Nagios", func() {
	lost := member("prod", "esx2.example")
	lost.Connection = inventory.Disconnected
	good := member("prod", "esx1.example", outbound("vic-engine", true, everybody(), 2377, 0))
	handmade := member("prod", "esx5.example", outbound("vicoutgoing", true, everybody(), 2377, 0))
	bad := member("prod", "esx4.example", outbound("vic-engine", false, everybody(), 2377, 0))
	single := func(h inventory.Host) *report.Report { return build([]inventory.Host{h}) }
	interrupted, hidden := single(good), single(good)
	interrupted.Runs[0].Interrupted = true
	hidden.Runs[0].Inventory.Hidden = []string{"/dc1/host/c"}
	waived := single(handmade)
	waived.Runs[0].Results = checks.Waive(waived.Runs[0].Results, []checks.Waiver{{
		Reason: checks.LostAtReboot, Because: "b", Expires: waived.StartedAt.Add(time.Hour),
	}}, "", waived.StartedAt)
	half := single(good)
	half.Runs = append(half.Runs, reports()["unreached"].Runs[0])
	both := single(bad)
	both.Runs = append(both.Runs, reports()["unreached"].Runs[0])
	const ok, warning, critical, unknown = 0, 1, 2, 3
	for _, row := range []struct {
		what                        string
		r                           *report.Report
		plain, strict, allowUnknown int
	}{
		{"all pass", single(good), ok, ok, ok},
		{"a warning", single(handmade), warning, critical, warning},
		{"a waived warning", waived, ok, ok, ok},
		{"a failure", single(bad), critical, critical, critical},
		{"a host that is lost beside a good one", build([]inventory.Host{good, lost}), unknown, critical, ok},
		{"nothing known", reports()["unreached"], unknown, unknown, unknown},
		{"one target of two not checked", half, unknown, unknown, unknown},
		{"a failure, and a target that was not checked", both, critical, critical, critical},
		{"a hidden cluster", hidden, unknown, unknown, unknown},
		{"an interrupted run", interrupted, unknown, unknown, unknown},
		{"a dry run with something to do", planned(true), critical, critical, critical},
		{"a change that failed", planned(false), critical, critical, critical},
		{"no target", &report.Report{}, unknown, unknown, unknown},
	} {
		It(fmt.Sprintf("of %s is %d, strictly %d, and %d where unknown is allowed", row.what, row.plain, row.strict, row.allowUnknown), func() {
			Expect(row.r.NagiosCode(false, false)).To(Equal(row.plain))
			Expect(row.r.NagiosCode(true, false)).To(Equal(row.strict))
			Expect(row.r.NagiosCode(false, true)).To(Equal(row.allowUnknown))
			for gate, code := range map[report.Gate]int{{}: row.plain, {Strict: true}: row.strict, {AllowUnknown: true}: row.allowUnknown} {
				row.r.Gate = gate
				word, _, err := readNagios(write("nagios", row.r))
				Expect(err).NotTo(HaveOccurred())
				Expect(word).To(Equal([]string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}[code]))
			}
		})
	}
})
