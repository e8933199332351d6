package checks_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
)

var _ = Describe("severities", func() {
	statuses := []checks.Status{checks.Unknown, checks.Pass, checks.Warn, checks.Fail, checks.Skip}
	regraded := func(from, severity checks.Status) checks.Status {
		v := &checks.Verdict{Status: from, Reason: checks.HostMaintenance, Detail: "it is"}
		left := checks.Regrade([]checks.Result{{Verdict: v}}, map[checks.Reason]checks.Status{checks.HostMaintenance: severity})
		Expect(v.Status).To(Equal(from), "it may be shared")
		Expect(left).To(HaveLen(1))
		Expect(left[0].Detail).To(Equal("it is"))
		return left[0].Status
	}

	It("turn warnings into failures and back", func() {
		Expect(regraded(checks.Warn, checks.Fail)).To(Equal(checks.Fail))
		Expect(regraded(checks.Fail, checks.Warn)).To(Equal(checks.Warn))
	})
	It("turn nothing green, and nothing that is not wrong into anything else", func() {
		for _, from := range statuses {
			for _, severity := range statuses {
				if from == checks.Warn || from == checks.Fail {
					Expect(regraded(from, severity)).To(Or(Equal(checks.Warn), Equal(checks.Fail)), "%s as %s", from, severity)
				} else {
					Expect(regraded(from, severity)).To(Equal(from), "as %s", severity)
				}
			}
		}
	})
	It("leave other reasons alone", func() {
		v := &checks.Verdict{Status: checks.Warn, Reason: checks.HostStandby}
		left := checks.Regrade([]checks.Result{{Verdict: v}}, map[checks.Reason]checks.Status{checks.HostMaintenance: checks.Fail})
		Expect(left[0].Verdict).To(BeIdenticalTo(v))
	})
	It("leave hosts that are alike with one verdict", func() {
		v := &checks.Verdict{Status: checks.Warn, Reason: checks.HostStandby}
		results := []checks.Result{{Subject: "a", Verdict: v}, {Subject: "b", Verdict: v}}
		left := checks.Regrade(results, map[checks.Reason]checks.Status{checks.HostStandby: checks.Fail})
		Expect(left[0].Status).To(Equal(checks.Fail))
		Expect(left[0].Verdict).To(BeIdenticalTo(left[1].Verdict))
		Expect(left[1].Subject).To(Equal("b"))
		Expect(results[0].Verdict).To(BeIdenticalTo(v))
	})
	It("do not take a waiver back", func() {
		v := &checks.Verdict{Status: checks.Fail, Reason: checks.RulesetDisabled}
		day := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
		waived := checks.Waive([]checks.Result{{Verdict: v}}, []checks.Waiver{{Reason: checks.RulesetDisabled, Expires: day.AddDate(0, 0, 1)}}, "", day)
		left := checks.Regrade(waived, map[checks.Reason]checks.Status{checks.RulesetDisabled: checks.Fail})
		Expect(left[0].Status).To(Equal(checks.Warn))
		Expect(left[0].Waiver).NotTo(BeNil())
	})
	It("are for the reasons of which docs/verdicts.md and docs/create.md say that they warn or fail", func() {
		want := gradedInDocs()
		for _, e := range checks.Explanations() {
			graded, told := want[e.Reason]
			Expect(told).To(BeTrue(), "neither tells of %s", e.Reason)
			Expect(checks.Gradable(e.Reason)).To(Equal(graded), string(e.Reason))
		}
		Expect(checks.Gradable("no-such-reason")).To(BeFalse())
	})
})

// gradedInDocs says of each reason in the tables of docs/verdicts.md whether a row, or
// a part of one, has it with warn or fail.
func gradedInDocs() map[checks.Reason]bool {
	GinkgoHelper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "verdicts.md"))
	Expect(err).NotTo(HaveOccurred())
	code := regexp.MustCompile("`([a-z-]+)`")
	graded := map[checks.Reason]bool{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "|") || len(cells) < 2 {
			continue
		}
		parts := strings.Split(cells[len(cells)-1], ";") // pass `a`; warn `b`, `c`
		if len(cells) == 4 {
			parts = []string{cells[2] + cells[3]} // number, facts, status, reason
		}
		for _, part := range parts {
			status, _, _ := strings.Cut(strings.TrimSpace(part), " ")
			for _, m := range code.FindAllStringSubmatch(part, -1) {
				graded[checks.Reason(m[1])] = graded[checks.Reason(m[1])] || status == "warn" || status == "fail"
			}
		}
	}
	text, err = os.ReadFile(filepath.Join("..", "docs", "create.md"))
	Expect(err).NotTo(HaveOccurred())
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| ([a-z]+)").FindAllStringSubmatch(string(text), -1) {
		graded[checks.Reason(m[1])] = m[2] == "warn" || m[2] == "fail"
	}
	return graded
}
