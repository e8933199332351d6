package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/sim/simtest"
)

// targetsOf reads what a JSON report says of its targets.
func targetsOf(out outcome) (targets []target) {
	GinkgoHelper()
	var r struct {
		Status  string
		Targets []target
		Summary struct{ Targets, Errors, Hosts int }
	}
	Expect(json.Unmarshal([]byte(out.stdout), &r)).To(Succeed(), out.stderr)
	Expect(r.Summary.Targets).To(Equal(len(r.Targets)))
	hosts, failed := 0, 0
	for _, t := range r.Targets {
		hosts += len(t.Hosts)
		if t.Error != "" {
			failed++
		}
	}
	Expect(r.Summary.Hosts).To(Equal(hosts))
	Expect(r.Summary.Errors).To(Equal(failed))
	return r.Targets
}

type target struct {
	Target, Error, Status, Journal string
	Hosts                          []struct{ Name, Status string }
}

func (t target) statusOf(host string) string {
	for _, h := range t.Hosts {
		if h.Name == host {
			return h.Status
		}
	}
	return "not there"
}

var _ = Describe("several targets", func() {
	// A second account on a server of its own.
	other := func() *sim.VCenter {
		return simtest.Start(GinkgoTB(), "closed", sim.Options{User: "other", Password: "other-" + secret})
	}

	It("are judged side by side, and one that cannot be is its own error", func(ctx SpecContext) {
		out := invocation{args: []string{"check", "-t", "sim://mixed", "-t", "sim://closed", "-t", "sim://nosuch", "-o", "json"}}.run(ctx)
		Expect(out.code).To(Equal(exitFailed), out.stderr)
		targets := targetsOf(out)
		Expect(targets).To(HaveLen(3))
		Expect(targets[0].Hosts).To(HaveLen(20))
		Expect(targets[1].Hosts).To(HaveLen(5))
		Expect(targets[0].statusOf("esx01.example")).To(Equal("pass"))
		Expect(targets[1].statusOf("esx01.example")).To(Equal("fail"), "hosts of equal names are kept apart")
		Expect(targets[2].Error).To(ContainSubstring(`unknown scenario "nosuch"`))
		Expect(targets[2].Hosts).To(BeEmpty())
		Expect(out.stderr).To(ContainSubstring(`vic-preflight: sim://nosuch: unknown scenario "nosuch"`))
	}, SpecTimeout(time.Minute))

	It("have a heading each, and a line each at the end", func(ctx SpecContext) {
		out := invocation{args: []string{"check", "sim://open", "sim://closed", "--target", "sim://nosuch"}}.run(ctx)
		Expect(out.code).To(Equal(exitFailed))
		for _, line := range []string{
			"sim://open (simulated): outbound TCP 2377 to a virtual container host\n",
			"sim://closed (simulated): outbound TCP 2377 to a virtual container host\n",
			"sim://nosuch: NOT CHECKED: unknown scenario",
			"\nsim://nosuch: not checked\nsim://open: 5 hosts: 5 passed\nsim://closed: 5 hosts: 5 failed\n3 targets, 10 hosts: 5 failed, 5 passed; 1 target not checked\n",
		} {
			Expect(out.stdout).To(ContainSubstring(line))
		}
		Expect(out.stdout).To(And(ContainSubstring("fix --allow --target sim://closed"), Not(ContainSubstring("fix --allow --target sim://open"))))
	}, SpecTimeout(time.Minute))

	DescribeTable("exit by the worst of them", func(ctx SpecContext, code int, args ...string) {
		Expect(invocation{args: append([]string{"check"}, args...)}.run(ctx).code).To(Equal(code))
	},
		Entry("all pass", exitOK, "sim://open", "sim://open"),
		Entry("one fails", exitFailed, "sim://open", "sim://closed"),
		Entry("one cannot be found out about", exitUnknown, "sim://open", "sim://nosuch"),
		Entry("one fails, of one nothing is known", exitFailed, "sim://closed", "sim://nosuch"),
		Entry("none can be meant", exitUsage, "sim://nosuch", "sim://neither"),
	)

	It("use their own credentials, and the common ones where they have none", func(ctx SpecContext) {
		a, b := start("open"), other()
		out := invocation{args: []string{
			"check", "-o", "json", "-u", "root", "-p", secret, "--thumbprint", a.Thumbprint, "--thumbprint", b.Thumbprint,
			a.URL.Host, "other:other-" + secret + "@" + b.URL.Host,
		}}.run(ctx)
		Expect(out.code).To(Equal(exitFailed), out.stderr)
		targets := targetsOf(out)
		Expect(targets[0].Error + targets[1].Error).To(BeEmpty())
		Expect(targets[1].Target).To(Equal(b.URL.Host))
		Expect(out.stdout + out.stderr).NotTo(ContainSubstring(secret))
	}, SpecTimeout(time.Minute))

	It("cost their own error when a login is refused", func(ctx SpecContext) {
		a, b := start("open"), other()
		out := invocation{args: []string{
			"check", "-o", "json", "-u", "root", "-p", secret, "--thumbprint", a.Thumbprint, "--thumbprint", b.Thumbprint, a.URL.Host, b.URL.Host,
		}}.run(ctx)
		Expect(out.code).To(Equal(exitUnknown))
		Expect(targetsOf(out)[1].Error).To(ContainSubstring("refused the login of root"))
		Expect(out.stderr).To(ContainSubstring("hint: vCenter wants the domain"))
		Expect(out.stdout + out.stderr).NotTo(ContainSubstring(secret))
	}, SpecTimeout(time.Minute))

	It("are repaired with a journal each", func(ctx SpecContext) {
		state := GinkgoT().TempDir()
		out := invocation{
			args: []string{"check", "--fix", "-o", "json", "sim://closed", "sim://closed"}, env: map[string]string{"XDG_STATE_HOME": state},
		}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		targets := targetsOf(out)
		Expect(targets[0].Journal).NotTo(Equal(targets[1].Journal))
		for _, t := range targets {
			Expect(filepath.Dir(t.Journal)).To(Equal(filepath.Join(state, "vic-preflight", "journals")))
			Expect(t.Journal).To(BeAnExistingFile())
			Expect(out.stderr).To(ContainSubstring("journal: sim://closed: " + t.Journal))
		}
	}, SpecTimeout(time.Minute))

	DescribeTable("are refused where one is meant", verifyBad,
		Entry("a journal", badRow{invocation{args: []string{"fix", "--allow", "--journal", "j", "sim://closed", "sim://open"}}, exitUsage, "--journal names one file, and there are 2 targets", "each target gets one of its own"}),
		Entry("an undo", badRow{invocation{args: []string{"undo", "j", "-t", "sim://closed", "-t", "sim://open"}}, exitUsage, "undo takes one target", ""}),
	)
})

var _ = Describe("a report in JSON", func() {
	It("is written also when no target could be reached", func(ctx SpecContext) {
		out := invocation{args: []string{"check", "-o", "json", "-t", deaf, "-u", "root", "-p", secret}}.run(ctx)
		Expect(out.code).To(Equal(exitUnknown))
		targets := targetsOf(out)
		Expect(targets).To(HaveLen(1))
		Expect(targets[0].Error).To(Equal("cannot reach " + deaf + ": the connection was refused"))
		Expect(targets[0].Status).To(Equal("unknown"))
		Expect(out.stderr).To(HavePrefix(shown + "vic-preflight: cannot reach " + deaf))
	}, SpecTimeout(time.Minute))

	It("is not written for a command line that cannot be meant", func(ctx SpecContext) {
		out := invocation{args: []string{"check", "-o", "json", "-t", "sim://nosuch"}}.run(ctx)
		Expect(out.code).To(Equal(exitUsage))
		Expect(out.stdout).To(BeEmpty())
	})
})

var _ = Describe("the shell's completion", func() {
	offers := func(ctx SpecContext, args ...string) []string {
		out := invocation{args: append([]string{"__complete"}, args...)}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		return strings.Fields(out.stdout)
	}
	It("offers the values of flags", func(ctx SpecContext) {
		Expect(offers(ctx, "check", "--output", "")).To(ContainElements("table", "json"))
		Expect(offers(ctx, "check", "--probe", "")).To(ContainElements("none", "serial"))
		Expect(offers(ctx, "check", "--target", "sim")).To(ContainElements("sim://mixed"))
		Expect(offers(ctx, "check", "--only", "")).To(ContainElements("outbound-port", "cluster-drift"))
		Expect(offers(ctx, "fix", "--method", "")).To(ContainElements("vib", "service-xml"))
		Expect(offers(ctx, "vib", "build", "--esxi", "")).To(ContainElements("8", "6-7"))
		Expect(offers(ctx, "explain", "ruleset-d")).To(ContainElements("ruleset-disabled"))
	})
	It("has a word for what was nearly right", func(ctx SpecContext) {
		Expect(invocation{args: []string{"chek"}}.run(ctx).stderr).To(ContainSubstring("hint: did you mean check?"))
		Expect(invocation{args: []string{"vib", "bild"}}.run(ctx).stderr).To(ContainSubstring("hint: did you mean build?"))
	})
})

var _ = Describe("create with the target as an argument", func() {
	It("holds to the compute resource of the pasted line", func(ctx SpecContext) {
		out := invocation{args: []string{
			"create", "sim://vic", "-o", "json", "--", "vic-machine-linux", "create",
			"--compute-resource", "prod", "--image-store", "shared", "--bridge-network", "vic-bridge", "--name", "vch1", "--no-tls",
		}}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		var r struct{ Targets []target }
		Expect(json.Unmarshal([]byte(out.stdout), &r)).To(Succeed())
		Expect(r.Targets).To(HaveLen(1))
		var names []string
		for _, h := range r.Targets[0].Hosts {
			names = append(names, h.Name)
		}
		Expect(names).To(ConsistOf("esx01.example", "esx02.example", "esx03.example"))
	})

	It("changes no host where the line names no compute resource of several", func(ctx SpecContext) {
		out := invocation{args: []string{"create", "sim://closed", "--fix", "--", "vic-machine-linux", "create", "--no-tls"}}.run(ctx)
		Expect(out.stderr).To(ContainSubstring("which hosts are meant is not clear"))
		Expect(out.stderr).To(ContainSubstring("nothing was changed"))
		Expect(out.stdout).NotTo(ContainSubstring("verified"))
		Expect(out.code).To(Equal(exitUnverified), out.stderr)
	})

	It("says by a dry run's exit code that create refuses, where there is nothing to change", func(ctx SpecContext) {
		args := []string{"create", "sim://vic", "--fix", "--dry-run", "--", "--compute-resource", "prod", "--image-store", "shared", "--no-tls", "--bridge-network"}
		Expect(invocation{args: append(args, "nosuch")}.run(ctx).code).To(Equal(exitFailed))
		Expect(invocation{args: append(args, "vic-bridge")}.run(ctx).code).To(Equal(exitOK))
	})
})
