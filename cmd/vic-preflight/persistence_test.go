package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// persistence is what a JSON report says of whether a host's rules last.
type persistence struct {
	reason, detail string
	// lasts holds "true", "false" or nothing by ruleset.
	lasts map[string]string
}

func persistences(text string) map[string]persistence {
	GinkgoHelper()
	var r struct {
		Hosts []struct {
			Name   string
			Checks []struct {
				ID, Status, Reason, Detail string
				Rulesets                   []struct {
					Key        string
					Persistent *bool
				}
			}
		}
	}
	onTarget(outcome{stdout: text}, &r)
	found := map[string]persistence{}
	for _, h := range r.Hosts {
		p := persistence{lasts: map[string]string{}}
		for _, c := range h.Checks {
			for _, rs := range c.Rulesets {
				if rs.Persistent != nil {
					p.lasts[rs.Key] = map[bool]string{true: "true", false: "false"}[*rs.Persistent]
				}
			}
			if c.ID == "rule-persistence" {
				p.reason, p.detail = c.Status+" "+c.Reason, c.Detail
			}
		}
		found[h.Name] = p
	}
	return found
}

var _ = Describe("rule-persistence", func() {
	const handmade = " was written by hand, since neither ESXi nor any VIB brings it: it is lost at the next reboot"

	check := func(ctx context.Context, vc *sim.VCenter, more ...string) map[string]persistence {
		GinkgoHelper()
		out := invocation{args: flags(vc, append([]string{"-o", "json"}, more...)...)}.run(ctx)
		Expect(out.code).To(BeElementOf(exitOK, exitFailed), out.stderr)
		return persistences(out.stdout)
	}

	It("goes by what is installed, and asks those hosts alone where that matters", func(ctx SpecContext) {
		vc := start("mixed")
		got := check(ctx, vc)
		Expect(got["esx23.example"].reason).To(Equal("warn lost-at-reboot"))
		Expect(got["esx23.example"].detail).To(Equal("vicoutgoing" + handmade))
		Expect(got["esx23.example"].lasts).To(HaveKeyWithValue("vicoutgoing", "false"))
		Expect(got["esx24.example"].reason).To(Equal("pass survives-reboot"))
		Expect(got["esx24.example"].detail).To(Equal("vmware-vic comes from the VIB vmware-vic 1.0.0-0.0.1 by VMware: it survives a reboot"))
		Expect(got["esx24.example"].lasts).To(HaveKeyWithValue("vmware-vic", "true"))
		Expect(got["esx25.example"].reason).To(Equal("warn lost-at-reboot"))
		Expect(got["esx25.example"].detail).To(Equal("site-docker" + handmade))
		Expect(got["esx01.example"].detail).To(Equal("vic-engine is built in: it survives a reboot"))
		Expect(vc.RequestsOf("fetchSoftwarePackages")).To(Equal(3))
	}, SpecTimeout(time.Minute))

	It("asks nobody when it is not run", func(ctx SpecContext) {
		vc := start("mixed")
		check(ctx, vc, "--skip", "rule-persistence")
		check(ctx, vc, "--only", "outbound-port,host-state")
		Expect(vc.RequestsOf("fetchSoftwarePackages")).To(BeZero())
	}, SpecTimeout(time.Minute))

	It("takes not one call more where built-in rulesets decide", func(ctx SpecContext) {
		calls := func(more ...string) int {
			vc := start("large?hosts=100")
			check(ctx, vc, more...)
			return vc.Requests()
		}
		Expect(calls()).To(Equal(calls("--skip", "rule-persistence")))
	}, SpecTimeout(time.Minute))

	It("says why it does not know, and goes by the key", func(ctx SpecContext) {
		vc := start("mixed")
		for _, name := range []string{"esx24.example", "esx25.example"} {
			vc.Host(name).Revoke("Host.Config.Image")
			vc.Fault("RetrieveManagedMethodExecuter", vc.Host(name).Ref, &types.NoPermission{PrivilegeId: "Host.Config.Settings"})
		}
		got := check(ctx, vc, "--host", "esx2[345]*")
		const unread = " (what is installed could not be read: the account lacks the privilege Host.Config.Image; by esxcli: the account lacks the privilege Host.Config.Settings)"
		Expect(got["esx24.example"].reason).To(Equal("pass survives-reboot"))
		Expect(got["esx24.example"].detail).To(Equal("vmware-vic comes from a VIB, to go by its name" + unread + ": it survives a reboot"))
		Expect(got["esx25.example"].reason).To(Equal("warn origin-unknown"))
		Expect(got["esx25.example"].detail).To(HaveSuffix(unread))
		Expect(got["esx25.example"].lasts).NotTo(HaveKey("site-docker"))
		Expect(got["esx23.example"].detail).To(Equal("vicoutgoing" + handmade))
	}, SpecTimeout(time.Minute))

	It("names the VIBs that may have brought a ruleset", func(ctx SpecContext) {
		vc := start("mixed")
		vc.Host("esx25.example").InstallVIB(sim.VIB{SoftwarePackage: types.SoftwarePackage{
			Name: "our-rules", Version: "1.2", Vendor: "us", Type: "bootbank", AcceptanceLevel: "community",
		}})
		got := check(ctx, vc, "--host", "esx25*")["esx25.example"]
		Expect(got.reason).To(Equal("warn origin-unknown"))
		Expect(got.detail).To(ContainSubstring("(our-rules 1.2 by us)"))
	}, SpecTimeout(time.Minute))

	It("looks at what a fix enabled, too", func(ctx SpecContext) {
		vc := start("mixed")
		vc.ChangeAll(func(info *types.HostFirewallInfo) {
			for i := range info.Ruleset {
				info.Ruleset[i].Enabled = false
			}
		})
		journal := filepath.Join(GinkgoT().TempDir(), "j")
		got := check(ctx, vc, "--host", "esx25*", "--fix", "--ruleset", "site-docker", "--journal", journal)
		Expect(got["esx25.example"].detail).To(Equal("site-docker" + handmade))
	}, SpecTimeout(time.Minute))
})

var _ = Describe("--baseline", func() {
	// before writes a report of the scenario's first run.
	before := func(ctx context.Context, vc *sim.VCenter, more ...string) string {
		GinkgoHelper()
		out := invocation{args: flags(vc, append([]string{"-o", "json"}, more...)...)}.run(ctx)
		Expect(out.code).To(BeElementOf(exitOK, exitFailed), out.stderr)
		file := filepath.Join(GinkgoT().TempDir(), "before.json")
		Expect(os.WriteFile(file, []byte(out.stdout), 0o600)).To(Succeed())
		return file
	}
	// reboot starts the host again, without its hand-written ruleset.
	reboot := func(vc *sim.VCenter, name, ruleset string) {
		h := vc.Host(name)
		h.RemoveRuleset(ruleset)
		h.Booted()
		h.SetBootTime(time.Now().Add(time.Hour))
	}

	It("tells what a reboot has taken away, until it is made good", func(ctx SpecContext) {
		vc := start("mixed")
		file := before(ctx, vc)
		reboot(vc, "esx23.example", "vicoutgoing")
		args := flags(vc, "--host", "esx2[345]*", "--baseline", file)
		out := invocation{args: append(args, "-o", "json")}.run(ctx)
		Expect(out.code).To(Equal(exitFailed))
		got := persistences(out.stdout)
		Expect(got["esx23.example"].reason).To(Equal("fail lost-by-reboot"))
		Expect(got["esx23.example"].detail).To(MatchRegexp(`^vicoutgoing permitted TCP 2377 on 20\S+Z; the host started again at 20\S+Z, and it is gone$`))
		Expect(got["esx24.example"].reason).To(Equal("pass survives-reboot"))
		Expect(got["esx25.example"].reason).To(Equal("warn lost-at-reboot"))

		By("saying what to do")
		Expect(invocation{args: append(args, "--hints")}.run(ctx).stdout).To(ContainSubstring("lost-by-reboot (esx23.example)"))

		By("repairing it")
		out = invocation{args: append(args, "--fix", "--journal", filepath.Join(GinkgoT().TempDir(), "j"), "-o", "json")}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(persistences(out.stdout)["esx23.example"].reason).To(Equal("pass survives-reboot"))
	}, SpecTimeout(time.Minute))

	It("says nothing of what went without a reboot", func(ctx SpecContext) {
		vc := start("mixed")
		file := before(ctx, vc)
		reboot(vc, "esx23.example", "vicoutgoing")
		vc.Host("esx23.example").SetBootTime(time.Now().Add(-time.Hour))
		got := persistences(invocation{args: flags(vc, "--host", "esx23*", "--baseline", file, "-o", "json")}.run(ctx).stdout)
		Expect(got["esx23.example"].reason).To(Equal("skip nothing-to-persist"))
	}, SpecTimeout(time.Minute))

	It("is refused where it says nothing of this endpoint, before anything is changed", func(ctx SpecContext) {
		file := before(ctx, start("open"))
		vc := start("mixed")
		for _, more := range [][]string{nil, {"--fix", "--journal", filepath.Join(GinkgoT().TempDir(), "j")}} {
			verifyBad(ctx, badRow{
				run: invocation{args: flags(vc, append(more, "--baseline", file)...)}, code: exitUsage,
				message: "it is a report of another endpoint", hint: "hint: log in to the server that the report is of",
			})
		}
		Expect(vc.RequestsOf("EnableRuleset")).To(BeZero())
	}, SpecTimeout(time.Minute))

	It("is refused before a login where it cannot be used", func(ctx SpecContext) {
		vc := start("open")
		file := before(ctx, vc)
		logins := vc.RequestsOf("Login")
		table := filepath.Join(GinkgoT().TempDir(), "table")
		Expect(os.WriteFile(table, []byte("HOST  STATE"), 0o600)).To(Succeed())
		bad := func(message string, more ...string) {
			GinkgoHelper()
			verifyBad(ctx, badRow{run: invocation{args: flags(vc, more...)}, code: exitUsage, message: message})
		}
		bad("--baseline: open /nonexistent: no such file", "--baseline", "/nonexistent")
		bad("--baseline is given and empty", "--baseline", "")
		bad("it is no report of vic-preflight in JSON", "--baseline", table)
		bad("it is a report for TCP 2377, not for TCP 2376", "--baseline", file, "--port", "2376")
		bad("--fail-on new goes with --baseline", "--fail-on", "new")
		bad(`--fail-on "old" is none of: new`, "--baseline", file, "--fail-on", "old")
		Expect(vc.RequestsOf("Login")).To(Equal(logins))
	}, SpecTimeout(time.Minute))
})
