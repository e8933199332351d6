package e2e_test

import (
	"os/exec"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
	"github.com/vmware/govmomi/vim25/types"
)

// vch1 is a command line of vic-machine create that the scenario vic takes.
func vch1(more ...string) []string {
	return append([]string{"create", "--compute-resource", "prod", "--image-store", "shared", "--bridge-network", "vic-bridge", "--no-tls", "--name", "vch1"}, more...)
}

var formats = []string{"table", "wide", "json", "yaml", "junit", "tap", "html", "markdown", "github", "prometheus"}

var _ = DescribeTable("create names what is not found, in every format, and exits 1",
	func(ctx SpecContext, target, reason string, more ...string) {
		for _, format := range formats {
			args := append(vch1(more...), "--target", target, "-o", format)
			out := command(ctx, environment(), preflight, args...)
			Expect(out.code).To(Equal(1), "%s: %s", format, out.stderr)
			Expect(out.stdout).To(ContainSubstring(reason), format)
			Expect(out.stderr).NotTo(ContainSubstring("panic"), format)
		}
	},
	Entry("the datacenter", SpecTimeout(2*time.Minute), "sim://vic/nowhere", "datacenter-missing"),
	Entry("the compute resource", SpecTimeout(2*time.Minute), "sim://vic", "compute-resource-missing", "--compute-resource", "nowhere"),
)

var _ = DescribeTable("create's exit codes", func(ctx SpecContext, scenario string, code int, more ...string) {
	out := command(ctx, environment(), preflight, append(vch1(more...), "--target", "sim://"+scenario)...)
	Expect(out.code).To(Equal(code), out.stderr)
},
	Entry("passes", SpecTimeout(time.Minute), "vic", 0),
	Entry("with warnings, strictly", SpecTimeout(time.Minute), "vic", 1, "--strict"),
	Entry("would be refused", SpecTimeout(time.Minute), "vic-broken", 1),
	Entry("alias2: vic-machine prints its help and exits 0", SpecTimeout(time.Minute), "vic", 2, "-n", "vch2"),
	Entry("unknown: vic-machine prints its help and exits 0", SpecTimeout(time.Minute), "vic", 2, "--no-such-flag"),
)

var _ = Describe("create", func() {
	It("exits 3 where the login is refused", func(ctx SpecContext) {
		s := serveScenario("vic")
		out := command(ctx, append(s.env(), "GOVC_PASSWORD=wrong"), preflight, vch1()...)
		Expect(out.code).To(Equal(3), out.stderr)
	}, SpecTimeout(time.Minute))

	It("exits 4 where the setting is refused, and the port is mended all the same", func(ctx SpecContext) {
		vc, s := hostScenario("vic-broken")
		vc.RevokeOnFolders("Global.Settings")
		out := command(ctx, s.env(), preflight, vch1("--fix", "--fix-setting", "--yes")...)
		Expect(out.code).To(Equal(4), out.stderr)
		Expect(vc.RequestsOf("UpdateOptions")).To(BeZero())
		Expect(vc.RequestsOf("EnableRuleset")).To(Equal(1))
		Expect(vc.OpenSessions()).To(BeZero())
	}, SpecTimeout(time.Minute))

	It("exits 130 where it is interrupted, and signs out", func(ctx SpecContext) {
		vc, s := hostScenario("vic")
		release := vc.Hold("QueryOptions", types.ManagedObjectReference{}, nil)
		DeferCleanup(release)
		cmd := exec.Command(preflight, vch1()...)
		cmd.Env = s.env()
		session, err := gexec.Start(cmd, nil, nil)
		Expect(err).NotTo(HaveOccurred())
		Eventually(func() int { return vc.RequestsOf("QueryOptions") }).WithContext(ctx).Should(BeNumerically(">", 0))
		session.Signal(syscall.SIGINT)
		Eventually(session).WithContext(ctx).Should(gexec.Exit(130))
		Expect(vc.OpenSessions()).To(BeZero())
	}, SpecTimeout(time.Minute))

	It("looks again until all is well, and only reads", func(ctx SpecContext) {
		vc, s := hostScenario("vic-broken")
		vc.SetReadOnly(true)
		out := command(ctx, s.env(), preflight, vch1("--wait", "1s")...)
		Expect(out.code).To(Equal(1), out.stderr)
		Expect(vc.Refused()).To(BeEmpty())
	}, SpecTimeout(time.Minute))
})
