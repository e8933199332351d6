package report_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"pgregory.net/rapid"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

// What fails is drawn again by its seed; the tests leave no files.
func init() { _ = flag.Set("rapid.nofailfile", "true") }

// drawn draws a text as a server could send it, of which no other is alike once cleaned.
func drawn(t *rapid.T, taken map[string]bool) string {
	text := rapid.OneOf(
		rapid.SampledFrom(hostileNames), rapid.String(),
		rapid.Map(rapid.SliceOfN(rapid.SampledFrom(hostileNames), 2, 3), func(l []string) string { return strings.Join(l, "") }),
	).Draw(t, "text")
	if taken != nil {
		for taken[report.Clean(text)] {
			text += fmt.Sprint(len(taken))
		}
		taken[report.Clean(text)] = true
	}
	return text
}

// drawnReport has hostile words wherever a server has words, hosts of each status, a
// waiver, and sometimes a target that could not be reached.
func drawnReport(t *rapid.T) *report.Report {
	targets := map[string]bool{"": true}
	var whole *report.Report
	for range rapid.IntRange(1, 3).Draw(t, "targets") {
		hosts, clusters := map[string]bool{}, map[string]bool{"": true}
		var list []inventory.Host
		cluster := drawn(t, clusters)
		for i := range rapid.IntRange(1, 4).Draw(t, "hosts") {
			if rapid.Bool().Draw(t, "new cluster") {
				cluster = drawn(t, clusters)
			}
			kind := rapid.IntRange(0, 5).Draw(t, "kind")
			h := member(cluster, drawn(t, hosts), outbound(drawn(t, nil), kind < 3, everybody(), 2377, 0))
			if kind == 5 {
				h = member("", h.Name, h.Firewall.Rulesets...)
			}
			h.Path = fmt.Sprintf("%s#%d", h.Path, i)
			if kind == 4 {
				h.Connection = inventory.ConnectionState(drawn(t, nil))
			}
			list = append(list, h)
		}
		r := build(list)
		r.Runs[0].Target = drawn(t, targets)
		r.Runs[0].Inventory.Endpoint.FullName = drawn(t, nil)
		if rapid.Bool().Draw(t, "to be created") {
			drawVCH(t, r.Runs[0])
		}
		if rapid.Bool().Draw(t, "waived") {
			r.Runs[0].Results = checks.Waive(r.Runs[0].Results, []checks.Waiver{{
				Reason: checks.RulesetDisabled, Because: drawn(t, nil), Ticket: drawn(t, nil), Expires: r.StartedAt.Add(time.Hour),
			}}, "", r.StartedAt)
		}
		if whole == nil {
			whole = r
		} else {
			whole.Runs = append(whole.Runs, r.Runs[0])
		}
	}
	if rapid.Bool().Draw(t, "unreached") {
		whole.Runs = append(whole.Runs, &report.Run{Target: drawn(t, targets), Err: errors.New("cannot reach it: " + drawn(t, nil))})
	}
	return whole
}

// drawVCH has findings of all classes about a virtual container host, and of hosts.
func drawVCH(t *rapid.T, run *report.Run) {
	classes := rapid.SampledFrom([]checks.Class{checks.CreateRefuses, checks.CreateWarns, checks.CreateSilent})
	run.VCH = drawn(t, nil)
	for i := range run.Results {
		run.Results[i].Class = classes.Draw(t, "class")
	}
	subjects := map[string]bool{"": true}
	for range rapid.IntRange(1, 3).Draw(t, "subjects") {
		run.Results = append(run.Results, checks.Result{
			Check: "image-store", Scope: checks.ScopeVCH, Subject: drawn(t, subjects), Class: classes.Draw(t, "class"),
			Verdict: &checks.Verdict{
				Status: rapid.SampledFrom(checks.Statuses()).Draw(t, "status"), Reason: checks.NobodyListens, Detail: "x" + drawn(t, nil),
			},
		})
	}
}

func status(res checks.Result) string { return res.Status.String() }

func waivedApart(res checks.Result) string {
	if res.Waiver != nil {
		return "waived"
	}
	return res.Status.String()
}

var _ = Describe("what a server says, read back out of", func() {
	check := func(format string, holds func(g Gomega, r *report.Report, text string)) {
		It(format+", is what it was and nothing else", func() {
			rapid.Check(GinkgoT(), func(t *rapid.T) {
				r := drawnReport(t)
				holds(NewWithT(t), r, write(format, r))
			})
		})
	}
	unreached := func(r *report.Report) (list []*report.Run) {
		for _, run := range r.Runs {
			if run.Err != nil {
				list = append(list, run)
			}
		}
		return list
	}

	check("yaml", func(g Gomega, r *report.Report, text string) {
		doc, err := readYAML(text)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(doc).To(MatchJSON(write("json", r)))
	})
	check("junit", func(g Gomega, r *report.Report, text string) {
		list, others, err := readJUnit(text)
		g.Expect(err).NotTo(HaveOccurred())
		want := answers(r, waivedApart)
		for _, a := range vchAnswers(r, waivedApart) {
			a.cluster = ""
			want = append(want, a)
		}
		for i, a := range want {
			x := strings.NewReplacer("\ufffe", "\ufffd", "\uffff", "\ufffd").Replace
			want[i] = answer{x(a.target), x(a.cluster), x(a.subject), a.check, a.verdict}
		}
		g.Expect(list).To(Equal(sorted(want)))
		g.Expect(others).To(Equal(len(unreached(r))))
	})
	check("tap", func(g Gomega, r *report.Report, text string) {
		list, err := readTAP(text)
		g.Expect(err).NotTo(HaveOccurred())
		var want []answer
		for _, a := range answers(r, waivedApart) {
			place := "standalone hosts"
			if a.cluster != "" {
				place = "cluster " + a.cluster
			}
			want = append(want, answer{subject: fmt.Sprintf("%s, %s: %s: %s", a.target, place, a.subject, a.check), verdict: a.verdict})
		}
		for _, a := range vchAnswers(r, waivedApart) {
			want = append(want, answer{subject: fmt.Sprintf("%s, %s: %s: %s", a.target, a.cluster, a.subject, a.check), verdict: a.verdict})
		}
		for _, run := range unreached(r) {
			target := report.Clean(run.Target)
			want = append(want, answer{subject: fmt.Sprintf("%s: %s: target", target, target), verdict: "unknown"})
		}
		g.Expect(list).To(Equal(sorted(want)))
	})
	check("prometheus", func(g Gomega, r *report.Report, text string) {
		list, err := readPrometheus(text)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(list).To(Equal(sorted(append(answers(r, status), worst(r)...))))
	})
	check("markdown", func(g Gomega, r *report.Report, text string) {
		list, targets, err := readMarkdown(text)
		g.Expect(err).NotTo(HaveOccurred())
		var want []answer
		for _, a := range worst(r) {
			if a.verdict != "pass" && a.verdict != "skip" {
				want = append(want, a)
			}
		}
		g.Expect(list).To(Equal(sorted(want)))
		g.Expect(targets).To(HaveLen(len(r.Runs)))
		for i, run := range r.Runs {
			g.Expect(targets[i][0]).To(Equal(report.Clean(run.Target)))
			g.Expect(targets[i][3]).To(Equal(fmt.Sprint(run.Summary().Fail)))
		}
	})
	check("github", func(g Gomega, r *report.Report, text string) {
		commands, err := readGitHub(text)
		g.Expect(err).NotTo(HaveOccurred())
		reasons := map[string]bool{}
		key := func(res checks.Result) string {
			class := res.Class
			if res.Status == checks.Unknown {
				class = ""
			}
			return fmt.Sprintf("%s %s,%s", res.Status, res.Reason, class)
		}
		for _, res := range append(answers(r, key), vchAnswers(r, key)...) {
			if strings.HasPrefix(res.verdict, "fail") || strings.HasPrefix(res.verdict, "unknown") {
				reasons[strings.Fields(res.verdict)[1]] = true
			}
		}
		counts := map[string]int{}
		var all strings.Builder
		for _, c := range commands {
			counts[c.name]++
			all.WriteString(c.text + "\n")
		}
		g.Expect(counts["error"]).To(Equal(len(reasons) + min(1, len(unreached(r)))))
		g.Expect(counts["error"] + counts["warning"] + counts["notice"]).To(Equal(len(commands)))
		g.Expect(counts["notice"]).To(BeNumerically("<=", 2))
		g.Expect(commands[len(commands)-1].title).To(Equal("vic-preflight"))
		if !strings.Contains(all.String(), " … ") {
			for _, a := range worst(r) {
				if a.verdict != "pass" && a.verdict != "skip" {
					g.Expect(all.String()).To(ContainSubstring(a.subject))
				}
			}
		}
	})
	check("nagios", func(g Gomega, r *report.Report, text string) {
		word, values, err := readNagios(text)
		g.Expect(err).NotTo(HaveOccurred())
		s := r.Summary()
		g.Expect(values).To(And(
			HaveKeyWithValue("failed", fmt.Sprint(s.Fail)), HaveKeyWithValue("unknown", fmt.Sprint(s.Unknown)),
			HaveKeyWithValue("warnings", fmt.Sprint(s.Warn)), HaveKeyWithValue("passed", fmt.Sprint(s.Pass)),
			HaveKeyWithValue("unreachable", fmt.Sprint(len(unreached(r)))),
		))
		g.Expect(word).To(Equal([]string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}[r.NagiosCode(false, false)]))
	})
})

// worst are the hosts' worst statuses.
func worst(r *report.Report) []answer {
	var list []answer
	for _, run := range r.Runs {
		if run.Inventory == nil {
			continue
		}
		for _, h := range run.Inventory.Hosts {
			var own []checks.Result
			for _, res := range run.Results {
				if res.Scope == checks.ScopeHost && res.Subject == h.Path {
					own = append(own, res)
				}
			}
			name := cmp.Or(report.Clean(h.Name), report.Clean(h.Path))
			list = append(list, answer{report.Clean(run.Target), report.Clean(h.Cluster), name, "", checks.Worst(own).String()})
		}
	}
	return list
}
