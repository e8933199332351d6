package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("watch", func() {
	It("shows what the first round finds, and is quiet while nothing changes", func(ctx SpecContext) {
		out := invocation{args: []string{"watch", "sim://mixed", "--every", "1ms", "--rounds", "3"}}.run(ctx)
		once := invocation{args: []string{"check", "sim://mixed"}}.run(ctx)
		Expect(out.code).To(Equal(exitFailed), "of the last round")
		Expect(out.stdout).To(Equal(once.stdout))
		Expect(out.stderr).To(Equal(once.stderr + "note: checking again every 1ms, and telling what changes; Ctrl-C ends it\n"))
	}, SpecTimeout(time.Minute))

	It("replaces files in each round", func(ctx SpecContext) {
		metrics := filepath.Join(GinkgoT().TempDir(), "vic-preflight.prom")
		out := invocation{args: []string{"watch", "sim://open", "--every", "1ms", "--rounds", "3", "-o", "prometheus=" + metrics}}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(out.stdout).To(HaveSuffix("\n5 hosts: 5 passed\n"))
		text, err := os.ReadFile(metrics)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(text)).To(And(ContainSubstring("\nvic_preflight_watch_rounds_total 3\n"), ContainSubstring("\nvic_preflight_watch_interval_seconds 0.001\n"), ContainSubstring("\nvic_preflight_target_up{target=\"sim://open\"} 1\n")))
	}, SpecTimeout(time.Minute))

	It("says that a file could not be written, goes on, and exits 3 where all is well but that", func(ctx SpecContext) {
		out := invocation{args: []string{"watch", "sim://open", "--every", "1ms", "--rounds", "3", "-o", "json=/dev/full"}}.run(ctx)
		Expect(out.code).To(Equal(exitUnknown))
		Expect(strings.Count(out.stderr, "json to /dev/full: ")).To(Equal(3), out.stderr)
	}, SpecTimeout(time.Minute))

	It("tells of a change on a server, repairs what --fix is for, and ends with a signal", func(ctx SpecContext) {
		vc := start("open")
		run, cancel := context.WithCancel(ctx)
		state := GinkgoT().TempDir()
		report := filepath.Join(state, "r.json")
		out := seeing(run, "checking again every 10s", func() {
			vc.Host("esx01.example").SetRuleset("vic-engine", false)
			Eventually(func() int { return vc.RequestsOf("EnableRuleset") }).WithContext(ctx).WithTimeout(40 * time.Second).Should(Equal(1))
			Eventually(func() string { text, _ := os.ReadFile(report); return string(text) }).WithContext(ctx).WithTimeout(20 * time.Second).Should(ContainSubstring(`"verified": true`))
			cancel()
		}, append(with(vc, []string{"watch"}, "--fix", "--every", "10s", "-o", "json="+report), "--max-hosts", "1")...)
		Expect(out.code).To(Equal(exitInterrupted), out.stderr)
		_, events, _ := strings.Cut(out.stdout, "\n5 hosts: 5 passed\n")
		Expect(events).To(MatchRegexp(`(?s)^20\S+Z repaired esx01\.example: vic-engine: disabled .*\n20\S+Z journal ` + vc.URL.Host + `: to take the changes back: vic-preflight undo \S+\.jsonl [^\n]*\n$`))
		Expect(enabled(vc, "esx01.example", "vic-engine")).To(BeTrue())
		Expect(out.stderr).To(HaveSuffix("vic-preflight: interrupted; what was known and done is reported\n"))
	}, SpecTimeout(2*time.Minute))

	It("says in the first round that it may not repair so many hosts, and says it once", func(ctx SpecContext) {
		out := invocation{args: []string{"watch", "sim://closed", "--fix", "--max-hosts", "1", "--every", "1ms", "--rounds", "3"}}.run(ctx)
		Expect(out.code).To(Equal(exitUnverified))
		const fuse = "the plan changes 5 hosts, and --max-hosts allows 1: nothing was changed\n"
		Expect(out.stdout).To(MatchRegexp(`(?s)\n5 to change\n20\S+Z error sim://closed: ` + fuse + `$`))
		Expect(strings.Count(out.stderr, fuse)).To(Equal(1), "it is the last round's, too")
	}, SpecTimeout(time.Minute))

	It("says at once that a server cannot be reached, and goes on", func(ctx SpecContext) {
		run, cancel := context.WithCancel(ctx)
		out := seeing(run, "checking again every 5m0s", cancel, "watch", deaf, "--user", "root", "--password", secret)
		Expect(out.code).To(Equal(exitInterrupted))
		Expect(out.stdout).To(MatchRegexp(`^20\S+Z lost ` + deaf + `: NOT CHECKED: cannot reach ` + deaf + `[^\n]*\n$`))
		Expect(out.stderr).To(HaveSuffix("vic-preflight: interrupted before anything was known\n"))
		out = invocation{args: []string{"watch", deaf, "--user", "root", "--password", secret, "--rounds", "1"}}.run(ctx)
		Expect(out.code).To(Equal(exitUnknown))
		Expect(out.stdout).To(BeEmpty())
		Expect(out.stderr).To(ContainSubstring("vic-preflight: cannot reach " + deaf))
	}, SpecTimeout(time.Minute))

	It("does not try a refused login again, which would lock the account", func(ctx SpecContext) {
		vc := start("open")
		out := invocation{args: append(with(vc, []string{"watch"}), "--password", secret+"x")}.run(ctx)
		Expect(out.code).To(Equal(exitUnknown))
		Expect(out.stderr).To(And(ContainSubstring("as wrong passwords lock accounts: "), ContainSubstring("refused the login of root"), ContainSubstring("hint: vCenter wants the domain"), Not(ContainSubstring("checking again"))))
		Expect(out.stdout).To(BeEmpty())
		Expect(vc.RequestsOf("Login")).To(Equal(1))
	}, SpecTimeout(time.Minute))

	DescribeTable("refuses", func(ctx SpecContext, says string, args ...string) {
		out := invocation{args: append([]string{"watch", "sim://closed", "--every", "1ms", "--rounds", "1"}, args...)}.run(ctx)
		Expect(out.code).To(Equal(exitUsage))
		Expect(out.stderr).To(ContainSubstring(says))
		Expect(out.stdout).To(BeEmpty())
	},
		Entry("what ends by itself", "--wait goes with check: a watch goes on by itself", "--wait", "1m"),
		Entry("a file of facts", "--facts is of a file, in which nothing changes", "--facts", "facts.json"),
		Entry("one journal", "--journal names one file, and each round", "--fix", "--journal", "new.jsonl"),
		Entry("a dry run", "--dry-run does not go with a watch", "--fix", "--dry-run"),
		Entry("a format for programs on standard output", "--output json cannot go to standard output, where a watch writes lines of what changes: give it a file, as json=FILE", "-o", "json"),
		Entry("no time between rounds", "--every 0s is no time to wait", "--every", "0"),
		Entry("less than no round", "--rounds -1 is no number of rounds", "--rounds", "-1"),
		Entry("to ask a server all the time", "--every 9s is too short", "--every", "9s", "--target", "vc.example", "--user", "root", "--password", secret))

	It("is no plugin of Nagios, and says so as one", func(ctx SpecContext) {
		out := invocation{args: []string{"watch", "sim://closed", "--every", "1ms", "--rounds", "1", "--nagios-exit"}}.run(ctx)
		Expect(out.code).To(Equal(nagiosUnknown))
		Expect(out.stdout).To(HavePrefix("VIC-PREFLIGHT UNKNOWN: --nagios-exit goes with check"))
	}, SpecTimeout(time.Minute))

	It("lets a gate in the configuration file be", func(ctx SpecContext) {
		file := configured("wait: 1m\nnagios-exit: true\noutput: [json, junit=report.xml]\n")
		out := invocation{args: []string{"watch", "sim://closed", "--every", "1ms", "--rounds", "1", "--config", file}}.run(ctx)
		Expect(out.code).To(Equal(exitFailed), out.stderr)
		Expect(out.stdout).To(HaveSuffix("\n5 hosts: 5 failed\n"))
		Expect(filepath.Join(filepath.Dir(file), "report.xml")).NotTo(BeAnExistingFile())
	}, SpecTimeout(time.Minute))
})
