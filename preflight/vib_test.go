package preflight_test

import (
	"bytes"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

// shipping are a range of ports, a port inbound, and one of both directions by UDP.
const shipping = `profile: shipping
title: Container ships
peer: {kind: a port authority}
requirements:
  - {name: cranes, direction: outbound, protocol: tcp, ports: [5900-6199, 443], owner: user, breaks: nothing is loaded}
  - {name: pilots, direction: inbound, protocol: tcp, ports: 9000, owner: user, breaks: no ship comes in}
  - {name: radio, direction: both, protocol: udp, ports: [6000, 6001], owner: user, breaks: nobody hears}
source: the harbour master
`

// built is a VIB, what it holds, and what was told of it.
func built(ctx SpecContext, o preflight.VIBOptions) (*report.VIB, string) {
	GinkgoHelper()
	o.Output, o.ESXi, o.Vendor, o.Wanted = "-", "8", "me", anyPort(o.Wanted)
	var b bytes.Buffer
	told, err := preflight.BuildVIB(ctx, o, &b)
	Expect(err).NotTo(HaveOccurred())
	v, err := preflight.InspectVIB(ctx, &b, "some.vib")
	Expect(err).NotTo(HaveOccurred())
	Expect(v.Problems).To(BeEmpty())
	return v, told
}

// install puts a VIB and its rulesets onto a simulated host.
func install(h *sim.Host, v *report.VIB) {
	GinkgoHelper()
	h.InstallVIB(sim.VIB{SoftwarePackage: types.SoftwarePackage{
		Name: v.Name, Version: v.Version, Vendor: v.Vendor, Type: v.Type, AcceptanceLevel: v.AcceptanceLevel,
	}})
	Expect(h.Change(func(info *types.HostFirewallInfo) error {
		for _, rs := range v.Rulesets {
			made := types.HostFirewallRuleset{
				Key: rs.Key, Label: rs.Key, Enabled: rs.Enabled, Required: rs.Required,
				AllowedHosts: &types.HostFirewallRulesetIpList{AllIp: true}, UserControllable: types.NewBool(true), IpListUserConfigurable: types.NewBool(true),
			}
			for _, r := range rs.Rules {
				made.Rule = append(made.Rule, types.HostFirewallRule{
					Port: int32(r.Port), EndPort: int32(r.EndPort), Protocol: r.Protocol,
					Direction: types.HostFirewallRuleDirection(r.Direction), PortType: types.HostFirewallRulePortType(r.PortType),
				})
			}
			info.Ruleset = append(info.Ruleset, made)
		}
		return nil
	})).To(Succeed())
}

var _ = Describe("a VIB for a profile", func() {
	It("holds one ruleset for all of it, and a host that has it passes", func(ctx SpecContext) {
		w := anyPort(preflight.Wanted{Files: []string{site(shipping)}})
		v, told := built(ctx, preflight.VIBOptions{Wanted: w})
		Expect(v.Name).To(Equal("preflight-shipping"))
		Expect(v.Rulesets).To(HaveLen(1))
		Expect(v.Rulesets[0].Rules).To(Equal([]report.VIBRule{
			{Direction: "outbound", Protocol: "tcp", PortType: "dst", Port: 5900, EndPort: 6199},
			{Direction: "outbound", Protocol: "tcp", PortType: "dst", Port: 443, EndPort: 443},
			{Direction: "inbound", Protocol: "tcp", PortType: "dst", Port: 9000, EndPort: 9000},
			{Direction: "outbound", Protocol: "udp", PortType: "dst", Port: 6000, EndPort: 6001},
			{Direction: "inbound", Protocol: "udp", PortType: "dst", Port: 6000, EndPort: 6001},
		}))
		Expect(v.Summary).To(Equal("Outbound TCP 5900-6199 and 443 to a port authority; inbound TCP 9000 from a port authority; outbound UDP 6000 and 6001 to a port authority; inbound UDP 6000 and 6001 from a port authority"))
		Expect(told).To(And(
			ContainSubstring("CommunitySupported"), ContainSubstring("Secure Boot"),
			ContainSubstring("note: it opens the host to every address on TCP 9000, not to the port authority alone"), Not(ContainSubstring("note: check")),
		))

		vc := start("mixed")
		install(vc.Host("esx01.example"), v)
		o := on(vc)
		Expect(w.Put(&o)).To(Succeed())
		o.Hosts, o.Refresh = []string{"esx0[12].example"}, true
		run, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		ports, lasts := statuses(run, checks.OutboundPort), statuses(run, checks.RulePersistence)
		for _, name := range []string{"cranes", "pilots", "radio-out", "radio-in"} {
			Expect(ports).To(HaveKeyWithValue("esx01.example shipping-"+name, "pass permitted"))
			Expect(lasts).To(HaveKeyWithValue("esx01.example shipping-"+name, "pass survives-reboot"))
		}
		Expect(ports).To(HaveKeyWithValue("esx02.example shipping-pilots", "fail no-ruleset"))
	}, SpecTimeout(time.Minute))

	It("has another version where it has other content", func(ctx SpecContext) {
		of := func(w preflight.Wanted) *report.VIB { v, _ := built(ctx, preflight.VIBOptions{Wanted: w}); return v }
		here := of(preflight.Wanted{Files: []string{site(shipping)}})
		again := of(preflight.Wanted{Files: []string{site(shipping)}})
		other := of(preflight.Wanted{Files: []string{site(strings.Replace(shipping, "9000", "9001", 1))}})
		Expect(again.SHA256).To(Equal(here.SHA256))
		Expect(other.Name).To(Equal(here.Name))
		Expect(other.Version).NotTo(Equal(here.Version))
		Expect(of(preflight.Wanted{Profiles: []string{"vic"}}).ID).To(Equal("me_bootbank_vmware-vic_1.0.0-8"), "it is the same as without a profile")
	})

	It("says where ESXi has a ruleset of its own, and takes the alternative that a peer picks", func(ctx SpecContext) {
		v, told := built(ctx, preflight.VIBOptions{Wanted: preflight.Wanted{Profiles: []string{"syslog"}, Peers: []string{"ssl://10.0.0.9:6514"}}})
		Expect(v.Rulesets[0].Key).To(Equal("preflight-syslog-ssl-6514"))
		Expect(v.Summary).To(Equal("Outbound TCP 6514 to a log collector"), "it lets it through to all")
		Expect(told).To(ContainSubstring("note: ESXi brings the ruleset syslog: a host whose own lets TCP 6514 out needs no other"))
	})

	DescribeTable("is refused", func(ctx SpecContext, o preflight.VIBOptions, says string) {
		o.Output, o.ESXi, o.Vendor, o.Wanted = "-", "8", "me", anyPort(o.Wanted)
		_, err := preflight.BuildVIB(ctx, o, GinkgoWriter)
		Expect(err).To(MatchError(ContainSubstring(says)))
		Expect(err).To(BeAssignableToTypeOf(&preflight.UsageError{}))
	},
		Entry("for so many that no name holds them", preflight.VIBOptions{Wanted: preflight.Wanted{Profiles: []string{"ntp", "kms", "vddk-nbd", "vcenter", "vmotion"}}}, "use up to 35 letters"),
		Entry("for an alternative that nothing picks", preflight.VIBOptions{Wanted: preflight.Wanted{Profiles: []string{"syslog"}}}, "which one is not known"),
		Entry("for hosts' own settings", preflight.VIBOptions{Wanted: preflight.Wanted{Profiles: []string{"auto"}}}, "what hosts' own settings ask for is not known here"),
		Entry("with a key of ESXi's", preflight.VIBOptions{Key: "ntpClient", Wanted: preflight.Wanted{Profiles: []string{"ntp"}}}, "ESXi brings itself"),
		Entry("with a port besides", preflight.VIBOptions{Wanted: preflight.Wanted{Profiles: []string{"ntp"}, VCHs: []string{"10.0.0.1"}}}, "--port are of a virtual container host"),
	)
})

var _ = It("a rule file for a profile says what it opens the host to", func(ctx SpecContext) {
	text, doubts, err := preflight.RenderRule(ctx, preflight.RuleOptions{Wanted: anyPort(preflight.Wanted{Files: []string{site(shipping)}})})
	Expect(err).NotTo(HaveOccurred())
	Expect(string(text)).To(And(ContainSubstring("<id>byhand-shipping</id>"), ContainSubstring("<begin>5900</begin>"), ContainSubstring("<direction>inbound</direction>")))
	Expect(strings.Count(string(text), "<rule id")).To(Equal(5))
	Expect(doubts).To(ContainElement(ContainSubstring("it opens the host to every address on TCP 9000")))
	_, _, err = preflight.RenderRule(ctx, preflight.RuleOptions{Key: "preflight-shipping", Wanted: anyPort(preflight.Wanted{Files: []string{site(shipping)}})})
	Expect(err).To(MatchError(ContainSubstring("is the key of a VIB's ruleset")))
})

var _ = It("a change on hosts themselves takes the requirements of profiles that are named", func(ctx SpecContext) {
	o := on(start("open"))
	o.Change.Do, o.Change.Method = preflight.Allow, fix.MethodServiceXML
	Expect(anyPort(preflight.Wanted{Profiles: []string{"auto"}}).Put(&o)).To(Succeed())
	_, err := preflight.Run(ctx, o)
	Expect(err).To(MatchError(ContainSubstring("--method service-xml brings one ruleset for what is named")))

	o.BySettings, o.Change.Ruleset = nil, "site-vsan"
	Expect(anyPort(preflight.Wanted{Profiles: []string{"vsan"}}).Put(&o)).To(Succeed())
	_, err = preflight.Run(ctx, o)
	Expect(err).To(MatchError(ContainSubstring("no known hosts")), "several are taken")
})
