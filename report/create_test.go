package report_test

import (
	"bytes"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

// vchResult is what a check has come to on something that an option names.
func vchResult(check, subject string, status checks.Status, reason checks.Reason, class checks.Class, detail string) checks.Result {
	return checks.Result{
		Check: check, Scope: checks.ScopeVCH, Subject: subject, Class: class,
		Verdict: &checks.Verdict{Status: status, Reason: reason, Detail: detail},
	}
}

// onHost is what a check of create's has come to on a host.
func onHost(h *inventory.Host, check string, status checks.Status, reason checks.Reason, class checks.Class, detail string) checks.Result {
	return checks.Result{
		Check: check, Scope: checks.ScopeHost, Subject: h.Path, Class: class,
		Verdict: &checks.Verdict{Status: status, Reason: reason, Detail: detail},
	}
}

// longStore is a datastore whose path takes a line of its own, however wide.
const longStore = "/dc1/datastore/a folder of stores/a-volume-store-with-a-long-name-on-the-edge"

// created is a report on a virtual container host with findings of all classes, about
// itself and on hosts, one of which is waived; and with something that is not known.
func created() *report.Report {
	hosts := []inventory.Host{
		member("prod", "esx1.example", outbound("vic-engine", true, everybody(), 2377, 0)),
		member("prod", "esx2.example", outbound("vic-engine", false, everybody(), 2377, 0)),
		member("prod", "esx3.example", outbound("vic-engine", false, everybody(), 2377, 0)),
	}
	r := build(hosts)
	run := r.Runs[0]
	run.VCH, run.Compute = "vch1", "prod"
	for i, res := range run.Results {
		if res.Reason != checks.RulesetDisabled {
			continue
		}
		run.Results[i].Class = checks.CreateRefuses
		if res.Subject == hosts[2].Path { // create does not look at a host without the image store
			run.Results[i].Class = checks.CreateSilent
		}
	}
	run.Results = append(run.Results,
		vchResult("image-store", "/dc1/datastore/shared", checks.Pass, checks.Uniform, "", "all hosts mount it"),
		vchResult("volume-store", longStore, checks.Fail, checks.PathBlocked, checks.CreateRefuses, "no host of prod mounts it"),
		vchResult("bridge-network", "/dc1/network/uplinks", checks.Warn, checks.Drift, checks.CreateSilent, "it is an uplink port group, of which create says nothing"),
		vchResult("dns", "--dns-server", checks.Warn, checks.NameUnresolved, checks.CreateWarns, "4 servers were given, and 3 are used"),
		vchResult("dns", "--public-network-gateway", checks.Fail, checks.NameUnresolved, checks.CreateRefuses, "a gateway without an address"),
		vchResult("settings", "/", checks.Unknown, checks.FactsUnavailable, checks.CreateRefuses, "the account lacks the privilege Global.Settings"),
		vchResult("ops-user", "--ops-user", checks.Skip, checks.NotProbed, "", "none was given"),
		onHost(&hosts[0], "license", checks.Fail, checks.NoRuleset, checks.CreateRefuses, "its licence lacks the feature serialuri"),
		onHost(&hosts[1], "license", checks.Pass, checks.Permitted, checks.CreateRefuses, "its licence has serialuri and dvs"),
		onHost(&hosts[2], "license", checks.Warn, checks.FactsStale, checks.CreateWarns, "its licence ends in 3 days"),
	)
	run.Results = checks.Waive(run.Results, []checks.Waiver{
		{Check: "volume-store", Reason: checks.PathBlocked, Host: "a-volume-*", Because: "is mounted in May", Ticket: "OPS-43", Expires: expires},
	}, run.Target, run.StartedAt)
	return r
}

// refused is a report on a virtual container host whose compute resource is not there: no
// host was looked at.
func refused() *report.Report {
	r := build(nil)
	run := r.Runs[0]
	run.VCH, run.Compute = "vch1", "prdo"
	run.Results = []checks.Result{
		vchResult("compute-resource", "--compute-resource", checks.Fail, checks.NameUnresolved, checks.CreateRefuses, `no compute resource is called "prdo"; there are edge and prod`),
		vchResult("image-store", "--image-store", checks.Skip, checks.TooFewHosts, "", "no host to look at"),
	}
	return r
}

// acceptable is a report on a virtual container host that create would take.
func acceptable() *report.Report {
	r := build([]inventory.Host{member("prod", "esx1.example", outbound("vic-engine", true, everybody(), 2377, 0))})
	r.Runs[0].VCH = checks.DefaultVCHName
	r.Runs[0].Results = append(r.Runs[0].Results, vchResult("image-store", "/dc1/datastore/shared", checks.Pass, checks.Uniform, "", "all hosts mount it"))
	return r
}

var _ = Describe("a virtual container host to be created", func() {
	wide := func(r *report.Report, style report.Style) string {
		GinkgoHelper()
		var out bytes.Buffer
		Expect(report.Wide(&out, r, style)).To(Succeed())
		return out.String()
	}

	It("has its classes told apart by every format", func() {
		words := map[string][]string{
			"json": {`"create-refuses"`, `"create-warns"`, `"create-silent"`}, "yaml": {"class: create-refuses", "class: create-warns", "class: create-silent"},
			"tap":        {`class: "create-refuses"`, `class: "create-warns"`, `class: "create-silent"`},
			"junit":      {": create refuses\"", ": create only warns\"", ": create does not look\""},
			"markdown":   {"| refuses |", "| warns |", "| silent |"},
			"prometheus": {`class="create-refuses"`, `class="create-warns"`, `class="create-silent"`, `class="unknown"`},
			"nagios":     {"create refuses for 4 findings (1 waived), only warns of 2, does not look at 2, 1 not known", "refused=4;"},
			"html":       {`class="create create-refuses"`, `class="create create-warns"`, `class="create create-silent"`},
		}
		for _, format := range report.Formats() {
			list := words[format.Name]
			if list == nil {
				list = []string{"create refuses", "create only warns", "create does not look"}
			}
			for _, word := range list {
				Expect(write(format.Name, created())).To(ContainSubstring(word), format.Name)
			}
		}
	})

	It("has a class nowhere but at findings", func() {
		c := created().Classes()
		Expect([]int{c.Refuses, c.Warns, c.Silent, c.Unknown}).To(Equal([]int{4, 2, 2, 1}))
		Expect(write("json", acceptable())).NotTo(ContainSubstring(`"class"`))
		Expect(reports()["mixed"].Classes()).To(BeNil())
	})

	It("has a line of its own for each finding, and one for all that is fine but in the wide table", func() {
		for _, width := range []int{0, 80, 160} {
			short, long := render(created(), report.Style{Width: width}), wide(created(), report.Style{Width: width})
			for _, res := range created().Runs[0].Results {
				if res.Scope != checks.ScopeVCH {
					continue
				}
				Expect(long).To(ContainSubstring(res.Subject))
				Expect(strings.Contains(short, res.Subject)).To(Equal(!res.Status.Fine()), res.Subject)
			}
			Expect(short).To(ContainSubstring("\n  1 passed, 1 skipped\n"))
			Expect(short).To(ContainSubstring("create refuses for 4 findings"))
		}
	})

	DescribeTable("is graded", func(r *report.Report, status, plain, strict, allowUnknown checks.Status) {
		run := r.Runs[0]
		Expect(run.Status()).To(Equal(status))
		Expect(run.Grade(false, false)).To(Equal(plain))
		Expect(run.Grade(true, false)).To(Equal(strict))
		Expect(run.Grade(false, true)).To(Equal(allowUnknown))
	},
		Entry("with failures", created(), checks.Fail, checks.Fail, checks.Fail, checks.Fail),
		Entry("without a host", refused(), checks.Fail, checks.Fail, checks.Fail, checks.Fail),
		Entry("with nothing to say", acceptable(), checks.Pass, checks.Pass, checks.Pass, checks.Pass),
		Entry("with a warning alone", withVCH(checks.Warn), checks.Warn, checks.Pass, checks.Fail, checks.Pass),
		Entry("with something unknown", withVCH(checks.Unknown), checks.Unknown, checks.Unknown, checks.Unknown, checks.Pass),
		Entry("with a failure of its own alone", withVCH(checks.Fail), checks.Fail, checks.Fail, checks.Fail, checks.Fail),
		Entry("without a host, where all else passes", hostless(checks.Pass), checks.Unknown, checks.Unknown, checks.Unknown, checks.Unknown),
	)

	It("is never green without a host", func() {
		for _, r := range []*report.Report{refused(), hostless(checks.Pass)} {
			Expect(r.NagiosCode(false, true)).NotTo(BeZero())
			for _, format := range report.Formats() {
				Expect(write(format.Name, r)).NotTo(BeEmpty())
			}
			Expect(render(r, report.Style{Width: 80})).To(ContainSubstring("no host was looked at"))
			Expect(write("tap", r)).To(ContainSubstring("not ok"))
			Expect(write("junit", r)).To(ContainSubstring("<error "))
			Expect(r.Missing()).To(ContainSubstring("no host was looked at"))
		}
		Expect(refused().Missing()).To(HavePrefix("2: --compute-resource (name-unresolved)"))
	})

	DescribeTable("is compared", func(then, now *report.Report, want map[string]report.Change) {
		got := map[string]report.Change{}
		for _, d := range difference(then, now).Targets[0].Differences {
			Expect(d.Scope).To(Equal(checks.ScopeVCH))
			got[d.Path] = d.Change
		}
		Expect(got).To(Equal(want))
	},
		Entry("with a new failure", withVCH(checks.Pass), withVCH(checks.Fail), map[string]report.Change{"/dc1/datastore/shared": report.ChangeNew}),
		Entry("where it is mended", withVCH(checks.Fail), withVCH(checks.Pass), map[string]report.Change{"/dc1/datastore/shared": report.ChangeMended}),
		Entry("where another store is named", withVCH(checks.Fail), withSubject("/dc1/datastore/other"), map[string]report.Change{"/dc1/datastore/shared": report.ChangeGone}),
		Entry("where it was not checked again", withVCH(checks.Fail), withoutVCH(), map[string]report.Change{"/dc1/datastore/shared": report.ChangeUnknown}),
		Entry("with a report that is about none", withVCH(checks.Fail), reports()["one"], map[string]report.Change{"/dc1/datastore/shared": report.ChangeUnknown}),
		Entry("where it is the same", withVCH(checks.Fail), withVCH(checks.Fail), map[string]report.Change{"/dc1/datastore/shared": report.ChangeUnchanged}),
	)

	It("does not fail for what the baseline has", func() {
		r := withVCH(checks.Fail)
		r.Runs[0].Compared, r.Runs[0].OnlyNew = saved(withVCH(checks.Fail)).Compare("old.json", r.Runs[0]), true
		Expect(r.Runs[0].Grade(false, false)).To(Equal(checks.Pass))
		Expect(write("junit", r)).NotTo(ContainSubstring("<failure"))
	})

	It("has hosts apart in JSON that share a verdict and no class", func() {
		r := created()
		run := r.Runs[0]
		shared := &checks.Verdict{Status: checks.Fail, Reason: checks.NoRuleset, Detail: "d"}
		run.Results = nil
		for i, class := range []checks.Class{checks.CreateRefuses, checks.CreateSilent, checks.CreateRefuses} {
			run.Results = append(run.Results, checks.Result{Check: "license", Scope: checks.ScopeHost, Subject: run.Inventory.Hosts[i].Path, Class: class, Verdict: shared})
		}
		Expect(strings.Count(write("json", r), `"class": "create-silent"`)).To(Equal(1))
	})
})

// withVCH is acceptable with another status of its one result.
func withVCH(status checks.Status) *report.Report {
	r := acceptable()
	last := &r.Runs[0].Results[len(r.Runs[0].Results)-1]
	*last = vchResult(last.Check, last.Subject, status, checks.NobodyListens, checks.CreateRefuses, fmt.Sprintf("it is %s", status))
	return r
}

func withSubject(subject string) *report.Report {
	r := acceptable()
	r.Runs[0].Results[len(r.Runs[0].Results)-1].Subject = subject
	return r
}

// withoutVCH is acceptable where no check of the virtual container host was run.
func withoutVCH() *report.Report {
	r := acceptable()
	r.Runs[0].Results = r.Runs[0].Results[:len(r.Runs[0].Results)-1]
	return r
}

func hostless(status checks.Status) *report.Report {
	r := refused()
	r.Runs[0].Results = []checks.Result{vchResult("dns", "--dns-server", status, checks.Uniform, checks.CreateWarns, "d")}
	return r
}

var _ = It("a dry run of create shows its hosts behind the plan, and gates on what no plan mends", func() {
	r := planned(true)
	run := r.Runs[0]
	Expect(write("table", r)).NotTo(ContainSubstring("VERDICT"))
	run.VCH, run.Plan = "vch1", run.Plan[:1]
	run.Results = append(run.Results, vchResult("dns", "--dns-server", checks.Warn, checks.NameUnresolved, checks.CreateWarns, "d"))
	Expect(write("table", r)).To(MatchRegexp(`(?s)already-permitted.*VERDICT.*esx1\.example +pass.*1 host: 1 passed`))
	Expect(run.PlanGrade(false, false)).To(Equal(checks.Pass))
	Expect(run.PlanGrade(true, false)).To(Equal(checks.Fail), "a warning counts, as without a plan")
	run.VCH = ""
	Expect(run.PlanGrade(true, false)).To(Equal(checks.Pass))
})
