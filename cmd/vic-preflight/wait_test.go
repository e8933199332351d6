package main

import (
	"bytes"
	"context"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// seeing runs a command line and calls then when standard error first says so.
func seeing(ctx context.Context, text string, then func(), args ...string) outcome {
	GinkgoHelper()
	var stdout bytes.Buffer
	seen := &screen{}
	ended := make(chan int, 1)
	go func() {
		ended <- execute(ctx, &app{stdin: strings.NewReader(""), stdout: &stdout, stderr: seen, lookupEnv: func(string) (string, bool) { return "", false }, stateDir: GinkgoT().TempDir()}, args)
	}()
	Eventually(seen.String).WithContext(ctx).WithTimeout(20 * time.Second).Should(ContainSubstring(text))
	then()
	var code int
	Eventually(ended).WithTimeout(40 * time.Second).Should(Receive(&code))
	return outcome{code, stdout.String(), seen.String()}
}

var _ = Describe("check --wait", func() {
	It("checks again until all is well, and says what is missing meanwhile", func(ctx SpecContext) {
		vc := start("closed")
		out := seeing(ctx, "waiting for: 3: esx01 (ruleset-disabled), esx02 (ruleset-disabled), esx03 (ruleset-disabled); again every 1s", func() {
			Expect(invocation{args: append(with(vc, []string{"fix", "--allow"}, "--compute-resource", "prod"), journalIn()...)}.run(ctx).code).To(Equal(exitOK))
		}, with(vc, []string{"check"}, "--compute-resource", "prod", "--refresh", "--wait", "20s")...)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(out.stdout).To(HaveSuffix("\n3 hosts: 3 passed\n"))
		Expect(strings.Count(out.stderr, "is not verified")).To(BeNumerically("<=", 1), "what was said once is not said again")
	}, SpecTimeout(time.Minute))

	It("waits for a target that is not there yet", func(ctx SpecContext) {
		vc := start("open")
		address := vc.URL.Host
		vc.Close()
		var back *sim.VCenter
		defer func() { back.Close() }()
		out := seeing(ctx, "waiting for: 1: "+address+" (not checked); again every", func() {
			var err error
			scenario, err := sim.ParseScenario("open")
			Expect(err).NotTo(HaveOccurred())
			back, err = sim.Start(scenario, sim.Options{Listen: address, User: "root", Password: secret})
			Expect(err).NotTo(HaveOccurred())
		}, "check", "--target", address, "--user", "root", "--password", secret, "--insecure", "--wait", "30s")
		Expect(out.code).To(Equal(exitOK), out.stderr)
	}, SpecTimeout(time.Minute))

	It("ends with the last verdict when the time is up, and with a signal", func(ctx SpecContext) {
		vc := start("closed")
		out := invocation{args: with(vc, []string{"check"}, "--wait", "1500ms")}.run(ctx)
		Expect(out.code).To(Equal(exitFailed))
		Expect(out.stdout).To(HaveSuffix("\n5 hosts: 5 failed\n"))
		run, cancel := context.WithCancel(ctx)
		out = seeing(run, "waiting for: ", cancel, with(vc, []string{"check"}, "--wait", "10m")...)
		Expect(out.code).To(Equal(exitInterrupted))
		Expect(out.stdout).To(ContainSubstring("5 hosts: 5 failed"))
	}, SpecTimeout(time.Minute))

	It("does not try a refused login again, which would lock the account", func(ctx SpecContext) {
		vc := start("open")
		out := invocation{args: append(flags(vc), "--password", secret+"x", "--wait", "20s")}.run(ctx)
		Expect(out.code).To(Equal(exitUnknown))
		Expect(out.stderr).To(ContainSubstring("refused the login"))
		Expect(vc.RequestsOf("Login")).To(Equal(1))
	}, SpecTimeout(time.Minute))

	It("does not wait for what no time mends", func(ctx SpecContext) {
		began := time.Now()
		out := invocation{args: []string{"check", "sim://nosuch", "--wait", "10m"}}.run(ctx)
		Expect(out.code).To(Equal(exitUsage))
		Expect(time.Since(began)).To(BeNumerically("<", time.Minute))
		Expect(invocation{args: []string{"check", "sim://open", "--wait", "10m", "--fix"}}.run(ctx).stderr).To(ContainSubstring("--wait only looks"))
	}, SpecTimeout(time.Minute))
})
