package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// with runs another command than check on a simulator.
func with(vc *sim.VCenter, command []string, more ...string) []string {
	login := flags(vc)[1:]
	return append(append(append([]string{}, command...), login...), more...)
}

func journalIn() []string {
	return []string{"--journal", filepath.Join(GinkgoT().TempDir(), "journal.jsonl")}
}

// dump is every ruleset and allowed list of every host, as the hosts have them.
func dump(vc *sim.VCenter) string {
	GinkgoHelper()
	all := map[string]*types.HostFirewallInfo{}
	for _, name := range vc.HostNames() {
		all[name] = vc.Host(name).Firewall()
	}
	text, err := json.MarshalIndent(all, "", " ")
	Expect(err).NotTo(HaveOccurred())
	return string(text)
}

// planOf reads the plan of a JSON report: by host, the reason, and whether what
// was to be done was done and verified.
func planOf(out outcome) map[string]string {
	GinkgoHelper()
	var r struct {
		Plan []struct {
			Host, Action, Ruleset, Reason, Error string
			Done, Verified                       bool
		}
	}
	onTarget(out, &r)
	plan := map[string]string{}
	for _, e := range r.Plan {
		text := e.Reason
		if e.Ruleset != "" {
			text = strings.TrimSpace(e.Action+" "+e.Ruleset) + map[bool]string{true: " done"}[e.Done] + map[bool]string{true: " verified"}[e.Verified]
		}
		if e.Error != "" {
			text += ": " + e.Error
		}
		plan[e.Host] = text
	}
	return plan
}

func enabled(vc *sim.VCenter, host, key string) bool {
	for _, rs := range vc.Host(host).Firewall().Ruleset {
		if rs.Key == key {
			return rs.Enabled
		}
	}
	return false
}

var fixAllow = []string{"fix", "--allow"}

var _ = DescribeTable("bad input to a fix", verifyBad,
	Entry("neither allow nor deny", badRow{invocation{args: []string{"fix", "-t", "sim://open"}}, exitUsage, "give --allow or --deny", ""}),
	Entry("both", badRow{invocation{args: []string{"fix", "-t", "sim://open", "--allow", "--deny"}}, exitUsage, "exclude each other", ""}),
	Entry("a ruleset to deny", badRow{invocation{args: []string{"fix", "-t", "sim://open", "--deny", "--ruleset", "vSPC"}}, exitUsage, "go with --allow", ""}),
	Entry("no ruleset", badRow{invocation{args: []string{"fix", "-t", "sim://open", "--allow", "--ruleset", ""}}, exitUsage, "--ruleset is given and empty", ""}),
	Entry("an allowed IP that is none", badRow{invocation{args: []string{"fix", "-t", "sim://open", "--allow", "--allowed-ip", "vch.example"}}, exitUsage, "--allowed-ip:", ""}),
	Entry("vch without an address", badRow{invocation{args: []string{"fix", "-t", "sim://open", "--allow", "--allowed-ip", "vch"}}, exitUsage, "give --vch-ip", ""}),
	Entry("vch for a profile", badRow{invocation{args: []string{"fix", "-t", "sim://estate", "--allow", "--profile", "syslog", "--peer", "ssl://10.0.0.9", "--allowed-ip", "vch"}}, exitUsage, "no port of one is asked for", "--allowed-ip ADDRESS"}),
	Entry("an allowed IP that leaves out the VCH", badRow{invocation{args: []string{"fix", "-t", "sim://open", "--allow", "--allowed-ip", "10.0.0.6", "--vch-ip", "10.0.0.5"}}, exitUsage, "leaves out the virtual container host 10.0.0.5", "--allowed-ip vch"}),
	Entry("no time for a host", badRow{invocation{args: []string{"fix", "-t", "sim://open", "--allow", "--host-timeout", "0s"}}, exitUsage, "--host-timeout 0s", ""}),
	Entry("an allowed IP that is a network too", badRow{invocation{args: []string{"fix", "-t", "sim://open", "--allow", "--allowed-ip", "10.0.0.5/8"}}, exitUsage, "--allowed-ip 10.0.0.5/8 is an address and a network at once", "10.0.0.0/8"}),
	Entry("a fix without its check", badRow{invocation{args: []string{"check", "-t", "sim://open", "--fix", "--only", "host-state"}}, exitUsage, "--fix is proved by the check outbound-port", ""}),
	Entry("a dry run of nothing", badRow{invocation{args: []string{"check", "-t", "sim://open", "--dry-run"}}, exitUsage, "--dry-run goes with --fix", ""}),
	Entry("update of nothing", badRow{invocation{args: []string{"update"}}, exitUsage, "update what?", "update firewall"}),
	Entry("undo of nothing", badRow{invocation{args: []string{"undo", "-t", "sim://open"}}, exitUsage, "takes one journal, not 0", ""}),
	Entry("undo of a journal that is not there", badRow{invocation{args: []string{"undo", "/nonexistent", "-t", "sim://open"}}, exitUsage, "/nonexistent", ""}),
	Entry("undo of something else", badRow{invocation{args: []string{"undo", "main.go", "-t", "sim://open"}}, exitUsage, "no journal of vic-preflight", ""}),
	Entry("undo of a compute resource", badRow{invocation{args: []string{"undo", "x", "-t", "sim://open", "-r", "prod"}}, exitUsage, "the journal names the hosts", ""}),
)

var _ = Describe("check --fix", func() {
	It("mends what can be mended, says why the rest cannot, and has nothing to do the next time", func(ctx SpecContext) {
		vc := start("mixed")
		out := invocation{args: append(flags(vc, "--fix", "-o", "json"), journalIn()...)}.run(ctx)
		Expect(out.code).To(Equal(exitUnverified), out.stderr)
		first := planOf(out)
		Expect(first).To(HaveLen(20), "no host without a row")
		for host, want := range map[string]string{
			"esx03.example": "enable vic-engine done verified",
			"esx04.example": "enable vSPC done verified",
			"esx12.example": "enable vic-engine done verified",
			"esx13.example": "enable vSPC done verified",
			"esx21.example": "enable vSPC done verified",
			"esx01.example": "already-permitted",
			"esx11.example": "allowed-hosts-unverified",
			"esx06.example": "not-user-controllable",
			"esx14.example": "no-ruleset",
			"esx15.example": "host-unavailable",
			"esx32.example": "host-unavailable",
		} {
			Expect(first).To(HaveKeyWithValue(host, want))
		}

		By("running it again")
		before, calls := dump(vc), vc.RequestsOf("EnableRuleset")
		out = invocation{args: append(flags(vc, "--fix", "-o", "json"), journalIn()...)}.run(ctx)
		for host, did := range first {
			if strings.HasSuffix(did, "done verified") {
				Expect(planOf(out)).To(HaveKeyWithValue(host, "already-permitted"))
			}
		}
		Expect(vc.RequestsOf("EnableRuleset")).To(Equal(calls))
		Expect(dump(vc)).To(Equal(before))
	}, SpecTimeout(time.Minute))

	It("exits 0 when every host passes at the end, and prints before and after", func(ctx SpecContext) {
		out := invocation{args: append([]string{"check", "-t", "sim://closed", "--fix"}, journalIn()...)}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(out.stdout).To(And(
			ContainSubstring("disabled (allowed hosts: all) -> enabled for all"),
			ContainSubstring("5 changed and verified"),
			ContainSubstring("5 hosts: 5 passed"),
			ContainSubstring("warning: vSPC lets all outbound TCP"),
		))
		Expect(out.stderr).To(ContainSubstring("journal: "))
	}, SpecTimeout(time.Minute))

	It("tolerates hosts that it cannot reach, when it is told to", func(ctx SpecContext) {
		args := append([]string{"check", "-t", "sim://mixed", "--host", "esx15*", "--host", "esx03*", "--fix"}, journalIn()...)
		Expect(invocation{args: args}.run(ctx).code).To(Equal(exitUnverified))
		args = append([]string{"check", "-t", "sim://mixed", "--host", "esx15*", "--host", "esx03*", "--fix", "--allow-unknown"}, journalIn()...)
		Expect(invocation{args: args}.run(ctx).code).To(Equal(exitOK))
	}, SpecTimeout(time.Minute))

	It("leaves a warning that is not the port's a warning", func(ctx SpecContext) {
		Expect(invocation{args: append([]string{"check", "-t", "sim://mixed", "--host", "esx21*", "--fix"}, journalIn()...)}.run(ctx).code).To(Equal(exitOK))
	}, SpecTimeout(time.Minute))

	It("narrows vSPC to the virtual container host when that is asked for in so many words", func(ctx SpecContext) {
		vc := start("closed")
		narrow := func(more ...string) outcome {
			args := flags(vc, append([]string{"--fix", "--ruleset", "vSPC", "--vch-ip", "10.0.0.5", "--vch-ip", "10.0.0.6", "--allowed-ip", "vch"}, more...)...)
			return invocation{args: append(args, journalIn()...)}.run(ctx)
		}
		before := dump(vc)
		out := narrow()
		Expect(out.code).To(Equal(exitUnverified), out.stderr)
		Expect(dump(vc)).To(Equal(before))
		out = narrow("--narrow-broad")
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(out.stdout).To(ContainSubstring("VMware's manuals"))
		for _, rs := range vc.Host("esx01.example").Firewall().Ruleset {
			if rs.Key == "vSPC" {
				Expect(rs.Enabled).To(BeTrue())
				Expect(rs.AllowedHosts).To(Equal(&types.HostFirewallRulesetIpList{IpAddress: []string{"10.0.0.5", "10.0.0.6"}}))
			}
		}
	}, SpecTimeout(time.Minute))

	It("gates on drift without changing anything", func(ctx SpecContext) {
		vc := start("closed")
		before := dump(vc)
		out := invocation{args: flags(vc, "--fix", "--dry-run", "-o", "json")}.run(ctx)
		Expect(out.code).To(Equal(exitFailed))
		Expect(out.stdout).To(ContainSubstring(`"dryRun": true`))
		Expect(planOf(out)).To(HaveKeyWithValue("esx11.example", "enable vSPC"))
		Expect(dump(vc)).To(Equal(before))
		Expect(invocation{args: flags(start("open"), "--fix", "--dry-run")}.run(ctx).code).To(Equal(exitOK))
		Expect(invocation{args: flags(start("mixed"), "--fix", "--dry-run", "--host", "esx15*")}.run(ctx).code).To(Equal(exitUnknown))
		Expect(invocation{args: flags(start("mixed"), "--fix", "--dry-run", "--host", "esx06*")}.run(ctx).code).To(Equal(exitFailed), "it is not as it should be")
	}, SpecTimeout(time.Minute))
})

var _ = Describe("vic-machine's words", func() {
	manual := func(ctx context.Context, vc *sim.VCenter, more ...string) outcome {
		return invocation{
			args: append([]string{
				"update", "firewall", "--target", vc.URL.Host, "--user", "root", "--password", secret,
				"--thumbprint", vc.Thumbprint, "--timeout", "3m0s", "--debug", "1",
			}, more...),
			env: map[string]string{"XDG_STATE_HOME": GinkgoT().TempDir()},
		}.run(ctx)
	}
	It("work for a cluster on vCenter, and for no other", func(ctx SpecContext) {
		vc := start("closed")
		out := manual(ctx, vc, "--compute-resource", "prod", "--allow")
		Expect(out.code).To(Equal(exitOK), out.stderr)
		for _, name := range vc.HostNames() {
			Expect(enabled(vc, name, "vic-engine")).To(Equal(name < "esx1"), name)
			Expect(enabled(vc, name, "vSPC")).To(BeFalse())
		}
		Expect(manual(ctx, vc, "--compute-resource", "prod", "--deny").code).To(Equal(exitOK))
		Expect(enabled(vc, "esx01.example", "vic-engine")).To(BeFalse())
	}, SpecTimeout(time.Minute))
	It("work for a bare ESXi host", func(ctx SpecContext) {
		vc := start("esxi")
		out := manual(ctx, vc, "--allow")
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(enabled(vc, "esxi.example", "vic-engine")).To(BeTrue())
	}, SpecTimeout(time.Minute))
})

var _ = Describe("fix --deny", func() {
	It("closes both names, and names what it cuts off and what stays open", func(ctx SpecContext) {
		vc := start("mixed")
		vc.AddSerialVM("esx01.example", "web-1")
		out := invocation{args: append(with(vc, []string{"fix", "--deny"}, "--host", "esx0[12]*", "--host", "esx2[35]*"), journalIn()...)}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(enabled(vc, "esx01.example", "vic-engine")).To(BeFalse())
		Expect(enabled(vc, "esx02.example", "vSPC")).To(BeFalse())
		text := strings.Join(strings.Fields(out.stdout), " ")
		Expect(text).To(ContainSubstring("running virtual machines web-1 (esx01)"))
		Expect(text).To(ContainSubstring("TCP 2377 still gets out by vicoutgoing (esx23)"))
		Expect(text).To(ContainSubstring("TCP 2377 still gets out by site-docker (esx25)"))
		Expect(out.stdout).NotTo(ContainSubstring("fix --allow"), "no advice to open it again")
	}, SpecTimeout(time.Minute))
})

var _ = Describe("undo", func() {
	It("brings every ruleset and list back byte for byte", func(ctx SpecContext) {
		vc := start("mixed")
		before := dump(vc)
		journal := journalIn()
		out := invocation{args: append(flags(vc, "--fix", "--vch-ip", "10.0.0.5", "--allowed-ip", "vch"), journal...)}.run(ctx)
		Expect(out.code).To(Equal(exitUnverified), "some hosts are refused")
		Expect(dump(vc)).NotTo(Equal(before))
		out = invocation{args: append(with(vc, []string{"undo", journal[1]}), journalIn()...)}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(dump(vc)).To(Equal(before))

		By("undoing it again")
		out = invocation{args: append(with(vc, []string{"undo", journal[1]}, "-o", "json"), journalIn()...)}.run(ctx)
		Expect(out.code).To(Equal(exitOK))
		for host, did := range planOf(out) {
			Expect(did).To(Equal("already-restored"), host)
		}
	}, SpecTimeout(time.Minute))

	It("takes back a deny, and an undo", func(ctx SpecContext) {
		vc := start("open")
		before := dump(vc)
		denied, undone := journalIn(), journalIn()
		Expect(invocation{args: append(with(vc, []string{"fix", "--deny", "--yes"}), denied...)}.run(ctx).code).To(Equal(exitOK))
		shut := dump(vc)
		Expect(invocation{args: append(with(vc, []string{"undo", denied[1]}), undone...)}.run(ctx).code).To(Equal(exitOK))
		Expect(dump(vc)).To(Equal(before))
		Expect(invocation{args: append(with(vc, []string{"undo", undone[1]}), journalIn()...)}.run(ctx).code).To(Equal(exitOK))
		Expect(dump(vc)).To(Equal(shut))
	}, SpecTimeout(time.Minute))

	It("refuses the journal of another vCenter, and of another bare host", func(ctx SpecContext) {
		journal := journalIn()
		Expect(invocation{args: append(with(start("closed"), fixAllow), journal...)}.run(ctx).code).To(Equal(exitOK))
		for _, other := range []string{"open", "esxi"} {
			vc := start(other)
			out := invocation{args: append(with(vc, []string{"undo", journal[1]}), journalIn()...)}.run(ctx)
			Expect(out.code).To(Equal(exitUsage))
			Expect(out.stderr).To(Or(ContainSubstring("the journal is of"), ContainSubstring("no datacenter")))
			Expect(vc.RequestsOf("DisableRuleset")).To(BeZero())
		}
	}, SpecTimeout(time.Minute))

	It("skips what somebody has changed since, unless forced", func(ctx SpecContext) {
		vc := start("closed")
		journal := journalIn()
		Expect(invocation{args: append(with(vc, fixAllow), journal...)}.run(ctx).code).To(Equal(exitOK))
		Expect(vc.Host("esx11.example").Change(func(info *types.HostFirewallInfo) error {
			for i := range info.Ruleset {
				if info.Ruleset[i].Key == "vSPC" {
					info.Ruleset[i].AllowedHosts = &types.HostFirewallRulesetIpList{IpAddress: []string{"10.7.7.7"}}
				}
			}
			return nil
		})).To(Succeed())
		out := invocation{args: append(with(vc, []string{"undo", journal[1]}, "-o", "json"), journalIn()...)}.run(ctx)
		Expect(out.code).To(Equal(exitUnverified))
		Expect(planOf(out)).To(HaveKeyWithValue("esx11.example", "changed-since"))
		Expect(planOf(out)).To(HaveKeyWithValue("esx12.example", "disable vSPC done verified"))
		Expect(enabled(vc, "esx11.example", "vSPC")).To(BeTrue())

		Expect(invocation{args: append(with(vc, []string{"undo", journal[1]}, "--force"), journalIn()...)}.run(ctx).code).To(Equal(exitOK))
		Expect(enabled(vc, "esx11.example", "vSPC")).To(BeFalse())
	}, SpecTimeout(time.Minute))

	It("can be tried, and narrowed to some hosts", func(ctx SpecContext) {
		vc := start("closed")
		journal := journalIn()
		Expect(invocation{args: append(with(vc, fixAllow), journal...)}.run(ctx).code).To(Equal(exitOK))
		after := dump(vc)
		Expect(invocation{args: with(vc, []string{"undo", journal[1]}, "--dry-run")}.run(ctx).code).To(Equal(exitFailed))
		Expect(dump(vc)).To(Equal(after))
		Expect(invocation{args: append(with(vc, []string{"undo", journal[1]}, "--host", "esx01*"), journalIn()...)}.run(ctx).code).To(Equal(exitOK))
		Expect(enabled(vc, "esx01.example", "vic-engine")).To(BeFalse())
		Expect(enabled(vc, "esx02.example", "vic-engine")).To(BeTrue())
	}, SpecTimeout(time.Minute))
})

var _ = Describe("a fix that meets a fault", func() {
	var vc *sim.VCenter
	var journal []string
	BeforeEach(func() { vc, journal = start("closed"), journalIn() })

	run := func(ctx context.Context, more ...string) outcome {
		return invocation{args: append(with(vc, fixAllow, append([]string{"-o", "json"}, more...)...), journal...)}.run(ctx)
	}
	// othersDone expects every host but one to be mended.
	othersDone := func(out outcome, except string) {
		GinkgoHelper()
		for host, did := range planOf(out) {
			if host != except {
				Expect(did).To(HaveSuffix("done verified"), host)
			}
		}
	}

	It("knows beforehand that a privilege is missing on one host", func(ctx SpecContext) {
		vc.Host("esx02.example").Revoke("Host.Config.NetService")
		out := run(ctx)
		Expect(out.code).To(Equal(exitUnverified))
		Expect(planOf(out)).To(HaveKeyWithValue("esx02.example", "not-privileged"))
		othersDone(out, "esx02.example")
		Expect(vc.RequestsOf("EnableRuleset")).To(Equal(4), "not even tried")
	}, SpecTimeout(time.Minute))

	It("changes nothing when the privilege is missing everywhere, and says so once", func(ctx SpecContext) {
		for _, name := range vc.HostNames() {
			vc.Host(name).Revoke("Host.Config.NetService")
		}
		out := run(ctx)
		Expect(out.code).To(Equal(exitUnverified))
		Expect(regexp.MustCompile("warning: the account lacks the privilege .* on all").FindAllString(out.stderr, -1)).To(HaveLen(1))
		Expect(vc.RequestsOf("EnableRuleset")).To(BeZero())
		Expect(journal[1]).NotTo(BeAnExistingFile())
	}, SpecTimeout(time.Minute))

	It("NoPermission on one host of many, although the privilege was there", func(ctx SpecContext) {
		vc.Fault("EnableRuleset", vc.Host("esx02.example").FirewallRef(), &types.NoPermission{PrivilegeId: "Host.Config.NetService"})
		out := run(ctx)
		Expect(out.code).To(Equal(exitUnverified))
		Expect(planOf(out)).To(HaveKeyWithValue("esx02.example", "enable vic-engine: EnableRuleset vic-engine on esx02.example: the account lacks the privilege Host.Config.NetService"))
		othersDone(out, "esx02.example")
		Expect(vc.RequestsOf("EnableRuleset")).To(Equal(5), "no other ruleset is tried after an error")
	}, SpecTimeout(time.Minute))

	It("HostConfigFault", func(ctx SpecContext) {
		vc.Fault("EnableRuleset", vc.Host("esx02.example").FirewallRef(), &types.HostConfigFault{})
		out := run(ctx)
		Expect(planOf(out)["esx02.example"]).To(ContainSubstring("the host refused the change"))
		othersDone(out, "esx02.example")
	}, SpecTimeout(time.Minute))

	It("a host that hangs", func(ctx SpecContext) {
		release := vc.Hold("EnableRuleset", vc.Host("esx02.example").FirewallRef(), &types.HostConfigFault{})
		defer release()
		out := run(ctx, "--host-timeout", "300ms")
		Expect(out.code).To(Equal(exitUnverified))
		Expect(planOf(out)["esx02.example"]).To(ContainSubstring("no answer within 300ms"))
		othersDone(out, "esx02.example")
	}, SpecTimeout(time.Minute))

	It("a session that expires in the middle", func(ctx SpecContext) {
		release := vc.Hold("EnableRuleset", vc.Host("esx02.example").FirewallRef(), nil)
		done := make(chan outcome)
		go func() { done <- run(ctx) }()
		Eventually(func() int { return vc.RequestsOf("EnableRuleset") }).WithContext(ctx).Should(Equal(5))
		Expect(vc.ExpireSessions()).To(Succeed())
		release()
		var out outcome
		Eventually(ctx, done).Should(Receive(&out))
		Expect(out.code).To(Equal(exitOK), out.stderr)
		othersDone(out, "")
	}, SpecTimeout(time.Minute))

	It("a vCenter that shows the old state for a while", func(ctx SpecContext) {
		vc.Host("esx02.example").Lag(2)
		out := run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		othersDone(out, "")
	}, SpecTimeout(time.Minute))

	It("a vCenter that never shows the change", func(ctx SpecContext) {
		vc.Host("esx02.example").Lag(1000)
		out := run(ctx, "--verify-timeout", "500ms")
		Expect(out.code).To(Equal(exitUnverified))
		Expect(planOf(out)).To(HaveKeyWithValue("esx02.example", "enable vic-engine done"))
		othersDone(out, "esx02.example")
	}, SpecTimeout(time.Minute))

	It("a ruleset that vanishes between plan and apply", func(ctx SpecContext) {
		vc.Host("esx02.example").Lag(1) // vCenter's copy still has it when the change is planned
		vc.Host("esx02.example").RemoveRuleset("vic-engine")
		out := run(ctx)
		Expect(out.code).To(Equal(exitUnverified))
		Expect(planOf(out)["esx02.example"]).To(ContainSubstring("the host has no such ruleset"))
		Expect(enabled(vc, "esx02.example", "vSPC")).To(BeFalse(), "no fallback")
		othersDone(out, "esx02.example")
	}, SpecTimeout(time.Minute))

	It("a host whose refresh hangs", func(ctx SpecContext) {
		release := vc.Hold("RefreshFirewall", vc.Host("esx02.example").FirewallRef(), nil)
		defer release()
		out := run(ctx, "--host-timeout", "300ms", "--verify-timeout", "3s")
		Expect(out.code).To(Equal(exitUnverified), out.stderr)
		othersDone(out, "esx02.example")
		Expect(enabled(vc, "esx02.example", "vic-engine")).To(BeTrue(), "it is made, and not seen")
		release()
		undone := invocation{args: append(with(vc, []string{"undo", journal[1]}), journalIn()...)}.run(ctx)
		Expect(undone.code).To(Equal(exitOK), undone.stderr)
		Expect(enabled(vc, "esx02.example", "vic-engine")).To(BeFalse())
	}, SpecTimeout(time.Minute))

	It("facts that are old: a change is planned from what the host has", func(ctx SpecContext) {
		set := func(ips ...string) {
			Expect(vc.Host("esx11.example").Change(func(info *types.HostFirewallInfo) error {
				for i := range info.Ruleset {
					if info.Ruleset[i].Key == "vSPC" {
						info.Ruleset[i].Enabled, info.Ruleset[i].AllowedHosts = true, &types.HostFirewallRulesetIpList{IpAddress: ips}
					}
				}
				return nil
			})).To(Succeed())
		}
		set("10.9.9.1", "10.9.9.2") // on the host itself: vCenter's copy knows nothing of it
		Expect(run(ctx, "--host", "esx11*", "--vch-ip", "10.0.0.5").code).To(Equal(exitOK))
		for _, rs := range vc.Host("esx11.example").Firewall().Ruleset {
			if rs.Key == "vSPC" {
				Expect(rs.AllowedHosts.IpAddress).To(Equal([]string{"10.9.9.1", "10.9.9.2", "10.0.0.5"}))
			}
		}
		set("10.9.9.1")
		denied := invocation{args: append(with(vc, []string{"fix", "--deny"}, "--host", "esx11*"), journalIn()...)}.run(ctx)
		Expect(denied.code).To(Equal(exitOK))
		Expect(enabled(vc, "esx11.example", "vSPC")).To(BeFalse())
	}, SpecTimeout(time.Minute))

	It("an interrupt while it verifies", func(ctx SpecContext) {
		vc.Host("esx02.example").Lag(1000)
		interrupted, cancel := context.WithCancel(ctx)
		done := make(chan outcome)
		go func() { done <- run(interrupted, "--verify-timeout", "10m") }()
		Eventually(func() int { return vc.RequestsOf("RefreshFirewall") }).WithContext(ctx).Should(BeNumerically(">", 10))
		cancel()
		var out outcome
		Eventually(ctx, done).WithTimeout(30 * time.Second).Should(Receive(&out))
		Expect(out.code).To(Equal(exitInterrupted))
		othersDone(out, "esx02.example")
	}, SpecTimeout(time.Minute))

	It("an interrupt before anything is changed: the plan is reported", func(ctx SpecContext) {
		interrupted, cancel := context.WithCancel(ctx)
		manager := vc.Model().ServiceContent.AuthorizationManager
		release := vc.Hold("HasPrivilegeOnEntities", *manager, nil)
		defer release()
		done := make(chan outcome)
		go func() { done <- run(interrupted) }()
		Eventually(func() int { return vc.RequestsOf("HasPrivilegeOnEntities") }).WithContext(ctx).Should(Equal(1))
		cancel()
		var out outcome
		Eventually(ctx, done).Should(Receive(&out))
		Expect(out.code).To(Equal(exitInterrupted))
		Expect(planOf(out)).To(HaveLen(5))
		Expect(vc.RequestsOf("EnableRuleset")).To(BeZero())
	}, SpecTimeout(time.Minute))

	It("two runs at once", func(ctx SpecContext) {
		before := dump(vc)
		other := journalIn()
		done := make(chan outcome)
		go func() { done <- invocation{args: append(with(vc, fixAllow), other...)}.run(ctx) }()
		mine := run(ctx)
		var theirs outcome
		Eventually(ctx, done).Should(Receive(&theirs))
		Expect(mine.code).To(Equal(exitOK), mine.stderr)
		Expect(theirs.code).To(Equal(exitOK), theirs.stderr)
		for _, file := range []string{journal[1], other[1]} {
			if _, err := os.Stat(file); err == nil {
				Expect(invocation{args: append(with(vc, []string{"undo", file}), journalIn()...)}.run(ctx).code).To(Equal(exitOK))
			}
		}
		Expect(dump(vc)).To(Equal(before))
	}, SpecTimeout(time.Minute))

	It("no place for the journal", func(ctx SpecContext) {
		for _, journal := range []string{"/dev/null/j.jsonl", "/proc/j.jsonl", os.DevNull} {
			out := invocation{args: with(vc, fixAllow, "--journal", journal)}.run(ctx)
			Expect(out.code).To(Equal(exitUnverified), journal)
			Expect(out.stderr).To(And(ContainSubstring("create the journal"), ContainSubstring("nothing was changed")))
		}
		out := invocation{args: with(vc, fixAllow)}.run(ctx)
		Expect(out.code).To(Equal(exitUnverified))
		Expect(out.stderr).To(ContainSubstring("neither XDG_STATE_HOME nor HOME is set"))
		Expect(vc.RequestsOf("EnableRuleset")).To(BeZero())
	}, SpecTimeout(time.Minute))

	It("a journal that is cut off, edited, or of another version", func(ctx SpecContext) {
		before := dump(vc)
		Expect(run(ctx).code).To(Equal(exitOK))
		text, err := os.ReadFile(journal[1])
		Expect(err).NotTo(HaveOccurred())
		undo := func(name, content string) outcome {
			file := filepath.Join(GinkgoT().TempDir(), name)
			Expect(os.WriteFile(file, []byte(content), 0o600)).To(Succeed())
			return invocation{args: append(with(vc, []string{"undo", file}), journalIn()...)}.run(ctx)
		}
		out := undo("edited", strings.Replace(string(text), `"enabled":false`, `"enabled":true`, 1))
		Expect(out.code).To(Equal(exitUsage))
		Expect(out.stderr).To(ContainSubstring("it was changed after it was written"))
		out = undo("newer", strings.Replace(string(text), `"version":4`, `"version":9`, 1))
		Expect(out.code).To(Equal(exitUsage))
		Expect(out.stderr).To(ContainSubstring("version 9"))
		Expect(vc.RequestsOf("DisableRuleset")).To(BeZero())

		out = undo("torn", string(text)+`{"record":{"at":"2026`)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(out.stderr).To(ContainSubstring("was cut off"))
		Expect(dump(vc)).To(Equal(before))
	}, SpecTimeout(time.Minute))

	It("a journal that holds the vCenter's setting alone", func(ctx SpecContext) {
		before := dump(vc)
		path := filepath.Join(GinkgoT().TempDir(), "setting")
		j, err := fix.CreateJournal(path, fix.Header{Address: vc.URL.Host, Requirement: fix.RequirementOf(checks.VIC())})
		Expect(err).NotTo(HaveOccurred())
		Expect(j.RecordSetting(&fix.SettingChange{After: []string{"true"}})).To(Succeed())
		Expect(j.Close()).To(Succeed())
		setting := &types.OptionValue{Key: inventory.SettingName, Value: "true"}
		vc.Model().Map().OptionManager().UpdateOptions(&types.UpdateOptions{ChangedValue: []types.BaseOptionValue{setting}})

		undo := with(vc, []string{"undo", path})
		out := invocation{args: append(undo, "--dry-run")}.run(ctx)
		Expect(out.code).To(Equal(exitFailed), out.stderr+out.stdout)
		Expect(out.stdout).To(MatchRegexp(`set +PersistNetworkBacking +planned +true -> false`))
		Expect(out.stdout).To(ContainSubstring("the API cannot remove an option"))
		out = invocation{args: append(undo, journalIn()...)}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(out.stdout).To(ContainSubstring("1 changed and verified"))
		Expect(setting.Value).To(Equal("false"))
		Expect(dump(vc)).To(Equal(before))
		out = invocation{args: append(undo, journalIn()...)}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(out.stdout).To(ContainSubstring("already-restored"))
	}, SpecTimeout(time.Minute))

	It("an interrupt: what is under way is finished, journaled and reported", func(ctx SpecContext) {
		interrupted, cancel := context.WithCancel(ctx)
		release := vc.Hold("EnableRuleset", vc.Host("esx01.example").FirewallRef(), nil)
		done := make(chan outcome)
		go func() { done <- run(interrupted, "--concurrency", "1") }()
		Eventually(func() int { return vc.RequestsOf("EnableRuleset") }).WithContext(ctx).Should(BeNumerically(">=", 1))
		Eventually(func() bool { return journalHolds(journal[1], "esx01.example") }).WithContext(ctx).Should(BeTrue())
		cancel()
		release()
		var out outcome
		Eventually(ctx, done).Should(Receive(&out))
		Expect(out.code).To(Equal(exitInterrupted), out.stderr)
		plan := planOf(out)
		Expect(plan).To(HaveKeyWithValue("esx01.example", "enable vic-engine done verified"))
		notBegun := 0
		for _, did := range plan {
			if strings.Contains(did, "not begun") {
				notBegun++
			}
		}
		Expect(notBegun).To(BeNumerically(">", 0), fmt.Sprint(plan))
	}, SpecTimeout(time.Minute))
})

func journalHolds(path, host string) bool {
	text, err := os.ReadFile(path)
	return err == nil && strings.Contains(string(text), host)
}
