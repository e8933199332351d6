package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

// screen is what a person at a terminal has seen.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.ReplaceAll(s.text.String(), "\r\n", "\n")
}

// person is somebody at a terminal, who answers what is asked.
func person(ctx context.Context, asked, answer string, args ...string) (outcome, string) {
	GinkgoHelper()
	keyboard, terminal := testsuite.Terminal(GinkgoTB())
	seen := &screen{}
	copied := make(chan struct{})
	go func() {
		_, _ = io.Copy(seen, keyboard)
		close(copied)
	}()
	var stdout bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- execute(ctx, &app{stdin: terminal, stdout: &stdout, stderr: terminal, lookupEnv: func(string) (string, bool) { return "", false }, stateDir: GinkgoT().TempDir()}, args)
	}()
	var code int
	if asked != "" {
		Eventually(seen.String).WithContext(ctx).Should(HaveSuffix(asked))
		_, err := keyboard.WriteString(answer)
		Expect(err).NotTo(HaveOccurred())
	}
	Eventually(ended).WithContext(ctx).WithTimeout(20 * time.Second).Should(Receive(&code))
	Expect(terminal.Close()).To(Succeed()) // nothing more comes, and what came can be read
	Eventually(copied).WithContext(ctx).Should(BeClosed())
	return outcome{code: code, stdout: stdout.String()}, seen.String()
}

var _ = Describe("at a terminal", func() {
	const ask, typed = "? [y/N] ", "Type deny to go on: "
	var vc *sim.VCenter
	BeforeEach(func() { vc = start("closed") })

	DescribeTable("a change is asked for", func(ctx SpecContext, asked, answer string, code, open int, args ...string) {
		out, seen := person(ctx, asked, answer, with(vc, args[:1], args[1:]...)...)
		Expect(out.code).To(Equal(code), seen)
		opened := 0
		for _, host := range []string{"esx01", "esx02", "esx03"} {
			if enabled(vc, host+".example", "vic-engine") || enabled(vc, host+".example", "vSPC") {
				opened++
			}
		}
		Expect(opened).To(Equal(open))
		if asked == "" {
			Expect(seen).NotTo(ContainSubstring("Plan"))
		} else {
			Expect(seen).To(ContainSubstring("Change 3 hosts of " + vc.URL.Host + "? [y/N]"))
			Expect(seen).To(MatchRegexp(`esx01.example +\w+ +\S+ +planned`))
		}
		if code == exitUnverified {
			Expect(seen).To(ContainSubstring("nothing was changed"))
			Expect(out.stdout).To(BeEmpty(), "the plan was seen")
			Expect(vc.RequestsOf("EnableRuleset") + vc.RequestsOf("UpdateRuleset")).To(BeZero())
		}
	},
		Entry("and yes is one answer", ask, "y\n", exitOK, 3, "fix", "--allow", "--compute-resource", "prod", SpecTimeout(time.Minute)),
		Entry("and anything else is no", ask, "\n", exitUnverified, 0, "fix", "--allow", "--compute-resource", "prod", SpecTimeout(time.Minute)),
		Entry("by check --fix, too", ask, "YES\n", exitOK, 3, "check", "--fix", "--compute-resource", "prod", SpecTimeout(time.Minute)),
		Entry("and it ends the input", ask, "\x04", exitUnverified, 0, "check", "--fix", "--compute-resource", "prod", SpecTimeout(time.Minute)),
		Entry("unless it was confirmed beforehand", "", "", exitOK, 3, "fix", "--allow", "--compute-resource", "prod", "--yes", SpecTimeout(time.Minute)),
		Entry("but not by vic-machine's command", "", "", exitOK, 3, "update", "firewall", "--allow", "--compute-resource", "prod", SpecTimeout(time.Minute)),
	)

	It("a watch asks once, before it looks", func(ctx SpecContext) {
		watch := []string{"watch", "sim://closed", "--fix", "--every", "1ms", "--rounds", "2"}
		out, seen := person(ctx, ask, "n\n", watch...)
		Expect(out.code).To(Equal(exitUnverified), seen)
		Expect(out.stdout).To(BeEmpty())
		out, seen = person(ctx, ask, "y\n", watch...)
		Expect(out.code).To(Equal(exitOK), seen)
		Expect(out.stdout).To(ContainSubstring("5 changed and verified"))
		Expect(strings.Count(seen, ask)).To(Equal(1))
		out, seen = person(ctx, "", "", append(watch, "--yes")...)
		Expect(out.code).To(Equal(exitOK), seen)
		Expect(seen).NotTo(ContainSubstring(ask))
		out, seen = person(ctx, "", "", append(watch, "--every", "0")...)
		Expect(out.code).To(Equal(exitUsage), seen)
	}, SpecTimeout(time.Minute))

	It("closing the port on all hosts takes a word", func(ctx SpecContext) {
		vc := start("open")
		out, seen := person(ctx, typed, "y\n", with(vc, []string{"fix", "--deny"})...)
		Expect(out.code).To(Equal(exitUnverified), seen)
		Expect(enabled(vc, "esx01.example", "vic-engine")).To(BeTrue())
		out, seen = person(ctx, typed, "deny\n", with(vc, []string{"fix", "--deny"})...)
		Expect(out.code).To(Equal(exitOK), seen)
		Expect(enabled(vc, "esx01.example", "vic-engine")).To(BeFalse())
	}, SpecTimeout(time.Minute))

	It("the time that the answer takes is not the run's", func(ctx SpecContext) {
		keyboard, terminal := testsuite.Terminal(GinkgoTB())
		seen := &screen{}
		go func() { _, _ = io.Copy(seen, keyboard) }()
		ended := make(chan int, 1)
		go func() {
			ended <- execute(ctx, &app{stdin: terminal, stdout: io.Discard, stderr: terminal, lookupEnv: func(string) (string, bool) { return "", false }, stateDir: GinkgoT().TempDir()},
				with(vc, []string{"fix", "--allow"}, "--compute-resource", "prod", "--timeout", "2s"))
		}()
		Eventually(seen.String).WithContext(ctx).Should(HaveSuffix(ask))
		Consistently(ended, "2500ms").ShouldNot(Receive())
		_, err := keyboard.WriteString("y\n")
		Expect(err).NotTo(HaveOccurred())
		Eventually(ended).WithContext(ctx).Should(Receive(Equal(exitOK)), seen.String)
	}, SpecTimeout(time.Minute))
})

var _ = Describe("off a terminal", func() {
	It("a plan larger than --max-hosts changes nothing, and is shown", func(ctx SpecContext) {
		vc := start("closed")
		args := append(with(vc, []string{"fix", "--allow"}), journalIn()...)
		out := invocation{args: append(args, "--max-hosts", "4")}.run(ctx)
		Expect(out.code).To(Equal(exitUnverified))
		Expect(out.stderr).To(ContainSubstring("the plan changes 5 hosts, and --max-hosts allows 4: nothing was changed"))
		Expect(out.stdout).To(MatchRegexp(`esx01.example +enable +\S+ +planned`))
		Expect(vc.RequestsOf("EnableRuleset")).To(BeZero())
		Expect(args[len(args)-1]).NotTo(BeAnExistingFile())
		out = invocation{args: append(args, "--max-hosts", "5")}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
	}, SpecTimeout(time.Minute))

	It("closing the port on all hosts takes --yes", func(ctx SpecContext) {
		vc := start("open")
		out := invocation{args: with(vc, []string{"fix", "--deny"})}.run(ctx)
		Expect(out.code).To(Equal(exitUsage))
		Expect(out.stderr).To(ContainSubstring("give --yes"))
		Expect(vc.RequestsOf("Login")).To(BeZero(), "nothing was asked")
		Expect(invocation{args: with(vc, []string{"fix", "--deny", "--dry-run"})}.run(ctx).code).To(Equal(exitFailed))
	}, SpecTimeout(time.Minute))

	It("an answer on a pipe is none", func(ctx SpecContext) {
		vc := start("closed")
		out := invocation{args: append(with(vc, []string{"fix", "--allow"}), journalIn()...), stdin: "n\n"}.run(ctx)
		Expect(out.code).To(Equal(exitOK), "nothing asks: it does what it was told")
	}, SpecTimeout(time.Minute))
})
