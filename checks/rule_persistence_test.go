package checks_test

import (
	"cmp"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

var _ = DescribeTable("rule-persistence", verifyHostRow(checks.RulePersistence),
	Entry("built in", hostRow{host(vicEngine(true, all())), checks.Pass, "survives-reboot"}),
	Entry("by VIB", hostRow{host(ruleset("vmware-vic", true, all(), outbound(2377, 0))), checks.Pass, "survives-reboot"}),
	Entry("by hand", hostRow{host(ruleset("vicoutgoing", true, all(), outbound(2377, 0))), checks.Warn, "lost-at-reboot"}),
	Entry("by hand, with a built-in one beside it", hostRow{
		host(ruleset("vicoutgoing", true, all(), outbound(2377, 0)), vSPC(true, all())), checks.Pass, "survives-reboot",
	}),
	Entry("by hand for all, built in for some only", hostRow{
		host(ruleset("vicoutgoing", true, all(), outbound(2377, 0)), vSPC(true, addresses("10.0.0.5"))), checks.Warn, "lost-at-reboot",
	}),
	Entry("of unknown origin", hostRow{host(ruleset("site", true, all(), outbound(2377, 0))), checks.Warn, "origin-unknown"}),
	Entry("of unknown origin and by hand", hostRow{
		host(ruleset("site", true, all(), outbound(2377, 0)), ruleset("vicoutgoing", true, all(), outbound(2377, 0))), checks.Warn, "origin-unknown",
	}),
	Entry("a list by hand beside another that is built in", hostRow{
		host(ruleset("vicoutgoing", true, addresses("10.0.0.5"), outbound(2377, 0)), vSPC(true, addresses("10.9.9.9"))), checks.Warn, "lost-at-reboot",
	}),
	Entry("allowed hosts not known", hostRow{host(ruleset("vicoutgoing", true, nil, outbound(2377, 0))), checks.Unknown, "facts-unavailable"}),
	Entry("nothing enabled", hostRow{host(vSPC(false, all())), checks.Skip, "nothing-to-persist"}),
	Entry("only borrowed", hostRow{host(nfs(true, all())), checks.Skip, "nothing-to-persist"}),
	Entry("not read", hostRow{with(host(), func(h *inventory.Host) { h.Firewall.Unreadable = "no" }), checks.Unknown, "facts-unavailable"}),
	Entry("a list that was read beside one that was not", hostRow{
		host(vSPC(true, addresses("10.0.0.5")), ruleset("vicoutgoing", true, nil, outbound(2377, 0))), checks.Unknown, "facts-unavailable",
	}),
)

// site is a ruleset whose key tells nothing.
func site() *inventory.Ruleset { return ruleset("site-docker", true, all(), outbound(2375, 2380)) }

func byHand() *inventory.Ruleset { return ruleset("vicoutgoing", true, all(), outbound(2377, 0)) }

func fromVIB() *inventory.Ruleset { return ruleset("vmware-vic", true, all(), outbound(2377, 0)) }

// What a host may have installed: what VMware ships, and more.
var (
	esxBase   = inventory.VIB{Name: "esx-base", Version: "8.0.2-0.0.22380479", Vendor: "VMware", AcceptanceLevel: "vmware_certified"}
	driver    = inventory.VIB{Name: "ixgben", Version: "1.7.1.35-1vmw.802.0.0.22380479", Vendor: "VMW", AcceptanceLevel: "vmware_certified"}
	broadcom  = inventory.VIB{Name: "esxio", Version: "8.0.2-0.0.22380479", Vendor: "Broadcom", AcceptanceLevel: "vmware_certified"}
	hostUI    = inventory.VIB{Name: "esx-ui", Version: "2.12.0-21482143", Vendor: "VMware", AcceptanceLevel: "vmware_certified"}
	nsx       = inventory.VIB{Name: "nsx-host", Version: "4.1.0.0.0-8.0.21332672", Vendor: "VMware", AcceptanceLevel: "vmware_certified"}
	partner   = inventory.VIB{Name: "amsd", Version: "701", Vendor: "HPE", AcceptanceLevel: "partner"}
	community = inventory.VIB{Name: "ghettoVCB", Version: "1.0", Vendor: "virtuallyGhetto", AcceptanceLevel: inventory.Community}
	disguised = inventory.VIB{Name: "zz-tools", Version: "2.0", Vendor: "VMware", AcceptanceLevel: inventory.Community}
	anonymous = inventory.VIB{Name: "mystery", AcceptanceLevel: "partner"}
	vmwareVIC = inventory.VIB{Name: "VMware-VIC", Version: "1.0.0", Vendor: "VMware", AcceptanceLevel: inventory.Community}
)

func running(h inventory.Host, vibs ...inventory.VIB) inventory.Host {
	h.Version = cmp.Or(h.Version, "8.0.2")
	h.Software = inventory.Software{VIBs: vibs}
	return h
}

func unlisted(h inventory.Host) inventory.Host {
	h.Software = inventory.Software{Unreadable: "the account lacks the privilege Host.Config.Image"}
	return h
}

func looked(h inventory.Host, key, file, vib string) inventory.Host {
	h.Origins = map[string]inventory.Origin{key: {File: file, VIB: vib}}
	return h
}

type originRow struct {
	host   inventory.Host
	status checks.Status
	reason checks.Reason
	detail string
}

const (
	serviceXML = "/etc/vmware/firewall/service.xml"
	siteXML    = "/etc/vmware/firewall/site.xml"
	handmade   = "was written by hand, since neither ESXi nor any VIB brings it: it is lost at the next reboot"
)

var _ = It("a ruleset that decides of several groups of ports is told of once", func() {
	req := needs("outbound", "tcp", 2375, 2376, 2377, 2378)
	h := running(host(site(), vicEngine(false, all())), esxBase)
	for _, r := range checks.Run(checks.Default(), factsFor(req, h)) {
		if r.Check == checks.RulePersistence {
			Expect(r.Detail).To(Equal("site-docker " + handmade))
		}
	}
})

var _ = DescribeTable("rule-persistence says by which way the port is open",
	func(row originRow) {
		r := only(checks.RulePersistence, facts(row.host))[0]
		Expect(r.Status).To(Equal(row.status), r.Detail)
		Expect(r.Reason).To(Equal(row.reason), r.Detail)
		Expect(r.Detail).To(Equal(row.detail))
	},
	Entry("built in", originRow{host(vicEngine(true, all())), checks.Pass, "survives-reboot", "vic-engine is built in: it survives a reboot"}),
	Entry("built in, whatever is installed", originRow{running(host(vicEngine(true, all())), esxBase, community), checks.Pass, "survives-reboot", "vic-engine is built in: it survives a reboot"}),

	Entry("by the VIB of its name, in another case", originRow{
		running(host(fromVIB()), esxBase, vmwareVIC), checks.Pass, "survives-reboot", "vmware-vic comes from the VIB VMware-VIC 1.0.0 by VMware: it survives a reboot",
	}),
	Entry("by a VIB of its name that says neither version nor vendor", originRow{
		running(host(site()), esxBase, inventory.VIB{Name: "site-docker"}), checks.Pass, "survives-reboot", "site-docker comes from the VIB site-docker: it survives a reboot",
	}),
	Entry("by a VIB and built in", originRow{
		running(host(ruleset("vmware-vic", true, addresses("10.0.0.5"), outbound(2377, 0)), vSPC(true, addresses("10.0.0.6"))), vmwareVIC), checks.Pass, "survives-reboot",
		"vmware-vic comes from the VIB VMware-VIC 1.0.0 by VMware: it survives a reboot; vSPC is built in: it survives a reboot",
	}),
	Entry("under vicoutgoing's name, and yet by a VIB", originRow{
		running(host(byHand()), inventory.VIB{Name: "vicoutgoing", Version: "1", Vendor: "us"}), checks.Pass, "survives-reboot", "vicoutgoing comes from the VIB vicoutgoing 1 by us: it survives a reboot",
	}),

	Entry("by hand, with VMware's own VIBs alone", originRow{running(host(site()), esxBase, driver, broadcom, hostUI), checks.Warn, "lost-at-reboot", "site-docker " + handmade}),
	Entry("by hand under vicoutgoing's name, with a partner's drivers installed", originRow{
		running(host(byHand()), esxBase, partner), checks.Warn, "lost-at-reboot", "vicoutgoing " + handmade,
	}),
	Entry("by hand under a VIB's name", originRow{running(host(fromVIB()), esxBase, driver), checks.Warn, "lost-at-reboot", "vmware-vic " + handmade}),

	Entry("not known, with a community VIB installed", originRow{
		running(host(byHand()), esxBase, community), checks.Warn, "origin-unknown",
		"vicoutgoing is not built in, and no VIB has its name: unless another one brought it (ghettoVCB 1.0 by virtuallyGhetto), it is lost at the next reboot",
	}),
	Entry("not known, with a community VIB that says it is VMware's", originRow{
		running(host(site()), esxBase, disguised), checks.Warn, "origin-unknown",
		"site-docker is not built in, and no VIB has its name: unless another one brought it (zz-tools 2.0 by VMware), it is lost at the next reboot",
	}),
	Entry("not known, with a community VIB that has ESXi's own version besides", originRow{
		running(host(site()), esxBase, inventory.VIB{Name: "zz-base", Version: esxBase.Version, Vendor: "VMware", AcceptanceLevel: inventory.Community}), checks.Warn, "origin-unknown",
		"site-docker is not built in, and no VIB has its name: unless another one brought it (zz-base 8.0.2-0.0.22380479 by VMware), it is lost at the next reboot",
	}),
	Entry("built in, on a host that Auto Deploy starts", originRow{
		with(host(vicEngine(true, all())), func(h *inventory.Host) { h.Stateless = inventory.Yes }), checks.Warn, "origin-unknown",
		"vic-engine is on a host that Auto Deploy starts, where nothing outlasts a reboot but what its image and its host profile bring",
	}),
	Entry("by NSX", originRow{
		running(host(ruleset("nsxProxyRule", true, all(), outbound(2000, 3000))), esxBase, nsx), checks.Pass, "survives-reboot",
		"nsxProxyRule comes from NSX's VIBs, to go by its name: it survives a reboot",
	}),
	Entry("by hand under a name of NSX's", originRow{
		running(host(ruleset("nsxProxyRule", true, all(), outbound(2000, 3000))), esxBase), checks.Warn, "lost-at-reboot", "nsxProxyRule " + handmade,
	}),
	Entry("not known, with a VIB of VMware's that ESXi does not consist of", originRow{
		running(host(site()), esxBase, driver, hostUI, nsx), checks.Warn, "origin-unknown",
		"site-docker is not built in, and no VIB has its name: unless another one brought it (nsx-host 4.1.0.0.0-8.0.21332672 by VMware), it is lost at the next reboot",
	}),
	Entry("not known, with many: three are named, the community's first", originRow{
		running(host(site()), anonymous, partner, disguised, community, inventory.VIB{Name: "nmlx5", Vendor: "MEL"}), checks.Warn, "origin-unknown",
		"site-docker is not built in, and no VIB has its name: unless another one brought it " +
			"(ghettoVCB 1.0 by virtuallyGhetto, zz-tools 2.0 by VMware, amsd 701 by HPE, and 2 more), it is lost at the next reboot",
	}),
	Entry("not known, on an ESXi whose own rulesets are not known", originRow{
		with(running(host(site()), esxBase), func(h *inventory.Host) { h.Version = "9.0.0" }), checks.Warn, "origin-unknown",
		"site-docker has no VIB of its name, and what ESXi 9.0.0 brings is not known: unless it is built in, it is lost at the next reboot",
	}),

	Entry("by its key, where the list was refused", originRow{
		unlisted(host(fromVIB())), checks.Pass, "survives-reboot",
		"vmware-vic comes from a VIB, to go by its name (what is installed could not be read: the account lacks the privilege Host.Config.Image): it survives a reboot",
	}),
	Entry("by hand by its key, where the list was refused", originRow{
		unlisted(host(byHand())), checks.Warn, "lost-at-reboot",
		"vicoutgoing is written into service.xml by hand, to go by its name: it is lost at the next reboot (what is installed could not be read: the account lacks the privilege Host.Config.Image)",
	}),
	Entry("not known by its key, where the list was refused", originRow{
		unlisted(host(site())), checks.Warn, "origin-unknown",
		"site-docker is not built in: unless a VIB brought it, it is lost at the next reboot (what is installed could not be read: the account lacks the privilege Host.Config.Image)",
	}),
	Entry("not known by its key, where nobody asked", originRow{
		host(site()), checks.Warn, "origin-unknown", "site-docker is not built in: unless a VIB brought it, it is lost at the next reboot",
	}),

	Entry("by a VIB that the host names, whatever its list says", originRow{
		looked(running(host(site()), esxBase), "site-docker", siteXML, "our-rules"), checks.Pass, "survives-reboot",
		"site-docker comes from the VIB our-rules, which owns " + siteXML + ": it survives a reboot",
	}),
	Entry("by a file that no VIB owns, although a VIB has its name", originRow{
		looked(running(host(fromVIB()), vmwareVIC), "vmware-vic", serviceXML, ""), checks.Warn, "lost-at-reboot",
		"vmware-vic stands in " + serviceXML + ", which no VIB brought: it is lost at the next reboot",
	}),
	Entry("by a file, where the list was refused", originRow{
		looked(unlisted(host(site())), "site-docker", siteXML, ""), checks.Warn, "lost-at-reboot",
		"site-docker stands in " + siteXML + ", which no VIB brought: it is lost at the next reboot",
	}),
	Entry("built in, in a file that is put together at boot", originRow{
		looked(host(vicEngine(true, all())), "vic-engine", serviceXML, ""), checks.Pass, "survives-reboot", "vic-engine is built in: it survives a reboot",
	}),
	Entry("as before, where the host was looked into for another", originRow{
		looked(host(site()), "vicoutgoing", serviceXML, ""), checks.Warn, "origin-unknown", "site-docker is not built in: unless a VIB brought it, it is lost at the next reboot",
	}),
	Entry("as before, where the host did not find it", originRow{
		looked(host(site()), "site-docker", "", ""), checks.Warn, "origin-unknown", "site-docker is not built in: unless a VIB brought it, it is lost at the next reboot",
	}),
)

var (
	reported = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	later    = reported.Add(48 * time.Hour)
)

// remembered is a host that started at a time, and of which an earlier report
// names rulesets.
func remembered(h inventory.Host, boot time.Time, rulesets ...string) inventory.Host {
	h.BootTime, h.Earlier = boot, &inventory.Earlier{ReportedAt: reported, Rulesets: map[string][]string{"vic": rulesets}}
	return h
}

const gone = "vicoutgoing permitted TCP 2377 on 2026-01-02T03:04:05Z; the host started again at 2026-01-04T03:04:05Z, and it is gone"

var _ = DescribeTable("rule-persistence after an earlier report",
	func(row originRow) {
		r := only(checks.RulePersistence, facts(row.host))[0]
		Expect(r.Status).To(Equal(row.status), r.Detail)
		Expect(r.Reason).To(Equal(row.reason), r.Detail)
		Expect(r.Detail).To(ContainSubstring(row.detail))
	},
	Entry("gone since the host started again", originRow{remembered(host(vSPC(false, all())), later, "vicoutgoing"), checks.Fail, "lost-by-reboot", gone}),
	Entry("gone, with another by hand in its place", originRow{remembered(host(site()), later, "vicoutgoing"), checks.Fail, "lost-by-reboot", gone}),
	Entry("gone, with a list in its place that was not read", originRow{remembered(host(vSPC(true, nil)), later, "vicoutgoing"), checks.Fail, "lost-by-reboot", gone}),
	Entry("two gone", originRow{remembered(host(), later, "vicoutgoing", "site"), checks.Fail, "lost-by-reboot", "vicoutgoing+site permitted TCP 2377"}),
	Entry("one of two gone", originRow{remembered(host(site()), later, "site-docker", "vicoutgoing"), checks.Fail, "lost-by-reboot", gone}),
	Entry("made good by one that lasts", originRow{remembered(host(vicEngine(true, all())), later, "vicoutgoing"), checks.Pass, "survives-reboot", "vic-engine is built in"}),
	Entry("written by hand again", originRow{remembered(host(byHand()), later, "vicoutgoing"), checks.Warn, "lost-at-reboot", "by hand"}),
	Entry("still there, but shut", originRow{
		remembered(host(ruleset("vicoutgoing", false, all(), outbound(2377, 0))), later, "vicoutgoing"), checks.Skip, "nothing-to-persist", "",
	}),
	Entry("gone, without a start since", originRow{remembered(host(), reported.Add(-time.Hour), "vicoutgoing"), checks.Skip, "nothing-to-persist", ""}),
	Entry("gone, with a start at the same moment", originRow{remembered(host(), reported, "vicoutgoing"), checks.Skip, "nothing-to-persist", ""}),
	Entry("gone, and nobody knows when the host started", originRow{remembered(host(), time.Time{}, "vicoutgoing"), checks.Skip, "nothing-to-persist", ""}),
	Entry("nothing that was in doubt", originRow{remembered(host(), later), checks.Skip, "nothing-to-persist", ""}),
	Entry("not read now", originRow{
		with(remembered(host(), later, "vicoutgoing"), func(h *inventory.Host) { h.Firewall.Unreadable = "no" }), checks.Unknown, "facts-unavailable", "",
	}),
	Entry("not connected now", originRow{
		with(remembered(host(), later, "vicoutgoing"), func(h *inventory.Host) { h.Connection = inventory.NotResponding }), checks.Unknown, "facts-unavailable", "",
	}),
)

var _ = Describe("PersistentOn", func() {
	It("differs between hosts that share their rulesets, also in outbound-port's verdict", func() {
		shared := []*inventory.Ruleset{fromVIB(), vSPC(false, all())}
		plain := host(shared...)
		hosts := []inventory.Host{
			plain, running(plain, esxBase, vmwareVIC), running(plain, esxBase), running(plain, esxBase, community),
			looked(plain, "vmware-vic", serviceXML, ""), plain,
		}
		want := []inventory.Tristate{inventory.Yes, inventory.Yes, inventory.No, inventory.Unknown, inventory.No, inventory.Yes}
		for range 2 { // whoever is first
			for i, r := range only(checks.OutboundPort, facts(hosts...)) {
				Expect(r.Rulesets).To(HaveLen(2))
				Expect(r.Rulesets[0].Key).To(Equal("vmware-vic"))
				Expect(r.Rulesets[0].Persistent).To(Equal(want[i]), "host %d", i)
				Expect(r.Rulesets[1].Persistent).To(Equal(inventory.Yes))
				Expect(checks.PersistentOn(&hosts[i], shared[0])).To(Equal(want[i]))
			}
			for i, j := 0, len(hosts)-1; i < j; i, j = i+1, j-1 {
				hosts[i], hosts[j], want[i], want[j] = hosts[j], hosts[i], want[j], want[i]
			}
		}
	})

	It("is by the key alone where no more is known", func() {
		h := host()
		for key, want := range map[string]inventory.Tristate{
			"vic-engine": inventory.Yes, "nfsClient": inventory.Yes, "vmware-vic": inventory.Yes, "vicoutgoing": inventory.No, "site": inventory.Unknown,
		} {
			Expect(checks.PersistentOn(&h, &inventory.Ruleset{Key: key})).To(Equal(want), key)
		}
	})
})

var _ = Describe("SoftwareMatters", func() {
	matters := func(h inventory.Host) bool { return checks.NewJudge(checks.VIC()).SoftwareMatters(&h) }

	It("is where a ruleset that ESXi does not bring decides", func() {
		Expect(matters(host(site()))).To(BeTrue())
		Expect(matters(host(fromVIB()))).To(BeTrue())
		Expect(matters(host(byHand(), vSPC(true, addresses("10.0.0.5"))))).To(BeTrue())
	})
	It("is nowhere else", func() {
		Expect(matters(host(vicEngine(true, all())))).To(BeFalse())
		Expect(matters(host(byHand(), vSPC(true, all())))).To(BeFalse())
		Expect(matters(host(ruleset("site", false, all(), outbound(2377, 0))))).To(BeFalse(), "shut")
		Expect(matters(host(ruleset("site", true, all(), outbound(80, 0))))).To(BeFalse(), "another port")
		Expect(matters(host(nfs(true, all())))).To(BeFalse())
		Expect(matters(with(host(site()), func(h *inventory.Host) { h.Connection = inventory.Disconnected }))).To(BeFalse())
		Expect(matters(with(host(site()), func(h *inventory.Host) { h.Firewall.Unreadable = "no" }))).To(BeFalse())
	})
	It("tells where the verdict does not hang on it", func() {
		spared := 0
		for range 3000 {
			h, req := randomHost()
			h.Origins, h.Software = nil, inventory.Software{}
			if checks.NewJudge(req).SoftwareMatters(&h) {
				continue
			}
			spared++
			verdict := func() [2]string {
				r := only(checks.RulePersistence, factsFor(req, h))[0]
				return [2]string{r.Status.String(), string(r.Reason)}
			}
			want := verdict()
			for range 4 {
				h.Software = randomSoftware()
				Expect(verdict()).To(Equal(want), "%+v", h)
			}
		}
		Expect(spared).To(BeNumerically(">", 300))
	})
})

var _ = Describe("rule-persistence", func() {
	It("passes only where what lasts lets through all that passes now", func() {
		passed := 0
		for range 3000 {
			h, req := randomHost()
			f := factsFor(req, h)
			before := only(checks.OutboundPort, f)[0]
			r := only(checks.RulePersistence, f)[0]
			if r.Status != checks.Pass {
				continue
			}
			passed++
			kept := h
			kept.Firewall.Rulesets = nil
			for _, rs := range h.Firewall.Rulesets {
				if checks.PersistentOn(&h, rs) == inventory.Yes {
					kept.Firewall.Rulesets = append(kept.Firewall.Rulesets, rs)
				}
			}
			after := verdictOn(&kept, req)
			Expect(after.Status.Worse(before.Status)).To(BeFalse(), "%s became %s", before.Detail, after.Detail)
		}
		Expect(passed).To(BeNumerically(">", 100))
	})
})

func randomSoftware() inventory.Software {
	switch random.IntN(4) {
	case 0:
		return inventory.Software{NotAsked: true}
	case 1:
		return inventory.Software{Unreadable: "no"}
	}
	vibs := []inventory.VIB{esxBase}
	for _, v := range []inventory.VIB{driver, partner, community, {Name: "site", Vendor: "us"}, {Name: "VicOutgoing", Vendor: "us"}} {
		if random.IntN(3) == 0 {
			vibs = append(vibs, v)
		}
	}
	return inventory.Software{VIBs: vibs}
}
