package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

func page(r *report.Report) string {
	GinkgoHelper()
	var out bytes.Buffer
	Expect(report.HTML(&out, r)).To(Succeed())
	return out.String()
}

// inline finds what stands in the page's style, or its script.
func inline(element, page string) string {
	GinkgoHelper()
	found := regexp.MustCompile(`(?s)<`+element+`>(.*?)</`+element+`>`).FindAllStringSubmatch(page, -1)
	Expect(found).To(HaveLen(1), element)
	return found[0][1]
}

// said is the page's text as a reader has it.
func said(page string) string {
	body := regexp.MustCompile(`(?s)<(style|script)>.*?</(style|script)>|<[^>]*>`).ReplaceAllString(page, " ")
	return strings.Join(strings.Fields(html.UnescapeString(body)), " ")
}

// withoutStyle leaves out of a page what is the same in all.
func withoutStyle(text string) string {
	for _, element := range []string{"style", "script"} {
		text = strings.Replace(text, inline(element, text), "", 1)
	}
	return regexp.MustCompile(`sha256-.*?&#39;`).ReplaceAllString(text, "sha256-&#39;")
}

// shutAfter is a writer that takes some bytes and no more.
type shutAfter struct{ left int }

var errShut = errors.New("the disk is full")

func (w *shutAfter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errShut
	}
	return len(p), nil
}

var _ = Describe("the page", func() {
	for _, name := range []string{"one", "applied", "several", "waived", "evil", "profiles", "create", "refused"} {
		It("of "+name+" is as it was reviewed, but for style and script", func() {
			golden(name+".html", withoutStyle(page(reports()[name])))
		})
	}
	for name, r := range reports() {
		It("of "+name+" names every host and what was found on it", func() {
			text := said(page(r))
			for _, run := range r.Runs {
				Expect(text).To(ContainSubstring(report.Clean(run.Target)))
				if run.Err != nil {
					Expect(text).To(ContainSubstring(run.Err.Error()))
					continue
				}
				for _, h := range run.Inventory.Hosts {
					Expect(text).To(ContainSubstring(report.Clean(h.Path)))
				}
				for _, res := range run.Results {
					if res.Scope == checks.ScopeCluster && res.Status.Fine() {
						continue // a cluster of which there is nothing to say
					}
					Expect(text).To(ContainSubstring(report.Clean(res.Detail)))
				}
				for _, e := range run.Plan {
					Expect(text).To(ContainSubstring(report.Clean(e.Detail)))
				}
			}
		})
		It("of "+name+" lets nothing run in it but its own style and script", func() {
			text := page(r)
			for directive, element := range map[string]string{"style-src": "style", "script-src": "script"} {
				sum := sha256.Sum256([]byte(inline(element, text)))
				policy := html.UnescapeString(regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(text)[1])
				Expect(policy).To(ContainSubstring("%s 'sha256-%s'", directive, base64.StdEncoding.EncodeToString(sum[:])))
				Expect(policy).To(HavePrefix("default-src 'none';"))
			}
			Expect(text).NotTo(MatchRegexp(`https?:|ZgotmplZ|\son[a-z]+=|\sstyle=|<img|<iframe`))
		})
	}

	It("writes once what was found on hosts that are alike", func() {
		many := page(reports()["many"])
		Expect(strings.Count(many, `class="case"`)).To(Equal(2), "those that pass, and those that fail")
		Expect(strings.Count(many, "The same as")).To(Equal(38))
		for _, to := range regexp.MustCompile(`class="like">The same as <a href="#(.*?)"`).FindAllStringSubmatch(many, -1) {
			Expect(many).To(ContainSubstring(`class="case" id="%s"`, to[1]))
		}
	})

	It("tells hosts apart that differ in a list of allowed hosts alone", func() {
		lists := []inventory.Host{
			member("prod", "esx1.example", outbound("vic-engine", true, &inventory.AllowedHosts{Addrs: []string{"10.0.0.5"}}, 2377, 0)),
			member("prod", "esx2.example", outbound("vic-engine", true, &inventory.AllowedHosts{Addrs: []string{"10.0.0.5", "10.0.0.6"}}, 2377, 0)),
		}
		text := said(page(build(lists, "10.0.0.5/32")))
		Expect(text).To(And(ContainSubstring("on dedicated 10.0.0.5 yes"), ContainSubstring("on dedicated 10.0.0.5, 10.0.0.6 yes")))
	})

	DescribeTable("says the verdict first", func(of func() *report.Report, words string) {
		Expect(said(page(of()))).To(ContainSubstring(words))
		Expect(page(of())).To(ContainSubstring("<title>" + words + " · vic-preflight</title>"))
	},
		Entry("all pass", func() *report.Report { return reports()["one"] }, "The host passed"),
		Entry("some fail", func() *report.Report { return reports()["mixed"] }, "2 of 5 hosts failed"),
		Entry("a target lost", func() *report.Report { return reports()["several"] }, "2 of 3 hosts failed, 1 of 3 targets not checked"),
		Entry("all lost", func() *report.Report { return reports()["unreached"] }, "Nothing could be checked"),
		Entry("waived", func() *report.Report { return reports()["waived"] }, "1 of 2 hosts passed with warnings"),
		Entry("a cluster hidden", func() *report.Report {
			r := reports()["one"]
			r.Runs[0].Inventory.Hidden = []string{"/dc1/host/dark: no permission"}
			return r
		}, "The host passed, some clusters could not be read"),
		Entry("interrupted", func() *report.Report {
			r := reports()["one"]
			r.Runs[0].Interrupted = true
			return r
		}, "The host passed, interrupted"),
		Entry("no host judged", func() *report.Report {
			r := reports()["one"]
			r.Runs[0].Results = nil
			return r
		}, "No host was judged"),
	)

	It("tells what must not be overlooked", func() {
		r := reports()["applied"]
		run := r.Runs[0]
		run.Interrupted, run.Leftovers = true, []string{"vic-preflight-probe-1"}
		run.Inventory.Hidden = []string{"/dc1/host/dark: no permission"}
		run.Options = []string{"--user=root", "--vch-ip=10.0.0.5", "--thumbprint=AA:BB"}
		run.Inventory.Hosts[0].Probes = []inventory.Probe{{Requirement: "vic", Vantage: inventory.VantageSerial, Outcome: inventory.Timeout, Cause: "nothing came", Elapsed: 2e9}}
		text := said(page(r))
		for _, words := range []string{
			"Interrupted", "vic-preflight-probe-1 could not be removed", "/dc1/host/dark: no permission", "/var/lib/j.jsonl",
			"vic-preflight undo /var/lib/j.jsonl --target vc.example/dc1 --user=root --thumbprint=AA:BB ",
			"timeout, from the host (serial), after 2s: nothing came",
			"Before disabled (allowed hosts: all) After enabled for 10.0.0.5",
			"made, but not seen to hold", "EnableRuleset vSPC on esx4.example: the host refused the change",
			"Warning: vSPC lets all outbound TCP, for any address",
		} {
			Expect(text).To(ContainSubstring(words))
		}
	})

	It("shows the change of the vCenter's setting, which is no host's", func() {
		text := said(page(reports()["setting"]))
		for _, words := range []string{"vc.example", "set PersistNetworkBacking", "Before not set After true", "vic-machine create needs it"} {
			Expect(text).To(ContainSubstring(words))
		}
	})

	It("gives no command that undoes nothing", func() {
		r := reports()["applied"]
		r.Runs[0].Target = "sim://mixed"
		Expect(page(r)).NotTo(ContainSubstring("vic-preflight undo"))
		Expect(page(reports()["planned"])).NotTo(ContainSubstring("vic-preflight undo"))
	})

	It("gives no advice to open what was shut on purpose", func() {
		r := reports()["mixed"]
		Expect(page(r)).To(ContainSubstring(`id="todo"`))
		r.Runs[0].Plan = []report.PlanEntry{{Path: r.Runs[0].Inventory.Hosts[0].Path, Action: report.Disable, Done: true, Verified: true}}
		Expect(page(r)).NotTo(ContainSubstring(`id="todo"`))
	})

	It("returns the writer's error", func() {
		Expect(report.HTML(&shutAfter{1 << 20}, reports()["many"])).To(Succeed())
		for _, left := range []int{0, len(page(reports()["many"])) - 1} {
			Expect(report.HTML(&shutAfter{left}, reports()["many"])).To(MatchError(errShut), fmt.Sprint(left))
		}
	})
})
