package report_test

import (
	"bytes"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

var _ = Describe("an earlier report", func() {
	written := func(r *report.Report) string {
		GinkgoHelper()
		var out bytes.Buffer
		Expect(report.JSON(&out, r)).To(Succeed())
		return out.String()
	}
	read := func(text string) *report.Saved {
		GinkgoHelper()
		p, err := report.ReadSaved(strings.NewReader(text))
		Expect(err).NotTo(HaveOccurred())
		return p
	}
	earlier := func(text string, hosts ...inventory.Host) []*inventory.Earlier {
		GinkgoHelper()
		r := build(hosts)
		Expect(read(text).Remind("vc.example/dc1", r.Runs[0].Inventory)).To(Succeed())
		var list []*inventory.Earlier
		for i := range r.Runs[0].Inventory.Hosts {
			list = append(list, r.Runs[0].Inventory.Hosts[i].Earlier)
		}
		return list
	}
	nobody := func() *inventory.AllowedHosts { return &inventory.AllowedHosts{} }
	vib := inventory.Software{VIBs: []inventory.VIB{{Name: "vmware-vic", Vendor: "VMware"}}}

	It("names the rulesets that let somebody out and were not known to last", func() {
		now := member("prod", "esx1.example")
		then := func(rulesets ...*inventory.Ruleset) *inventory.Earlier {
			return earlier(written(build([]inventory.Host{member("prod", "esx1.example", rulesets...)})), now)[0]
		}
		started := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		site := func(enabled bool, list *inventory.AllowedHosts) *inventory.Ruleset {
			return outbound("site", enabled, list, 2377, 0)
		}
		Expect(then(outbound("vicoutgoing", true, everybody(), 2377, 0), site(true, nil), outbound("vSPC", true, everybody(), 0, 65535))).
			To(Equal(&inventory.Earlier{ReportedAt: started, Rulesets: map[string][]string{"vic": {"vicoutgoing", "site"}}}))
		Expect(then(site(true, &inventory.AllowedHosts{Networks: []inventory.Network{{Address: "10.0.0.0", Bits: 8}}})).Rulesets["vic"]).To(Equal([]string{"site"}))
		Expect(then(outbound("vic-engine", true, everybody(), 2377, 0))).To(BeNil(), "built in")
		Expect(then(outbound("vmware-vic", true, everybody(), 2377, 0))).To(BeNil(), "by VIB")
		Expect(then(site(false, everybody()))).To(BeNil(), "shut")
		Expect(then(site(true, nobody()))).To(BeNil(), "let nobody out")
		Expect(then(outbound("site", true, everybody(), 80, 0))).To(BeNil(), "another port")
		owned := site(true, everybody())
		owned.Service = "sited"
		Expect(then(owned)).To(BeNil(), "another service's")
	})

	It("is told of the host it is about, by its path", func() {
		hand := outbound("vicoutgoing", true, everybody(), 2377, 0)
		text := written(build([]inventory.Host{member("prod", "esx\x1b1.example", hand), member("edge", "esx2.example", hand)}))
		list := earlier(text, member("prod", "esx\x1b1.example"), member("prod", "esx2.example"), member("new", "esx3.example"))
		Expect(list[0].Rulesets["vic"]).To(Equal([]string{"vicoutgoing"}), "the report holds names without control characters")
		Expect(list[1:]).To(Equal([]*inventory.Earlier{nil, nil}))
	})

	It("goes by what was installed then, host by host", func() {
		shared := outbound("vmware-vic", true, everybody(), 2377, 0)
		kept, lost := member("prod", "esx1.example", shared), member("prod", "esx2.example", shared)
		kept.Software = vib
		lost.Software = inventory.Software{VIBs: []inventory.VIB{{Name: "esx-base", Version: "8.0.2-0.0.22380479", Vendor: "VMware"}}}
		text := written(build([]inventory.Host{kept, lost}))
		Expect(strings.Count(text, `"persistent": true`)).To(Equal(1))
		Expect(strings.Count(text, `"persistent": false`)).To(Equal(1))
		list := earlier(text, kept, lost)
		Expect(list[0]).To(BeNil())
		Expect(list[1].Rulesets["vic"]).To(Equal([]string{"vmware-vic"}))
	})

	It("says nothing of a host that did not start since, whatever its clock says", func() {
		hand := outbound("vicoutgoing", true, everybody(), 2377, 0)
		at := time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC) // an hour after the report, by a clock that is wrong
		booted := func(at time.Time, rulesets ...*inventory.Ruleset) inventory.Host {
			h := member("prod", "esx1.example", rulesets...)
			h.BootTime = at
			return h
		}
		text := written(build([]inventory.Host{booted(at, hand)}))
		Expect(earlier(text, booted(at.Add(20*time.Second)))[0]).To(BeNil())
		Expect(earlier(text, booted(at.Add(-20*time.Second)))[0]).To(BeNil())
		Expect(earlier(text, booted(at.Add(10*time.Minute)))[0]).NotTo(BeNil())
		Expect(earlier(written(build([]inventory.Host{booted(time.Time{}, hand)})), booted(at))[0]).NotTo(BeNil(), "an older report does not say")
	})

	It("makes the check fail when the host started again", func() {
		text := written(build([]inventory.Host{member("prod", "esx1.example", outbound("vicoutgoing", true, everybody(), 2377, 0))}))
		now := member("prod", "esx1.example", outbound("vSPC", false, everybody(), 0, 65535))
		now.BootTime = time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)
		r := build([]inventory.Host{now})
		Expect(read(text).Remind("vc.example/dc1", r.Runs[0].Inventory)).To(Succeed())
		judge(r.Runs[0])
		Expect(render(r, report.Style{Width: 200, Advice: report.AdviceFull})).To(ContainSubstring("install a VIB that brings one"))
		Expect(render(r, report.Style{Width: 200})).To(And(
			ContainSubstring("lost-by-reboot  esx1: vicoutgoing permitted TCP 2377 on 2026-01-02T03:04:05Z; the host started again at 2026-01-03T00:00:00Z, and it is gone"),
			ContainSubstring("ruleset-disabled"),
		))
		Expect(written(r)).To(ContainSubstring(`"bootTime": "2026-01-03T00:00:00Z"`))
	})

	It("is one for its own port and endpoint", func() {
		p := read(written(build([]inventory.Host{member("prod", "esx1.example")})))
		Expect(p.Covers(checks.VIC())).To(Succeed())
		other := checks.VIC()
		other.Ports = []int{2376}
		Expect(p.Covers(other)).To(MatchError("it is a report for TCP 2377, not for TCP 2376"))
		inv := &inventory.Inventory{Endpoint: inventory.Endpoint{InstanceUUID: "u-2"}}
		Expect(p.Remind("vc.example", inv)).To(MatchError("it is a report of another endpoint (VMware vCenter Server 8.0.3): its instanceUuid is u-1, and here it is u-2"))
		Expect(p.Remind("vc.example", &inventory.Inventory{})).To(MatchError(ContainSubstring("cannot be told")))
	})

	whole := func(change func(string) string) func() string {
		return func() string { return change(written(build([]inventory.Host{member("prod", "esx1.example")}))) }
	}
	DescribeTable("that cannot be used says why",
		func(text func() string, why string) {
			p, err := report.ReadSaved(strings.NewReader(text()))
			Expect(err).To(MatchError(ContainSubstring(why)))
			Expect(p).To(BeNil())
		},
		Entry("nothing", func() string { return "" }, "no report of vic-preflight in JSON"),
		Entry("a table", func() string { return "HOST  STATE\n" }, "no report of vic-preflight in JSON"),
		Entry("other JSON", func() string { return `{"apiVersion": 1}` }, "no report of vic-preflight in JSON"),
		Entry("a list", func() string { return `[1]` }, "no report of vic-preflight in JSON"),
		Entry("half a report", whole(func(s string) string { return s[:len(s)/2] }), "no report of vic-preflight in JSON"),
		Entry("two reports", whole(func(s string) string { return s + s }), "no report of vic-preflight in JSON"),
		Entry("another version", whole(func(s string) string {
			return strings.Replace(s, `"schemaVersion": 1`, `"schemaVersion": 2`, 1)
		}), "schemaVersion 2, and this vic-preflight reads 1"),
		Entry("an earlier version", func() string {
			return strings.Replace(written(build(nil)), `"schemaVersion": 1`, `"schemaVersion": 0`, 1)
		}, "schemaVersion 0, and this vic-preflight reads 1"),
		Entry("another version that looks otherwise", func() string { return `{"schemaVersion": 3, "hosts": {}}` }, "schemaVersion 3"),
		Entry("hosts that are none", func() string { return `{"schemaVersion": 1, "targets": {}}` }, "no report of vic-preflight"),
		Entry("no time", whole(func(s string) string { return strings.ReplaceAll(s, "2026-01-02T", "") }), "when it was made"),
		Entry("no port", whole(func(s string) string { return strings.Replace(s, "        2377\n", "        0\n", 1) }), "for which port"),
		Entry("no target", func() string {
			return `{"schemaVersion": 1, "startedAt": "2026-01-02T03:04:05Z", "requirements": [{"name": "vic", "direction": "outbound", "protocol": "tcp", "ports": [2377]}], "targets": []}`
		}, "it names no target"),
		Entry("a status that is none", whole(func(s string) string {
			return strings.ReplaceAll(s, `"status": "pass"`, `"status": "bro\u001b[31mken"`)
		}), `no report of vic-preflight: "bro\x1b[31mken" is not a status`),
		Entry("a host that is none", whole(func(s string) string { return strings.Replace(s, `"hosts": [`, `"hosts": [7,`, 1) }), "what its targets.hosts holds is a number"),
	)
})
