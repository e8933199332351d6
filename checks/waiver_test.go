package checks_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
)

var _ = Describe("a waiver", func() {
	var (
		day     = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
		shut    = &checks.Verdict{Status: checks.Fail, Reason: checks.RulesetDisabled, Detail: "it is disabled"}
		results = []checks.Result{
			{Check: checks.OutboundPort, Requirement: "syslog-ssl", Scope: checks.ScopeHost, Subject: "/dc1/host/prod/esx1.example", Verdict: shut},
			{Check: checks.OutboundPort, Scope: checks.ScopeHost, Subject: "/dc1/host/prod/esx2.example", Verdict: shut},
			{Check: checks.HostState, Scope: checks.ScopeHost, Subject: "/dc1/host/prod/esx1.example", Verdict: &checks.Verdict{Status: checks.Warn, Reason: checks.HostMaintenance}},
			{Check: checks.TCPConnect, Scope: checks.ScopeHost, Subject: "/dc1/host/prod/esx1.example", Verdict: &checks.Verdict{Reason: checks.RulesetDisabled}},
		}
	)
	statuses := func(list []checks.Result) (out []checks.Status) {
		for _, r := range list {
			out = append(out, r.Status)
		}
		return out
	}

	DescribeTable("accepts what it fits",
		func(w checks.Waiver, now time.Time, want ...checks.Status) {
			w.Because, w.Expires = "so it is", day
			left := checks.Waive(results, []checks.Waiver{w}, "sim://mixed", now)
			Expect(statuses(left)).To(Equal(append(want, checks.Warn, checks.Unknown)))
			Expect(shut.Status).To(Equal(checks.Fail), "shared by other hosts")
			for _, r := range left[:2] {
				Expect(r.Waiver != nil).To(Equal(r.Status == checks.Warn))
			}
		},
		Entry("everywhere", checks.Waiver{Reason: checks.RulesetDisabled}, day.Add(-time.Second), checks.Warn, checks.Warn),
		Entry("on one host", checks.Waiver{Reason: checks.RulesetDisabled, Host: "esx1.*"}, day.Add(-time.Second), checks.Warn, checks.Fail),
		Entry("of one check", checks.Waiver{Reason: checks.RulesetDisabled, Check: checks.FirewallState}, day.Add(-time.Second), checks.Fail, checks.Fail),
		Entry("on one target", checks.Waiver{Reason: checks.RulesetDisabled, Target: "sim://*"}, day.Add(-time.Second), checks.Warn, checks.Warn),
		Entry("on another target", checks.Waiver{Reason: checks.RulesetDisabled, Target: "vc*"}, day.Add(-time.Second), checks.Fail, checks.Fail),
		Entry("for one requirement", checks.Waiver{Reason: checks.RulesetDisabled, Requirement: "syslog-*"}, day.Add(-time.Second), checks.Warn, checks.Fail),
		Entry("for another requirement", checks.Waiver{Reason: checks.RulesetDisabled, Requirement: "ntp"}, day.Add(-time.Second), checks.Fail, checks.Fail),
		Entry("for another reason", checks.Waiver{Reason: checks.NoRuleset}, day.Add(-time.Second), checks.Fail, checks.Fail),
		Entry("nowhere, by a glob that is none", checks.Waiver{Reason: checks.RulesetDisabled, Host: "[esx"}, day.Add(-time.Second), checks.Fail, checks.Fail),
		Entry("no more on the day that it expires", checks.Waiver{Reason: checks.RulesetDisabled}, day, checks.Fail, checks.Fail),
	)

	It("leaves hosts that are alike with one verdict", func() {
		left := checks.Waive(results, []checks.Waiver{{Reason: checks.RulesetDisabled, Expires: day}}, "", day.Add(-time.Hour))
		Expect(left[0].Verdict).To(BeIdenticalTo(left[1].Verdict))
	})
})
