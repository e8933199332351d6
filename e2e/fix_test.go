package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// rulesets is what govc sees of a host: every ruleset, its state and its list.
func rulesets(ctx SpecContext, s simulator, path string) string {
	GinkgoHelper()
	out := command(ctx, s.env(), govc, "host.esxcli", "-json", "-host", path, "network", "firewall", "ruleset", "list")
	Expect(out.code).To(Equal(0), out.stderr)
	lists := command(ctx, s.env(), govc, "host.esxcli", "-json", "-host", path, "network", "firewall", "ruleset", "allowedip", "list")
	Expect(lists.code).To(Equal(0), lists.stderr)
	return out.stdout + lists.stdout
}

var _ = Describe("vic-preflight fix", func() {
	It("changes exactly the planned hosts, as govc sees it", func(ctx SpecContext) {
		s := serveScenario("closed")
		paths := map[string]string{}
		for _, h := range parse(command(ctx, s.env(), preflight, "check", "-o", "json")).Hosts {
			paths[h.Name] = h.Path
		}
		Expect(paths).To(HaveLen(5))
		before := map[string]string{}
		for name, path := range paths {
			before[name] = rulesets(ctx, s, path)
		}
		out := command(ctx, s.env(), preflight, "fix", "--allow", "--compute-resource", "prod", "--journal", filepath.Join(GinkgoT().TempDir(), "j"))
		Expect(out.code).To(Equal(0), out.stderr)
		for name, path := range paths {
			now := rulesets(ctx, s, path)
			if strings.Contains(path, "/prod/") {
				Expect(now).NotTo(Equal(before[name]), name)
				found := command(ctx, s.env(), govc, "firewall.ruleset.find", "-c=false", "-host", path, "-direction", "outbound", "-port", "2377")
				Expect(found.stdout).To(ContainSubstring("vic-engine"))
				Expect(found.stdout).NotTo(ContainSubstring("vSPC"))
				continue
			}
			Expect(now).To(Equal(before[name]), name)
		}
	}, SpecTimeout(3*time.Minute))

	It("keeps its journal in the state directory, and undo takes it back", func(ctx SpecContext) {
		s := serveScenario("closed")
		state := GinkgoT().TempDir()
		env := append(s.env(), "XDG_STATE_HOME="+state)
		Expect(command(ctx, env, preflight, "check", "--fix").code).To(Equal(0))
		files, err := filepath.Glob(filepath.Join(state, "vic-preflight", "journals", "*.jsonl"))
		Expect(err).NotTo(HaveOccurred())
		Expect(files).To(HaveLen(1))
		Expect(command(ctx, env, preflight, "undo", files[0]).code).To(Equal(0))
		Expect(command(ctx, env, preflight, "check").code).To(Equal(1), "shut again")
	}, SpecTimeout(time.Minute))
})

var _ = Describe("a fix that is killed", func() {
	var vc *sim.VCenter
	var s simulator
	var journal string
	BeforeEach(func() {
		vc, s = hostScenario("closed")
		journal = filepath.Join(GinkgoT().TempDir(), "journal.jsonl")
	})
	enabled := func(host string) bool {
		for _, rs := range vc.Host(host).Firewall().Ruleset {
			if rs.Key == "vic-engine" {
				return rs.Enabled
			}
		}
		return false
	}
	// killAt starts a fix and kills it as soon as the simulator has got the nth
	// call of a method.
	killAt := func(ctx SpecContext, method string, nth int) {
		GinkgoHelper()
		cmd := exec.Command(preflight, "fix", "--allow", "--host", "esx0*", "--journal", journal)
		cmd.Env = s.env()
		session, err := gexec.Start(cmd, nil, nil)
		Expect(err).NotTo(HaveOccurred())
		Eventually(func() int { return vc.RequestsOf(method) }).WithContext(ctx).WithPolling(time.Millisecond).Should(BeNumerically(">=", nth))
		session.Signal(syscall.SIGKILL)
		Eventually(session).WithContext(ctx).Should(gexec.Exit())
	}
	undo := func(ctx SpecContext) outcome {
		return command(ctx, s.env(), preflight, "undo", journal, "--journal", journal+".undo")
	}

	It("between journal and call, is undone", func(ctx SpecContext) {
		// The calls fail once they are let go: as if they had never been made.
		for _, host := range []string{"esx01.example", "esx02.example", "esx03.example"} {
			release := vc.Hold("EnableRuleset", vc.Host(host).FirewallRef(), &types.HostConfigFault{})
			DeferCleanup(release)
		}
		killAt(ctx, "EnableRuleset", 1)
		text, err := os.ReadFile(journal)
		Expect(err).NotTo(HaveOccurred())
		Expect(strings.Count(string(text), "\n")).To(BeNumerically(">", 1), "a change is on disk before its call is made")
		Expect(enabled("esx01.example")).To(BeFalse())

		out := undo(ctx)
		Expect(out.code).To(Equal(0), out.stderr)
		Expect(vc.RequestsOf("DisableRuleset")).To(BeZero(), "there was nothing to restore")
	}, SpecTimeout(time.Minute))

	It("between call and verify, is undone", func(ctx SpecContext) {
		killAt(ctx, "RefreshFirewall", 4) // three are made before the plan
		Expect(enabled("esx01.example")).To(BeTrue())
		out := undo(ctx)
		Expect(out.code).To(Equal(0), out.stderr)
		for _, host := range []string{"esx01.example", "esx02.example", "esx03.example"} {
			Expect(enabled(host)).To(BeFalse(), host)
		}
	}, SpecTimeout(time.Minute))
})
