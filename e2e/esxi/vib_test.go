//go:build linux

package esxi_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/tls"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/session"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/e2e/esxi"
	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// client speaks to the simulated vCenter, which has a network of its own.
func (w *world) client(ctx context.Context) *govmomi.Client {
	GinkgoHelper()
	u := *w.vc.URL
	u.User = url.UserPassword(sim.DefaultUser, sim.DefaultPassword)
	s := soap.NewClient(&u, true)
	transport := s.DefaultTransport()
	transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	transport.DialContext, transport.DialTLSContext = w.VC().DialContext, nil
	v, err := vim25.NewClient(ctx, s)
	Expect(err).NotTo(HaveOccurred())
	c := &govmomi.Client{Client: v, SessionManager: session.NewManager(v)}
	Expect(c.Login(ctx, u.User)).To(Succeed())
	return c
}

func (w *world) firewall(ctx context.Context, c *govmomi.Client, host string) *object.HostFirewallSystem {
	GinkgoHelper()
	h, err := find.NewFinder(c.Client).HostSystem(ctx, "/*/host/*/"+host)
	Expect(err).NotTo(HaveOccurred())
	fw, err := h.ConfigManager().FirewallSystem(ctx)
	Expect(err).NotTo(HaveOccurred())
	return fw
}

const (
	accept  = "esxcli software acceptance set --level=CommunitySupported"
	install = "esxcli software vib install -v /tmp/site.vib"
	refresh = "esxcli network firewall refresh"
	site    = "Example_bootbank_site_1.0.0"
)

var _ = Describe("a VIB", func() {
	var w *world
	BeforeEach(func() { w = newWorld("closed", eight, seven, six) })

	// installed puts it onto an 8.0 host that takes the community's.
	installed := func(ctx SpecContext, r recipe) {
		GinkgoHelper()
		r.Modern = true
		w.put(ctx, eight, "/tmp/site.vib", r.make())
		w.must(ctx, eight, accept+" && "+install)
	}

	It("opens the port, after a refresh and after a reboot", func(ctx SpecContext) {
		w.listen()
		w.put(ctx, eight, "/tmp/site.vib", recipe{Modern: true}.make())
		Expect(w.must(ctx, eight, "esxcli software acceptance get")).To(Equal("PartnerSupported\n"))
		Expect(w.must(ctx, eight, accept)).To(Equal("Host acceptance level changed to 'CommunitySupported'.\n"))
		Expect(w.must(ctx, eight, install)).To(Equal("Installation Result\n" +
			"   Message: Operation finished successfully.\n" +
			"   VIBs Installed: Example_bootbank_site_1.0.0\n" +
			"   VIBs Removed: \n" +
			"   VIBs Skipped: \n" +
			"   Reboot Required: false\n" +
			"   DPU Results: \n"))
		By("the file being there, and not yet the ruleset")
		Expect(w.must(ctx, eight, "cat /etc/vmware/firewall/site.xml")).To(Equal(ruleXML("site", 2377)))
		Expect(w.run(ctx, eight, "esxcli network firewall ruleset list -r site").code).To(Equal(1))
		Expect(w.reaches(ctx, eight)).To(BeFalse())
		By("refreshing")
		w.must(ctx, eight, refresh)
		Expect(w.reaches(ctx, eight)).To(BeTrue())
		Expect(w.must(ctx, eight, "esxcli network firewall ruleset list -r site")).To(HaveSuffix("site     true                         true                     true\n"))

		By("starting again")
		w.put(ctx, eight, "/etc/vmware/firewall/byhand.xml", ruleXML("byhand", 2380))
		w.must(ctx, eight, refresh)
		Expect(w.x.Host(eight).Reboot(esxi.SSHOn)).To(Succeed())
		Expect(w.reaches(ctx, eight)).To(BeTrue())
		Expect(w.ruleset(eight, "byhand")).To(BeNil())
		Expect(w.must(ctx, eight, "ls /tmp /etc/vmware/firewall")).To(Equal("/etc/vmware/firewall:\nservice.xml\nsite.xml\n\n/tmp:\n"))

		By("removing it")
		Expect(w.must(ctx, eight, "esxcli software vib remove -n site")).To(HavePrefix(
			"Removal Result\n   Message: Operation finished successfully.\n   VIBs Installed: \n   VIBs Removed: " + site + "\n"))
		Expect(w.reaches(ctx, eight)).To(BeTrue(), "until the refresh")
		w.must(ctx, eight, refresh)
		Expect(w.reaches(ctx, eight)).To(BeFalse())
		Expect(w.must(ctx, eight, "ls /etc/vmware/firewall")).To(Equal("service.xml\n"))
	}, SpecTimeout(limit))

	It("is for one range of versions", func(ctx SpecContext) {
		modern, old := recipe{Modern: true}.make(), recipe{}.make()
		for _, host := range []string{seven, six} {
			w.must(ctx, host, accept)
			w.put(ctx, host, "/tmp/site.vib", modern)
			s := w.run(ctx, host, install)
			Expect(s.code).To(Equal(1))
			Expect(s.err).To(MatchRegexp(`^ \[InstallationError\]\n Calculated digest at EOF does not match expected result: [0-9a-f]{64} calculated, [0-9a-f]{64} expected\.\n       vibs = %s\n`, site))
			w.put(ctx, host, "/tmp/site.vib", old)
			Expect(w.must(ctx, host, install)).To(Equal("Installation Result\n   Message: Operation finished successfully.\n" +
				"   Reboot Required: false\n   VIBs Installed: " + site + "\n   VIBs Removed: \n   VIBs Skipped: \n"))
		}
		w.must(ctx, eight, accept)
		w.put(ctx, eight, "/tmp/site.vib", old)
		for _, options := range []string{"", " -f", " --dry-run", " --no-sig-check"} {
			s := w.run(ctx, eight, install+options)
			Expect(s.code).To(Equal(1), options)
			Expect(s.err).To(HavePrefix(" [ProfileValidationError]\n In ImageProfile (Updated) ESXi-8.0.2-22380479-standard, the payload(s) in VIB " + site +
				" does not have sha-256 gunzip checksum. This will prevent"))
		}
	}, SpecTimeout(limit))

	DescribeTable("is refused", func(sc SpecContext, r recipe, command, text string) {
		ctx, cancel := within(sc)
		defer cancel()
		r.Modern = true
		w.put(ctx, eight, "/tmp/site.vib", r.make())
		w.must(ctx, eight, accept)
		s := w.run(ctx, eight, or(command, install))
		Expect(s.code).To(Equal(1), "%+v", s)
		Expect(s.out).To(BeEmpty())
		Expect(s.err).To(HavePrefix(text))
		Expect(s.err).To(HaveSuffix(" Please refer to the log file for more details.\n"))
		for _, v := range w.x.Host(eight).VIBs() {
			Expect(v.Name).NotTo(Equal("site"))
		}
		Expect(w.must(ctx, eight, "ls /etc/vmware/firewall")).To(Equal("service.xml\n"))
	},
		Entry("by a relative path", recipe{}, "cd /tmp && esxcli software vib install -v site.vib",
			" [VibDownloadError]\n ('site.vib', '/tmp/vib_8p6t0qhn', \"unknown url type: 'site.vib'\")\n        url = site.vib\n"),
		Entry("when it is not there", recipe{}, "esxcli software vib install -v /tmp/none.vib", " [VibDownloadError]\n ('/tmp/none.vib', '',"),
		Entry("when there is no network", recipe{}, "esxcli software vib install -v http://192.0.2.1/site.vib", " [VibDownloadError]\n"),
		Entry("when it is no archive", recipe{After: "echo nonsense > vib"}, "", " [VibDownloadError]\n ('/tmp/site.vib', '/tmp/vib_8p6t0qhn', 'Bad VIB archive header')"),
		Entry("when it is cut off", recipe{After: "truncate -s -200 vib"}, "", " [VibDownloadError]\n ('/tmp/site.vib', '/tmp/vib_8p6t0qhn', 'Bad VIB archive header')"),
		Entry("without a descriptor first", recipe{After: "rm vib; ar rc vib sig.pkcs7 descriptor.xml payload1"}, "", " [VibDownloadError]\n"),
		Entry("with an element of its own", recipe{Extra: "<note>x</note>"}, "",
			" [VibValidationError]\n VIB "+site+" violates extensibility rule checks: ['(line 1: col 0) Element vib failed to validate content']\n"),
		Entry("with a truth value that is none", recipe{Live: "yes"}, "", " [VibValidationError]\n"),
		Entry("with a long payload name", recipe{Payload: "payload10"}, "", " [VibValidationError]\n"),
		Entry("with other bytes than it says", recipe{After: "printf X | dd of=payload1 bs=1 seek=30 conv=notrunc 2>/dev/null; ar rc vib payload1"}, "",
			" [InstallationError]\n Calculated digest at EOF does not match expected result: "),
		Entry("with another size than it says", recipe{After: "printf X >> payload1; ar rc vib payload1"}, "", " [InstallationError]\n Payload payload1 has "),
		Entry("without its payload", recipe{After: "ar d vib payload1"}, "", " [InstallationError]\n Payload payload1 has 0 bytes"),
		Entry("without folders in the payload", recipe{Before: "( cd root && tar --format=ustar -cf ../payload.tar etc/vmware/firewall/$FILE.xml ); gzip -nc payload.tar > payload1"}, "",
			" [InstallationError]\n Unable to read payload payload1: the folder of etc/vmware/firewall/site.xml is missing"),
		Entry("with files that are not in its list", recipe{Before: "echo x > root/etc/vmware/more; ( cd root && find etc | sort | tar --format=ustar --no-recursion -cf ../payload.tar -T - ); gzip -nc payload.tar > payload1"}, "",
			" [InstallationError]\n The files of the payloads"),
		Entry("when it claims a level without a signature", recipe{Level: "partner"}, "", " [VibSigMissingError]\n"),
		Entry("from a depot that is none", recipe{}, "esxcli software vib install -d /tmp/site.vib", " [MetadataDownloadError]\n Could not download from depot at zip:/tmp/site.vib?index.xml"),
		Entry("from a depot by a relative path", recipe{}, "cd /tmp; esxcli software vib install -d site.zip", " [MetadataDownloadError]\n Could not download from depot at zip:/var/log/vmware/site.zip?index.xml"),
	)

	It("is refused by a host that wants a partner's, forced or not", func(ctx SpecContext) {
		w.put(ctx, eight, "/tmp/site.vib", recipe{Modern: true}.make())
		for _, options := range []string{"", " -f", " --force --dry-run", " --no-sig-check"} {
			s := w.run(ctx, eight, install+options)
			Expect(s.code).To(Equal(1), options)
			Expect(s.err).To(Equal(" [AcceptanceConfigError]\n VIB " + site + "'s acceptance level is community, which is not compliant with the ImageProfile acceptance level partner\n" +
				" To change the host acceptance level, use the 'esxcli software acceptance set' command.\n Please refer to the log file for more details.\n"))
		}
		Expect(w.run(ctx, eight, "esxcli software acceptance set --level=community").err).To(ContainSubstring("parameter 'level'"))
	}, SpecTimeout(limit))

	It("holds the acceptance level down", func(ctx SpecContext) {
		installed(ctx, recipe{})
		s := w.run(ctx, eight, "esxcli software acceptance set --level=PartnerSupported")
		Expect(s.err).To(HavePrefix(" [AcceptanceConfigError]\n Unable to set acceptance level of partner due to installed VIBs " + site + " having a lower acceptance level.\n"))
		w.must(ctx, eight, "esxcli software vib remove --vibname=site && esxcli software acceptance set --level PartnerSupported")
	}, SpecTimeout(limit))

	It("does not go with Secure Boot", func(ctx SpecContext) {
		h := w.x.Host(eight)
		w.must(ctx, eight, accept)
		h.SetSecureBoot(true)
		w.put(ctx, eight, "/tmp/site.vib", recipe{Modern: true}.make())
		Expect(w.run(ctx, eight, install+" -f --no-sig-check").err).To(HavePrefix(" [AcceptanceConfigError]\n Secure Boot is enabled"))
		h.SetSecureBoot(false)
		w.must(ctx, eight, install)
		h.SetSecureBoot(true)
		Expect(w.must(ctx, eight, "/usr/lib/vmware/secureboot/bin/secureBoot.py -c")).To(ContainSubstring(site))
		Expect(h.Reboot(esxi.SSHOn)).To(MatchError("UEFI Secure Boot failed: Failed to verify signatures of the following vibs (1): " + site))
		Expect(w.run(ctx, eight, "true").code).To(Equal(255), "the host does not come up")
	}, SpecTimeout(limit))

	It("is forced past the validation and the signature", func(ctx SpecContext) {
		w.put(ctx, eight, "/tmp/site.vib", recipe{Modern: true, Extra: "<note>x</note>", Level: "partner"}.make())
		w.must(ctx, eight, install+" --force")
	}, SpecTimeout(limit))

	It("does not change a host that has it", func(ctx SpecContext) {
		installed(ctx, recipe{})
		Expect(w.must(ctx, eight, install)).To(Equal("Installation Result\n   Message: Host is not changed.\n   VIBs Installed: \n   VIBs Removed: \n" +
			"   VIBs Skipped: " + site + "\n   Reboot Required: false\n   DPU Results: \n"))
		By("another content under the same version")
		w.put(ctx, eight, "/tmp/site.vib", recipe{Modern: true, Port: "2378"}.make())
		Expect(w.run(ctx, eight, install+" -f").err).To(MatchRegexp(`^ \[ValueError\]\n Cannot merge VIBs %s, %s with unequal payloads attributes: \(\[payload1: \d\.\d{3} KB\], \[payload1: \d\.\d{3} KB\]\)`, site, site))
	}, SpecTimeout(limit))

	It("is replaced by another version, up or down; updated only up", func(ctx SpecContext) {
		installed(ctx, recipe{Version: "1.0.10"})
		w.put(ctx, eight, "/tmp/site.vib", recipe{Modern: true, Version: "1.0.9", Port: "2378"}.make())
		update := "esxcli software vib update --viburl /tmp/site.vib"
		Expect(w.must(ctx, eight, update)).To(ContainSubstring("Message: Host is not changed."))
		Expect(w.must(ctx, eight, install)).To(ContainSubstring("   VIBs Installed: Example_bootbank_site_1.0.9\n   VIBs Removed: Example_bootbank_site_1.0.10\n"))
		Expect(w.must(ctx, eight, refresh+" && esxcli network firewall ruleset rule list -r site")).To(ContainSubstring("2378"))
		w.put(ctx, eight, "/tmp/site.vib", recipe{Modern: true, Version: "1.1.0"}.make())
		Expect(w.must(ctx, eight, update)).To(ContainSubstring("   VIBs Installed: Example_bootbank_site_1.1.0\n"))
		w.put(ctx, eight, "/tmp/site.vib", recipe{Modern: true, Name: "another"}.make())
		Expect(w.must(ctx, eight, update)).To(ContainSubstring("VIBs Skipped: Example_bootbank_another_1.0.0"), "an update adds nothing")
	}, SpecTimeout(limit))

	It("does nothing in a dry run", func(ctx SpecContext) {
		w.put(ctx, eight, "/tmp/site.vib", recipe{Modern: true}.make())
		w.must(ctx, eight, accept)
		Expect(w.must(ctx, eight, install+" --dry-run")).To(ContainSubstring("   Message: Dryrun only, host not changed. The following installers will be applied: ["))
		Expect(w.must(ctx, eight, "ls /etc/vmware/firewall")).To(Equal("service.xml\n"))
		Expect(w.run(ctx, eight, "esxcli software vib get -n site").code).To(Equal(1))
		w.must(ctx, eight, install)
		Expect(w.must(ctx, eight, "esxcli software vib remove -n site --dry-run")).To(ContainSubstring("VIBs Removed: " + site))
		w.must(ctx, eight, "esxcli software vib get -n site")
	}, SpecTimeout(limit))

	It("wants the maintenance mode if it says so", func(ctx SpecContext) {
		w.put(ctx, eight, "/tmp/site.vib", recipe{Modern: true, Maintenance: "true"}.make())
		w.must(ctx, eight, accept)
		Expect(w.run(ctx, eight, install).err).To(HavePrefix(" [MaintenanceModeError]\n MaintenanceMode is required to remove: []; install: [" + site + "].\n"))
		w.must(ctx, eight, install+" --maintenance-mode")
	}, SpecTimeout(limit))

	It("has its files for itself", func(ctx SpecContext) {
		installed(ctx, recipe{})
		for _, name := range []string{"site", "service"} {
			w.put(ctx, eight, "/tmp/other.vib", recipe{Modern: true, Name: "other", File: name}.make())
			s := w.run(ctx, eight, "esxcli software vib install --viburl=file:///tmp/other.vib")
			Expect(s.err).To(HavePrefix(" [DependencyError]\n File path of '/etc/vmware/firewall/"+name+".xml' is claimed by multiple non-overlay VIBs"), "%+v", s)
		}
		w.put(ctx, eight, "/tmp/other.vib", recipe{Modern: true, Name: "other"}.make())
		w.must(ctx, eight, "esxcli software vib install --viburl=file:///tmp/other.vib && esxcli software vib get -n Example:other:1.0.0")
		Expect(w.run(ctx, eight, "esxcli software vib remove -n esx-base").err).To(HavePrefix(" [DependencyError]\n"))
	}, SpecTimeout(limit))

	It("waits for a reboot when it does not go live", func(ctx SpecContext) {
		w.listen()
		w.put(ctx, seven, "/tmp/site.vib", recipe{Live: "false", LiveRemove: "false"}.make())
		Expect(w.must(ctx, seven, accept+" > /dev/null && "+install)).To(Equal("Installation Result\n" +
			"   Message: The update completed successfully, but the system needs to be rebooted for the changes to be effective.\n" +
			"   Reboot Required: true\n   VIBs Installed: " + site + "\n   VIBs Removed: \n   VIBs Skipped: \n"))
		w.must(ctx, seven, refresh)
		Expect(w.reaches(ctx, seven)).To(BeFalse())
		Expect(w.must(ctx, seven, "esxcli software vib list")).NotTo(ContainSubstring("site "))
		Expect(w.must(ctx, seven, "esxcli software vib list --rebooting-image")).To(ContainSubstring("site "))
		Expect(w.x.Host(seven).Reboot(esxi.SSHOn)).To(Succeed())
		Expect(w.reaches(ctx, seven)).To(BeTrue())
		Expect(w.must(ctx, seven, "esxcli software vib remove -n site")).To(ContainSubstring("Reboot Required: true"))
		Expect(w.x.Host(seven).Reboot(esxi.SSHOff)).To(Succeed())
		Expect(w.dials(ctx, seven)).To(BeFalse())
	}, SpecTimeout(limit))

	It("comes from an offline bundle, too", func(ctx SpecContext) {
		dir := GinkgoT().TempDir()
		Expect(os.MkdirAll(filepath.Join(dir, "vib20/site"), 0o755)).To(Succeed())
		Expect(os.WriteFile(filepath.Join(dir, "index.xml"), []byte("<vendorList/>"), 0o600)).To(Succeed())
		Expect(os.WriteFile(filepath.Join(dir, "vib20/site/"+site+".vib"), []byte(recipe{Modern: true}.make()), 0o600)).To(Succeed())
		var bundle bytes.Buffer
		z := zip.NewWriter(&bundle)
		Expect(z.AddFS(os.DirFS(dir))).To(Succeed())
		Expect(z.Close()).To(Succeed())
		w.put(ctx, eight, "/tmp/bundle.zip", bundle.String())
		w.must(ctx, eight, accept)
		Expect(w.run(ctx, eight, "esxcli software vib install -d /tmp/bundle.zip -n nope").err).To(HavePrefix(" [NoMatchError]\n"))
		Expect(w.must(ctx, eight, "esxcli software vib install -d /tmp/bundle.zip -n site")).To(ContainSubstring("VIBs Installed: " + site))
	}, SpecTimeout(limit))

	It("is listed, described and in the database with its files", func(ctx SpecContext) {
		installed(ctx, recipe{})
		list := strings.Split(w.must(ctx, eight, "esxcli software vib list"), "\n")
		Expect(list[0]).To(MatchRegexp(`^Name +Version +Vendor +Acceptance Level +Install Date  Platforms$`))
		Expect(list).To(ContainElement(MatchRegexp(`^site +1\.0\.0 +Example  CommunitySupported +%s +host$`, time.Now().UTC().Format(time.DateOnly))))
		Expect(w.must(ctx, six, "esxcli software vib list")).To(MatchRegexp(`esx-base +6\.5\.0-0\.0\.5969303 +VMware  VMwareCertified +2023-03-28\n`))
		Expect(w.must(ctx, eight, "esxcli software vib get -n site")).To(Equal(site + "\n   Name: site\n   Version: 1.0.0\n   Type: bootbank\n   Vendor: Example\n" +
			"   Acceptance Level: CommunitySupported\n   Summary: A test's ruleset\n   Description: Lets a port out\n   ReferenceURLs: \n   Creation Date: 2024-03-28\n" +
			"   Depends: \n   Conflicts: \n   Replaces: \n   Provides: \n   Maintenance Mode Required: False\n   Hardware Platforms Required: \n   Live Install Allowed: True\n" +
			"   Live Remove Allowed: True\n   Stateless Ready: True\n   Overlay: False\n   Tags: \n   Payloads: payload1\n   Platforms: host\n"))
		for _, command := range []string{"get -n nope", "remove -n nope"} {
			Expect(w.run(ctx, eight, "esxcli software vib "+command).err).To(HavePrefix(" [NoMatchError]\n No VIB matching VIB search specification 'nope'.\n"))
		}
		Expect(w.must(ctx, eight, "grep -l '<file>etc/vmware/firewall/site.xml</file>' /var/db/esximg/vibs/*.xml")).To(MatchRegexp(`^/var/db/esximg/vibs/site--?\d+\.xml\n$`))
		Expect(w.must(ctx, eight, "cat /var/db/esximg/vibs/site-*.xml")).To(ContainSubstring("<installdate>"))

		By("the API saying the same")
		c := w.client(ctx)
		var host mo.HostSystem
		Expect(property.DefaultCollector(c.Client).RetrieveOne(ctx, w.vc.Host(eight).Ref, []string{"configManager.imageConfigManager"}, &host)).To(Succeed())
		res, err := methods.FetchSoftwarePackages(ctx, c, &types.FetchSoftwarePackages{This: *host.ConfigManager.ImageConfigManager})
		Expect(err).NotTo(HaveOccurred())
		Expect(res.Returnval).To(ContainElement(And(HaveField("Name", "site"), HaveField("AcceptanceLevel", "community"), HaveField("Vendor", "Example"))))
	}, SpecTimeout(limit))
})

var _ = Describe("a reboot", func() {
	var w *world

	It("loses files and keeps what was set", func(ctx SpecContext) {
		w = newWorld("closed", eight)
		w.listen()
		h := w.x.Host(eight)
		w.put(ctx, eight, "/etc/vmware/firewall/byhand.xml", ruleXML("byhand", 2377))
		w.must(ctx, eight, "f=/etc/vmware/firewall/service.xml; chmod 644 $f; sed -i 's/<id>webAccess/<id>renamed/' $f; touch /tmp/mine; "+refresh+
			"; esxcli network firewall ruleset set -r vSPC -a false; esxcli network firewall ruleset allowedip add -r vSPC -i 192.0.2.1; esxcli network firewall unload")
		Expect(w.ruleset(eight, "renamed")).NotTo(BeNil())
		w.must(ctx, eight, "esxcli network firewall ruleset set -r vSPC -e true; esxcli network firewall load")
		Expect(w.reaches(ctx, eight)).To(BeTrue())

		before := time.Now()
		Expect(h.Reboot(esxi.SSHOff)).To(Succeed())
		Expect(w.dials(ctx, eight)).To(BeFalse(), "the file made by hand is gone")
		Expect(w.run(ctx, eight, "true").code).To(Equal(255), "nobody on port 22")
		Expect(w.vc.Host(eight).ServiceRunning("TSM-SSH")).To(BeFalse())
		Expect(w.vc.Host(eight).Object().Runtime.BootTime).To(HaveValue(BeTemporally(">=", before)))
		Expect(w.ruleset(eight, "byhand")).To(BeNil())
		Expect(w.ruleset(eight, "renamed")).To(BeNil())
		Expect(w.ruleset(eight, "webAccess")).NotTo(BeNil())
		Expect(w.ruleset(eight, "vSPC")).To(And(HaveField("Enabled", true), HaveField("AllowedHosts.IpAddress", []string{"192.0.2.1"})))
		info, err := h.Stat("/etc/vmware/firewall/service.xml")
		Expect(err).NotTo(HaveOccurred())
		Expect(info.Mode()).To(Equal(os.ModeSticky | 0o444))

		Expect(w.StartSSH(eight)).To(Succeed())
		Expect(w.must(ctx, eight, "ls /tmp /etc/vmware/firewall")).To(Equal("/etc/vmware/firewall:\nservice.xml\n\n/tmp:\n"))
	}, SpecTimeout(limit))

	It("ends sessions", func(ctx SpecContext) {
		w = newWorld("closed", eight)
		ended := make(chan said, 1)
		go func() {
			defer GinkgoRecover()
			ended <- w.run(ctx, eight, "touch /tmp/started; exec sleep 50")
		}()
		Eventually(func() error { _, err := w.x.Host(eight).Stat("/tmp/started"); return err }).WithContext(ctx).Should(Succeed())
		Expect(w.x.Host(eight).Reboot(esxi.SSHOn)).To(Succeed())
		Eventually(ended).WithContext(ctx).Should(Receive(WithTransform(func(s said) int { return s.code }, Equal(255))))
		w.must(ctx, eight, "true")
	}, SpecTimeout(limit))

	It("loses the ruleset that a scenario's host has by hand, not the one from a VIB", func(ctx SpecContext) {
		w = newWorld("mixed", "esx23.example", "esx24.example")
		w.listen()
		for _, h := range []string{"esx23.example", "esx24.example"} {
			Expect(w.reaches(ctx, h)).To(BeTrue())
			Expect(w.x.Host(h).Reboot(esxi.SSHOn)).To(Succeed())
		}
		Expect(w.reaches(ctx, "esx23.example")).To(BeFalse(), "vicoutgoing")
		Expect(w.reaches(ctx, "esx24.example")).To(BeTrue(), "vmware-vic")
		Expect(w.must(ctx, "esx24.example", "grep -h firewall/vmware-vic.xml /var/db/esximg/vibs/vmware-vic-*.xml")).NotTo(BeEmpty())
		w.must(ctx, "esx24.example", "esxcli software vib remove -n vmware-vic && "+refresh)
		Expect(w.reaches(ctx, "esx24.example")).To(BeFalse())
	}, SpecTimeout(limit))
})
